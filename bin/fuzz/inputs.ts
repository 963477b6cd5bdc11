/** @file Random sizes and tensors for a kernel's signature. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { AxisDeclaration, Element, Tensor } from "../../spec/graph/node";
import { shapeOf, withJoined, type Sizes } from "../../spec/tensor/check";
import { codeArray } from "../../spec/tensor/packing";
import { integerRange } from "../../spec/tensor";
import { elementCount, type TensorData } from "../../spec/tensor/tensor";
import type { Ranges } from "../options";
import { Random } from "./random";

/** What is needed of a graph. */
export interface Signature {
  readonly axes: readonly AxisDeclaration[];
  readonly inputs: readonly Tensor[];
}

/** Empty, single, odd, a whole word of codes, and one more than a workgroup's worth of lanes. */
const SIZES = [0, 1, 1, 2, 2, 3, 4, 4, 5, 7, 8, 8, 16, 33, 65] as const;

/** On either side of a warp, a workgroup's worth of lanes, tiles and parts of a fold. */
const LARGE = [31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 513, 1025] as const;
/** Sizes of the other axes beside a large one. */
const SMALL = [1, 1, 2, 3] as const;

/** A size for every axis; declared ones stay. One set of sizes in eight has a large axis. */
export function randomSizes({ axes }: Signature, random: Random): Sizes {
  const open = axes.filter(({ extent, parts }) => extent === undefined && parts === undefined);
  const large = open.length > 0 && random.oneIn(8) ? open[random.whole(0, open.length - 1)] : undefined;
  const size = (axis: AxisDeclaration): number => random.pick(large === undefined ? SIZES : axis === large ? LARGE : SMALL);
  return withJoined(axes, Object.fromEntries(axes.flatMap((axis) => (axis.parts === undefined ? [[axis.name, axis.extent ?? size(axis)]] : []))));
}

/** Of the sizes, those that no input tells. */
export function unboundSizes({ axes, inputs }: Signature, sizes: Sizes): Sizes {
  const bound = new Set(inputs.flatMap((input) => input.axes));
  return Object.fromEntries(axes.filter(({ name, extent, parts }) => extent === undefined && parts === undefined && !bound.has(name)).map(({ name }) => [name, sizes[name] ?? 0]));
}

/**
 * What inputs are like: mostly such that results mean something; now and then all of a kind that hurts.
 *
 * huge: logits that overflow a careless exponential; hidden: masks that leave nothing, and codes of 0; zeros: of either
 * sign; subnormal: what a device may flush; equal: elements that no maximum tells apart.
 */
const MOODS = ["usual", "usual", "usual", "usual", "usual", "huge", "hidden", "zeros", "subnormal", "equal"] as const;
type Mood = (typeof MOODS)[number];

/**
 * A tensor for every input, the same for the same seed, whatever other inputs there are.
 * @param asked inputs that may hold −∞
 * @param ranges of inputs whose elements are to lie between two values, both included, and are drawn evenly from there
 */
export function randomInputs({ inputs }: Signature, sizes: Sizes, seed: number, asked: ReadonlySet<string>, ranges: Ranges = {}): Readonly<Record<string, TensorData>> {
  const mood = new Random(seed).pick(MOODS);
  return Object.fromEntries(
    inputs.map(({ name, element, axes }) => {
      const random = new Random(Array.from(name, (letter) => letter.charCodeAt(0)).reduce((sum, letter) => (Math.imul(sum, 31) + letter) >>> 0, seed));
      const shape = shapeOf(axes, sizes);
      const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
      return [name, { shape, data: range === undefined ? elements(element, elementCount(shape), random, mood, asked.has(name)) : between(element, elementCount(shape), random, range) }];
    }),
  );
}

