/**
 * @file Expressions of the language as trees that can be printed and made smaller. What may stand where is a matter of
 * sorts, so that whatever is printed has types, indices inside their axes, and a meaning that small errors do not overturn:
 *
 *     index(axis)  a position on that axis
 *     integer      a whole number of modest size, the same on every device
 *     exact        a number that every device has exactly, so that comparisons of it come out the same
 *     real         any number
 *     truth        true or false
 *
 * An index is an integer, an integer is exact, an exact number is real.
 */

export type Sort = "integer" | "exact" | "real" | "truth" | { readonly axis: string };

export interface Expression {
  readonly sort: Sort;
  readonly parts: readonly Expression[];
  /** The names that are bound in each part and not outside, in the order of `parts`. */
  readonly binds: readonly (readonly string[])[];
  /** The name of an index that this is, to tell where it may stand. */
  readonly name?: string;
  /** The text, from the texts of the parts. */
  print(parts: readonly string[]): string;
}

const NOTHING: readonly string[] = [];

export function leaf(sort: Sort, text: string): Expression {
  return { sort, parts: [], binds: [], print: () => text };
}

/** The index called `name`. */
export function named(axis: string, name: string): Expression {
  return { sort: { axis }, parts: [], binds: [], name, print: () => name };
}

export function apply(sort: Sort, parts: readonly Expression[], print: (parts: readonly string[]) => string): Expression {
  return { sort, parts, binds: parts.map(() => NOTHING), print };
}

/** `print` of the bodies, in which `name` is bound, and of further parts, in which it is not. */
export function binder(sort: Sort, name: string, body: Expression, rest: readonly Expression[], print: (parts: readonly string[]) => string): Expression {
  return { sort, parts: [body, ...rest], binds: [[name], ...rest.map(() => NOTHING)], print };
}

export function print(expression: Expression): string {
  return expression.print(expression.parts.map(print));
}

/** Whether something of the sort `one` may stand where `other` is asked for. */
export function fits(one: Sort, other: Sort): boolean {
  if (typeof other === "object") return typeof one === "object" && one.axis === other.axis;
  if (typeof one === "object") return other !== "truth";
  if (other === "truth" || one === "truth") return one === other;
  const order = ["integer", "exact", "real"] as const;
  return order.indexOf(one) <= order.indexOf(other);
}

/** The names of indices that occur and are not bound inside. */
export function free(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>(expression.name === undefined ? [] : [expression.name]);
  expression.parts.forEach((part, at) => {
    const bound = expression.binds[at] ?? NOTHING;
    for (const name of free(part)) if (!bound.includes(name)) names.add(name);
  });
  return names;
}

/**
 * Smaller expressions that may stand in place of `expression`, the smallest first: constants, what lies inside it, and
 * itself with a smaller part.
 */
export function* smaller(expression: Expression): Generator<Expression> {
  const { sort, parts, binds } = expression;
  if (parts.length > 0) {
    if (typeof sort === "object") yield apply(sort, [], () => `clamp(0, ${sort.axis})`);
    else yield leaf(sort, sort === "truth" ? "true" : "1");
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
