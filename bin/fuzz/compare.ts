/** @file Outputs of a backend held against the reference interpreter, element by element, each within its own bound. */

import type { BoundedTensor } from "../../spec/interpreter";
import { position, type TensorData } from "../../spec/tensor/tensor";

/** An element that lies further from the reference than its bound. */
export interface Difference {
  readonly output: string;
  readonly at: readonly number[];
  readonly got: number;
  readonly expected: number;
  readonly bound: number;
}

export interface Comparison {
  /** Elements that a bound holds for. */
  readonly compared: number;
  /** Elements of which nothing is promised: they divide by zero or overflow. */
  readonly unbounded: number;
  /** The largest part of a bound that a difference took up. */
  readonly largest: number;
  readonly difference: Difference | undefined;
}

/** The worst element is the one reported. */
export function compare(expected: Readonly<Record<string, BoundedTensor>>, outputs: Readonly<Record<string, TensorData>>): Comparison {
  let [compared, unbounded, largest] = [0, 0, 0];
  let difference: Difference | undefined;
  for (const [output, { shape, data, bound }] of Object.entries(expected)) {
    const got = outputs[output]?.data ?? [];
    for (const [at, wanted] of data.entries()) {
      const reach = bound[at] ?? 0;
      if (reach === Infinity) {
        unbounded++;
        continue;
      }
      compared++;
      const ratio = ratioOf(got[at] ?? NaN, wanted, reach);
      if (ratio > 1 && ratio > largest) difference = { output, at: position(at, shape), got: got[at] ?? NaN, expected: wanted, bound: reach };
      largest = Math.max(largest, ratio);
    }
  }
  return { compared, unbounded, largest, difference };
}

/** The part of the bound that the difference takes up; +∞ where there is no bound to speak of. */
function ratioOf(got: number, expected: number, bound: number): number {
  if (got === expected) return 0;
  const distance = Math.abs(got - expected);
  if (Number.isNaN(distance) || bound === 0) return Infinity;
  return distance / bound;
}
