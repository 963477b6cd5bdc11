/**
 * @file What a kernel's signature asks of the tensors given to it, checked in one place for every way of running a kernel:
 * names, shapes, sizes of axes, element types and elements. Every fault found is reported, not only the first.
 */

import type { AxisDeclaration, Tensor } from "../graph/node";
import { KvernError, type Diagnostic } from "../diagnostics/diagnostic";
import { HALF_OVERFLOW } from "./half";
import { admitsArray, admittedArrays, elementName, integerRange } from "./element";
import { packedWords } from "./packing";
import { INFINITY_SENTINEL, isPacked } from "./storage";
import { arrayName, elementCount, isNumbers, isSize, LARGEST_SIZE, position, shapeText, type Numbers, type TensorData } from "./tensor";

/** Sizes of axes by name. */
export type Sizes = Readonly<Record<string, number>>;

/** What a kernel takes and gives. Input names are flat: `keys.codes`. */
export interface Signature {
  /** Every axis of the kernel, also those that only a reduction runs over. */
  readonly axes: readonly AxisDeclaration[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** An input as far as sizes are concerned. */
export interface Shaped {
  readonly shape: readonly number[];
}

/** `q [head, channel]`, in messages. */
export function tensorText({ name, axes }: Tensor): string {
  return `\`${name}\` ${shapeText(axes)}`;
}

/**
 * The size of every axis, from what is declared, from `set`, and from the shapes of the inputs.
 * @throws KvernError KV3001 an input is missing; KV3002 an input is unknown; KV3003 a shape does not have the axes of its
 * input; KV2101 an axis has no size; KV2103 an axis has two; KV2105 `set` gives no size; KV2106 `set` names no axis.
 */
export function bindSizes(signature: Signature, given: Readonly<Record<string, Shaped | undefined>>, set: Sizes = {}): Sizes {
  const faults: Diagnostic[] = [];
  const bound = bindFixed(signature, set, faults);
  for (const spec of signature.inputs) {
    const input = own(given, spec.name);
    if (input === undefined) faults.push(missing(spec, given));
    else bindShape(spec, input, bound, faults);
  }
  bindJoined(signature, bound);
  faults.push(...unknownInputs(signature, given));
  if (faults.length === 0) faults.push(...unbound(signature, bound.sizes));
  raise(faults);
  return bound.sizes;
}

/**
 * The sizes that are fixed before any input is known: what is declared, and what is in `set`.
 * @throws KvernError KV2103 `set` contradicts a declaration; KV2105 `set` gives no size; KV2106 `set` names no axis
 */
export function fixedSizes(signature: Signature, set: Sizes): Sizes {
  const faults: Diagnostic[] = [];
  const bound = bindFixed(signature, set, faults);
  bindJoined(signature, bound);
  raise(faults);
  return bound.sizes;
}

/** The sizes of axes that go through others, as far as those are known. */
function bindJoined({ axes }: Signature, bound: Bound): void {
  for (const { name, parts } of axes) {
    const size = parts === undefined ? undefined : togetherOf(parts, bound.sizes);
    if (parts === undefined || size === undefined) continue;
    if (isSize(size)) bound.bind(name, size, `of ${list(parts)} together`);
    else bound.refuse({ code: "KV2105", message: `the axis \`${name}\` cannot have the size of ${list(parts)} together`, expected: `a whole number from 0 to ${LARGEST_SIZE}`, got: String(size) });
  }
}

/** The size of axes one after another; undefined where one of them has none. */
function togetherOf(parts: readonly string[], sizes: Sizes): number | undefined {
  const each = parts.map((part) => sizes[part]);
  return each.every((size) => size !== undefined) ? each.reduce((sum, size) => sum + size, 0) : undefined;
}

/** The sizes, with those of axes that go through others. */
export function withJoined(axes: readonly AxisDeclaration[], sizes: Sizes): Sizes {
  const all: Record<string, number> = { ...sizes };
  for (const { name, parts } of axes) {
    const size = parts === undefined ? undefined : togetherOf(parts, all);
    if (size !== undefined) all[name] = size;
  }
  return all;
}

/** Sizes as they become known, each with what it comes from. */
class Bound {
  readonly sizes = Object.create(null) as Record<string, number>;
  readonly #by = new Map<string, string>();
  readonly #faults: Diagnostic[];

  constructor(faults: Diagnostic[]) {
    this.#faults = faults;
  }

  refuse(fault: Diagnostic): void {
    this.#faults.push(fault);
  }

  bind(axis: string, size: number, by: string): void {
    const before = this.sizes[axis];
    if (before === undefined) {
      this.sizes[axis] = size;
      this.#by.set(axis, by);
    } else if (before !== size) {
      this.#faults.push({
        code: "KV2103",
        message: `the axis \`${axis}\` is bound to two sizes`,
        expected: `${before} (${this.#by.get(axis) ?? ""})`,
        got: `${size} (${by})`,
      });
    }
  }
}

function bindFixed(signature: Signature, set: Sizes, faults: Diagnostic[]): Bound {
  const bound = new Bound(faults);
  for (const { name, extent } of signature.axes) if (extent !== undefined) bound.bind(name, extent, "declared");
  bindSet(signature, set, bound, faults);
  return bound;
}

