/** @file Whether the integers of a program are exact in f32, for the sizes and the integers of one run. */

import type { Load, Slot, Value } from "../../../spec/graph/node";
import { Bounder, type Bounds } from "../../kernel/bounds";
import { integerType } from "../../kernel/scalar";
import type { ThreadUnit } from "../../plan/threads";
import type { Sizes } from "../../program";
import { BITWISE_BOUNDS } from "./integers";

/** Integers up to this magnitude are exact in f32. */
export const EXACT = 2 ** 24;

/** The least and the greatest element of each input of i32 or u32. */
export type Ranges = ReadonlyMap<string, Bounds>;

/** Bounds of a program's integers in one run. */
export class Exact {
  readonly bounder: Bounder;

  constructor(units: readonly Pick<ThreadUnit, "array" | "values">[], sizes: Sizes, ranges: Ranges) {
    const filled = new Map(units.map(({ array, values }) => [array.name, values]));
    const size = (axis: string): Bounds => [sizes[axis] ?? 0, sizes[axis] ?? 0];
    const element = (value: Load | Slot): Bounds => {
      const name = value.kind === "load" ? value.tensor.name : value.name;
      const from = filled.get(name);
      if (from?.every((part) => integerType(part) !== undefined) === true) {
        const bounds = from.map((part) => this.bounder.of(part));
        return [Math.min(...bounds.map(([low]) => low)), Math.max(...bounds.map(([, high]) => high))];
      }
      return ranges.get(name) ?? [-Infinity, Infinity];
    };
    this.bounder = new Bounder(size, element);
  }

  /** The largest magnitude on the way to an integer, the partial sums of a sum included. */
  reach(value: Value): number {
    const size = (part: Value): number => Math.max(...this.bounder.of(part).map(Math.abs));
    switch (value.kind) {
      case "linear": return value.terms.reduce((sum, [k, term]) => sum + Math.abs(k) * size(term), Math.abs(value.constant));
      case "product": return value.factors.reduce((all, [base, exponent]) => all * size(base) ** exponent, 1);
      case "reduce": return value.op === "sum" ? size(value.body) * size(value.extent) : size(value);
      case "bitwise": {
        const [least, most] = BITWISE_BOUNDS;
        const shift = value.op === "<<" || value.op === ">>" || value.op === ">>>";
        const [low, high] = this.bounder.of(value.right);
        if (shift) return low >= 0 && high < 24 && (value.op !== ">>>" || this.bounder.of(value.left)[0] >= 0) ? Math.max(size(value.left), size(value)) : Infinity;
        const fits = [value.left, value.right].every((part) => this.bounder.of(part)[0] >= least && this.bounder.of(part)[1] <= (this.bounder.of(part)[0] < 0 ? most : EXACT - 1));
        return fits ? size(value.left) : Infinity;
      }
      default: return size(value);
    }
  }
}
