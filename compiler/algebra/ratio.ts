/**
 * @file The ratio test. A reduction over t has the body f(t, m), with m earlier results of the same pass. When they move
 * from m to m′, what was accumulated is repaired by r(m, m′) = f(t, m′) / f(t, m), if that does not depend on t:
 *
 *     Σ f(t, m′) = r · Σ f(t, m)              max f(t, m′) = r · max f(t, m) for r > 0, or  d + max f(t, m) for d = f(t, m′) − f(t, m)
 *
 * The ratio is found by structure: of a product the product of ratios, of exp(E) the exponential of E's difference, of a
 * sum the ratio that all its terms share, of a select the ratio that both branches share.
 *
 * Example: exp(s(t) − m)·v(t) has the ratio exp(m − m′); exp(−(s(t) − m)²) has none, since m·s(t) stays in the exponent.
 */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import { isFinite } from "../../spec/graph/facts";
import type { Select, Value } from "../../spec/graph/node";
import { openedOrder, replaceOpened } from "./opened";
import { show } from "./show";

export const oldSlot = (name: string): string => `${name}@old`;
export const newSlot = (name: string): string => `${name}@new`;

/** What a test works on: which slots move, and the position that a repair must not depend on. */
export interface Moving {
  readonly builder: GraphBuilder;
  /** Names of the slots that move. */
  readonly names: ReadonlySet<string>;
  /** The name of the fold's index. */
  readonly position: string;
}

const renamed = ({ builder, names }: Moving, value: Value, rename: (name: string) => string): Value =>
  replaceOpened(builder, value, (node) => (node.kind === "slot" && names.has(node.name) ? builder.slot(rename(node.name), node.indices, node.facts) : undefined));

export const before = (moving: Moving, value: Value): Value => renamed(moving, value, oldSlot);
export const after = (moving: Moving, value: Value): Value => renamed(moving, value, newSlot);

export const moves = ({ builder, names }: Moving, value: Value): boolean =>
  openedOrder(builder, [value]).some((node) => node.kind === "slot" && names.has(node.name));

/** Why there is no ratio. */
export interface Without { readonly why: string }
export type Found = { readonly ratio: Value } | "zero" | Without;

/** A factor or difference that holds for every t. */
export function ratio(moving: Moving, value: Value): Found {
  const { builder, position } = moving;
  if (value === builder.zero) return "zero";
  if (!moves(moving, value)) return { ratio: builder.one };
  const chosen = branching(moving, value);
  if (chosen !== undefined) {
    if (moves(moving, chosen.condition)) return { why: `its condition ${show(builder, chosen.condition)} changes with the state` };
    const sides = [true, false].map((side) => ratio(moving, builder.assume(value, chosen.condition, side)));
    return shared(sides, `the branches of ${show(builder, chosen)} do not share a ratio`);
  }
  if (!value.free.includes(position) && value.kind !== "product" && value.kind !== "linear" && !(value.kind === "apply" && value.fn === "exp")) return quotientOf(moving, value);
  switch (value.kind) {
    case "linear": {
      const parts = value.terms.map(([, term]) => ratio(moving, term));
      if (value.constant !== 0) parts.push({ ratio: builder.one });
      if (!value.free.includes(position) && value.terms.length > 1) return quotientOf(moving, value);
      const apart = { why: `the terms of ${show(builder, value)} do not share a ratio` };
      // One term that stays while another moves explains more than why the other has no ratio of its own.
      return parts.some((part) => part !== "zero" && "ratio" in part && part.ratio === builder.one) ? sharedOr(parts, apart) : shared(parts, apart.why);
    }
    case "product": {
      let exponent: Value = builder.zero;
      const found: (readonly [Value, number])[] = [];
      for (const [base, power] of value.factors) {
        if (base.kind === "apply" && base.fn === "exp") {
          const [argument] = base.args;
          if (argument !== undefined) exponent = builder.linear(0, [[1, exponent], [power, argument]]);
          continue;
        }
        const part = ratio(moving, base);
        if (part === "zero" || "why" in part) return part;
        found.push([part.ratio, power]);
      }
      const exponential = exponentialRatio(moving, exponent);
      if ("why" in exponential) return exponential;
      return { ratio: builder.product([...found, [exponential.ratio, 1]]) };
    }
    case "apply": {
      const [argument] = value.args;
      if (value.fn === "exp" && argument !== undefined) return exponentialRatio(moving, argument);
      break;
    }
    default:
  }
  return { why: `${show(builder, value)} depends on the position and on the state in one, and no factor of it is free of the position` };
}

