/**
 * @file Derives folds: every cascade of reductions over one axis — a maximum, a total that reads it, sums that read both
 * — becomes as few passes as repairs can be found for, with nothing known about what the program computes.
 *
 *     out[o] = F(⊕_t f(t, ⊗_t g(t)))   →   one pass with the components m = ⊗ g, acc = ⊕ f(·, m) and a repair of acc,
 *                                          then out[o] = F(acc)
 *
 * Taken in are the reductions that depend on no enclosing loop, and those inside them over the same axis. What has no
 * sound repair becomes a further fold, in order of dependence, with the reason.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import { both } from "../../spec/graph/facts";
import type { Graph, Index, Reduce, Span, Value } from "../../spec/graph/node";
import { bounded, GrowingFold, implies, mayLeave, numberOf, type Result, type Rules } from "./components";
import { cutsOf } from "./points";
import type { Derived, Finish, Firing, Fold, Refusal } from "./derived";
import { hull } from "./domain";
import { openedOrder, openedParts, placeOf, replaceOpened, slotsIn } from "./opened";
import { taylor } from "./polynomial";
import { ratio, shift } from "./ratio";
import { show } from "./show";
import { staleReferences } from "./stale";

export const RULES: Rules = {
  growth: ratio, shift, taylor, implies, bounded, mayLeave,
  mayBeEmpty: true, guardMayMove: false, deviationsVanish: (sum, zero) => sum === zero,
};

/** The reductions that become components, those inside others first. */
export function candidates(builder: GraphBuilder, graph: Graph): readonly Reduce[] {
  const closed = new Set<Reduce>();
  /** For each reduction inside loops: the indices of those loops that it depends on. */
  const inside = new Map<Reduce, Index[]>();
  const seen = new Set<string>();
  const walk = (value: Value, loops: ReadonlyMap<string, Index>): void => {
    const relevant = value.free.filter((name) => loops.has(name));
    const key = `${value.id} ${relevant.join(" ")}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (value.kind === "reduce" || value.kind === "table") {
      if (value.kind === "reduce") {
        if (relevant.length === 0) closed.add(value);
        else inside.set(value, [...(inside.get(value) ?? []), ...relevant.flatMap((name) => loops.get(name) ?? [])]);
      }
      const { index } = builder.open(value);
      const inner = new Map([...loops, [index.name, index] as const]);
      const [extent, ...rest] = openedParts(builder, value);
      if (extent !== undefined) walk(extent, loops);
      if (value.kind === "table") walk(value.at, loops);
      for (const part of value.kind === "table" ? rest.slice(0, 1) : rest) walk(part, inner);
      return;
    }
    for (const part of openedParts(builder, value)) walk(part, loops);
  };
  for (const { value } of graph.stores) walk(value, new Map());
  const order = openedOrder(builder, graph.stores.map(({ value }) => value)).filter((node): node is Reduce => node.kind === "reduce");
  const below = new Map(order.map((node) => [node, openedOrder(builder, openedParts(builder, node)).filter((part): part is Reduce => part.kind === "reduce")]));
  const chosen = new Set<Reduce>(closed);
  for (let grew = true; grew; ) {
    grew = false;
    for (const node of order) {
      if (chosen.has(node)) continue;
      const sameAxis = (other: Reduce): boolean => other.axis === node.axis && other.extent === node.extent;
      // A short loop inside one of unknown length stays there: its results would have to be kept for every position.
      const short = node.extent.kind === "constant" && (inside.get(node) ?? []).some(({ extent }) => extent.kind !== "constant");
      const reads = !short && (below.get(node) ?? []).some((part) => chosen.has(part) && sameAxis(part));
      const isRead = [...chosen].some((other) => sameAxis(other) && (below.get(other) ?? []).includes(node) && !node.free.includes(builder.open(other).index.name));
      if (reads || isRead) {
        chosen.add(node);
        grew = true;
      }
    }
  }
  return order.filter((node) => chosen.has(node));
}

/** The result of a reduction, with what is known of the reduction: what was made of it by that knowledge stays. */
function asKnown(builder: GraphBuilder, final: Value, { facts }: Value): Value {
  return final.kind === "slot" ? builder.slot(final.name, final.indices, both(final.facts, facts)) : final;
}

/** Derives the folds of a graph. */
export function deriveFolds(builder: GraphBuilder, graph: Graph, rules: Rules = RULES): Derived {
  const reductions = candidates(builder, graph);
  const folds: GrowingFold[] = [];
  const fired: Firing[] = [];
  const refused: Refusal[] = [];
  const places = new Map<GrowingFold, Span>();
  const results = new Map<Reduce, { readonly result: Result; readonly fold: GrowingFold }>();
  const fresh = (stem: string): string => {
    const taken = new Set(folds.flatMap(({ components }) => components.map(({ name }) => name)));
    let count = 1;
    while (taken.has(count === 1 ? stem : `${stem}${count}`)) count++;
    return count === 1 ? stem : `${stem}${count}`;
  };
  const indexFor = (reduction: Reduce): Index => {
    const taken = new Set(reductions.filter(({ axis }) => axis === reduction.axis).flatMap(({ free }) => free));
    let k = 0;
    while (taken.has(`${reduction.axis}@${k}`)) k++;
    return builder.openAs(reduction, k).index;
  };
  /** A value of `reduction`'s loop, with the reductions that are components replaced, for a reader inside `where`. */
  const resolve = (value: Value, where: Value, fold: GrowingFold | undefined): Value =>
    replaceOpened(builder, value, (node) => {
      const known = node.kind === "reduce" ? results.get(node) : undefined;
      if (known === undefined) return undefined;
      const sameLoop = known.fold === fold;
      return sameLoop && rules.implies(builder, where, known.result.where) ? known.result.live : asKnown(builder, known.result.final, node);
    });
  for (const reduction of reductions) {
    const index = indexFor(reduction);
    const opened = builder.openAs(reduction, numberOf(index));
    const inner = openedOrder(builder, [opened.where, opened.body]).filter((node): node is Reduce => node.kind === "reduce" && results.has(node));
    const after = Math.max(-1, ...inner.map((node) => folds.findIndex((fold) => fold === results.get(node)?.fold)));
    const here = folds.filter((fold, at) => at >= after && fold.index === index);
    const why: Refusal[] = [];
    let joined: { readonly result: Result; readonly fold: GrowingFold } | undefined;
    for (const fold of here) {
      const where = resolve(opened.where, builder.true, fold);
      const body = resolve(opened.body, where, fold);
      const reads = fold.reads(body).length + fold.reads(where).length > 0;
      if (!reads && !sharesWork(builder, fold, body, where)) continue;
      const empty = inner.find((node) => {
        const known = results.get(node);
        return known?.fold === fold && !rules.implies(builder, where, known.result.where);
      });
      const result = empty === undefined
        ? fold.join(reduction.op, body, where)
        : { why: `where its guard ${show(builder, where)} first holds, ${show(builder, empty)} may have taken in nothing yet` };
      if ("why" in result) {
        if (reads) why.push({ rule: "fold", at: show(builder, builder.reduce(reduction.op, index, body, where)), why: result.why, span: placeOf(builder, reduction) });
        continue;
      }
      joined = { result, fold };
      break;
    }
    if (joined === undefined) {
      const earlier = folds.filter((fold) => fold.index === index && why.length > 0);
      const fold = new GrowingFold(builder, reduction.axis, index, earlier.length === 0 ? 0 : 1 + Math.max(...earlier.map(({ pass }) => pass)), rules, fresh);
      folds.push(fold);
      const where = resolve(opened.where, builder.true, fold);
      const result = fold.join(reduction.op, resolve(opened.body, where, fold), where);
      if ("why" in result) throw new InternalError(`a reduction is turned away from a fold of its own: ${result.why}`);
      fold.because.push(...why);
      refused.push(...why.map((refusal) => ({ ...refusal, why: `${refusal.why}; it takes a further pass` })));
      joined = { result, fold };
    }
    results.set(reduction, joined);
    const span = placeOf(builder, reduction);
    if (span !== undefined && !places.has(joined.fold)) places.set(joined.fold, span);
  }
  const stores: readonly Finish[] = graph.stores.map((store) => ({ ...store, value: resolve(store.value, builder.true, undefined) }));
  const done = folds.map((fold): Fold => finished(builder, fold, folds, stores));
  for (const [at, fold] of done.entries()) {
    const growing = folds[at];
    const proofs = new Set(fold.components.flatMap(({ name, repair }) => (repair.kind === "none" ? [] : [`${name}: ${repair.proof.text}`])));
    const span = growing && places.get(growing);
    fired.push({ ...(proofs.size === 0 ? {} : { proof: [...proofs].join("; ") }), span, rule: "fold", at: `${fold.name}: ${fold.components.map(({ name, repair }) => (repair.kind === "none" ? name : `${name} (${repair.kind === "multiply" ? "×" : "+"})`)).join(", ")}` });
    for (const { body, where } of fold.components) {
      for (const left of openedOrder(builder, [body, where])) {
        if (left.kind === "reduce" && results.has(left)) throw new InternalError(`a reduction that is a component is left in ${fold.name}`);
      }
    }
  }
  for (const { value } of stores) {
    for (const left of openedOrder(builder, [value])) if (left.kind === "reduce" && results.has(left)) throw new InternalError("a reduction that is a component is left in a store");
  }
  return { graph, folds: done, stores, record: { fired, refused } };
}

/** Whether a body and a fold read the same element or compute the same inner reduction at a position. */
function sharesWork(builder: GraphBuilder, fold: GrowingFold, body: Value, where: Value): boolean {
  const heavy = (values: readonly Value[]): Value[] =>
    openedOrder(builder, values).filter((node) => (node.kind === "load" || node.kind === "reduce") && node.free.includes(fold.index.name));
  const mine = new Set(heavy([body, where]));
  return heavy(fold.components.flatMap((component) => [component.body, component.where])).some((node) => mine.has(node));
}

function finished(builder: GraphBuilder, fold: GrowingFold, all: readonly GrowingFold[], stores: readonly Finish[]): Fold {
  const before = all.slice(0, all.indexOf(fold)).filter(({ axis }) => axis === fold.axis).length;
  const { components, index } = fold;
  const readers = all.filter((other) => other !== fold).flatMap((other) => other.components.flatMap(({ body, where }) => [body, where]));
  const names = new Set(components.map(({ name }) => name));
  const later = readers.some((value) => slotsIn(builder, value).some(({ name }) => names.has(name)));
  return {
    name: before === 0 ? fold.axis : `${fold.axis} ${before + 1}`,
    axis: fold.axis,
    extent: index.extent,
    index,
    pass: fold.pass,
    because: fold.because,
    components,
    domain: hull(builder, components.map(({ domain }) => domain)),
    cuts: cutsOf(builder, components.flatMap(({ body, where }) => [body, where]), index),
    pieces: [],
    stale: later ? [] : staleReferences(builder, components, index, stores.map(({ value }) => value)),
  };
}
