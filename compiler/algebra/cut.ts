/**
 * @file Cut: where a condition of a body changes along the axis, the axis is cut, and each part has a simpler body. The
 * parts have one state and meet in `merge`, so cutting comes after folding: cut first, and two loops depend on each other.
 *
 *     ⊕_{t < T} (t < n ? a(t) : b(t))   →   merge(⊕_{u < n} a(u), ⊕_{u < T − n} b(n + u))
 *
 * The condition: n does not depend on t, nor on anything but sizes, so that a workgroup knows where a part ends; of several
 * points, which comes first is proved. A point outside 0 … T leaves a part empty, which is the unit of `merge`. Nothing in the
 * fold reads a position of it (`argmax`): in a part, positions count from where it begins.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { nonNegative } from "../../spec/graph/prove";
import { StaleChoice } from "./choices";
import type { Choice, Component, Derived, Firing, Fold, Piece, Refusal, Repair, Work } from "./derived";
import { domainOf, hull } from "./domain";
import { replaceOpened } from "./opened";
import { changeOf, cutsOf } from "./points";
import { axisName, show } from "./show";
import { type AxisSizes, plus, workOf, workOfValues } from "./work";

export const CUT_LAW = "⊕_{t < T} (t < n ? a(t) : b(t)) → merge(⊕_{u < n} a(u), ⊕_{u < T − n} b(n + u)), if n is made of sizes";

/** Whether a ≤ b for all sizes. */
const atMost = (builder: GraphBuilder, a: Value, b: Value): boolean => nonNegative(builder.subtract(b, a));

/** Points in an order that is proved, and those that have no proved place among them. */
function ordered(builder: GraphBuilder, points: readonly Value[]): { readonly chain: readonly Value[]; readonly loose: readonly Value[] } {
  const chain: Value[] = [];
  const loose: Value[] = [];
  for (const point of points) {
    const at = chain.findIndex((other) => atMost(builder, point, other));
    const place = at === -1 ? chain.length : at;
    if (chain.slice(0, place).every((other) => atMost(builder, other, point))) chain.splice(place, 0, point);
    else loose.push(point);
  }
  return { chain, loose };
}

/**
 * A fold in pieces: below the first of `points`, between two of them, and from the last on. Each is a fold of its own over
 * an axis of its own, whose bodies know on which side of every point they are; a component that can take in nothing there is
 * left out.
 * @param points in an order that holds for all sizes, see `cutPoints`
 */
export function cutFold(builder: GraphBuilder, fold: Fold, points: readonly Value[]): readonly Piece[] {
  const { extent } = fold;
  const within = points.map((point): Value => {
    const low = atMost(builder, builder.zero, point) ? point : builder.larger(point, builder.zero);
    return atMost(builder, low, extent) ? low : builder.smaller(low, extent);
  });
  const pieces: Piece[] = [];
  for (const [at, from] of [builder.zero, ...within].entries()) {
    const size = builder.subtract(within[at] ?? extent, from);
    if (size === builder.zero) continue;
    const below = new Set(points.slice(at));
    pieces.push(pieceOf(builder, fold, `${fold.name} piece ${at + 1}`, from, size, (point) => (below.has(point) ? true : points.includes(point) ? false : undefined)));
  }
  return pieces;
}

function pieceOf(builder: GraphBuilder, fold: Fold, name: string, offset: Value, extent: Value, isBelow: (point: Value) => boolean | undefined): Piece {
  // A piece of one position has an index too, for bodies to name; it takes no other value than 0.
  const index = builder.index(name, extent === builder.one ? builder.constant(2) : extent);
  if (index.kind !== "index") throw new InternalError("an axis of several positions has no index");
  const assumed = (value: Value): Value =>
    replaceOpened(builder, value, (node) => {
      const point = node.kind === "less" ? changeOf(builder, node, fold.index) : undefined;
      const below = point === undefined ? undefined : isBelow(point);
      if (node.kind !== "less" || below === undefined) return undefined;
      const grows = asLinear(node.left).terms.some(([k, term]) => term === fold.index && k > 0);
      return builder.truth(grows === below);
    });
  const position = new Map<Value, Value>([[fold.index, builder.add(offset, index)]]);
  const into = (value: Value): Value => builder.substitute(assumed(value), position);
  const live = fold.components.filter(({ where }) => into(where) !== builder.false);
  const named = new Map(live.map((component) => [component.name, `${component.name} of ${name}`]));
  const rename = (value: Value): Value =>
    replaceOpened(builder, value, (node) => {
      if (node.kind !== "slot") return undefined;
      const [, base = "", side = ""] = /^(.*?)(@old|@new)?$/.exec(node.name) ?? [];
      const other = named.get(base);
      return other === undefined ? undefined : builder.slot(`${other}${side}`, node.indices, node.facts);
    });
  const repaired = (repair: Repair): Repair =>
    repair.kind === "multiply" ? { ...repair, factor: rename(repair.factor) } : repair.kind === "add" ? { ...repair, term: rename(repair.term) } : repair;
  const components = live.map((component): Component => {
    const where = rename(into(component.where));
    return {
      ...component,
      name: named.get(component.name) ?? component.name,
      body: rename(into(component.body)),
      where,
      reads: component.reads.map((read) => named.get(read) ?? read),
      repair: repaired(component.repair),
      extreme: component.extreme === undefined ? undefined : (named.get(component.extreme) ?? component.extreme),
      live: rename(component.live),
      domain: domainOf(builder, where, index),
    };
  });
  const cuts = cutsOf(builder, components.flatMap(({ body, where }) => [body, where]), index);
  return {
    offset,
    fold: { ...fold, name, axis: name, extent, index, components, domain: hull(builder, components.map(({ domain }) => domain)), cuts, pieces: [], stale: [] },
    names: Object.fromEntries(named),
  };
}

