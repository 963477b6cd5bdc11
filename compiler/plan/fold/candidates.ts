/** @file Plans worth considering for a program: choices of the algebra, and shapes of each fold. */

import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Graph, Index, Value } from "../../../spec/graph/node";
import { withJoined } from "../../../spec/tensor/check";
import { applyChoices, listChoices } from "../../algebra/choices";
import type { Choice, Component, Derived, Fold, Refusal, Work } from "../../algebra/derived";
import { openedOrder } from "../../algebra/opened";
import type { Cross, ReduceRole } from "../../kernel/kernel";
import type { DeviceFeatures, Sizes } from "../../program";
import { present, sizeOf, type Shares } from "./axes";
import { exchangeCost, USUAL, type DeviceProfile, type Weights } from "./cost";
import type { ChainPlan, FoldPlan, FusedPlan, StreamedPlan } from "./plan";

type Made = Pick<Choice, "rule" | "site" | "parameters">;

/** Choices that a plan makes together, and the work that is then left. */
export interface ChoiceSet {
  readonly choices: readonly Made[];
  readonly weight: number;
}

/** Rules that rewrite the same pairs: a plan takes one of them, or none. */
const PAIRINGS: readonly Choice["rule"][] = ["unroll", "align"];
/** Rules whose choices a plan may make, in the order in which they are made. */
const CHOOSABLE: readonly Choice["rule"][] = [...PAIRINGS, "tabulate", "group"];

/** Sizes of all axes: those that are open are taken to be usual. */
export const sizesOf = (graph: Graph, sizes: Sizes): Sizes => withJoined(graph.axes, { ...Object.fromEntries(graph.axes.map(({ name, extent }) => [name, extent ?? USUAL])), ...sizes });

/** What a program may choose from. */
export interface ChoiceSets {
  /** Sets of choices, the one with the least work first; of several ways of pairing, those of the one with the least. */
  readonly sets: readonly ChoiceSet[];
  /** The sets of the other way of pairing, worked out when asked for. */
  readonly instead: () => readonly ChoiceSet[];
  /** Every choice that some set makes, or would make instead, and the first set's work without it and with it alone. */
  readonly offered: readonly Choice[];
  readonly refused: readonly Refusal[];
}

export function choiceSets(builder: GraphBuilder, graph: Graph, sizes: Sizes, profile: Weights, rules = CHOOSABLE): ChoiceSets {
  const known = sizesOf(graph, sizes);
  const weigh = ({ loads, operations, special }: Work): number => loads * profile.load + operations + special * profile.special;
  const refused = new Map<string, Refusal>();
  const offered = new Map<string, Choice>();
  const list = (current: Graph): readonly Choice[] => {
    const listed = listChoices(builder, current, known);
    for (const refusal of listed.refused) refused.set(`${refusal.rule} ${refusal.at}`, refusal);
    return listed.choices.filter(({ rule }) => rules.includes(rule));
  };
  const atFirst = list(graph);
  const least = (rule: Choice["rule"]): number => Math.min(...atFirst.filter((choice) => choice.rule === rule).map(({ cost }) => weigh(cost.with)));
  const pairings = PAIRINGS.filter((rule) => Number.isFinite(least(rule))).sort((a, b) => least(a) - least(b));
  /** The sets in which choices of each rule are added to those before. */
  const under = (way: readonly Choice["rule"][]): readonly ChoiceSet[] => {
    const made: ChoiceSet[] = [];
    let current = graph;
    let choices: readonly Made[] = [];
    for (const rule of way) {
      const found = (current === graph ? atFirst : list(current)).filter((choice) => choice.rule === rule);
      if (found.length === 0) continue;
      let weight = Infinity;
      for (const choice of found) {
        const { rule: name, site, parameters, cost } = choice;
        // One may have closed another.
        if (found.length > 1 && !list(current).some((other) => other.rule === name && other.site === site)) continue;
        offered.set(`${name} ${site}`, choice);
        current = applyChoices(builder, current, [{ rule: name, site, parameters }]);
        choices = [...choices, { rule: name, site, parameters }];
        weight = weigh(cost.with);
      }
      made.push({ choices, weight });
    }
    return made;
  };
  const [first] = atFirst;
  const [pairing, otherPairing] = pairings;
  const rest = rules.filter((rule) => !PAIRINGS.includes(rule));
  const sets: ChoiceSet[] = [{ choices: [], weight: first === undefined ? 0 : weigh(first.cost.without) }, ...under(pairing === undefined ? rest : [pairing, ...rest])];
  for (const choice of atFirst) if (choice.rule === otherPairing) offered.set(`${choice.rule} ${choice.site}`, choice);
  return {
    sets: [...sets].sort((a, b) => a.weight - b.weight),
    instead: () => (otherPairing === undefined ? [] : under([otherPairing, ...rest])),
    offered: [...offered.values()], refused: [...refused.values()],
  };
}

/** Whether a fold has enough in it to be cut into tiles. */
export function isWide(fold: Fold): boolean {
  const size = sizeOf(fold.index);
  return fold.components.length > 1 || !Number.isFinite(size) || size > 4096;
}

