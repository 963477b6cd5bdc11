/**
 * @file Which values of a kernel may be infinite, and hence be a sentinel: closer than the facts of the graph, which also
 * count what a division by zero gives. A kernel promises nothing for an element whose evaluation divides by zero.
 */

import type { Value } from "../../spec/graph/node";

export interface Infinities {
  readonly negative: boolean;
  readonly positive: boolean;
}

const NONE: Infinities = { negative: false, positive: false };
const known = new WeakMap<Value, Infinities>();

/** What stands for +∞ on a device; its negative stands for −∞. The largest finite f32. */
export const SENTINEL = (2 - 2 ** -23) * 2 ** 127;

export const isInfinite = ({ negative, positive }: Infinities): boolean => negative || positive;

/** Which infinities a number may be, where its evaluation divides by zero nowhere. */
export function infinitiesOf(value: Value): Infinities {
  let result = known.get(value);
  if (result === undefined) {
    const { mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive } = value.facts;
    const closer = negative || positive ? derive(value) : NONE;
    result = { negative: negative && closer.negative, positive: positive && closer.positive };
    known.set(value, result);
  }
  return result;
}

const EITHER: Infinities = { negative: true, positive: true };
/** Functions with an infinite value at a finite argument. */
const POLES: ReadonlySet<string> = new Set(["log", "log2", "log10", "log1p", "atanh"]);

const union = (values: readonly Value[]): Infinities => {
  const all = values.map(infinitiesOf);
  return { negative: all.some(({ negative }) => negative), positive: all.some(({ positive }) => positive) };
};

function derive(value: Value): Infinities {
  switch (value.kind) {
    case "linear": {
      const signed = value.terms.map(([k, term]) => {
        const { negative, positive } = infinitiesOf(term);
        return k > 0 ? { negative, positive } : { negative: positive, positive: negative };
      });
      return { negative: signed.some(({ negative }) => negative), positive: signed.some(({ positive }) => positive) };
    }
    case "product": return isInfinite(union(value.factors.map(([base]) => base))) ? EITHER : NONE;
    case "apply": return POLES.has(value.fn) || isInfinite(union(value.args)) ? EITHER : NONE;
    case "larger": case "smaller": return union([value.left, value.right]);
    case "remainder": return isInfinite(union([value.left, value.right])) ? EITHER : NONE;
    case "select": return union([value.yes, value.no]);
    case "reduce": {
      const body = infinitiesOf(value.body);
      const nonEmpty = value.where.kind === "truth" && value.where.value && value.extent.facts.low >= 1;
      return {
        negative: body.negative || (value.op === "max" && !nonEmpty),
        positive: body.positive || (value.op === "min" && !nonEmpty),
      };
    }
    default: return EITHER;
  }
}
