/**
 * @file Reading and writing arrays. An index that is not proved to lie inside its axis where it is used is clamped to
 * it, and so is an address that could then still be outside, in an array that may be empty: nothing ever reads or writes
 * beyond a buffer.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Load, Slot, Value } from "../../spec/graph/node";
import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import { nonNegative } from "../../spec/graph/prove";
import type { KernelArray } from "../kernel/kernel";
import { holdsHalves } from "../kernel/halves";
import { flatIndex, splitLast, wordsPerRow } from "../kernel/layout";
import { atom, bits, call, compare, element, integerLiteral, junction, member, select, subtract, type Code, type WgslType } from "./code";
import type { Expressions } from "./expressions";
import type { Scope } from "./scope";

/** The type of an array's items in the text: a word of packed elements, or an element. */
export function storedType(array: Pick<KernelArray, "element" | "space" | "native">): "f32" | "f16" | "i32" | "u32" {
  if (holdsHalves(array)) return "f16";
  const { kind } = array.element;
  return kind === "f16" || kind === "uint" ? "u32" : kind;
}

/** Bytes of an item. */
export const itemBytes = (array: KernelArray): number => (holdsHalves(array) ? 2 : 4);

const nameOf = (value: Load | Slot): string => (value.kind === "load" ? value.tensor.name : value.name);

/** What is known to be ≥ 0 in the scope in which `value` is computed. */
function assumptions(x: Pick<Expressions, "builder" | "scope">, value: Value): readonly Value[] {
  const all: Value[] = [];
  for (const scope of x.scope.placeOf(value).outward()) all.push(...heldIn(x.builder, scope));
  return all;
}

const held = new WeakMap<Scope, readonly Value[]>();

/** What the truths of a scope say: numbers that are ≥ 0. */
function heldIn(builder: GraphBuilder, scope: Scope): readonly Value[] {
  let known = held.get(scope);
  if (known === undefined) {
    const comparisons = scope.holds.flatMap((truth) => (truth.kind === "and" ? truth.of : [truth])).filter((part) => part.kind === "less");
    known = comparisons.filter(({ left, right }) => left.facts.integer && right.facts.integer).map(({ left, right }) => builder.linear(-1, [[1, right], [-1, left]]));
    held.set(scope, known);
  }
  return known;
}

export function isInside(x: Pick<Expressions, "builder" | "scope">, index: Value, extent: Value, user: Value): boolean {
  const known = assumptions(x, user);
  return nonNegative(index, known) && nonNegative(x.builder.linear(-1, [[1, extent], [-1, index]]), known);
}

interface Place {
  readonly indices: readonly Value[];
  /** Whether every index is inside its axis for certain, so that the array is not empty either. */
  readonly certain: boolean;
}

function placeOf(x: Expressions, array: KernelArray, value: Load | Slot): Place {
  let certain = true;
  const indices = value.indices.map((index, at) => {
    const extent = array.shape[at];
    if (extent === undefined) throw new InternalError(`${array.name} has ${array.shape.length} axes`);
    if (isInside(x, index, extent, value)) return index;
    if (extent.facts.low < 1) certain = false;
    return x.builder.clamp(index, extent);
  });
  return { indices, certain };
}

/** An address as a multiple of four and what is left, if that can be seen. */
export function quarters(x: Expressions, at: Value): readonly [quarter: Value, rest: number] | undefined {
  const { constant, terms } = asLinear(at);
  if (terms.some(([k]) => k % 4 !== 0) || constant < 0 || !Number.isInteger(constant)) return undefined;
  const rest = constant % 4;
  return [x.builder.linear((constant - rest) / 4, terms.map(([k, term]) => [k / 4, term] as const)), rest];
}

const COMPONENTS = [".x", ".y", ".z", ".w"] as const;

/** Where the elements of a part of another array lie. */
function based(x: Expressions, array: KernelArray, at: Value): readonly [array: KernelArray, at: Value] {
  return array.arena === undefined ? [array, at] : based(x, x.array(array.arena.array), x.builder.add(at, array.arena.offset));
}

/** Item `at` of an array's variable. */
function item(x: Expressions, part: KernelArray, from: Value, certain: boolean): Code {
  const [array, at] = based(x, part, from);
  const variable = x.variable(array);
  if (array.space === "register") {
    if (at.kind !== "constant") throw new InternalError(`the register ${array.name} is indexed at run time`);
    return atom(`${variable}_${at.value}`);
  }
  x.note(array, certain ? at : x.builder.constant(-1));
  const four = certain && x.wide.has(array.name) ? quarters(x, at) : undefined;
  if (four !== undefined) return member(element(variable, x.modular(four[0])), COMPONENTS[four[1]] ?? ".x");
  if (certain) return element(variable, x.modular(at));
  const address = at.kind === "constant" ? atom(`${Math.max(0, at.value)}u`) : call("u32", x.modular(at));
  const length = array.space === "input" || array.space === "buffer" ? call("arrayLength", atom(`&${variable}`)) : atom(`${lengthOf(array)}u`);
  return element(variable, call("min", address, subtract(length, atom("1u"))));
}

/** The number of elements of an array of fixed size that an invocation or a workgroup keeps. */
export function lengthOf({ name, shape, roles }: KernelArray): number {
  return shape.reduce((count, size, at) => {
    if (roles?.[at] === "own") return count;
    if (size.kind !== "constant") throw new InternalError(`${name} has no fixed size`);
    return count * size.value;
  }, 1);
}

