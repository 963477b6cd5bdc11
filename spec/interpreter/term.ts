/**
 * @file A graph opened for interpretation. A *term* is a value whose indices have become *cursors*: places that hold the
 * present position on an axis. Binders are opened here in the graph's own way (a bound axis takes the first cursor that
 * the binder does not mention), but on terms, so that no factory of `GraphBuilder` has a say in what a graph is worth.
 * Equal terms are one object: the score inside `max` and the score inside `sum` are computed once.
 */

import { children } from "../graph/children";
import type { Reduce, Table, Value } from "../graph/node";
import type { Sizes } from "../tensor";
import { measure } from "./measure";

/** A place that holds the present position on an axis, an integer from 0 to `extent` − 1 while a loop runs. */
export interface Cursor {
  readonly id: number;
  readonly name: string;
  readonly extent: number;
  now: number;
}

export interface Term {
  readonly id: number;
  /** One of the values that this term stands for: its kind and what is not a part are read from here. */
  readonly value: Value;
  /** In the order of `children`, without the extents of binders and indices. */
  readonly parts: readonly Term[];
  /** What an index reads, or what a reduction or table sets. */
  readonly cursor: Cursor | undefined;
  /** The cursors that the term depends on, in order of id. */
  readonly free: readonly Cursor[];
}

type Scope = ReadonlyMap<string, Cursor>;

export class Terms {
  readonly #sizes: Sizes;
  readonly #cursors = new Map<string, Cursor>();
  readonly #interned = new Map<string, Term>();
  readonly #opened = new Map<Value, Map<string, Term>>();

  constructor(sizes: Sizes) {
    this.#sizes = sizes;
  }

  /** Every term made so far, parts before what they are part of. */
  get all(): Iterable<Term> {
    return this.#interned.values();
  }

  /** The term of a value in which no index is bound from outside. */
  of(value: Value): Term {
    return this.#open(value, new Map());
  }

  /** The cursor of a free index. */
  cursor(name: string, extent: Value): Cursor {
    const size = measure(extent, this.#sizes);
    const key = `${name} ${size}`;
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) {
      cursor = { id: this.#cursors.size, name, extent: size, now: 0 };
      this.#cursors.set(key, cursor);
    }
    return cursor;
  }

  #open(value: Value, scope: Scope): Term {
    const key = value.free.map((name) => scope.get(name)?.id ?? name).join(" ");
    let seen = this.#opened.get(value);
    if (seen === undefined) this.#opened.set(value, (seen = new Map<string, Term>()));
    let term = seen.get(key);
    if (term === undefined) seen.set(key, (term = this.#term(value, scope)));
    return term;
  }

  #term(value: Value, scope: Scope): Term {
    switch (value.kind) {
      case "index":
        return this.#intern(value, [], scope.get(value.name) ?? this.cursor(value.name, value.extent));
      case "extent":
        return this.#intern(value, [], undefined);
      case "reduce":
      case "table": {
        const cursor = this.#fresh(value, scope);
        const inner = new Map(scope).set(value.bound, cursor);
        const body = this.#open(value.body, inner);
        const other = value.kind === "reduce" ? this.#open(value.where, inner) : this.#open(value.at, scope);
        return this.#intern(value, value.kind === "reduce" ? [other, body] : [body, other], cursor);
      }
      default:
        return this.#intern(value, children(value).map((part) => this.#open(part, scope)), undefined);
    }
  }

  /** The first cursor on the binder's axis that the binder does not mention. */
  #fresh(binder: Reduce | Table, scope: Scope): Cursor {
    const taken = new Set(binder.free.map((name) => scope.get(name)?.name ?? name));
    let k = 0;
    while (taken.has(`${binder.axis}@${k}`)) k++;
    return this.cursor(`${binder.axis}@${k}`, binder.extent);
  }

  #intern(value: Value, parts: readonly Term[], cursor: Cursor | undefined): Term {
    const key = `${value.kind} ${ownText(value, this.#sizes)} ${cursor?.id ?? ""} ${parts.map(({ id }) => id).join(" ")}`;
    let term = this.#interned.get(key);
    if (term === undefined) {
      term = { id: this.#interned.size, value, parts, cursor, free: freeCursors(value, parts, cursor) };
      this.#interned.set(key, term);
    }
    return term;
  }
}

function freeCursors(value: Value, parts: readonly Term[], cursor: Cursor | undefined): readonly Cursor[] {
  if (value.kind === "index") return cursor === undefined ? [] : [cursor];
  const free = new Set<Cursor>();
  const under = value.kind === "reduce" ? parts : parts.slice(0, value.kind === "table" ? 1 : 0);
  for (const part of under) for (const each of part.free) if (each !== cursor) free.add(each);
  for (const part of parts) if (!under.includes(part)) for (const each of part.free) free.add(each);
  return [...free].sort((a, b) => a.id - b.id);
}

/** What a value is beside its parts. */
function ownText(value: Value, sizes: Sizes): string {
  switch (value.kind) {
    case "constant": case "truth":
      return String(value.value);
    case "extent":
      return String(measure(value, sizes));
    case "load":
      return value.tensor.name;
    case "slot":
      return value.name;
    case "linear":
      return `${value.constant} ${value.terms.map(([coefficient]) => coefficient).join(" ")}`;
    case "product":
      return value.factors.map(([, exponent]) => exponent).join(" ");
    case "apply":
      return value.fn;
    case "bitwise": case "reduce":
      return value.op;
    case "index": case "quotient": case "remainder": case "larger": case "smaller": case "select":
    case "less": case "atMost": case "equal": case "not": case "and": case "or": case "table":
      return "";
  }
}