/** The points of a fold at which it can be cut, in order, and why it cannot be at others. */
export function cutPoints(builder: GraphBuilder, fold: Fold): { readonly points: readonly Value[]; readonly refused: readonly Refusal[] } {
  const { chain, loose } = ordered(builder, fold.cuts);
  const positions = new Set(fold.components.filter(({ op }) => op === "argmax" || op === "argmin").map(({ name }) => name));
  const reader = fold.components.find(({ reads }) => reads.some((name) => positions.has(name)));
  if (reader !== undefined && fold.cuts.length > 0) {
    return { points: [], refused: [{ rule: "cut", at: siteOf(builder, fold, fold.cuts), why: `‹${reader.name}› reads a position of the fold, which counts from where a piece begins` }] };
  }
  return { points: chain, refused: loose.map((point) => ({ rule: "cut", at: `${fold.name} at ${show(builder, point)}`, why: `whether that comes before ${chain.map((other) => show(builder, other)).join(", ")} depends on sizes` })) };
}

const siteOf = (builder: GraphBuilder, fold: Fold, points: readonly Value[]): string => `${fold.name} at ${points.map((point) => show(builder, point)).join(", ")}`;

const proofOf = (builder: GraphBuilder, fold: Fold, points: readonly Value[]): string =>
  `${points.map((point) => show(builder, point)).join(" ≤ ")}, of sizes alone; the pieces meet in the merge of ${fold.components.map(({ name }) => `‹${name}›`).join(", ")}`;

/** The cuts that folds offer, all points of a fold at once, with their cost for these sizes. */
export function listCuts(builder: GraphBuilder, derived: Derived, sizes: AxisSizes): { readonly choices: readonly Choice[]; readonly refused: readonly Refusal[] } {
  const choices: Choice[] = [];
  const refused: Refusal[] = [];
  for (const fold of derived.folds) {
    const { points, refused: loose } = cutPoints(builder, fold);
    refused.push(...loose);
    if (points.length === 0) continue;
    const without = workOf(builder, derived.graph, sizes);
    const work = ({ components }: Fold): Work => workOfValues(builder, components.flatMap(({ body, where }) => [body, where]), sizes);
    const pieces = cutFold(builder, fold, points).reduce((sum, piece) => plus(sum, 1, work(piece.fold)), { loads: 0, operations: 0, special: 0 });
    choices.push({
      rule: "cut", site: siteOf(builder, fold, points), parameters: { axis: axisName(fold.index.name) },
      proof: proofOf(builder, fold, points),
      cost: { without, with: plus(plus(without, -1, work(fold)), 1, pieces) },
    });
  }
  return { choices, refused };
}

/**
 * Cuts the folds that a plan names.
 * @throws StaleChoice where a site is gone
 */
export function applyCuts(builder: GraphBuilder, derived: Derived, choices: readonly Pick<Choice, "rule" | "site" | "parameters">[]): Derived {
  const offered = derived.folds.map((fold) => {
    const { points } = cutPoints(builder, fold);
    return { fold, points, site: siteOf(builder, fold, points) };
  });
  for (const choice of choices) {
    if (!offered.some(({ site, points }) => points.length > 0 && site === choice.site)) throw new StaleChoice(choice, offered.filter(({ points }) => points.length > 0).map(({ site }) => site));
  }
  const folds = offered.map(({ fold, points, site }) => (choices.some((choice) => choice.site === site) ? { ...fold, pieces: cutFold(builder, fold, points) } : fold));
  const fired = offered.filter(({ fold }, at) => folds[at] !== fold).map(({ fold, points, site }): Firing => ({ rule: "cut", at: site, proof: proofOf(builder, fold, points), span: undefined }));
  return { ...derived, folds, record: { ...derived.record, fired: [...derived.record.fired, ...fired] } };
}