/**
 * The own axes that lanes may divide among them, while the rest is shared by all: of a component that another reads, both
 * or none. Those that no component that is read has, and those that what it reads has with it, as long as something that is
 * computed from the position is shared along them.
 */
function tailOf({ components, index }: Fold, own: readonly Index[]): ReadonlySet<Index> {
  const read = new Set(components.flatMap(({ reads }) => reads));
  const leads = components.filter(({ name }) => read.has(name));
  const leading = new Set(leads.length > 0 ? leads.flatMap((component) => component.own) : own.filter((axis) => components.every((component) => component.own.includes(axis))));
  const tail = new Set(own.filter((axis) => !leading.has(axis)));
  const byName = new Map(components.map((component) => [component.name, component]));
  const lanes = (component: Component, of: ReadonlySet<Index>): readonly Index[] => component.own.filter((axis) => of.has(axis));
  const isLegal = (of: ReadonlySet<Index>): boolean => components.every((reader) => present(reader.reads.map((name) => byName.get(name))).every((each) => {
    const [theirs, mine] = [lanes(each, of), lanes(reader, of)];
    return theirs.length === 0 || (theirs.length === mine.length && theirs.every((axis) => mine.includes(axis)));
  }));
  const without = (axis: Index): number => components.filter((component) => component.body.free.includes(index.name) && !component.own.includes(axis)).length;
  for (const axis of [...leading].sort((a, b) => without(b) - without(a))) {
    const more = new Set([...tail, axis]);
    if (without(axis) > 0 && isLegal(more)) tail.add(axis);
  }
  return tail;
}

/** Own axes shared out: those that values of the position do not depend on are copies, those of outputs alone are lanes. */
export function sharesOf(builder: GraphBuilder, fold: Fold, lanes: number): Readonly<Record<string, Shares>> {
  const own = new Map(fold.components.flatMap((component) => component.own).map((axis) => [axis.name, axis]));
  const spread = tailOf(fold, [...own.values()]);
  const loads = openedOrder(builder, fold.components.flatMap(({ body }) => [body])).filter((node) => node.kind === "load" && node.free.includes(fold.index.name));
  const shares: Record<string, Shares> = {};
  // Copies along the axis that shares most of what is loaded.
  const sharing = (axis: Index): number => loads.filter(({ free }) => !free.includes(axis.name)).length;
  const [copied] = [...own.values()].filter((axis) => !spread.has(axis) && sizeOf(axis) <= 8 && sharing(axis) > 0).sort((x, y) => sharing(y) - sharing(x));
  if (copied !== undefined) shares[copied.axis] = { lane: 1, block: sizeOf(copied), vector: 1 };
  const tail = [...spread].sort((a, b) => innermost(builder, fold, b.name) - innermost(builder, fold, a.name));
  let left = lanes;
  for (const [at, axis] of tail.entries()) {
    const size = sizeOf(axis);
    const vector = at === 0 && size % 4 === 0 && size <= 4096 ? 4 : 1;
    if (at === 0 && size <= 8 && size % 4 === 0) {
      shares[axis.axis] = { lane: 1, block: size / 4, vector: 4 };
      continue;
    }
    let lane = 1;
    while (lane * 2 <= left && (!Number.isFinite(size) || size % (lane * 2 * vector) === 0)) lane *= 2;
    const whole = Number.isFinite(size) && lane * vector === size;
    shares[axis.axis] = { lane, block: 1, vector };
    left = whole ? Math.floor(left / lane) : 1;
  }
  return shares;
}

/** How far inside an axis lies in the memory of what is read: the greatest position among the indices of a load. */
function innermost(builder: GraphBuilder, fold: Fold, name: string): number {
  let deepest = -1;
  for (const node of openedOrder(builder, fold.components.map(({ body }) => body))) {
    if (node.kind !== "load") continue;
    node.indices.forEach((index, at) => {
      if (index.free.includes(name)) deepest = Math.max(deepest, at + 1 - node.indices.length - (index.kind === "index" ? 0 : coefficient(index, name) / 1e6));
    });
  }
  return deepest === -1 ? -100 : deepest;
}

function coefficient(index: Value, name: string): number {
  if (index.kind !== "linear") return 1;
  return index.terms.reduce((most, [k, term]) => (term.free.includes(name) ? Math.max(most, Math.abs(k)) : most), 0);
}

/** Short loops unrolled, long ones several steps at a time. */
export function rolesOf(builder: GraphBuilder, derived: Derived, step: number): Readonly<Record<string, ReduceRole>> {
  const roles: Record<string, ReduceRole> = {};
  for (const fold of derived.folds) {
    for (const node of openedOrder(builder, [fold, ...fold.pieces.map((piece) => piece.fold)].flatMap(({ components }) => components.map(({ body }) => body)))) {
      if (node.kind !== "reduce" || node.extent.kind !== "constant") continue;
      const size = node.extent.value;
      if (size <= 8) roles[node.axis] = { kind: "unroll" };
      else if (size % 4 === 0) roles[node.axis] = { kind: "serial", step: 4 };
    }
    if (step > 1) for (const { name } of [fold, ...fold.pieces.map((piece) => piece.fold)]) roles[`${name} step`] = { kind: "serial", step };
  }
  return roles;
}

