/**
 * @file Turns terms into closures that compute a value together with its bound: what `../closure.ts` does for values, by
 * the rules of `approximate.ts`, `functions.ts` and `reduction.ts`. Terms that a device computes exactly are left to the
 * closures for values.
 */

import { InternalError, KvernError } from "../../diagnostics/diagnostic";
import type { Linear, Load, Product, Reduce } from "../../graph/node";
import type { Closures } from "../closure";
import type { Elements } from "../elements";
import type { Reuse } from "../reuse";
import type { Cursor, Term } from "../term";
import { gamma, type Accuracy } from "./accuracy";
import { divide, either, exactly, extreme, linear, multiply, opaque, rescaled, sourced, stored, unbounded, within, type Approximate } from "./approximate";
import { Exactness } from "./exact";
import { apply, power } from "./functions";
import { compare, gather } from "./reduction";
import { EXACT_INTEGERS } from "./rounding";
import { decided, truth, TRUE } from "./truth";
import { Widths } from "./width";

export type BoundRun = () => Approximate;

export interface BoundSurroundings {
  readonly closures: Closures;
  readonly elements: (load: Load) => Elements;
  readonly reuse: Reuse;
  /** What the backend promises. */
  readonly accuracy: Accuracy;
  /** How often an evaluation may replace the reference of an exponential, see `spec/numerics.md`. */
  readonly rescalings: number;
}

/** The most elements that an index may reach over before nothing is promised of what it reads. */
const REACH = 65536;

export class BoundClosures {
  readonly #made = new Map<Term, BoundRun>();
  readonly #exactness = new Exactness();
  readonly #widths = new Widths();
  readonly #around: BoundSurroundings;

  constructor(around: BoundSurroundings) {
    this.#around = around;
  }

  of(term: Term): BoundRun {
    let run = this.#made.get(term);
    if (run === undefined) this.#made.set(term, (run = this.#make(term)));
    return run;
  }

  #make(term: Term): BoundRun {
    const { accuracy } = this.#around;
    if (term.value.kind === "constant") {
      const constant = term.value.facts.integer ? fromInteger(accuracy, term.value.value) : stored(accuracy, term.value.value);
      return () => constant;
    }
    if (this.#exactness.of(term)) {
      const run = this.#around.closures.of(term);
      return () => fromInteger(accuracy, run());
    }
    return this.#around.reuse.records(term, this.#run(term));
  }

  #run(term: Term): BoundRun {
    const { value } = term;
    const { accuracy } = this.#around;
    const parts = term.parts.map((part) => this.of(part));
    const all = (): readonly Approximate[] => parts.map((part) => part());
    const [first, second, third] = parts;
    const pair = (of: (left: Approximate, right: Approximate) => Approximate): BoundRun => {
      if (first === undefined || second === undefined) throw new InternalError(`a ${value.kind} without its parts`);
      return () => of(first(), second());
    };
    const { integer } = value.facts;
    switch (value.kind) {
      case "constant": case "truth": case "extent": case "index": case "slot":
        throw new InternalError(`no bound is computed of a ${value.kind}`);
      case "load":
        return this.#load(term, value);
      case "linear":
        return linearRun(accuracy, value, parts, integer);
      case "product":
        return productRun(accuracy, value, parts, integer);
      case "quotient":
        return pair((left, right) => stepped(accuracy, left, right, (a, b) => Math.floor(a / b)));
      case "remainder":
        return pair((left, right) => remainder(accuracy, left, right, integer));
      case "apply": {
        const { rescalings } = this.#around;
        return () => apply(accuracy, value.fn, all(), rescalings);
      }
      case "bitwise": {
        const run = this.#around.closures.of(term);
        return () => (all().every(decided) ? fromInteger(accuracy, run()) : unbounded(run(), true));
      }
      case "larger":
        return pair((left, right) => extreme(1, left, right));
      case "smaller":
        return pair((left, right) => extreme(-1, left, right));
      case "less": case "atMost": case "equal":
        return pair((left, right) => compare(value.kind, left, right));
      case "not":
        return () => {
          const of = first?.() ?? TRUE;
          return truth(of.value === 0, decided(of));
        };
      case "and":
        return junction(parts, 0);
      case "or":
        return junction(parts, 1);
      case "select":
        if (first === undefined || second === undefined || third === undefined) throw new InternalError("a select without its parts");
        return select(first, second, third);
      case "reduce":
        if (first === undefined || second === undefined) throw new InternalError("a reduction without its parts");
        return reduction(accuracy, value, cursorOf(term), first, second, this.#widths.of(term.parts[1] ?? term));
      case "table":
        if (first === undefined || second === undefined) throw new InternalError("a table without its parts");
        return table(cursorOf(term), first, second);
    }
  }

  #load(term: Term, load: Load): BoundRun {
    const elements = this.#around.elements(load);
    const read = this.#around.closures.of(term);
    const { accuracy } = this.#around;
    const flushes = load.tensor.element.kind === "f16" && accuracy.half.flushes;
    const element = (value: number): Approximate => {
      if (load.facts.integer) return fromInteger(accuracy, value);
      // A half below 2⁻¹⁴ is subnormal, and may be flushed when it is unpacked.
      return flushes && Math.abs(value) < 2 ** -14 ? opaque(value, Math.abs(value), false) : stored(accuracy, value);
    };
    if (term.parts.every((part) => this.#exactness.of(part))) return () => element(read());
    const indices = term.parts.map((part) => this.of(part));
    return () => {
      const at = indices.map((index) => index());
      const value = element(read());
      return at.every(decided) ? value : anyOf(elements, at, value, element);
    };
  }
}

