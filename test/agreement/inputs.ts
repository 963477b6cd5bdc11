/** @file Reproducible inputs for any graph: numbers of every magnitude that a scale admits, codes over their whole range. */

import type { Graph } from "../../spec/graph/node";
import { elementCount, shapeOf, type Sizes, type TensorData } from "../../spec/tensor";
import { randomFrom } from "../interpreter/adversary";

/** A normally distributed number. */
export const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** What an input holds instead of random numbers, element by element. */
export type Contents = Readonly<Record<string, (at: number, random: () => number) => number>>;

/** Inputs for `graph` at `sizes`: reals of size `scale`, rounded to f32; integers below 8 unless they are codes. */
export function inputsFor(graph: Graph, sizes: Sizes, seed: number, scale: number, contents: Contents = {}): Record<string, TensorData> {
  const random = randomFrom(seed);
  return Object.fromEntries(
    graph.inputs.map(({ name, element, axes }) => {
      const shape = shapeOf(axes, sizes);
      const one = (at: number): number => {
        const given = contents[name];
        if (given !== undefined) return given(at, random);
        switch (element.kind) {
          case "f32": case "f16":
            return Math.fround(scale * normal(random));
          case "i32": case "u32":
            return Math.floor(8 * random());
          case "uint":
            return Math.floor(2 ** element.bits * random());
        }
      };
      return [name, { shape, data: Array.from({ length: elementCount(shape) }, (_, at) => one(at)) }];
    }),
  );
}
