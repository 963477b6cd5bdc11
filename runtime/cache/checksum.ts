/**
 * CRC-32 as of IEEE 802.3 (reflected polynomial 0xEDB88320), in hexadecimal: it tells every change of up to 32 bits in a
 * row, and misses another with a chance of 2⁻³².
 */
export function checksum(parts: Iterable<Uint8Array>): string {
  let crc = 0xffff_ffff;
  for (const part of parts) for (const byte of part) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ((crc ^ 0xffff_ffff) >>> 0).toString(16).padStart(8, "0");
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb8_8320;
  return crc;
});
