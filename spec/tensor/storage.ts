/**
 * @file How tensors lie in device memory and in packed files: whole 32-bit words, row-major. f32, i32 and u32 take a word
 * each; f16 go two to a word, the even element in the low half, without regard to rows; `uint(b)` as in `packing.ts`.
 *
 * f32 arithmetic on a device may assume that no infinity occurs, so an infinite f32 is stored as the largest finite number
 * of its sign, and only where the kernel tests for it (an input) or is known to yield it (an output).
 */

import type { Element } from "../graph/node";
import { unreachable } from "../diagnostics/diagnostic";
import { fromHalves, toHalves } from "./half";
import { packCodes, packedWords, unpackCodes } from "./packing";
import { elementCount, type Numbers, type TensorData } from "./tensor";

/** What stands for +∞ in f32 storage; its negative stands for −∞. */
export const INFINITY_SENTINEL = (2 - 2 ** -23) * 2 ** 127;

/** The arrays in which the elements of a tensor come back from storage. */
export type StoredNumbers = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** 32-bit words that a tensor takes. */
export function storageWords(element: Element, shape: readonly number[]): number {
  switch (element.kind) {
    case "f32":
    case "i32":
    case "u32":
      return elementCount(shape);
    case "f16":
      return Math.ceil(elementCount(shape) / 2);
    case "uint":
      return packedWords(shape, element.bits);
    default:
      return unreachable(element);
  }
}

/** Whether a tensor is given packed: a `uint(b)` as `Uint32Array`. */
export function isPacked(element: Element, data: Numbers): data is Uint32Array {
  return element.kind === "uint" && data instanceof Uint32Array;
}

/**
 * The storage of a checked tensor (see `check.ts`), rounded to its element type. May share memory with `tensor.data`.
 */
export function toStorage(element: Element, { shape, data }: TensorData): Uint32Array | Float32Array | Int32Array {
  switch (element.kind) {
    case "f32":
      return floatStorage(data);
    case "i32":
      return data instanceof Int32Array ? data : Int32Array.from(data);
    case "u32":
      return data instanceof Uint32Array ? data : Uint32Array.from(data);
    case "f16": {
      const words = new Uint32Array(Math.ceil(data.length / 2));
      new Uint16Array(words.buffer).set(toHalves(data));
      return words;
    }
    case "uint":
      return isPacked(element, data) ? data : packCodes(shape, data, element.bits);
    default:
      return unreachable(element);
  }
}

function floatStorage(data: Numbers): Float32Array {
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  if (!hasInfinity(floats)) return floats;
  return floats.map((value) => Math.min(Math.max(value, -INFINITY_SENTINEL), INFINITY_SENTINEL));
}

/** Whether an infinity is among the numbers. */
export function hasInfinity(data: Numbers): boolean {
  // One loop for each usual class of array, so that each stays fast.
  if (data instanceof Float32Array) {
    for (let i = 0; i < data.length; i++) if (Math.abs(data[i] ?? 0) === Infinity) return true;
    return false;
  }
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i] ?? 0) === Infinity) return true;
  return false;
}

/**
 * The logical values in storage. `infinite` says that the sentinels are to be read as infinities.
 * @param words exactly `storageWords(element, shape)` words; the result may share their memory
 */
export function fromStorage(element: Element, shape: readonly number[], words: Uint32Array<ArrayBuffer>, infinite: boolean): StoredNumbers {
  switch (element.kind) {
    case "f32": {
      const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
      if (infinite) readSentinels(floats);
      return floats;
    }
    case "i32":
      return new Int32Array(words.buffer, words.byteOffset, words.length);
    case "u32":
      return words;
    case "f16":
      return fromHalves(new Uint16Array(words.buffer, words.byteOffset, elementCount(shape)));
    case "uint":
      return unpackCodes(shape, words, element.bits);
    default:
      return unreachable(element);
  }
}

function readSentinels(floats: Float32Array): void {
  for (let i = 0; i < floats.length; i++) {
    if (floats[i] === INFINITY_SENTINEL) floats[i] = Infinity;
    else if (floats[i] === -INFINITY_SENTINEL) floats[i] = -Infinity;
  }
}

/**
 * The numbers that a kernel sees of a checked tensor: rounded to the element type, unpacked, infinities as such. Shares
 * memory with `tensor.data` where nothing changes.
 */
export function storedValues(element: Element, { shape, data }: TensorData): Numbers {
  switch (element.kind) {
    case "f32":
      return data instanceof Float32Array ? data : Float32Array.from(data);
    case "f16":
      return fromHalves(toHalves(data));
    case "i32":
    case "u32":
      return data;
    case "uint":
      return isPacked(element, data) ? unpackCodes(shape, data, element.bits) : data;
    default:
      return unreachable(element);
  }
}