function bindSet(signature: Signature, set: Sizes, bound: Bound, faults: Diagnostic[]): void {
  const axes = new Set(axisNames(signature));
  for (const [axis, size] of Object.entries(set)) {
    if (!axes.has(axis)) {
      faults.push({ code: "KV2106", message: `\`set\` names \`${axis}\`, which is no axis of the kernel`, expected: list(axes), got: `\`${axis}\`` });
    } else if (!isSize(size)) {
      faults.push({
        code: "KV2105",
        message: `\`set\` gives the axis \`${axis}\` no size`,
        expected: `a whole number from 0 to ${LARGEST_SIZE}`,
        got: String(size),
      });
    } else bound.bind(axis, size, "`set`");
  }
}

function bindShape(spec: Tensor, input: Shaped, bound: Bound, faults: Diagnostic[]): void {
  const shape: unknown = input.shape;
  if (!Array.isArray(shape) || shape.length !== spec.axes.length || !shape.every(isSize)) {
    faults.push({
      code: "KV3003",
      message: `the input ${tensorText(spec)} has the wrong shape`,
      expected: `${spec.axes.length} ${spec.axes.length === 1 ? "size" : "sizes"}, of the axes ${shapeText(spec.axes)}`,
      got: Array.isArray(shape) ? shapeText(shape) : `no shape but ${arrayName(shape)}`,
      mend: "Give a record { shape, data } with one size per axis, in the order of the axes.",
    });
    return;
  }
  spec.axes.forEach((axis, at) => bound.bind(axis, shape[at] ?? 0, `from the shape ${shapeText(shape)} of \`${spec.name}\``));
}

function missing(spec: Tensor, given: Readonly<Record<string, unknown>>): Diagnostic {
  const names = Object.keys(given);
  return {
    code: "KV3001",
    message: `the input ${tensorText(spec)} is missing`,
    expected: `${elementName(spec.element)} over ${shapeText(spec.axes)}`,
    got: names.length === 0 ? "no inputs" : `only ${list(names)}`,
  };
}

function unknownInputs(signature: Signature, given: Readonly<Record<string, unknown>>): Diagnostic[] {
  const known = new Set(signature.inputs.map(({ name }) => name));
  return Object.keys(given)
    .filter((name) => !known.has(name))
    .map((name) => ({
      code: "KV3002",
      message: `there is no input \`${name}\``,
      expected: known.size === 0 ? "no inputs" : list(known),
      got: `\`${name}\``,
    }));
}

function unbound(signature: Signature, sizes: Sizes): Diagnostic[] {
  // An axis that goes through others lacks a size only where one of those does.
  const joined = new Set(signature.axes.flatMap(({ name, parts }) => (parts === undefined ? [] : [name])));
  return axisNames(signature)
    .filter((axis) => sizes[axis] === undefined && !joined.has(axis))
    .map((axis) => ({
      code: "KV2101",
      message: `the axis \`${axis}\` has no size: no input has it and it is not set`,
      expected: `a size for \`${axis}\``,
      mend: `Give it one: set: { ${/^[\w$]+$/.test(axis) ? axis : JSON.stringify(axis)}: … }.`,
    }));
}

function axisNames({ axes, inputs, outputs }: Signature): readonly string[] {
  return [...new Set([...axes.map(({ name }) => name), ...[...inputs, ...outputs].flatMap((tensor) => tensor.axes)])];
}

/**
 * Checks the elements of one input whose shape has been bound: the kind of array, their number, their range.
 * @param admitsInfinity whether the kernel tests the input for infinity (`x === -Infinity`); f16 inputs never admit any
 * @throws KvernError KV3004 wrong kind of array; KV3003 wrong number of elements; KV3005 outside the range of the element
 * type; KV3006 not a finite number
 */
export function checkElements(spec: Tensor, input: TensorData, admitsInfinity: boolean): void {
  const { shape } = input;
  const data: unknown = input.data;
  if (!isNumbers(data) || !admitsArray(spec.element, data)) {
    raise([{
      code: "KV3004",
      message: `the elements of the input \`${spec.name}\` are not ${elementName(spec.element)}`,
      expected: admittedArrays(spec.element),
      got: arrayName(data),
    }]);
    return;
  }
  const packed = spec.element.kind === "uint" && isPacked(spec.element, data) ? packedWords(shape, spec.element.bits) : undefined;
  const count = packed ?? elementCount(shape);
  if (data.length !== count) {
    raise([{
      code: "KV3003",
      message: `the input \`${spec.name}\` does not have as many elements as its shape ${shapeText(shape)} says`,
      expected: packed === undefined ? `${count} elements` : `${count} words, packed (unpacked codes come in a Uint8Array or Uint16Array)`,
      got: String(data.length),
    }]);
  }
  if (packed !== undefined) return;
  const fault = integerRange(spec.element) === undefined ? badReal(spec, data, admitsInfinity) : badInteger(spec, data);
  if (fault !== undefined) raise([{ ...fault.diagnostic, message: `the input \`${spec.name}\` holds ${fault.what} at ${shapeText(position(fault.at, shape))}` }]);
}

