/** @file Evaluates library functions on one vector, so that a test is the function, its input and what it must give. */

import { axis, evaluate, f32, kernel, type Axis } from "kvern";

export const position = axis("position");

type Along = (i: number) => number;

/** `f(position, x)` for x of any length, as one number. */
export const scalar = (x: readonly number[], f: (axis: Axis<"position">, x: Along) => number): number => {
  const { out } = evaluate(kernel({ x: f32(position) }, f32(), ({ x }) => () => f(position, x)), { x: { shape: [x.length], data: x } });
  return out.data[0] ?? NaN;
};

/** `f(position, x)` at every position. */
export const vector = (x: readonly number[], f: (axis: Axis<"position">, x: Along) => Along): readonly number[] => {
  const { out } = evaluate(kernel({ x: f32(position) }, f32(position), ({ x }) => (i) => f(position, x)(i)), { x: { shape: [x.length], data: x } });
  return [...out.data];
};
