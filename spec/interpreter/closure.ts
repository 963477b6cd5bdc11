/**
 * @file Turns terms into closures: each node of the graph does here what its doc comment says, in f64 as JavaScript has
 * it. Nothing is evaluated that JavaScript would not evaluate: the branch of a select that is not taken, the body of a
 * reduction where its guard fails.
 */

import { InternalError, KvernError } from "../diagnostics/diagnostic";
import type { Apply, BitwiseOperator, Load, Product, Reduce, Slot } from "../graph/node";
import type { Sizes } from "../tensor";
import { readElement, type Elements } from "./elements";
import { measure } from "./measure";
import type { Reuse, Run } from "./reuse";
import type { Cursor, Term } from "./term";

/** What is worth a slot at given indices, for the compiler's own references. */
export type SlotValue = (slot: Slot, at: readonly number[]) => number;

export interface Surroundings {
  readonly sizes: Sizes;
  /** The elements of an input. */
  readonly elements: (load: Load) => Elements;
  readonly slot: SlotValue;
  readonly reuse: Reuse;
}

/** A closure for every term asked for, equal terms sharing one. */
export class Closures {
  readonly #made = new Map<Term, Run>();
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  of(term: Term): Run {
    let run = this.#made.get(term);
    if (run === undefined) this.#made.set(term, (run = this.#around.reuse.numbers(term, this.#run(term))));
    return run;
  }