function cursorOf({ value, cursor }: Term): Cursor {
  if (cursor === undefined) throw new InternalError(`a ${value.kind} without a cursor`);
  return cursor;
}

/** An integer of i32 or u32 where f32 takes over. */
function fromInteger(accuracy: Accuracy, value: number): Approximate {
  const magnitude = Math.abs(value);
  if (magnitude <= EXACT_INTEGERS || magnitude === Infinity) return exactly(value);
  if (!(magnitude < 2 ** 32)) return unbounded(value);
  return opaque(value, gamma(accuracy, 1, 1) * magnitude, false);
}

function linearRun(accuracy: Accuracy, value: Linear, parts: readonly BoundRun[], integer: boolean): BoundRun {
  const coefficients = value.terms.map(([coefficient]) => coefficient);
  if (parts.length === 1) return () => rescaled(linear(accuracy, value.constant, coefficients, parts.map((part) => part()), integer));
  return () => linear(accuracy, value.constant, coefficients, parts.map((part) => part()), integer);
}

function productRun(accuracy: Accuracy, value: Product, parts: readonly BoundRun[], integer: boolean): BoundRun {
  const factors = parts.map((part, at) => [part, value.factors[at]?.[1] ?? 1] as const);
  const above = factors.filter(([, exponent]) => exponent > 0);
  const below = factors.filter(([, exponent]) => exponent < 0);
  const [a, b] = above;
  if (a !== undefined && b !== undefined && above.length === 2 && below.length === 0 && a[1] === 1 && b[1] === 1) {
    const [left, right] = [a[0], b[0]];
    return () => rescaled(multiply(accuracy, left(), right(), integer));
  }
  return () => {
    let result: Approximate | undefined;
    for (const [part, exponent] of above) {
      const factor = power(accuracy, part(), exponent, integer);
      result = result === undefined ? factor : multiply(accuracy, result, factor, integer);
    }
    let quotient = result ?? exactly(1);
    for (const [part, exponent] of below) quotient = divide(accuracy, quotient, power(accuracy, part(), -exponent, integer));
    return rescaled(quotient);
  };
}

/** A function of integers that grows with `left` and steps; exact where its arguments are. */
function stepped(accuracy: Accuracy, left: Approximate, right: Approximate, f: (a: number, b: number) => number): Approximate {
  const value = f(left.value, right.value);
  if (decided(left) && decided(right)) return fromInteger(accuracy, value);
  if (!decided(right)) return unbounded(value, true);
  const ends = [f(left.value - left.error, right.value), f(left.value + left.error, right.value)] as const;
  return within(value, Math.min(...ends), Math.max(...ends), 0, true);
}

/** `left − right · trunc(left / right)`: a jump where the quotient may reach the next integer. */
function remainder(accuracy: Accuracy, left: Approximate, right: Approximate, integer: boolean): Approximate {
  const value = left.value % right.value;
  if (integer && decided(left) && decided(right)) return fromInteger(accuracy, value);
  const quotient = divide(accuracy, left, right);
  const steps = Math.trunc(left.value / right.value);
  const undecided = left.undecided || right.undecided;
  if (!(quotient.error < Infinity)) return unbounded(value, undecided);
  const least = Math.trunc(quotient.value - quotient.error);
  const most = Math.trunc(quotient.value + quotient.error);
  const rest = linear(accuracy, 0, [1, -1], [left, multiply(accuracy, exactly(steps), right, false)], false);
  if (least === most) return { ...rest, value, undecided };
  const jumps = Math.max(Math.abs(least - steps), Math.abs(most - steps));
  return within(value, value - rest.error - jumps * (Math.abs(right.value) + right.error), value + rest.error + jumps * (Math.abs(right.value) + right.error), rest.size, true);
}

