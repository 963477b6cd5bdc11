/** @file Half-precision numbers (IEEE 754 binary16) as 16-bit patterns. */

import { Float16Array } from "@petamoriken/float16";

/** The largest finite half. */
export const LARGEST_HALF = 65504;
/** The least magnitude that rounds to an infinite half. */
export const HALF_OVERFLOW = 65520;

/** The patterns of numbers rounded to the nearest half, ties to even, straight from f64. */
export function toHalves(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  return new Uint16Array(new Float16Array(values).buffer);
}

let decoded: Float32Array | undefined;

/** The value of every 16-bit pattern. */
function halfTable(): Float32Array {
  if (decoded !== undefined) return decoded;
  const table = new Float32Array(65536);
  for (let pattern = 0; pattern < 65536; pattern++) {
    const exponent = (pattern >>> 10) & 31;
    const fraction = pattern & 1023;
    const magnitude =
      exponent === 0 ? fraction * 2 ** -24 : exponent < 31 ? (1024 + fraction) * 2 ** (exponent - 25) : fraction === 0 ? Infinity : NaN;
    table[pattern] = pattern < 32768 ? magnitude : -magnitude;
  }
  return (decoded = table);
}

/** The numbers that half patterns stand for; every half is an f32. */
export function fromHalves(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  const table = halfTable();
  const values = new Float32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) values[i] = table[patterns[i] ?? 0] ?? 0;
  return values;
}

/** The numbers that bfloat16 patterns stand for: the upper half of an f32. */
export function fromBrains(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) bits[i] = (patterns[i] ?? 0) << 16;
  return new Float32Array(bits.buffer);
}
