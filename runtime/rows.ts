/**
 * @file Rows of a tensor: its elements at one position of the first axis. They lie one after the other, so that a stretch
 * of them can be looked at, written and copied by itself, as long as each fills whole words of storage.
 */

import type { Element } from "../spec/graph/node";
import { refuse } from "../spec/diagnostics/diagnostic";
import { elementName, sameElement } from "../spec/tensor/element";
import { packedWords } from "../spec/tensor/packing";
import { isPacked, storageWords } from "../spec/tensor/storage";
import { checkedShape, elementCount, isSize, shapeText, type TensorData } from "../spec/tensor/tensor";
import type { DeviceTensor } from "./device";

/** What a tensor is, wherever it lies. */
export interface RowLayout {
  readonly element: Element;
  readonly shape: readonly number[];
}

/** Bindings of a GPU buffer begin at a multiple of this many bytes. */
export const BINDING_ALIGNMENT = 256;

/** `uint(8) [64, 2, 8]`, in messages. */
export function layoutText({ element, shape }: RowLayout): string {
  return `${elementName(element)} ${shapeText(shape)}`;
}

/** The shape of `count` rows. */
export function rowsShape({ shape }: RowLayout, count: number): readonly number[] {
  return [count, ...shape.slice(1)];
}

/** The bytes of one row in storage; nothing where rows do not fill whole words. */
function wholeRowBytes({ element, shape }: RowLayout): number | undefined {
  const [, ...rest] = shape;
  const shared = element.kind === "uint" ? shape.length < 2 : element.kind === "f16" && elementCount(rest) % 2 !== 0;
  return shape.length === 0 || shared ? undefined : 4 * storageWords(element, [1, ...rest]);
}

/**
 * The bytes of one row in storage.
 * @throws KvernError KV4010 where rows do not fill whole words: f16 with an odd number of elements in a row, codes along
 * one axis only, scalars
 */
export function rowBytes(what: string, layout: RowLayout): number {
  return wholeRowBytes(layout) ?? refuse({ code: "KV4010", message: `${what} has no rows that fill whole words`, expected: "a first axis, and an even number of f16 behind it; codes are packed along a second", got: layoutText(layout) });
}

/** @throws KvernError KV3003 where a tensor cannot be seen under another shape as it lies */
export function checkReshaped({ element, shape }: RowLayout, to: readonly number[]): void {
  const packedElsewhere = element.kind === "uint" && to.at(-1) !== shape.at(-1);
  if (elementCount(checkedShape(to)) === elementCount(shape) && !packedElsewhere) return;
  const expected = `${elementCount(shape)} elements${element.kind === "uint" ? `, ${shape.at(-1) ?? 1} along the last axis, along which codes are packed` : ""}`;
  refuse({ code: "KV3003", message: `${layoutText({ element, shape })} cannot be seen under another shape`, expected, got: shapeText(to) });
}

/** The least number of rows, above 0, that takes a multiple of what GPU bindings align to; 1 where there are no rows. */
export function bindingRows(layout: RowLayout): number {
  const bytes = wholeRowBytes(layout) ?? 0;
  // Rows are whole words, so that the alignment in words is enough of them.
  for (let rows = 1; rows < BINDING_ALIGNMENT / 4; rows *= 2) if ((rows * bytes) % BINDING_ALIGNMENT === 0) return rows;
  return BINDING_ALIGNMENT / 4;
}

/** @throws KvernError KV4010 where rows `first` to `first + count` are not among those of the tensor, and as `rowBytes` */
export function checkRows(what: string, layout: RowLayout, first: number, count: number): void {
  rowBytes(what, layout);
  const [rows = 0] = layout.shape;
  if (!isSize(first) || !isSize(count) || first + count > rows) {
    refuse({ code: "KV4010", message: `${what} does not have these rows`, expected: `rows 0 to ${rows}, of ${layoutText(layout)}`, got: `${count} rows from row ${first}` });
  }
}

/** Rows of a tensor on a device, from `at` on. */
export interface RowPlace {
  readonly tensor: DeviceTensor;
  readonly at: number;
}

/** @throws KvernError KV3004, KV3003 where `written` are no rows of the tensor; KV4010 where they do not fit from row `at` on */
export function checkRowPlace(what: string, written: RowLayout, { tensor, at }: RowPlace): void {
  if (!sameElement(written.element, tensor.element)) {
    refuse({ code: "KV3004", message: `${what} is written to a tensor of another element type`, expected: elementName(written.element), got: elementName(tensor.element) });
  }
  const [count = 0, ...sizes] = written.shape;
  if (written.shape.length !== tensor.shape.length || sizes.some((size, axis) => size !== tensor.shape[axis + 1])) {
    refuse({ code: "KV3003", message: `${what} is written to a tensor of another shape`, expected: `${elementName(written.element)} ${shapeText(["rows", ...sizes])}`, got: layoutText(tensor) });
  }
  checkRows(`the tensor that ${what} is written to`, tensor, at, count);
}

/**
 * Rows `first` to `first + count` of a tensor in an array, in the same memory where it is a typed array.
 * @throws KvernError KV4010 for rows that are not there
 */
export function hostRows(element: Element, { shape, data }: TensorData, first: number, count: number): TensorData {
  const layout = { element, shape };
  checkRows("the tensor to copy from", layout, first, count);
  const [, ...rest] = shape;
  // Packed codes come by the word, everything else by the element.
  const width = element.kind === "uint" && isPacked(element, data) ? packedWords([1, ...rest], element.bits) : elementCount(rest);
  const [from, to] = [first * width, (first + count) * width];
  return { shape: rowsShape(layout, count), data: "subarray" in data ? data.subarray(from, to) : data.slice(from, to) };
}
