/** @file Element types by name: which numbers each can hold, and in which arrays they may be given. */

import type { Element } from "../graph/node";
import { refuse, unreachable } from "../diagnostics/diagnostic";
import type { Numbers } from "./tensor";

/** `f32`, `uint(4)`. */
export function elementName(element: Element): string {
  return element.kind === "uint" ? `uint(${element.bits})` : element.kind;
}

export function sameElement(one: Element, other: Element): boolean {
  return elementName(one) === elementName(other);
}

/** The whole numbers that an element type holds, or undefined for the types of reals. */
export function integerRange(element: Element): readonly [low: number, high: number] | undefined {
  switch (element.kind) {
    case "f32":
    case "f16":
      return undefined;
    case "i32":
      return [-(2 ** 31), 2 ** 31 - 1];
    case "u32":
      return [0, 2 ** 32 - 1];
    case "uint":
      return [0, 2 ** element.bits - 1];
    default:
      return unreachable(element);
  }
}

/**
 * Whether `data` may hold elements of this type: plain arrays and `Float64Array` (what `evaluate` returns) any of them,
 * `Float32Array` reals, typed arrays of integers integers. `Uint32Array` for `uint(b)` is the packed form.
 */
export function admitsArray(element: Element, data: Numbers): boolean {
  if (Array.isArray(data) || data instanceof Float64Array) return true;
  return integerRange(element) === undefined ? data instanceof Float32Array : !(data instanceof Float32Array);
}

/** What `admitsArray` admits, in words. */
export function admittedArrays(element: Element): string {
  switch (element.kind) {
    case "f32":
    case "f16":
      return "a Float32Array, a Float64Array or an array of numbers";
    case "i32":
      return "an Int32Array (or another array of whole numbers)";
    case "u32":
      return "a Uint32Array (or another array of whole numbers)";
    case "uint":
      return `a ${element.bits <= 8 ? "Uint8Array" : "Uint16Array"} (or another array of whole numbers), or a Uint32Array of packed words`;
    default:
      return unreachable(element);
  }
}

/** Refuses what is not an element type: data from outside need not keep to the types. */
export function checkElement(element: Element): void {
  const kinds: readonly unknown[] = ["f32", "f16", "i32", "u32"];
  const known = kinds.includes(element.kind) || (element.kind === "uint" && Number.isInteger(element.bits) && element.bits >= 1 && element.bits <= 16);
  if (!known) {
    refuse({ code: "KV3004", message: "there is no such element type", expected: "f32, f16, i32, u32 or uint(1 … 16)", got: JSON.stringify(element) });
  }
}