function sharedOr(parts: readonly Found[], otherwise: Without): Found {
  const found = shared(parts, otherwise.why);
  return found !== "zero" && "why" in found ? otherwise : found;
}

function shared(parts: readonly Found[], why: string): Found {
  let common: Value | undefined;
  for (const part of parts) {
    if (part === "zero") continue;
    if ("why" in part) return part;
    if (common !== undefined && common !== part.ratio) return { why };
    common = part.ratio;
  }
  return common === undefined ? "zero" : { ratio: common };
}

/** f(m′) / f(m) of a value that does not depend on the position. */
function quotientOf(moving: Moving, value: Value): Found {
  const { builder } = moving;
  if (!isFinite(value.facts)) return { why: `${show(builder, value)} may be infinite on some prefix` };
  if (!value.facts.nonZero) return { why: `${show(builder, value)} may be 0 on some prefix, so the ratio may divide by zero` };
  return { ratio: builder.divide(after(moving, value), before(moving, value)) };
}

function exponentialRatio(moving: Moving, exponent: Value): { readonly ratio: Value } | Without {
  const { builder, position } = moving;
  const expanded = expand(moving, exponent);
  const difference = builder.subtract(after(moving, expanded), before(moving, expanded));
  if (difference.free.includes(position)) return { why: `exp(${show(builder, exponent)}) would be repaired by a factor that depends on the position` };
  if (!isFinite(difference.facts)) return { why: `the exponent ${show(builder, exponent)} may be infinite on some prefix` };
  return { ratio: builder.apply("exp", [difference]) };
}

/** The same number d for every t, with f(t, m′) = f(t, m) + d. */
export function shift(moving: Moving, value: Value): { readonly difference: Value } | Without {
  const { builder, position } = moving;
  const common = (parts: readonly ({ readonly difference: Value } | Without)[], why: string): { readonly difference: Value } | Without => {
    const [first] = parts;
    if (first === undefined || "why" in first) return first ?? { why };
    for (const part of parts) {
      if ("why" in part) return part;
      if (part.difference !== first.difference) return { why };
    }
    return first;
  };
  if (value.kind === "select") {
    if (moves(moving, value.condition)) return { why: `its condition ${show(builder, value.condition)} changes with the state` };
    return common([shift(moving, value.yes), shift(moving, value.no)], `the branches of ${show(builder, value)} do not move alike`);
  }
  if (value.kind === "larger" || value.kind === "smaller") return common([shift(moving, value.left), shift(moving, value.right)], `the sides of ${show(builder, value)} do not move alike`);
  const expanded = expand(moving, value);
  const difference = builder.subtract(after(moving, expanded), before(moving, expanded));
  if (difference.free.includes(position)) return { why: `${show(builder, value)} moves by an amount that depends on the position` };
  return isFinite(difference.facts) ? { difference } : { why: `${show(builder, value)} may move by an infinite amount` };
}

/** Multiplies out products of sums in which the state occurs, so that the difference of two such values cancels. */
export function expand(moving: Moving, value: Value): Value {
  const { builder } = moving;
  if (!moves(moving, value)) return value;
  if (value.kind === "linear") return builder.linear(value.constant, value.terms.map(([k, term]) => [k, expand(moving, term)] as const));
  if (value.kind !== "product") return value;
  const at = value.factors.findIndex(([base, power]) => base.kind === "linear" && Number.isInteger(power) && power > 0 && power <= 4 && moves(moving, base));
  const factor = value.factors[at];
  if (factor === undefined) return value;
  const [base, power] = factor;
  const { constant, terms } = asLinear(base);
  const rest = builder.product([...value.factors.filter((_, k) => k !== at), [base, power - 1]]);
  return builder.linear(0, [
    ...terms.map(([k, term]) => [k, expand(moving, builder.multiply(term, rest))] as const),
    [constant, expand(moving, rest)],
  ]);
}

/** The first select, below products, sums and exponentials, whose branches or condition the state reaches. */
function branching(moving: Moving, value: Value): Select | undefined {
  if (value.kind === "select") return value.free.includes(moving.position) && moves(moving, value) ? value : undefined;
  const parts = value.kind === "linear" ? value.terms.map(([, term]) => term) : value.kind === "product" ? value.factors.map(([base]) => base) : value.kind === "apply" && value.fn === "exp" ? value.args : [];
  for (const part of parts) {
    const found = branching(moving, part);
    if (found !== undefined) return found;
  }
  return undefined;
}
