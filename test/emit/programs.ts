/** @file Graphs in a few lines, and data for them. */

import { GraphBuilder } from "../../spec/graph/builder";
import type { AxisDeclaration, Element, Graph, ReduceOperator, Tensor, Value } from "../../spec/graph/node";
import type { TensorData } from "../../spec/tensor";

export const f32: Element = { kind: "f32" };
export const f16: Element = { kind: "f16" };
export const i32: Element = { kind: "i32" };
export const u32: Element = { kind: "u32" };
export const uint = (bits: number): Element => ({ kind: "uint", bits });

export const tensorOf = (name: string, element: Element, ...axes: readonly string[]): Tensor => ({ name, element, axes });

/** The parts of a graph under construction. */
export interface Draft {
  readonly b: GraphBuilder;
  /** An index of an axis; `k` tells several apart. */
  readonly index: (axis: string, k?: number) => Value;
  readonly extent: (axis: string) => Value;
  readonly load: (tensor: Tensor, ...indices: readonly Value[]) => Value;
  readonly sum: (axis: string, body: (at: Value) => Value) => Value;
  /** `op` over an axis. */
  readonly reduce: (op: ReduceOperator, axis: string, body: (at: Value) => Value) => Value;
}

/** A graph whose outputs are given by their bodies. */
export function draw(
  inputs: readonly Tensor[],
  outputs: readonly (readonly [output: Tensor, body: (draft: Draft, ...at: Value[]) => Value])[],
  declared: Readonly<Record<string, number>> = {},
  more: readonly string[] = [],
): Graph {
  const b = new GraphBuilder();
  const names = [...new Set([...[...inputs, ...outputs.map(([tensor]) => tensor)].flatMap((tensor) => tensor.axes), ...Object.keys(declared), ...more])];
  const axes = names.map((name): AxisDeclaration => (name in declared ? { name, extent: declared[name] ?? 0 } : { name }));
  const extent = (axis: string): Value => (axis in declared ? b.constant(declared[axis] ?? 0) : b.extent(axis));
  let opened = 10;
  const index = (axis: string, k = 0): Value => b.index(axis, extent(axis), k);
  const reduce: Draft["reduce"] = (op, axis, body) => {
    const at = index(axis, opened++);
    return b.reduce(op, at, body(at));
  };
  const draft: Draft = { b, index, extent, load: (tensor, ...indices) => b.load(tensor, indices), sum: (axis, body) => reduce("sum", axis, body), reduce };
  const stores = outputs.map(([output, body]) => {
    const used = new Map<string, number>();
    const indices = output.axes.map((axis) => {
      const k = used.get(axis) ?? 0;
      used.set(axis, k + 1);
      return index(axis, k);
    });
    return { output, indices, value: body(draft, ...indices) };
  });
  return { name: "sample", axes, inputs, outputs: outputs.map(([output]) => output), stores, obligations: [], spans: b.spans };
}

/** Numbers that look random and are the same every time. */
export function numbers(seed: number): () => number {
  let state = (seed * 2654435761 + 1013904223) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

const count = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

export function reals(shape: readonly number[], seed = 1, scale = 1): TensorData {
  const next = numbers(seed);
  return { shape, data: Float32Array.from({ length: count(shape) }, () => (next() * 2 - 1) * scale) };
}

/** Whole numbers from `low` to `high`. */
export function integers(shape: readonly number[], low: number, high: number, seed = 1): TensorData<number[]> {
  const next = numbers(seed);
  return { shape, data: Array.from({ length: count(shape) }, () => low + Math.floor(next() * (high - low + 1))) };
}