/** All of (`decides` 0) or one of (1), without order, as for values. */
function junction(parts: readonly BoundRun[], decides: 0 | 1): BoundRun {
  return () => {
    let refusal: KvernError | undefined;
    let value: 0 | 1 = decides === 0 ? 1 : 0;
    let sure = true;
    for (const part of parts) {
      try {
        const of = part();
        if (of.value === decides) {
          if (decided(of)) return of;
          value = decides;
        }
        sure &&= decided(of);
      } catch (error) {
        if (!(error instanceof KvernError)) throw error;
        refusal ??= error;
      }
    }
    if (refusal !== undefined) {
      // The part that decides for values need not for a device, which then reads elsewhere: it may find either.
      if (value === decides) return truth(value === 1, false);
      throw refusal;
    }
    return truth(value === 1, sure);
  };
}

function select(condition: BoundRun, yes: BoundRun, no: BoundRun): BoundRun {
  return () => {
    const holds = condition();
    const taken = holds.value === 1 ? yes() : no();
    if (decided(holds)) return taken;
    const other = attempt(holds.value === 1 ? no : yes);
    return other === undefined ? unbounded(taken.value, true) : either(taken, other);
  };
}

/** What need not be computable, because it is computed only where a device may go astray. */
function attempt(run: BoundRun): Approximate | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof KvernError) return undefined;
    throw error;
  }
}

function reduction(accuracy: Accuracy, { op, where, facts }: Reduce, cursor: Cursor, guard: BoundRun, body: BoundRun, width: number): BoundRun {
  const { extent } = cursor;
  const always = where.kind === "truth" && where.value;
  return () => {
    const outer = cursor.now;
    const found = gather(accuracy, op, width, facts.integer);
    try {
      for (let i = 0; i < extent; i++) {
        cursor.now = i;
        const live = always ? TRUE : guard();
        if (live.value === 1) found.take(body(), i, decided(live));
        else if (!decided(live)) found.perhaps(attempt(body) ?? unbounded(0, true), i);
      }
      return sourced(found.result());
    } finally {
      cursor.now = outer;
    }
  };
}

function table(cursor: Cursor, body: BoundRun, at: BoundRun): BoundRun {
  const look = (position: number): Approximate => {
    const outer = cursor.now;
    cursor.now = position;
    try {
      return body();
    } finally {
      cursor.now = outer;
    }
  };
  return () => {
    const { value: position, error } = at();
    if (!(Number.isInteger(position) && position >= 0 && position < cursor.extent)) {
      throw new InternalError(`a table over an axis of size ${cursor.extent} is looked up at ${position}`);
    }
    let result = look(position);
    if (error === 0) return result;
    const low = Math.max(0, Math.ceil(position - error));
    const high = Math.min(cursor.extent - 1, Math.floor(position + error));
    for (let other = low; other <= high; other++) if (other !== position) result = either(result, look(other));
    return { ...result, undecided: true };
  };
}

/** Any of the elements that uncertain indices may read; an index beyond its axis reads some element of the box as well. */
function anyOf({ shape, data }: Elements, at: readonly Approximate[], value: Approximate, element: (value: number) => Approximate): Approximate {
  const ranges = at.map((index, k) => {
    const last = (shape[k] ?? 1) - 1;
    return [Math.max(0, Math.ceil(index.value - index.error)), Math.min(last, Math.floor(index.value + index.error))] as const;
  });
  const count = ranges.reduce((total, [low, high]) => total * (high - low + 1), 1);
  if (!(count <= REACH)) return unbounded(value.value, true);
  let result = value;
  const visit = (k: number, offset: number): void => {
    const range = ranges[k];
    if (range === undefined) {
      result = either(result, element(data[offset] ?? NaN));
      return;
    }
    for (let i = range[0]; i <= range[1]; i++) visit(k + 1, offset * (shape[k] ?? 0) + i);
  };
  visit(0, 0);
  return { ...result, undecided: true };
}

