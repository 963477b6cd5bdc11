/**
 * @file Expressions of the language as trees that can be printed, built as graphs, and made smaller. What may stand where
 * is a matter of sorts, so that whatever is made has types, indices inside their axes, and a meaning that small errors do
 * not overturn:
 *
 *     index(axis)  a position on that axis
 *     integer      a whole number of modest size, the same on every device
 *     exact        a number that every device has exactly, so that comparisons of it come out the same
 *     real         any number
 *     truth        true or false
 *
 * An index is an integer, an integer is exact, an exact number is real.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Value } from "../../spec/graph/node";
import type { Maker } from "./maker";

export type Sort = "integer" | "exact" | "real" | "truth" | { readonly axis: string };

/** A part as a graph, from what the names bound in it are worth. */
export type Built = (...bound: readonly Value[]) => Value;
/** A text, from those of its parts. */
export type Print = (parts: readonly string[]) => string;
/** The graph of an expression, from those of its parts. */
export type Build = (maker: Maker, parts: readonly Built[]) => Value;

export interface Expression {
  readonly sort: Sort;
  readonly parts: readonly Expression[];
  /** The names that are bound in each part and not outside, in the order of `parts`. */
  readonly binds: readonly (readonly string[])[];
  /** The name that this is: of an index or of a number, to tell where it may stand. */
  readonly name?: string;
  /** The function of the program that it calls. */
  readonly calls?: string;
  /** The input that it reads, at its parts. */
  readonly reads?: string;
  readonly print: Print;
  readonly build: Build;
}

const NOTHING: readonly string[] = [];

export function leaf(sort: Sort, text: string, make: Build): Expression {
  return { sort, parts: [], binds: [], print: () => text, build: make };
}

/** A whole number that is written out. */
export const whole = (value: number): Expression => leaf("integer", String(value), ({ builder }) => builder.constant(value));

/** What is called `name`: an index, or a number that was computed before. */
export function named(sort: Sort, name: string): Expression {
  const unbound: Build = () => {
    throw new InternalError(`${name} is read where nothing is called so`);
  };
  return { sort, parts: [], binds: [], name, print: () => name, build: unbound };
}

export function apply(sort: Sort, parts: readonly Expression[], text: Print, make: (maker: Maker, parts: readonly Value[]) => Value): Expression {
  return { sort, parts, binds: parts.map(() => NOTHING), print: text, build: (maker, built) => make(maker, built.map((part) => part())) };
}

/** Of the body, in which `name` is bound, and of further parts, in which it is not. */
export function binder(sort: Sort, name: string, body: Expression, rest: readonly Expression[], text: Print, make: Build): Expression {
  return { sort, parts: [body, ...rest], binds: [[name], ...rest.map(() => NOTHING)], print: text, build: make };
}

export function print(expression: Expression): string {
  return expression.print(expression.parts.map(print));
}

/** The graph of an expression in which `names` are known. */
export function build(expression: Expression, maker: Maker, names: ReadonlyMap<string, Value>): Value {
  const { name, parts, binds } = expression;
  const known = name === undefined ? undefined : names.get(name);
  if (known !== undefined) return known;
  return expression.build(maker, parts.map((part, at): Built => (...bound) => {
    const own = binds[at] ?? NOTHING;
    if (own.length !== bound.length) throw new InternalError(`${own.join(", ")} bound to ${bound.length} values`);
    return build(part, maker, own.length === 0 ? names : new Map([...names, ...own.map((each, k) => [each, bound[k] ?? maker.builder.zero] as const)]));
  }));
}

/** A part that binds nothing, or the `at`-th of the values it is given. */
export function partOf(parts: readonly Built[], at: number): Built {
  const part = parts[at];
  if (part === undefined) throw new InternalError(`an expression without its part ${at}`);
  return part;
}

/** Whether something of the sort `one` may stand where `other` is asked for. */
export function fits(one: Sort, other: Sort): boolean {
  if (typeof other === "object") return typeof one === "object" && one.axis === other.axis;
  if (typeof one === "object") return other !== "truth";
  if (other === "truth" || one === "truth") return one === other;
  const order = ["integer", "exact", "real"] as const;
  return order.indexOf(one) <= order.indexOf(other);
}

/** The names that occur and are not bound inside. */
export function free(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>(expression.name === undefined ? [] : [expression.name]);
  expression.parts.forEach((part, at) => {
    const bound = expression.binds[at] ?? NOTHING;
    for (const name of free(part)) if (!bound.includes(name)) names.add(name);
  });
  return names;
}

/** A position of the axis, where it has one. */
const first = (axis: string): Expression => leaf({ axis }, `clamp(0, ${axis})`, (maker) => maker.clamp(maker.builder.zero, axis));
const TRUE: Expression = leaf("truth", "true", ({ builder }) => builder.true);

/**
 * Smaller expressions that may stand in place of `expression`, the smallest first: constants, what lies inside it, and
 * itself with a smaller part.
 */
export function* smaller(expression: Expression): Generator<Expression> {
  const { sort, parts, binds } = expression;
  if (parts.length > 0) {
    yield typeof sort === "object" ? first(sort.axis) : sort === "truth" ? TRUE : { ...whole(1), sort };
    const outside = free(expression);
    for (const inside of descendants(expression)) {
      if (fits(inside.sort, sort) && [...free(inside)].every((name) => outside.has(name))) yield inside;
    }
  }
  for (const [at, part] of parts.entries()) {
    for (const candidate of smaller(part)) {
      yield { ...expression, parts: parts.map((other, place) => (place === at ? candidate : other)), binds };
    }
  }
}

function* descendants({ parts }: Expression): Generator<Expression> {
  yield* parts;
  for (const part of parts) yield* descendants(part);
}
