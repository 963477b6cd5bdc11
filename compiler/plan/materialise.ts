/**
 * @file Chooses the reductions that get arrays of their own: those that would be computed again and again where they are
 * used, because they do not depend on all the axes around them, and those that several arrays are computed from.
 */

import type { GraphBuilder, Opened } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Reduce, Value } from "../../spec/graph/node";
import { canonical, freeIndices } from "./free";
import type { Unit } from "./plan";
import type { Temporaries } from "./temporaries";

/** Reductions of no more positions than this are rather computed again than stored. */
const CHEAP = 8;

const open = (builder: GraphBuilder, reduce: Reduce, nest: readonly Index[]): Opened => builder.open(reduce, nest.map(({ name }) => name));

const knownPositions = new WeakMap<Value, number>();

/** How many positions a reduction runs over, those of reductions inside it included; infinite where a size is open. */
function positions(value: Value): number {
  const had = knownPositions.get(value);
  if (had !== undefined) return had;
  let most = 1;
  if (value.kind !== "index") for (const part of children(value)) most = Math.max(most, positions(part));
  if (value.kind === "reduce") most *= value.extent.kind === "constant" ? value.extent.value : Infinity;
  knownPositions.set(value, most);
  return most;
}

/** Bytes of a temporary, if they are known; 0 if not. */
function bytes(value: Value): number {
  let count = 4;
  for (const { extent } of freeIndices(value).values()) count *= extent.kind === "constant" ? extent.value : 0;
  return count;
}

/**
 * Makes temporaries for reductions inside `units` and inside the temporaries themselves, and returns the units as computed
 * from them. `largest` is the most bytes a temporary may take.
 */
export function materialise(builder: GraphBuilder, units: readonly Unit[], temporaries: Temporaries, largest: number): readonly Unit[] {
  const wanted = new Set<Value>();
  for (let before = -1; before < wanted.size;) {
    before = wanted.size;
    for (const value of survey(builder, units, temporaries, wanted, largest)) wanted.add(value);
  }
  return readingTemporaries(builder, units, temporaries);
}

/** The units, and with them the temporaries, with every reduction that has an array read from it. */
export function readingTemporaries(builder: GraphBuilder, units: readonly Unit[], temporaries: Temporaries): readonly Unit[] {
  temporaries.rewrite((value, axes) => belowTop(builder, value, axes, temporaries));
  return units.map((unit) => ({ ...unit, value: withTemporaries(builder, unit.value, unit.axes, temporaries) }));
}

/** A temporary's own value, which is not read from itself: of a reduction, or a truth that is one, only what is below it is read from others. */
function belowTop(builder: GraphBuilder, value: Value, axes: readonly Index[], temporaries: Temporaries): Value {
  if (value.kind === "select" && value.yes === builder.one && value.no === builder.zero) return builder.select(belowTop(builder, value.condition, axes, temporaries), value.yes, value.no);
  if (value.kind !== "reduce") return withTemporaries(builder, value, axes, temporaries);
  const { index, where, body } = open(builder, value, axes);
  const into = (part: Value): Value => withTemporaries(builder, part, [...axes, index], temporaries);
  return builder.reduce(value.op, index, into(body), into(where));
}

/** Adds temporaries for what is computed repeatedly or wanted, and returns what more than one unit computes. */
function survey(builder: GraphBuilder, units: readonly Unit[], temporaries: Temporaries, wanted: ReadonlySet<Value>, largest: number): readonly Value[] {
  const users = new Map<Value, { readonly units: Set<number>; readonly inside: Set<Value | undefined> }>();
  const costly = (value: Value): boolean => positions(value) > CHEAP && bytes(value) <= largest;
  let number = 0;
  // Of one unit. What is not repeated has just its own indices around it, so that a second walk of it would find the same:
  // without this, reductions that each read the one before twice are walked once for every path through them.
  const walked = new Set<Value>();

  const walk = (value: Value, lanes: number, nest: readonly Index[], inside: Value | undefined, seen: Set<Value>): void => {
    if (seen.has(value)) return;
    seen.add(value);
    if (value.kind !== "reduce") {
      if (value.kind !== "index") for (const part of children(value)) walk(part, lanes, nest, inside, seen);
      return;
    }
    const depth = Math.max(lanes, ...nest.map(({ name }, at) => (value.free.includes(name) ? at + 1 : 0)));
    const around = nest.slice(0, depth);
    const repeated = around.some(({ name }) => !value.free.includes(name));
    const key = canonical(builder, value).value;
    if ((repeated || wanted.has(key)) && costly(value)) {
      temporaries.add(value, nest);
      return;
    }
    if (costly(value)) {
      const use = users.get(key) ?? { units: new Set(), inside: new Set() };
      users.set(key, use);
      use.units.add(number);
      use.inside.add(inside);
    }
    if (!repeated) {
      if (walked.has(key)) return;
      walked.add(key);
    }
    const { index, where, body } = open(builder, value, nest);
    const deeper = new Set<Value>();
    for (const part of [where, body]) walk(part, lanes, [...around, index], key, deeper);
  };

  for (const unit of units) {
    walk(unit.value, unit.axes.length, unit.axes, undefined, new Set());
    walked.clear();
    number++;
  }
  const surveyed = new Set<string>();
  for (let left = true; left;) {
    left = false;
    for (const { array, axes, value } of temporaries.units) {
      if (surveyed.has(array.name)) continue;
      surveyed.add(array.name);
      left = true;
      const top = value.kind === "select" ? value.condition : value;
      if (top.kind === "reduce") {
        const { index, where, body } = open(builder, top, axes);
        const seen = new Set<Value>();
        for (const part of [where, body]) walk(part, axes.length, [...axes, index], undefined, seen);
      }
      walked.clear();
      number++;
    }
  }
  const shared = new Set([...users].filter(([, use]) => use.units.size > 1).map(([value]) => value));
  // Of what is shared, the outermost: what is inside is then computed once with it.
  return [...shared].filter((value) => [...(users.get(value)?.inside ?? [])].some((around) => around === undefined || !shared.has(around)));
}

/** A value, used inside `around`, with every reduction that has a temporary read from it. */
function withTemporaries(builder: GraphBuilder, value: Value, around: readonly Index[], temporaries: Temporaries): Value {
  const rewrite = (part: Value, nest: readonly Index[], done: Map<Value, Value>): Value => {
    const known = done.get(part);
    if (known !== undefined) return known;
    let result: Value;
    if (part.kind === "reduce") {
      const read = temporaries.read(part);
      if (read === undefined) {
        const { index, where, body } = open(builder, part, nest);
        const inside = new Map<Value, Value>();
        const deeper = [...nest, index];
        result = builder.reduce(part.op, index, rewrite(body, deeper, inside), rewrite(where, deeper, inside));
      } else result = read;
    } else result = part.kind === "index" ? part : builder.rebuild(part, (inner) => rewrite(inner, nest, done));
    done.set(part, result);
    return result;
  };
  return rewrite(value, around, new Map());
}
