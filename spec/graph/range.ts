/** @file The range of an index in words, in terms of the sizes of axes, for messages. */

import type { Value } from "./node";

/** `constant + Σ coefficient · size`, or no bound at all. */
interface Bound { readonly constant: number; readonly sizes: ReadonlyMap<string, number> }

const constant = (value: number): Bound | undefined => (Number.isFinite(value) ? { constant: value, sizes: new Map() } : undefined);

const isConstant = (bound: Bound | undefined): bound is Bound => bound !== undefined && bound.sizes.size === 0;

/** `an integer from 1 to extent(token)`. */
export function rangeText(value: Value): string {
  const [low, high] = [bound(value, false), bound(value, true)];
  const what = value.facts.integer ? "an index" : "a number";
  if (low === undefined && high === undefined) return `${what} of which nothing is known`;
  const [from, to] = [low === undefined ? "−∞" : boundText(low), high === undefined ? "∞" : boundText(high)];
  return from === to ? `the index ${from}` : `${what} from ${from} to ${to}`;
}

/** `extent(token) − 1`. */
export function sizeText(size: Value, less = 0): string {
  return boundText(bound(size, true) ?? { constant: 0, sizes: new Map() }, -less);
}

function boundText({ constant: rest, sizes }: Bound, shift = 0): string {
  const parts = [...sizes].map(([axis, k]) => `${k === 1 ? "" : k === -1 ? "−" : `${k} · `}extent(${axis})`);
  const left = rest + shift;
  if (parts.length === 0) return String(left).replace("-", "−");
  return parts.join(" + ").replaceAll("+ −", "− ") + (left === 0 ? "" : left < 0 ? ` − ${-left}` : ` + ${left}`);
}

function bound(value: Value, upper: boolean): Bound | undefined {
  switch (value.kind) {
    case "extent": return { constant: 0, sizes: new Map([[value.axis, 1]]) };
    case "index": return upper ? plus(bound(value.extent, true), 1, constant(-1)) : constant(0);
    case "linear": {
      let total: Bound | undefined = constant(value.constant);
      for (const [k, term] of value.terms) total = plus(total, k, bound(term, k > 0 === upper));
      return total;
    }
    case "quotient": {
      const [left, right] = [bound(value.left, upper), value.right];
      if (isConstant(left) && right.kind === "constant") return constant(Math.floor(left.constant / right.value));
      break;
    }
    case "smaller": case "larger": {
      const [a, b] = [bound(value.left, upper), bound(value.right, upper)];
      if (isConstant(a) && isConstant(b)) return constant(value.kind === "smaller" ? Math.min(a.constant, b.constant) : Math.max(a.constant, b.constant));
      // The smaller is at most either, the larger at least either.
      if ((value.kind === "smaller") === upper) return a ?? b;
      break;
    }
    case "select": {
      const [a, b] = [bound(value.yes, upper), bound(value.no, upper)];
      if (isConstant(a) && isConstant(b)) return constant(upper ? Math.max(a.constant, b.constant) : Math.min(a.constant, b.constant));
      break;
    }
    case "remainder":
      if (upper && value.left.facts.low >= 0 && value.facts.integer) return plus(bound(value.right, true), 1, constant(-1));
      break;
    default:
  }
  return constant(upper ? value.facts.high : value.facts.low);
}

function plus(a: Bound | undefined, factor: number, b: Bound | undefined): Bound | undefined {
  if (a === undefined || b === undefined) return undefined;
  const sizes = new Map(a.sizes);
  for (const [axis, k] of b.sizes) {
    const total = (sizes.get(axis) ?? 0) + factor * k;
    if (total === 0) sizes.delete(axis);
    else sizes.set(axis, total);
  }
  return { constant: a.constant + factor * b.constant, sizes };
}