interface StreamShape { readonly lanes: number; readonly tile: number; readonly part?: number; readonly step: number }
interface ChainShape { readonly lanes: number; readonly tile: number; readonly part: number; readonly copies: number; readonly step: number }

interface Shapes {
  readonly streams: readonly StreamShape[];
  readonly chains: readonly ChainShape[];
}

/** What is tried, by kind of device: what measured well there and what the estimates cannot tell from it. */
const SHAPES: Readonly<Record<DeviceProfile["name"], Shapes>> = {
  software: {
    streams: [{ lanes: 32, tile: 256, part: 1024, step: 2 }, { lanes: 64, tile: 128, step: 1 }],
    chains: [
      { lanes: 64, tile: 64, part: 1024, copies: 4, step: 4 },
      { lanes: 64, tile: 64, part: 1024, copies: 2, step: 4 },
      { lanes: 64, tile: 64, part: 4096, copies: 2, step: 4 },
      { lanes: 64, tile: 64, part: 4096, copies: 1, step: 1 },
    ],
  },
  hardware: {
    streams: [
      { lanes: 64, tile: 256, part: 256, step: 2 },
      { lanes: 64, tile: 64, part: 512, step: 1 },
      { lanes: 128, tile: 256, part: 512, step: 2 },
      { lanes: 64, tile: 128, step: 1 },
      { lanes: 128, tile: 256, step: 2 },
    ],
    chains: [{ lanes: 64, tile: 64, part: 1024, copies: 2, step: 4 }, { lanes: 64, tile: 64, part: 4096, copies: 1, step: 1 }],
  },
};

/** A tile no longer than it must be for a fold whose length is fixed. */
function tileFor({ extent }: Fold, lanes: number, most: number): number {
  let tile = most;
  while (extent.kind === "constant" && extent.value <= tile / 2 && (tile / 2) % lanes === 0) tile /= 2;
  return tile;
}

/** Whether a fold sums by key, which only a chain does well. */
const sumsByKey = (fold: Fold): boolean => fold.components.some(({ op, own, where }) => op === "sum" && (where.kind === "and" ? where.of : [where]).some((guard) => guard.kind === "equal" && own.some((axis) => axis === guard.left || axis === guard.right)));

/** Plans for the folds of a program after its choices. */
export function* foldPlans(builder: GraphBuilder, derived: Derived, choices: readonly Made[], profiles: readonly DeviceProfile[], { subgroups = false }: DeviceFeatures = {}): Generator<FusedPlan> {
  const streams = profiles.flatMap(({ name }) => SHAPES[name].streams);
  const chains = profiles.flatMap(({ name }) => SHAPES[name].chains);
  const plan = (make: (fold: Fold) => FoldPlan): FusedPlan => ({
    choices, folds: Object.fromEntries(derived.folds.map((fold) => [fold.name, isWide(fold) ? make(fold) : { kind: "whole" }])),
  });
  const crossOf = (lanes: number): Cross["method"] => {
    const memory = lanes > 64 ? "tree" : "gather";
    return subgroups && profiles.every((profile) => exchangeCost("subgroup", lanes, profile) < exchangeCost(memory, lanes, profile)) ? "subgroup" : memory;
  };
  const streamed = ({ lanes, tile, part, step }: StreamShape, fold: Fold): StreamedPlan => ({
    kind: "stream", lanes, tile: tileFor(fold, lanes, tile), ...(part === undefined ? {} : { part }), shares: sharesOf(builder, fold, lanes), cross: crossOf(lanes), roles: rolesOf(builder, derived, step),
  });
  const chained = ({ lanes, tile, part, copies, step }: ChainShape, fold: Fold): ChainPlan => ({ kind: "chain", lanes, tile, part, copies, shares: sharesOf(builder, fold, 32), roles: rolesOf(builder, derived, step) });
  /** A fold that is cut: every piece in the same way, or in its own. */
  const pieces = (fold: Fold, make: (piece: Fold) => StreamedPlan | ChainPlan): FoldPlan =>
    fold.pieces.length === 0 ? make(fold) : { kind: "pieces", pieces: Object.fromEntries(fold.pieces.map((piece) => [piece.fold.name, make(piece.fold)])) };
  const cut = derived.folds.some((fold) => fold.pieces.length > 0);
  const parted = streams.filter(({ part }) => part !== undefined);
  for (const shape of cut ? parted : streams) yield plan((fold) => pieces(fold, (each) => streamed(shape, each)));
  for (const shape of chains) {
    const [beside] = parted;
    const keyed = derived.folds.some((fold) => fold.pieces.some((piece) => sumsByKey(piece.fold)));
    // Several dispatches for a handful of positions are too many.
    const short = ({ extent }: Fold): boolean => extent.kind === "constant" && extent.value <= shape.tile;
    yield plan((fold) => pieces(fold, (each) => (beside !== undefined && !sumsByKey(each) && (keyed || (cut && short(each))) ? streamed(beside, each) : chained(shape, each))));
  }
  if (!cut) yield plan(() => ({ kind: "whole" }));
}
