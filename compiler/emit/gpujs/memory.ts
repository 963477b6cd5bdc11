/**
 * @file Reading arrays. All are one row of f32 for gpu.js; a `uint(b)` input has ⌊24 / b⌋ codes to an element, the first in
 * the lowest bits, each row of its last axis from a whole element. An index that is not proved inside its axis is clamped.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Load, Slot, Value } from "../../../spec/graph/node";
import type { GraphBuilder } from "../../../spec/graph/builder";
import { integerType } from "../../kernel/scalar";
import { boundsOf } from "../../kernel/bounds";
import type { Memory } from "../../kernel/footprints";
import type { KernelArray } from "../../kernel/kernel";
import { countOf, flatIndex, splitLast } from "../../kernel/layout";
import { add, call, compare, element, multiply, subtract, type Code } from "../code";
import { isInside } from "../memory";
import { choose, number } from "./code";
import type { Script } from "./expressions";

/** Bits of an integer that are exact in f32. */
const EXACT_BITS = 24;

/** How many codes of `width` bits an element of a packed array holds. */
export const codesPerElement = (width: number): number => Math.floor(EXACT_BITS / width);

/** How many elements the array of an input or a buffer has. */
export function elementsOf(builder: GraphBuilder, { shape, element: stored, space }: KernelArray): Value {
  if (stored.kind !== "uint" || space !== "input") return countOf(builder, shape);
  const [rows, length] = splitLast(builder, shape);
  return builder.multiply(...rows, wordsOf(builder, length, codesPerElement(stored.bits)));
}

/** How arrays lie in rows of f32. */
export const ROWS: Memory = {
  bitsOf: ({ element, space }) => 32 / (element.kind === "uint" && space === "input" ? codesPerElement(element.bits) : 1),
  bytesOf: ({ element, space }, sizes) => {
    const rows = sizes.slice(0, -1).reduce((count, size) => count * size, 1);
    return 4 * rows * Math.ceil((sizes.at(-1) ?? 1) / (element.kind === "uint" && space === "input" ? codesPerElement(element.bits) : 1));
  },
};

const wordsOf = (builder: GraphBuilder, length: Value, per: number): Value => builder.quotient(builder.linear(per - 1, [[1, length]]), builder.constant(per));

export function loaded(x: Script, value: Load | Slot): Code {
  const array = x.array(value.kind === "load" ? value.tensor.name : value.name);
  let certain = true;
  const indices = value.indices.map((index, at) => {
    const extent = array.shape[at];
    if (extent === undefined) throw new InternalError(`${array.name} has ${array.shape.length} axes`);
    if (isInside(x, index, extent, value)) return index;
    if (extent.facts.low < 1) certain = false;
    return x.builder.clamp(index, extent);
  });
  const { element: stored } = array;
  if (stored.kind === "uint" && array.space === "input" && codesPerElement(stored.bits) > 1) return unpacked(x, value, array, stored.bits, indices, certain);
  return item(x, value, array, flatIndex(x.builder, array.shape, indices), certain);
}

/** Element `at` of an array, which is read once in its scope. */
function item(x: Script, value: Load | Slot, array: KernelArray, at: Value, certain: boolean): Code {
  if (integerType(at) !== undefined) x.check(at);
  const plain = integerType(at) === undefined ? call("Math.floor", add(x.number(at), number(0.5))) : x.number(at);
  return x.read(value, `${certain} ${at.id} ${array.name}`, () => {
    if (certain) return element(x.variable(array), isArithmetic(plain) ? plain : x.variableOf(value, "i", plain));
    const last = x.builder.larger(x.builder.linear(-1, [[1, elementsOf(x.builder, array)]]), x.builder.zero);
    return element(x.variable(array), x.variableOf(value, "i", call("Math.max", number(0), call("Math.min", plain, x.number(last)))));
  });
}

/** Whether an index calls and chooses nothing: inside brackets GL takes whole numbers for integers, which functions and choices do not. */
function isArithmetic(code: Code): boolean {
  if (code.kind === "name") return code.value === undefined || isArithmetic(code.value);
  return code.parts.every((part) => (typeof part === "string" ? !/Math|\?/.test(part) : isArithmetic(part.code)));
}

/** A code out of the element that holds it. */
function unpacked(x: Script, value: Load | Slot, array: KernelArray, width: number, indices: readonly Value[], certain: boolean): Code {
  const { builder } = x;
  const per = codesPerElement(width);
  const [rows, length] = splitLast(builder, array.shape);
  const [row, last] = splitLast(builder, indices, builder.zero);
  const words = wordsOf(builder, length, per);
  const at = builder.add(builder.multiply(flatIndex(builder, rows, row), words), builder.quotient(last, builder.constant(per)));
  const word = item(x, value, array, at, certain);
  const place = builder.remainder(last, builder.constant(per));
  if (place.kind !== "constant") {
    // By factors and not by shifts, which gpu.js makes loops of on GL.
    const low = x.once(place, `down ${width}`, "h", () => downBy(x.number(place), width, 0, Math.min(per, boundsOf(place)[1] + 1)));
    const above = x.once(place, `past ${width}`, "h", () => multiply(low, number(2 ** -width)));
    return subtract(call("Math.floor", multiply(word, low)), multiply(call("Math.floor", multiply(word, above)), number(2 ** width)));
  }
  const above = (shift: number): Code => (shift === 0 ? word : call("Math.floor", multiply(word, number(2 ** -shift))));
  const shift = place.value * width;
  if (place.value === per - 1) return above(shift);
  return subtract(above(shift), multiply(above(shift + width), number(2 ** width)));
}

/** 2 to −`width` times a place from `least` on, below `end`. */
function downBy(place: Code, width: number, least: number, end: number): Code {
  if (end - least === 1) return number(2 ** (-width * least));
  const middle = Math.ceil((least + end) / 2);
  return choose(compare("<", place, number(middle)), downBy(place, width, least, middle), downBy(place, width, middle, end));
}
