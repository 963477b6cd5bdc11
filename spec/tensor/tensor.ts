/** @file The record in which tensors come and go: a shape and its elements, row-major, as logical values. */

import { refuse } from "../diagnostics/diagnostic";

/** Arrays of numbers that a tensor may hold. */
export type Numbers =
  | readonly number[]
  | Float64Array | Float32Array
  | Int8Array | Int16Array | Int32Array
  | Uint8Array | Uint8ClampedArray | Uint16Array | Uint32Array;

/**
 * A tensor: sizes along its axes in memory order, and its elements, the last axis running fastest. A `uint(b)` tensor
 * may instead hold its packed form, always and only as a `Uint32Array` (see `packing.ts`).
 */
export interface TensorData<Data extends Numbers = Numbers> {
  readonly shape: readonly number[];
  readonly data: Data;
}

/** The largest size of an axis: sizes travel to a device as `u32` and indices are computed there as `i32`. */
export const LARGEST_SIZE = 2 ** 31 - 1;

/** A whole number from 0 to `LARGEST_SIZE`. */
export function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LARGEST_SIZE;
}

/** The number of elements of a tensor of this shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

export function isNumbers(data: unknown): data is Numbers {
  return Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView) && !isBigIntegers(data));
}

function isBigIntegers(data: ArrayBufferView): boolean {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}

/** `[4, 8]`. */
export function shapeText(shape: readonly unknown[]): string {
  return `[${shape.map(String).join(", ")}]`;
}

/** The name of the class of an array, as a user would write it. */
export function arrayName(data: unknown): string {
  if (Array.isArray(data)) return "an array";
  if (data === null) return "null";
  if (typeof data !== "object") return typeof data;
  return Object.prototype.toString.call(data).slice("[object ".length, -1);
}

/** The position of the element at `flat` in a row-major tensor. */
export function position(flat: number, shape: readonly number[]): readonly number[] {
  const indices: number[] = [];
  let rest = flat;
  for (const size of [...shape].reverse()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return indices;
}

/**
 * Makes a tensor of `shape` from its elements in row-major order.
 * @throws KvernError KV3003 when the shape is none, or does not have as many elements as `data` (a `Uint32Array`, which
 * may be packed, is counted when its element type is known); KV3004 when `data` is not an array of numbers.
 */
export function tensor<Data extends Numbers>(shape: readonly number[], data: Data): TensorData<Data> {
  const sizes = checkedShape(shape);
  if (!isNumbers(data)) {
    refuse({ code: "KV3004", message: "the elements of a tensor are an array of numbers", expected: "a typed array or an array of numbers", got: arrayName(data) });
  }
  if (!(data instanceof Uint32Array) && data.length !== elementCount(shape)) {
    refuse({
      code: "KV3003",
      message: "the shape of a tensor does not fit its elements",
      expected: `${elementCount(shape)} elements for the shape ${shapeText(shape)}`,
      got: `${data.length}`,
    });
  }
  return { shape: sizes, data };
}

/** A copy of a shape. @throws KvernError KV3003 when it is none */
export function checkedShape(shape: readonly number[]): readonly number[] {
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    refuse({
      code: "KV3003",
      message: "a shape is an array of sizes",
      expected: `whole numbers from 0 to ${LARGEST_SIZE}`,
      got: Array.isArray(shape) ? shapeText(shape) : arrayName(shape),
    });
  }
  return [...shape];
}
