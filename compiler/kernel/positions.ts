/** @file What sizes, positions and conditions on them amount to when the sizes and positions are numbers. */

import type { Value } from "../../spec/graph/node";
import type { Sizes } from "../program";

/** Positions by name of the index. */
export type Positions = ReadonlyMap<string, number>;

/**
 * An integer or a truth (1 or 0) made of sizes and positions.
 * @returns undefined where it reads an element or a position that is not given
 */
export function positionOf(value: Value, sizes: Sizes, at: Positions): number | undefined {
  const of = (part: Value): number | undefined => positionOf(part, sizes, at);
  const both = (left: Value, right: Value, combine: (a: number, b: number) => number): number | undefined => {
    const [a, b] = [of(left), of(right)];
    return a === undefined || b === undefined ? undefined : combine(a, b);
  };
  const each = (parts: readonly Value[], combine: (numbers: readonly number[]) => number): number | undefined => {
    const numbers = parts.map(of);
    return numbers.every((number) => number !== undefined) ? combine(numbers) : undefined;
  };
  switch (value.kind) {
    case "constant": return value.value;
    case "truth": return Number(value.value);
    case "extent": return sizes[value.axis];
    case "index": return at.get(value.name);
    case "linear": return each(value.terms.map(([, term]) => term), (terms) => value.terms.reduce((sum, [k], place) => sum + k * (terms[place] ?? NaN), value.constant));
    case "product": return each(value.factors.map(([base]) => base), (bases) => value.factors.reduce((all, [, exponent], place) => all * (bases[place] ?? NaN) ** exponent, 1));
    case "quotient": return both(value.left, value.right, (a, b) => Math.floor(a / b));
    case "remainder": return both(value.left, value.right, (a, b) => a % b);
    case "larger": return both(value.left, value.right, Math.max);
    case "smaller": return both(value.left, value.right, Math.min);
    case "less": return both(value.left, value.right, (a, b) => Number(a < b));
    case "atMost": return both(value.left, value.right, (a, b) => Number(a <= b));
    case "equal": return both(value.left, value.right, (a, b) => Number(a === b));
    case "not": return each([value.of], ([a]) => Number(a === 0));
    case "and": return each(value.of, (all) => Number(all.every((a) => a !== 0)));
    case "or": return each(value.of, (all) => Number(all.some((a) => a !== 0)));
    case "select": {
      const condition = of(value.condition);
      return condition === undefined ? undefined : of(condition === 0 ? value.no : value.yes);
    }
    default: return undefined;
  }
}

/** Every combination of positions of `axes`, the last of which moves fastest. */
export function* combinations(axes: readonly { readonly name: string; readonly size: number }[]): Generator<ReadonlyMap<string, number>> {
  const total = axes.reduce((count, { size }) => count * size, 1);
  for (let number = 0; number < total; number++) yield digitsOf(number, axes);
}

/** The digits of a number, whose last axis is the lowest digit. */
export function digitsOf(number: number, axes: readonly { readonly name: string; readonly size: number }[]): Map<string, number> {
  const digits = new Map<string, number>();
  let rest = number;
  for (const { name, size } of [...axes].reverse()) {
    digits.set(name, rest % size);
    rest = Math.floor(rest / size);
  }
  return digits;
}
