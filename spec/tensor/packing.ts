/**
 * @file The packed form of `uint(b)` tensors: codes of `b` bits stand side by side along the last axis, least significant
 * bit first, in little-endian 32-bit words; a code may straddle two words; each row begins at a whole word and the bits
 * after its last code are 0.
 */

import { elementCount } from "./tensor";

/** Words that one row of `length` codes of `bits` bits takes. */
export function wordsPerRow(length: number, bits: number): number {
  return Math.ceil((length * bits) / 32);
}

interface Rows {
  readonly rows: number;
  readonly length: number;
  readonly words: number;
}

/** The rows of a packed tensor; a scalar is one row of one code. */
function rowsOf(shape: readonly number[], bits: number): Rows {
  const length = shape.at(-1) ?? 1;
  return { rows: elementCount(shape.slice(0, -1)), length, words: wordsPerRow(length, bits) };
}

/** Words that a `uint(bits)` tensor of `shape` takes. */
export function packedWords(shape: readonly number[], bits: number): number {
  const { rows, words } = rowsOf(shape, bits);
  return rows * words;
}

/** Packs codes, each of which must be a whole number from 0 to 2^bits − 1. */
export function packCodes(shape: readonly number[], codes: ArrayLike<number>, bits: number): Uint32Array<ArrayBuffer> {
  const { rows, length, words } = rowsOf(shape, bits);
  const packed = new Uint32Array(rows * words);
  for (let row = 0, at = 0; row < rows; row++) {
    let word = row * words;
    let shift = 0;
    for (let i = 0; i < length; i++, at++) {
      const code = codes[at] ?? 0;
      packed[word] = (packed[word] ?? 0) | (code << shift);
      shift += bits;
      if (shift >= 32) {
        word++;
        shift -= 32;
        if (shift > 0) packed[word] = code >>> (bits - shift);
      }
    }
  }
  return packed;
}

/** The array that holds codes of `bits` bits unpacked. */
export function codeArray(count: number, bits: number): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  return bits <= 8 ? new Uint8Array(count) : new Uint16Array(count);
}

/** The codes of a packed tensor, as `Uint8Array` up to 8 bits and as `Uint16Array` above. */
export function unpackCodes(shape: readonly number[], packed: Uint32Array, bits: number): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const { rows, length, words } = rowsOf(shape, bits);
  const codes = codeArray(rows * length, bits);
  const mask = 2 ** bits - 1;
  for (let row = 0, at = 0; row < rows; row++) {
    let word = row * words;
    let shift = 0;
    for (let i = 0; i < length; i++, at++) {
      let code = (packed[word] ?? 0) >>> shift;
      shift += bits;
      if (shift >= 32) {
        word++;
        shift -= 32;
        if (shift > 0) code |= (packed[word] ?? 0) << (bits - shift);
      }
      codes[at] = code & mask;
    }
  }
  return codes;
}