  #part(term: Term, at: number): Run {
    const part = term.parts[at];
    if (part === undefined) throw new InternalError(`a ${term.value.kind} without its part ${at}`);
    return this.of(part);
  }

  #run(term: Term): Run {
    const { value } = term;
    const parts = (): readonly Run[] => term.parts.map((part) => this.of(part));
    const one = (): Run => this.#part(term, 0);
    const two = (): readonly [Run, Run] => [this.#part(term, 0), this.#part(term, 1)];
    switch (value.kind) {
      case "constant":
        return constant(value.value);
      case "truth":
        return constant(value.value ? 1 : 0);
      case "extent":
        return constant(measure(value, this.#around.sizes));
      case "index": {
        const cursor = cursorOf(term);
        return () => cursor.now;
      }
      case "load":
        return readElement(this.#around.elements(value), parts());
      case "slot": {
        const indices = parts();
        const { slot } = this.#around;
        return () => slot(value, indices.map((index) => index()));
      }
      case "linear":
        return linear(value.constant, value.terms.map(([coefficient]) => coefficient), parts());
      case "product":
        return product(value, parts());
      case "quotient": {
        const [left, right] = two();
        return () => Math.floor(left() / right());
      }
      case "remainder": {
        const [left, right] = two();
        return () => left() % right();
      }
      case "apply":
        return applied(value, parts());
      case "bitwise":
        return bitwise(value.op, ...two());
      case "larger": {
        const [left, right] = two();
        return () => Math.max(left(), right());
      }
      case "smaller": {
        const [left, right] = two();
        return () => Math.min(left(), right());
      }
      case "select": {
        const [condition, yes, no] = [this.#part(term, 0), this.#part(term, 1), this.#part(term, 2)];
        return () => (condition() === 1 ? yes() : no());
      }
      case "less": {
        const [left, right] = two();
        return () => (left() < right() ? 1 : 0);
      }
      case "atMost": {
        const [left, right] = two();
        return () => (left() <= right() ? 1 : 0);
      }
      case "equal": {
        const [left, right] = two();
        return () => (left() === right() ? 1 : 0);
      }
      case "not": {
        const of = one();
        return () => 1 - of();
      }
      case "and":
        return junction(parts(), 0);
      case "or":
        return junction(parts(), 1);
      case "reduce":
        return reduction(value, cursorOf(term), ...two());
      case "table":
        return lookup(value.axis, cursorOf(term), ...two());
    }
  }
}

function cursorOf({ value, cursor }: Term): Cursor {
  if (cursor === undefined) throw new InternalError(`a ${value.kind} without a cursor`);
  return cursor;
}

const constant = (value: number): Run => () => value;

function linear(constant: number, coefficients: readonly number[], terms: readonly Run[]): Run {
  const [a, b] = terms;
  const [k = 0, l = 0] = coefficients;
  if (terms.length === 1 && a !== undefined) {
    if (constant === 0) return () => k * a();
    return () => constant + k * a();
  }
  if (terms.length === 2 && a !== undefined && b !== undefined) {
    if (constant === 0) return () => k * a() + l * b();
    return () => constant + k * a() + l * b();
  }
  const scaled = terms.map((term, at) => [coefficients[at] ?? 0, term] as const);
  return () => {
    let total = constant;
    for (const [coefficient, term] of scaled) total += coefficient * term();
    return total;
  };
}

/** The factors above, divided by those below, so that no reciprocal overflows which the quotient would not. */
function product({ factors }: Product, bases: readonly Run[]): Run {
  const powers = factors.map(([, exponent], at) => [power(bases[at], Math.abs(exponent)), exponent > 0] as const);
  const above = powers.filter(([, up]) => up).map(([run]) => run);
  const below = powers.filter(([, up]) => !up).map(([run]) => run);
  const [a, b] = above;
  if (below.length === 0 && above.length === 2 && a !== undefined && b !== undefined) return () => a() * b();
  if (below.length === 0 && above.length === 1 && a !== undefined) return a;
  return () => {
    let value = 1;
    for (const factor of above) value *= factor();
    for (const divisor of below) value /= divisor();
    return value;
  };
}

/** `base ** exponent` of a positive exponent. */
function power(base: Run | undefined, exponent: number): Run {
  if (base === undefined) throw new InternalError("a power of nothing");
  if (exponent === 1) return base;
  if (exponent === 0.5) return () => Math.sqrt(base());
  return () => base() ** exponent;
}

function applied({ fn }: Apply, [x, y]: readonly Run[]): Run {
  if (x === undefined) throw new InternalError(`Math.${fn} of nothing`);
  if (fn === "pow" || fn === "atan2") {
    if (y === undefined) throw new InternalError(`Math.${fn} of one number`);
    return fn === "pow" ? () => x() ** y() : () => Math.atan2(x(), y());
  }
  // Math.exp rather than a function that happens to be it: calls through one name stay fast.
  if (fn === "exp") return () => Math.exp(x());
  return () => Math[fn](x());
}

function bitwise(op: BitwiseOperator, left: Run, right: Run): Run {
  switch (op) {
    case "&":
      return () => left() & right();
    case "|":
      return () => left() | right();
    case "^":
      return () => left() ^ right();
    case "<<":
      return () => left() << right();
    case ">>":
      return () => left() >> right();
    case ">>>":
      return () => left() >>> right();
  }
}

/**
 * A conjunction (`decides` 0) or disjunction (1). The parts have no order: where the source guards one by another, as in
 * `t < n && x(t) > 0`, the guard may come second. So a part that cannot be evaluated counts only if no other part decides.
 */
function junction(parts: readonly Run[], decides: 0 | 1): Run {
  return () => {
    let refusal: KvernError | undefined;
    for (const part of parts) {
      try {
        if (part() === decides) return decides;
      } catch (error) {
        if (!(error instanceof KvernError)) throw error;
        refusal ??= error;
      }
    }
    if (refusal !== undefined) throw refusal;
    return 1 - decides;
  };
}

function reduction({ op, where }: Reduce, cursor: Cursor, guard: Run, body: Run): Run {
  const { extent } = cursor;
  const always = where.kind === "truth" && where.value;
  const loop = (run: Run): Run => () => {
    const outer = cursor.now;
    try {
      return run();
    } finally {
      cursor.now = outer;
    }
  };
  switch (op) {
    case "sum":
      return loop(() => {
        let total = 0;
        for (let i = 0; i < extent; i++) {
          cursor.now = i;
          if (always || guard() === 1) total += body();
        }
        return total;
      });
    case "max":
      return loop(() => {
        let largest = -Infinity;
        for (let i = 0; i < extent; i++) {
          cursor.now = i;
          if (always || guard() === 1) largest = Math.max(largest, body());
        }
        return largest;
      });
    case "min":
      return loop(() => {
        let smallest = Infinity;
        for (let i = 0; i < extent; i++) {
          cursor.now = i;
          if (always || guard() === 1) smallest = Math.min(smallest, body());
        }
        return smallest;
      });
    case "argmax":
    case "argmin": {
      const sign = op === "argmax" ? 1 : -1;
      return loop(() => {
        let largest = -Infinity;
        let first = 0;
        for (let i = 0; i < extent; i++) {
          cursor.now = i;
          if (!always && guard() !== 1) continue;
          const value = sign * body();
          if (value > largest) {
            largest = value;
            first = i;
          }
        }
        return first;
      });
    }
    case "any":
      return loop(() => {
        for (let i = 0; i < extent; i++) {
          cursor.now = i;
          if ((always || guard() === 1) && body() === 1) return 1;
        }
        return 0;
      });
  }
}

function lookup(axis: string, cursor: Cursor, body: Run, at: Run): Run {
  return () => {
    const position = at();
    if (!(Number.isInteger(position) && position >= 0 && position < cursor.extent)) {
      throw new InternalError(`a table over ${axis} of size ${cursor.extent} is looked up at ${position}`);
    }
    const outer = cursor.now;
    cursor.now = position;
    try {
      return body();
    } finally {
      cursor.now = outer;
    }
  };
}