interface BadElement {
  readonly at: number;
  readonly what: string;
  readonly diagnostic: Omit<Diagnostic, "message">;
}

/** The least magnitude that rounds to an infinite f32. */
const FLOAT_OVERFLOW = 2 ** 128 - 2 ** 103;

function badReal(spec: Tensor, data: Numbers, admitsInfinity: boolean): BadElement | undefined {
  const half = spec.element.kind === "f16";
  // The sentinel stands for infinity in storage, so an input in which infinity means something cannot hold it as a number.
  const least = half ? HALF_OVERFLOW : admitsInfinity ? INFINITY_SENTINEL : FLOAT_OVERFLOW;
  const at = firstBeyond(data, least, admitsInfinity && !half);
  if (at === undefined) return undefined;
  const value: unknown = data[at];
  if (typeof value === "number" && Number.isFinite(value)) {
    const expected = half ? "magnitudes up to 65504" : `magnitudes ${admitsInfinity ? "below" : "up to"} the largest f32, 3.4028235e38`;
    const mend = half ? {} : admitsInfinity ? { mend: "Where it stands for an infinity, write Infinity or -Infinity." } : {};
    return { at, what: String(value), diagnostic: { code: "KV3005", expected, got: String(value), ...mend } };
  }
  return {
    at,
    what: typeof value === "number" ? String(value) : "what is no number",
    diagnostic: {
      code: "KV3006",
      expected: admitsInfinity && !half ? "finite numbers or infinities" : "finite numbers",
      got: String(value),
      ...(value === Infinity || value === -Infinity ? { mend: infinityMend(half, value) } : {}),
    },
  };
}

function infinityMend(half: boolean, value: number): string {
  return half ? "Declare the input as f32 to admit infinities." : `An input admits ${value} where the kernel asks for it: \`x(…) === ${value}\`.`;
}

/** The first element that is NaN, not a number, or whose magnitude reaches `least`; infinities pass where admitted. */
function firstBeyond(data: Numbers, least: number, admitsInfinity: boolean): number | undefined {
  // One loop per class of array, so that each stays fast.
  if (data instanceof Float32Array) {
    for (let i = 0; i < data.length; i++) {
      const magnitude = Math.abs(data[i] ?? NaN);
      if (!(magnitude < least) && !(admitsInfinity && magnitude === Infinity)) return i;
    }
    return undefined;
  }
  if (data instanceof Float64Array) {
    for (let i = 0; i < data.length; i++) {
      const magnitude = Math.abs(data[i] ?? NaN);
      if (!(magnitude < least) && !(admitsInfinity && magnitude === Infinity)) return i;
    }
    return undefined;
  }
  for (let i = 0; i < data.length; i++) {
    const value: unknown = data[i];
    const magnitude = typeof value === "number" ? Math.abs(value) : NaN;
    if (!(magnitude < least) && !(admitsInfinity && magnitude === Infinity)) return i;
  }
  return undefined;
}

function badInteger(spec: Tensor, data: Numbers): BadElement | undefined {
  const [low, high] = integerRange(spec.element) ?? [0, 0];
  if (data instanceof Uint8Array && low <= 0 && high >= 255) return undefined;
  for (let i = 0; i < data.length; i++) {
    const value: unknown = data[i];
    if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high) {
      const expected = `whole numbers from ${low} to ${high}`;
      const code = typeof value === "number" && Number.isFinite(value) ? "KV3005" : "KV3006";
      return { at: i, what: typeof value === "number" ? String(value) : "what is no number", diagnostic: { code, expected, got: String(value) } };
    }
  }
  return undefined;
}

/** A record's own property: a name such as `constructor` must not reach into its prototype. */
export function own<Member>(record: Readonly<Record<string, Member>>, name: string): Member | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** `a`, `b`. */
export function list(names: Iterable<string>): string {
  return [...names].map((name) => `\`${name}\``).join(", ");
}

/** Throws what has been found, if anything. */
export function raise(faults: readonly Diagnostic[]): void {
  const [first, ...rest] = faults;
  if (first !== undefined) throw new KvernError([first, ...rest]);
}

/**
 * Checks all inputs of a kernel given as tensors in memory, and binds the sizes.
 * @param admitsInfinity by input name, see `checkElements`
 * @throws KvernError as `bindSizes` and `checkElements` do
 */
export function checkInputs(
  signature: Signature,
  given: Readonly<Record<string, TensorData | undefined>>,
  set: Sizes,
  admitsInfinity: (input: string) => boolean,
): Sizes {
  const sizes = bindSizes(signature, given, set);
  for (const spec of signature.inputs) {
    const input = own(given, spec.name);
    if (input !== undefined) checkElements(spec, input, admitsInfinity(spec.name));
  }
  return sizes;
}

/** The sizes along a tensor's axes. */
export function shapeOf(axes: readonly string[], sizes: Sizes): readonly number[] {
  return axes.map((axis) => sizes[axis] ?? 0);
}