/** The components of an item that lies with three others are read together. */
function wideItem(x: Expressions, value: Load | Slot, part: KernelArray, from: Value, certain: boolean): Code | undefined {
  const [array, at] = based(x, part, from);
  if (!certain || !x.wide.has(array.name)) return undefined;
  const four = quarters(x, at);
  if (four === undefined || four[0].kind === "constant") return undefined;
  x.note(array, at);
  const read = (): Code => element(x.variable(array), x.modular(four[0]));
  const made = holdsHalves(array) ? (): Code => call("vec4f", read()) : read;
  return member(x.once(four[0], `four ${array.name}`, "v", made, value), COMPONENTS[four[1]] ?? ".x");
}

/** An element of an f32 or f16 array. */
export function loadedReal(x: Expressions, value: Load | Slot): Code {
  const array = x.array(nameOf(value));
  if (array.element.kind !== "f32" && array.element.kind !== "f16") throw new InternalError(`${array.name} holds integers`);
  const { indices, certain } = placeOf(x, array, value);
  const at = flatIndex(x.builder, array.shape, indices);
  if (array.element.kind === "f32") return wideItem(x, value, array, at, certain) ?? item(x, array, at, certain);
  if (holdsHalves(array)) return wideItem(x, value, array, at, certain) ?? call("f32", item(x, array, at, certain));
  const two = x.builder.constant(2);
  const word = x.builder.quotient(at, two);
  const pair = x.once(word, `pair ${array.name} ${certain}`, "h", () => call("unpack2x16float", item(x, array, word, certain)));
  const half = x.builder.remainder(at, two);
  if (half.kind === "constant") return member(pair, half.value === 0 ? ".x" : ".y");
  return select(compare("==", x.int(half), atom("0")), member(pair, ".x"), member(pair, ".y"));
}

/** An element of an array of integers, as i32 or u32. */
export function loadedInteger(x: Expressions, value: Load | Slot, as: "i32" | "u32"): Code {
  const array = x.array(nameOf(value));
  const { indices, certain } = placeOf(x, array, value);
  const { element: stored } = array;
  const cast = (code: Code, from: WgslType): Code => (from === as ? code : call(as, code));
  switch (stored.kind) {
    case "i32": case "u32": return cast(item(x, array, flatIndex(x.builder, array.shape, indices), certain), stored.kind);
    case "uint": return cast(unpacked(x, array, stored.bits, indices, certain), "u32");
    case "f32": case "f16": return call(as, loadedReal(x, value));
  }
}

/** A code of `width` bits, out of the one or two words that hold it. */
function unpacked(x: Expressions, array: KernelArray, width: number, indices: readonly Value[], certain: boolean): Code {
  const { builder } = x;
  const [rows, length] = splitLast(builder, array.shape);
  const [row, last] = splitLast(builder, indices, builder.zero);
  const bit = builder.scale(width, last);
  const first = builder.multiply(flatIndex(builder, rows, row), wordsPerRow(builder, length, width));
  const at = builder.add(first, builder.quotient(bit, builder.constant(32)));
  const shift = builder.remainder(bit, builder.constant(32));
  const word = (address: Value): Code => x.once(address, `word ${array.name} ${certain}`, "w", () => item(x, array, address, certain));
  const mask = atom(`${2 ** width - 1}u`);
  if (shift.kind === "constant" && shift.value + width <= 32) {
    const moved = shift.value === 0 ? word(at) : bits(">>", word(at), atom(`${shift.value}u`));
    return shift.value + width === 32 ? moved : bits("&", moved, mask);
  }
  const count = call("u32", x.int(shift));
  const low = bits(">>", word(at), count);
  if (32 % width === 0) return bits("&", low, mask);
  // The rest may stand in the next word: which is only read where it does, as there may be none.
  const straddles = builder.less(builder.constant(32 - width), shift);
  const next = builder.add(at, builder.select(straddles, builder.one, builder.zero));
  const high = bits("<<", word(next), subtract(atom("32u"), count));
  const rest = straddles.kind === "truth" ? high : select(x.truth(straddles), high, atom("0u"));
  return bits("&", bits("|", low, rest), mask);
}

/** A number as it is stored in an array; of a packed f16, its bits. */
export function storedCode(x: Expressions, array: KernelArray, value: Value): Code {
  if (holdsHalves(array)) return call("f16", x.real(value));
  switch (array.element.kind) {
    case "f32": return x.real(value);
    case "i32": return x.int(value);
    case "u32": return x.uint(value);
    case "f16": return call(x.helper("half"), x.real(value));
    case "uint": throw new InternalError("a packed code has no storage of its own");
  }
}

/** An element of a `uint(b)` array, as a u32 of b bits. */
export function codeBits(x: Expressions, width: number, value: Value): Code {
  return value.facts.low >= 0 && value.facts.high < 2 ** width ? x.uint(value) : call("min", x.uint(value), atom(`${2 ** width - 1}u`));
}

/** Where an element is written, and under which condition: that indices which are not proved inside their axes are. */
export function target(x: Expressions, array: KernelArray, indices: readonly Value[]): { readonly address: Value; readonly condition: Code | undefined } {
  const conditions: Code[] = [];
  indices.forEach((index, at) => {
    const extent = array.shape[at];
    if (extent === undefined) throw new InternalError(`${array.name} has ${array.shape.length} axes`);
    if (isInside(x, index, extent, index)) return;
    conditions.push(compare("<=", integerLiteral(0), x.int(index)), compare("<", x.int(index), x.int(extent)));
  });
  return { address: flatIndex(x.builder, array.shape, indices), condition: conditions.length === 0 ? undefined : junction("&&", conditions) };
}

/** The variable's item at an address that is inside. */
export const itemAt = (x: Expressions, array: KernelArray, address: Value): Code => item(x, array, address, true);

