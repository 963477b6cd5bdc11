/** @file Random sizes and tensors for a kernel's signature. */

import type { AxisDeclaration, Element, Tensor } from "../../spec/graph/node";
import { shapeOf, withJoined, type Sizes } from "../../spec/tensor/check";
import { codeArray } from "../../spec/tensor/packing";
import { elementCount, type TensorData } from "../../spec/tensor/tensor";
import { Random } from "./random";

/** What is needed of a graph. */
export interface Signature {
  readonly axes: readonly AxisDeclaration[];
  readonly inputs: readonly Tensor[];
}

/** Empty, single, odd, a whole word of codes, and one more than a workgroup's worth of lanes. */
const SIZES = [0, 1, 1, 2, 2, 3, 4, 4, 5, 7, 8, 8, 16, 33, 65] as const;

/** Around several workgroups' worth of lanes, tiles and parts of a fold. */
const LARGE = [127, 129, 256, 257, 513, 1025] as const;
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
 * A tensor for every input, the same for the same seed.
 * @param asked inputs that may hold −∞
 */
export function randomInputs({ inputs }: Signature, sizes: Sizes, seed: number, asked: ReadonlySet<string>): Readonly<Record<string, TensorData>> {
  const random = new Random(seed);
  return Object.fromEntries(
    inputs.map(({ name, element, axes }) => {
      const shape = shapeOf(axes, sizes);
      return [name, { shape, data: elements(element, elementCount(shape), random, asked.has(name)) }];
    }),
  );
}

function elements(element: Element, count: number, random: Random, infinite: boolean): TensorData["data"] {
  switch (element.kind) {
    case "f32": return Float32Array.from({ length: count }, () => (infinite && random.oneIn(4) ? -Infinity : real(random)));
    case "f16": return Float32Array.from({ length: count }, () => Math.round(real(random) * 1024) / 1024);
    case "i32": return Int32Array.from({ length: count }, () => random.whole(-9, 9));
    case "u32": return Uint32Array.from({ length: count }, () => random.whole(0, 9));
    case "uint": {
      const codes = codeArray(count, element.bits);
      for (let at = 0; at < count; at++) codes[at] = random.whole(0, 2 ** element.bits - 1);
      return codes;
    }
  }
}

/** Mostly near 1; sometimes 0, equal to others, or large enough to overflow a careless exponential. */
function real(random: Random): number {
  switch (random.whole(0, 9)) {
    case 0: return 0;
    case 1: case 2: return random.whole(-3, 3);
    case 3: return 100 * (2 * random.fraction() - 1);
    default: return 4 * random.fraction() - 2;
  }
}
