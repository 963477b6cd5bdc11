/**
 * @file Reductions as loops. Before a value is written, the reductions it needs are found, put in order of dependence,
 * and those with the same scope, axis and guard are given one loop.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import { children } from "../../spec/graph/children";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Reduce, Value } from "../../spec/graph/node";
import { infinitiesOf, isInfinite, SENTINEL } from "../kernel/infinities";
import { integerType, scalarType } from "../kernel/scalar";
import { add, anyOf, atom, call, compare, integerLiteral, junction, realLiteral, select, statement, type Code, type Name } from "./code";
import { isSentinel } from "./truths";
import type { Expressions } from "./expressions";
import { Scope } from "./scope";

/** What writing loops takes, in whatever language. */
export interface Loops {
  readonly builder: GraphBuilder;
  /** Where code is being written. */
  readonly scope: Scope;
  /** Writes the loops of the reductions that `values` need. */
  ensure(values: readonly Value[]): void;
  /** What an index is called. */
  int(index: Value): Code;
  /** Declares what a reduction gathers in, in the scope of its loop. */
  start(place: Scope, reduce: Reduce): Accumulator;
  /** Whether a value has been computed where it can be seen. */
  has(value: Value): boolean;
  /** Makes a value known by a name in a scope. */
  define(scope: Scope, value: Value, name: Code): void;
  /** Runs `write` with `scope` as the current one. */
  within(scope: Scope, write: () => void): void;
  /** A loop from 0 below `high` in the current scope, with its index bound. */
  loop(reduce: Reduce, k: number, write: () => void): void;
  /** `if (condition) { … }` in the current scope; what is bound by the current scope is bound again inside. */
  guard(condition: Value, write: () => void): void;
}

/** Loops in WGSL. */
export interface LoopWriter extends Loops, Expressions {
  declare(scope: Scope, hint: string, initial: Code): Name;
}

/** Names of the indices in scope. */
function boundNames(scope: Scope): readonly string[] {
  return [...scope.outward()].flatMap((around) => [...around.binds]);
}

/** Writes the loops of all reductions that `values` need in the current scope. */
export function ensureReductions(x: Loops, values: readonly Value[]): void {
  const names = boundNames(x.scope);
  const ranks = new Ranks(x, names);
  for (const value of values) ranks.visit(value);
  for (const level of ranks.levels()) for (const group of grouped(x, names, level)) writeLoop(x, group);
}

const holding = new WeakMap<Value, boolean>();

/** Whether there is a reduction in a value, other than in the extent of an index. */
function holdsReduction(value: Value): boolean {
  let known = holding.get(value);
  if (known === undefined) holding.set(value, (known = value.kind === "reduce" || (value.kind !== "index" && children(value).some(holdsReduction))));
  return known;
}

/** Orders the reductions that can be computed in the current scope by how many others each needs before it. */
class Ranks {
  readonly #x: Loops;
  readonly #names: readonly string[];
  readonly #ranks = new Map<Reduce, number>();
  readonly #seen = new Map<Value, number>();

  constructor(x: Loops, names: readonly string[]) {
    this.#x = x;
    this.#names = names;
  }