/** @throws KvernError KV5202 a range of an input that is not there, or that no element of its type lies in */
export function checkRanges({ inputs }: Signature, ranges: Ranges): void {
  for (const [name, [low, high]] of Object.entries(ranges)) {
    const input = inputs.find((each) => each.name === name);
    if (input === undefined) refuse({ code: "KV5202", message: `the kernel has no input \`${name}\``, expected: inputs.map((each) => `\`${each.name}\``).join(", ") || "no range: it has no inputs", got: `--values ${name}=${low}..${high}` });
    const [least, most] = integerRange(input.element) ?? [];
    const holds = least === undefined || most === undefined ? input.element.kind !== "f16" || Math.max(-low, high) <= LARGEST_HALF : low >= least && high <= most && Math.ceil(low) <= Math.floor(high);
    if (!holds) refuse({ code: "KV5202", message: `\`${name}\` cannot have those values`, expected: least === undefined ? `numbers from −${LARGEST_HALF} to ${LARGEST_HALF}` : `whole numbers from ${least} to ${most}`, got: `${low}..${high}` });
  }
}

const LARGEST_HALF = 65504;

/** Elements from `low` to `high`, one in eight at an end. */
function between(element: Element, count: number, random: Random, [low, high]: readonly [number, number]): TensorData["data"] {
  const within = (value: number): number => Math.min(Math.max(value, low), high);
  const next = (): number => (random.oneIn(8) ? random.pick([low, high]) : within(low + random.fraction() * (high - low)));
  const whole = (): number => (random.oneIn(8) ? random.pick([Math.ceil(low), Math.floor(high)]) : random.whole(Math.ceil(low), Math.floor(high)));
  switch (element.kind) {
    case "f32": case "f16": return Float32Array.from({ length: count }, next);
    case "i32": return Int32Array.from({ length: count }, whole);
    case "u32": return Uint32Array.from({ length: count }, whole);
    case "uint": {
      const codes = codeArray(count, element.bits);
      for (let at = 0; at < count; at++) codes[at] = whole();
      return codes;
    }
  }
}

function elements(element: Element, count: number, random: Random, mood: Mood, infinite: boolean): TensorData["data"] {
  const reals = (): number => real(random, mood, element.kind === "f16" ? 2 ** -14 : 2 ** -126);
  const integers = (low: number, high: number): number => integer(random, mood, low, high);
  const each = (next: () => number): (() => number) => {
    if (mood !== "equal") return next;
    const same = next();
    return () => same;
  };
  switch (element.kind) {
    case "f32": return Float32Array.from({ length: count }, each(() => (infinite && (mood === "hidden" || random.oneIn(4)) ? -Infinity : reals())));
    case "f16": return Float32Array.from({ length: count }, each(() => (mood === "subnormal" ? reals() : Math.round(reals() * 1024) / 1024)));
    case "i32": return Int32Array.from({ length: count }, each(() => integers(-9, 9)));
    case "u32": return Uint32Array.from({ length: count }, each(() => integers(0, 9)));
    case "uint": {
      const codes = codeArray(count, element.bits);
      const next = each(() => integers(0, 2 ** element.bits - 1));
      for (let at = 0; at < count; at++) codes[at] = next();
      return codes;
    }
  }
}

const integer = (random: Random, mood: Mood, low: number, high: number): number =>
  mood === "hidden" || mood === "zeros" ? 0 : mood === "huge" ? random.pick([low, high]) : random.whole(low, high);

/** @param least the least magnitude that is not subnormal */
function real(random: Random, mood: Mood, least: number): number {
  switch (mood) {
    case "usual": case "hidden": case "equal": return usual(random);
    case "huge": return 2000 * (2 * random.fraction() - 1);
    case "zeros": return random.pick([0, -0]);
    case "subnormal": return random.oneIn(3) ? usual(random) : random.pick([1, -1]) * least * random.fraction();
  }
}

/** Mostly near 1; sometimes 0, equal to others, or large enough to overflow a careless exponential. */
function usual(random: Random): number {
  switch (random.whole(0, 9)) {
    case 0: return 0;
    case 1: case 2: return random.whole(-3, 3);
    case 3: return 100 * (2 * random.fraction() - 1);
    default: return 4 * random.fraction() - 2;
  }
}
