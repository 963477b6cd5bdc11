/** @file Holds the four ways of running a kernel to each other: as TypeScript, interpreted, and on the device. */

import { readFileSync } from "node:fs";
import { compileSource } from "kvern/compiler";
import { expect } from "vitest";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { interpretWithBound, type BoundedTensor } from "../../spec/interpreter";
import { evaluate, type ComputedTensor } from "../../spec/language";
import type { Sizes, TensorData } from "../../spec/tensor";
import { device } from "../device/harness";

export type Tensors = Readonly<Record<string, TensorData>>;
export type Bounded = Readonly<Record<string, BoundedTensor>>;

/** The graphs of what a file exports, compiled once. The file may import others of its folder by name. */
export async function compiledFile(place: URL, beside: readonly string[] = []): Promise<Readonly<Record<string, SerialisedGraph>>> {
  const name = place.pathname.split("/").at(-1) ?? "";
  const files = Object.fromEntries([name, ...beside].map((file) => [file, readFileSync(new URL(file, place), "utf8")]));
  return (await compileSource(files, name)).kernels;
}

export const distance = (a: number, b: number): number => (a === b ? 0 : Math.abs(a - b));

/**
 * How far two f64 evaluations of one element may be apart: f64 has roundings 2⁻²⁹ times as large as the one-sided ones
 * that the bound grants f32 (2⁻⁵³ against 2⁻²³, twice for two evaluations), and functions more accurate still.
 */
const F64 = 2 ** -29;

/** Whether evaluation may take the other side of a jump: only where f32 may. */
const mayJump = ({ undecided, bound }: BoundedTensor, at: number): boolean => undecided[at] === 1 || bound[at] === Infinity;

/** Runs a kernel of any type as TypeScript. */
export const evaluated = evaluate as unknown as (kernel: unknown, inputs: Tensors, options: { readonly set?: Sizes }) => Readonly<Record<string, ComputedTensor>>;

/** Interprets a graph and holds `evaluate` of the kernel it came from to the same numbers. */
export function interpretedAndEvaluated(kernel: unknown, saved: SerialisedGraph, inputs: Tensors, set: Sizes = {}): Bounded {
  const { graph } = loadGraph(saved);
  const interpreted = interpretWithBound(graph, inputs, { set });
  const plain = evaluated(kernel, inputs, { set });
  expect(Object.keys(plain).sort()).toEqual(Object.keys(interpreted).sort());
  for (const [name, tensor] of Object.entries(interpreted)) {
    const other = plain[name];
    expect(other?.shape, name).toEqual(tensor.shape);
    tensor.data.forEach((value, at) => {
      if (mayJump(tensor, at)) return;
      expect(distance(other?.data[at] ?? NaN, value), `${name}[${at}] evaluated`).toBeLessThanOrEqual(F64 * (tensor.bound[at] ?? 0));
    });
  }
  return interpreted;
}

/** What a comparison saw. */
export interface Compared {
  readonly elements: number;
  /** Elements of which nothing is promised, which no comparison was made of. */
  readonly unbounded: number;
  /** Elements whose bound spans a jump. */
  readonly undecided: number;
}

/** Runs a graph on the device, with its sizes open and with all of them fixed, and holds every element to its bound. */
export async function heldOnDevice(saved: SerialisedGraph, inputs: Tensors, set: Sizes, sizes: Sizes, expected: Bounded): Promise<Compared> {
  let [elements, unbounded, undecided] = [0, 0, 0];
  for (const fixed of [undefined, sizes]) {
    const prepared = await device().prepare(saved, fixed === undefined ? {} : { set: fixed });
    const outputs = (await prepared.run(inputs, fixed === undefined ? { set } : {})) as Tensors;
    for (const [name, tensor] of Object.entries(expected)) {
      const got = outputs[name];
      expect(got?.shape, name).toEqual(tensor.shape);
      tensor.data.forEach((value, at) => {
        const bound = tensor.bound[at] ?? 0;
        if (bound === Infinity) {
          unbounded++;
          return;
        }
        elements++;
        if (tensor.undecided[at] === 1) undecided++;
        expect(distance(got?.data[at] ?? NaN, value), `${name}[${at}] on the device, of ${value}, sizes ${fixed === undefined ? "open" : "fixed"}`).toBeLessThanOrEqual(bound);
      });
    }
  }
  return { elements, unbounded, undecided };
}
