/** @file Reads the files of a tar archive (POSIX ustar). */

import { InternalError } from "../../spec/diagnostics/diagnostic";

const BLOCK = 512;

/** The regular files of an archive, by name. Folders, links and other entries are passed over. */
export function tarFiles(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + BLOCK);
    const size = Number.parseInt(text(header, 124, 12), 8);
    const end = at + BLOCK + size;
    if (!(size >= 0) || end > archive.length) throw new InternalError("a tar archive ends in the middle of a file");
    const type = header[156];
    if (type === 0 || type === "0".charCodeAt(0)) files.set(name(header), archive.subarray(at + BLOCK, end));
    at = Math.ceil(end / BLOCK) * BLOCK;
  }
  return files;
}

function name(header: Uint8Array): string {
  const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
  const rest = text(header, 0, 100);
  return prefix === "" ? rest : `${prefix}/${rest}`;
}

/** A field of a header: text up to the first NUL. */
function text(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end)).trim();
}
