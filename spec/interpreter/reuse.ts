/**
 * @file Remembers what terms are worth, so that nothing is computed twice for the same positions of the cursors it
 * depends on. Memory is bounded: a term keeps its values along its innermost cursors, as many as fit, for the present
 * positions of the others.
 */

import type { Cursor, Term } from "./term";

/** What a term is worth at the present positions of its cursors. Truths are 1 and 0. */
export type Run = () => number;

/** The most bytes that one term keeps, and that all terms of an interpretation do. */
export interface Budget {
  readonly term: number;
  readonly all: number;
}

const USUAL: Budget = { term: 2 ** 26, all: 2 ** 28 };
/** What a number and its stamp take. */
const NUMBER_BYTES = 12;
/** What a small record takes. */
const RECORD_BYTES = 64;
/** A term that takes fewer steps than this is computed anew rather than looked up. */
const CHEAP = 4;
/** A term that takes fewer steps than this keeps only its last value. */
const LIGHT = 24;

/** Which cursors a memory runs along, and which it holds still: it forgets when they move. */
interface Plan {
  readonly dense: readonly Cursor[];
  readonly fixed: readonly Cursor[];
  /** Positions along the dense cursors. */
  readonly count: number;
}

export class Reuse {
  readonly #steps = new Map<Term, number>();
  readonly #wanted: ReadonlySet<Term>;
  readonly #budget: Budget;
  #kept = 0;

  constructor(terms: Iterable<Term>, budget = USUAL) {
    this.#budget = budget;
    const all = [...terms];
    for (const term of all) this.#steps.set(term, this.#count(term));
    this.#wanted = recurring(all);
  }

  /** `run`, remembering its results if that pays. */
  numbers(term: Term, run: Run): Run {
    const plan = this.#plan(term, NUMBER_BYTES);
    if (plan === undefined) return run;
    if (plan.fixed.length === 0) return table(run, plan);
    return plan.dense.length === 0 ? last(run, plan.fixed) : rows(run, plan);
  }

  /** The same for results that are records. */
  records<Result extends object>(term: Term, run: () => Result): () => Result {
    const plan = this.#plan(term, RECORD_BYTES);
    return plan === undefined ? run : records(run, plan);
  }

  #plan(term: Term, bytes: number): Plan | undefined {
    const steps = this.#steps.get(term) ?? 0;
    if (steps < CHEAP || !this.#wanted.has(term)) return undefined;
    const dense: Cursor[] = [];
    let count = 1;
    if (steps >= LIGHT) {
      // Cursors are numbered from the outermost loop inwards: the last ones move fastest.
      for (const cursor of [...term.free].reverse()) {
        if (count * cursor.extent * bytes > Math.min(this.#budget.term, this.#budget.all - this.#kept)) break;
        count *= cursor.extent;
        dense.unshift(cursor);
      }
    }
    if (dense.length > 0) this.#kept += count * bytes;
    return { dense, fixed: term.free.filter((cursor) => !dense.includes(cursor)), count };
  }

  #count({ value, parts, cursor }: Term): number {
    const below = parts.reduce((total, part) => total + (this.#steps.get(part) ?? 0), 1);
    if (value.kind === "reduce") return below * Math.max(1, cursor?.extent ?? 1);
    if (value.kind === "apply") return below + LIGHT;
    if (value.kind === "product" && value.factors.some(([, exponent]) => !Number.isInteger(exponent))) return below + LIGHT;
    return below;
  }
}

/** Terms that are asked more than once for the same positions: by two others, or by one that depends on more cursors. */
function recurring(terms: readonly Term[]): ReadonlySet<Term> {
  const askers = new Map<Term, number>();
  const wanted = new Set<Term>();
  for (const term of terms) {
    for (const part of new Set(term.parts)) {
      const count = (askers.get(part) ?? 0) + 1;
      askers.set(part, count);
      const loops = term.value.kind === "reduce" && term.cursor !== undefined ? [...term.free, term.cursor] : term.free;
      if (count > 1 || part.value.kind === "table" || term.value.kind === "table" || loops.some((cursor) => !part.free.includes(cursor))) wanted.add(part);
    }
  }
  return wanted;
}

/** The place of the present positions in a row-major table over `cursors`. */
function placeOf(cursors: readonly Cursor[]): Run {
  const [a, b, c] = cursors;
  if (a === undefined) return () => 0;
  if (b === undefined) return () => a.now;
  if (c === undefined) return () => a.now * b.extent + b.now;
  if (cursors.length === 3) return () => (a.now * b.extent + b.now) * c.extent + c.now;
  return () => {
    let place = 0;
    for (const cursor of cursors) place = place * cursor.extent + cursor.now;
    return place;
  };
}

// A term is no part of itself: while one runs, its own memory is not asked. NaN marks a value that is not there: a term that is NaN is computed each time, which is slow and right.

function table(run: Run, { dense, count }: Plan): Run {
  const kept = new Float64Array(count).fill(NaN);
  const place = placeOf(dense);
  return () => {
    const at = place();
    const had = kept[at] as number;
    if (!Number.isNaN(had)) return had;
    return (kept[at] = run());
  };
}

function last(run: Run, cursors: readonly Cursor[]): Run {
  const moved = movement(cursors);
  let had = NaN;
  return () => {
    if (moved()) had = NaN;
    else if (!Number.isNaN(had)) return had;
    return (had = run());
  };
}

function rows(run: Run, { fixed, dense, count }: Plan): Run {
  const kept = new Float64Array(count);
  const stamps = new Uint32Array(count);
  const place = placeOf(dense);
  const moved = movement(fixed);
  let stamp = 1;
  return () => {
    if (moved()) stamp = nextStamp(stamp, stamps);
    const at = place();
    if (stamps[at] === stamp) return kept[at] as number;
    const value = run();
    stamps[at] = stamp;
    return (kept[at] = value);
  };
}

function records<Result extends object>(run: () => Result, { fixed, dense }: Plan): () => Result {
  const place = placeOf(dense);
  const moved = movement(fixed);
  let kept: (Result | undefined)[] = [];
  return () => {
    if (moved()) kept = [];
    const at = place();
    return (kept[at] ??= run());
  };
}

function nextStamp(stamp: number, stamps: Uint32Array): number {
  if (stamp < 2 ** 32 - 1) return stamp + 1;
  stamps.fill(0);
  return 1;
}

/** Tells whether any of `cursors` has moved since it was last asked. */
function movement(cursors: readonly Cursor[]): () => boolean {
  const [first, second] = cursors;
  let a = -1;
  let b = -1;
  if (first === undefined) return () => false;
  if (second === undefined) {
    return () => {
      if (first.now === a) return false;
      a = first.now;
      return true;
    };
  }
  if (cursors.length === 2) {
    return () => {
      if (first.now === a && second.now === b) return false;
      a = first.now;
      b = second.now;
      return true;
    };
  }
  const before = cursors.map(() => -1);
  return () => {
    let some = false;
    cursors.forEach((cursor, at) => {
      if (before[at] !== cursor.now) {
        before[at] = cursor.now;
        some = true;
      }
    });
    return some;
  };
}