  /** The rank of what `value` needs: one more than the highest among its reductions, 0 where there is none. */
  visit(value: Value): number {
    const seen = this.#seen.get(value);
    if (seen !== undefined) return seen;
    if (!holdsReduction(value) || this.#x.has(value)) return 0;
    let rank = 0;
    if (value.kind === "reduce") {
      rank = this.#inside(value, []) + 1;
      this.#ranks.set(value, rank);
    } else if (value.kind !== "index") for (const part of children(value)) rank = Math.max(rank, this.visit(part));
    this.#seen.set(value, rank);
    return rank;
  }

  /** The rank of what can be computed outside a reduction, and outside the loops around it, that it needs. */
  #inside(reduce: Reduce, loops: readonly string[]): number {
    const { index, where, body } = this.#x.builder.open(reduce, [...this.#names, ...loops]);
    const around = [...loops, index.name];
    let rank = 0;
    const seen = new Set<Value>();
    const walk = (value: Value): void => {
      if (seen.has(value) || !holdsReduction(value)) return;
      seen.add(value);
      if (value.kind === "reduce") {
        rank = Math.max(rank, around.some((name) => value.free.includes(name)) ? this.#inside(value, around) : this.visit(value));
      } else if (value.kind !== "index") children(value).forEach(walk);
    };
    walk(where);
    walk(body);
    return rank;
  }

  /** Reductions by rank, lowest first. */
  levels(): readonly (readonly Reduce[])[] {
    const levels: Reduce[][] = [];
    for (const [reduce, rank] of this.#ranks) (levels[rank] ??= []).push(reduce);
    return levels.filter((level) => level.length > 0);
  }
}

interface Group {
  readonly place: Scope;
  readonly k: number;
  readonly members: readonly Reduce[];
}

/** Reductions that run over the same positions in the same scope. */
function grouped(x: Loops, names: readonly string[], reductions: readonly Reduce[]): readonly Group[] {
  const groups = new Map<string, { place: Scope; k: number; members: Reduce[] }>();
  for (const reduce of reductions) {
    if (x.has(reduce)) continue;
    const place = x.scope.placeOf(reduce);
    let k = 0;
    while (names.includes(`${reduce.axis}@${k}`)) k++;
    const { where } = x.builder.openAs(reduce, k);
    const key = `${place.depth} ${reduce.axis} ${reduce.extent.id} ${where.id}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { place, k, members: [reduce] });
    else group.members.push(reduce);
  }
  return [...groups.values()];
}

function writeLoop(x: Loops, { place, k, members }: Group): void {
  const [first] = members;
  if (first === undefined) throw new InternalError("a loop of no reduction");
  x.within(place, () => {
    const opened = members.map((reduce) => ({ reduce, ...x.builder.openAs(reduce, k) }));
    const accumulators = members.map((reduce) => x.start(place, reduce));
    const where = opened[0]?.where ?? x.builder.true;
    x.loop(first, k, () => {
      const steps = (): void => {
        x.ensure(opened.map(({ body }) => body));
        opened.forEach(({ index, body }, at) => accumulators[at]?.step(body, x.int(index)));
      };
      if (where === x.builder.true) steps();
      else {
        x.ensure([where]);
        x.guard(where, steps);
      }
    });
    members.forEach((reduce, at) => {
      const result = accumulators[at]?.result;
      if (result !== undefined) x.define(place, reduce, result);
    });
  });
}

export interface Accumulator {
  /** One more position. */
  step(body: Value, index: Code): void;
  readonly result: Code;
}

/** What a reduction gathers in, in WGSL. */
export function startAccumulator(x: LoopWriter, place: Scope, reduce: Reduce): Accumulator {
  switch (reduce.op) {
    case "any": {
      const found = x.declare(place, "p", atom("false"));
      return {
        result: found,
        step: (body) => emit(x, statement(found, " = ", body === x.builder.true ? atom("true") : junction("||", [found, x.truth(body)]))),
      };
    }
    case "argmax": case "argmin": return startPosition(x, place, reduce);
    case "sum": return startSum(x, place, reduce);
    case "max": case "min": return startExtreme(x, place, reduce, reduce.op);
  }
}

function emit(x: LoopWriter, text: ReturnType<typeof statement>): void {
  x.scope.lines.push({ kind: "effect", text });
}

function startSum(x: LoopWriter, place: Scope, reduce: Reduce): Accumulator {
  const type = scalarType(reduce);
  if (type === "i32" || type === "u32") {
    const sum = x.declare(place, "s", atom(type === "i32" ? "0" : "0u"));
    return { result: sum, step: (body) => emit(x, statement(sum, " += ", type === "i32" ? x.modular(body) : call("bitcast<u32>", x.modular(body)))) };
  }
  const sum = x.declare(place, "s", realLiteral(0));
  return {
    result: sum,
    step: (body) => {
      const part = x.real(body);
      const infinite = infinitiesOf(body);
      if (!isInfinite(infinite)) {
        emit(x, statement(sum, " += ", part));
        return;
      }
      // Once infinite, infinite for good: the sentinel is not added to.
      let next: Code = add(sum, part);
      for (const which of ["negative", "positive"] as const) {
        if (infinite[which]) next = select(anyOf([isSentinel(sum, which), isSentinel(part, which)]), realLiteral(which === "negative" ? -SENTINEL : SENTINEL), next);
      }
      emit(x, statement(sum, " = ", next));
    },
  };
}

function startExtreme(x: LoopWriter, place: Scope, reduce: Reduce, op: "max" | "min"): Accumulator {
  const type = scalarType(reduce);
  const upwards = op === "max";
  const [initial, read] = type === "i32" ? [integerLiteral(upwards ? -(2 ** 31) : 2 ** 31 - 1), (body: Value) => x.int(body)]
    : type === "u32" ? [atom(upwards ? "0u" : "4294967295u"), (body: Value) => x.uint(body)]
    : [realLiteral(upwards ? -SENTINEL : SENTINEL), (body: Value) => x.real(body)];
  const extreme = x.declare(place, "m", initial);
  return { result: extreme, step: (body) => emit(x, statement(extreme, " = ", call(op, extreme, read(body)))) };
}

/** The position of the first extreme; 0 where nothing is above −∞, for a maximum. Integers are never infinite: −1 until there is one. */
function startPosition(x: LoopWriter, place: Scope, reduce: Reduce): Accumulator {
  const upwards = reduce.op === "argmax";
  const type = integerType(reduce.body);
  const real = type !== "i32" && type !== "u32";
  const initial = real ? realLiteral(upwards ? -SENTINEL : SENTINEL) : atom(type === "i32" ? "0" : "0u");
  const best = x.declare(place, "m", initial);
  const position = x.declare(place, "a", integerLiteral(real ? 0 : -1));
  return {
    result: real ? position : call("max", position, atom("0")),
    step: (body, index) => {
      const value = type === "i32" ? x.int(body) : type === "u32" ? x.uint(body) : x.real(body);
      const better = compare(upwards ? ">" : "<", value, best);
      const taken = real ? better : junction("||", [better, compare("<", position, atom("0"))]);
      const inner = new Scope(x.scope, []);
      x.scope.lines.push({ kind: "nest", head: statement("if (", taken, ")"), repeats: false, block: inner, otherwise: undefined });
      inner.lines.push({ kind: "effect", text: statement(best, " = ", value) }, { kind: "effect", text: statement(position, " = ", index) });
    },
  };
}
