/**
 * @file Chooses a plan: candidates that are legal, the one that is estimated to take least time first. What is refused is
 * kept, with the count that stood in the way.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Graph } from "../../../spec/graph/node";
import { listCuts } from "../../algebra/cut";
import { canonical, derive } from "../../algebra/passes";
import type { Choice, Derived, Fold, Refusal, Work } from "../../algebra/derived";
import { openedOrder } from "../../algebra/opened";
import type { Kernel } from "../../kernel/kernel";
import type { DeviceFeatures, DeviceLimits, Sizes } from "../../program";
import { choiceSets, foldPlans, sizesOf, type ChoiceSet } from "./candidates";
import { boundsUnder, costOfKernel, HARDWARE, measureOf, SOFTWARE, statementsOf, type DeviceProfile } from "./cost";
import { refusalOf } from "./legal";
import { packed } from "./pack";
import type { FoldPlan, FusedPlan, StreamedPlan } from "./plan";
import { schedule, WORKGROUPS, type Scheduled } from "./schedule";
import { PlanRefused } from "./workshop";

export interface Candidate {
  readonly plan: FusedPlan;
  readonly derived: Derived;
  readonly scheduled: Scheduled;
  /** Estimated time, in operations of one lane. */
  readonly cost: number;
}

export interface Chosen {
  /** Legal plans, the most promising first. */
  readonly candidates: readonly Candidate[];
  readonly refused: readonly Refusal[];
}

export interface PlanOptions {
  readonly limits: DeviceLimits;
  readonly profile: DeviceProfile;
  readonly features?: DeviceFeatures;
  /** Sizes that are fixed. */
  readonly fixed: Sizes;
  /** Sizes to plan for, of axes that are open; `USUAL` where not given. */
  readonly expected?: Sizes;
  /** All sets of choices and all shapes, rather than those that promise most. */
  readonly every?: boolean;
}

/** A plan that was to be replayed and cannot be: the message says what stands in the way. */
export class UnfitPlan extends InternalError {
  constructor(message: string) {
    super(message);
    this.name = "UnfitPlan";
  }
}

/** The most statements of a kernel: a text of so many has more than 600 lines, and takes long to write and to compile. */
const MOST_STATEMENTS = 2200;
/** Shapes of each kind that are tried with more than one set of choices. */
const BEST = 2;

/** Whether several reductions of a program can go through an axis together. */
export function foldsPay(builder: GraphBuilder, graph: Graph): boolean {
  return derive(builder, graph).folds.some(({ components }) => components.length > 1);
}

/**
 * The legal plans of a program. The graph is the builder's own. Unless every plan is asked for, sets of choices after the
 * first are tried in the shapes that did best there, and not at all where their work alone takes longer than a plan found;
 * and of two ways to pair, the one with more work only in kinds of shapes of which none fits with the other.
 */
export function enumeratePlans(builder: GraphBuilder, graph: Graph, options: PlanOptions): Chosen {
  const split = canonical(builder, graph).graph;
  const { sets, instead, offered, refused } = choiceSets(builder, split, { ...options.expected, ...options.fixed }, options.profile);
  const candidates: Candidate[] = [];
  const why: Refusal[] = [...refused];
  const every = options.every === true;
  let worse: ReadonlySet<number> | undefined;
  let least = Infinity;
  const tried = new Set<string>();
  const fit = new Set<string>();
  const consider = ({ choices: taken, weight }: ChoiceSet, wanted: (plan: FusedPlan) => boolean): void => {
    if (!every && weight / options.profile.parallel > least) return;
    for (const { derived, choices } of variants(builder, graph, taken, options, why)) {
      const made = new Map<number, Candidate>();
      for (const [shape, plan] of [...foldPlans(builder, derived, choices, every ? [SOFTWARE, HARDWARE] : [options.profile], options.features)].entries()) {
        if (!wanted(plan) || (!every && worse?.has(shape) === true)) continue;
        tried.add(kindOf(plan));
        const candidate = makeCandidate(builder, derived, plan, options);
        if (typeof candidate === "string") why.push({ rule: "plan", at: shapeText(plan), why: candidate });
        else {
          made.set(shape, candidate);
          fit.add(kindOf(plan));
        }
      }
      candidates.push(...made.values());
      least = Math.min(least, ...[...made.values()].map(({ cost }) => cost));
      worse ??= worseShapes(made);
    }
  };
  for (const set of sets) consider(set, () => true);
  const unfit = new Set([...tried].filter((kind) => !fit.has(kind)));
  if (every || unfit.size > 0) for (const set of instead()) consider(set, (plan) => every || unfit.has(kindOf(plan)));
  if (!every) candidates.push(...longerParts(builder, candidates, options));
  const ordered = [...candidates].sort((a, b) => a.cost - b.cost);
  return { candidates: ordered, refused: [...why, ...notTaken(ordered, offered)] };
}

/**
 * Every workgroup of a plan that is cut into parts reads again what all positions share through a key. Where that is a table
 * or a book, longer parts than those of the table of shapes may pay: the best plan's are doubled for as long as they do.
 */
function longerParts(builder: GraphBuilder, candidates: readonly Candidate[], options: PlanOptions): readonly Candidate[] {
  let [best] = [...candidates].sort((a, b) => a.cost - b.cost);
  const longer: Candidate[] = [];
  while (best !== undefined && options.profile.word > 0 && best.derived.folds.some((fold) => readsByKey(builder, fold))) {
    const { plan, derived } = best;
    const folds = Object.fromEntries(Object.entries(plan.folds).map(([name, fold]) => [name, withLongerParts(fold)]));
    if (Object.entries(folds).every(([name, fold]) => fold === plan.folds[name])) break;
    const next = makeCandidate(builder, derived, { ...plan, folds }, options);
    if (typeof next === "string" || next.cost >= best.cost) break;
    longer.push(next);
    best = next;
  }
  return longer;
}

function withLongerParts(plan: FoldPlan): FoldPlan {
  const streamed = (each: StreamedPlan): StreamedPlan => (each.part === undefined ? each : { ...each, part: 2 * each.part });
  if (plan.kind === "stream") return streamed(plan);
  if (plan.kind !== "pieces" || !Object.values(plan.pieces).some(({ kind }) => kind === "stream")) return plan;
  return { ...plan, pieces: Object.fromEntries(Object.entries(plan.pieces).map(([name, each]) => [name, each.kind === "stream" ? streamed(each) : each])) };
}

/** Whether a fold reads elements that it finds through other elements. */
function readsByKey(builder: GraphBuilder, { components, index }: Fold): boolean {
  return openedOrder(builder, components.map(({ body }) => body)).some((node) => (node.kind === "load" ? node.indices : node.kind === "table" ? [node.at] : [])
    .some((at) => at.kind !== "index" && at.free.includes(index.name) && openedOrder(builder, [at]).some((part) => part.kind === "load")));
}

/** The choices that the most promising plan does not make, with what they would come to. */
function notTaken(candidates: readonly Candidate[], offered: readonly Choice[]): readonly Refusal[] {
  const makes = ({ plan }: Candidate, { rule, site }: Choice): boolean => plan.choices.some((each) => each.rule === rule && each.site === site);
  return offered.flatMap((choice): readonly Refusal[] => {
    const [best] = candidates;
    if (best === undefined || makes(best, choice)) return [];
    const { rule, site, span, cost } = choice;
    const other = candidates.find((candidate) => makes(candidate, choice));
    const work = ({ operations, special, loads }: Work): string => `${figure(operations + special)} operations and ${figure(loads)} loads`;
    const legal = `legal, and the program's values would take ${work(cost.with)} instead of ${work(cost.without)}`;
    return [{ rule, at: site, span, why: `${legal}; ${other === undefined ? "no plan with it was weighed, since what stands in its place leaves less work and fits, or its own work alone takes longer than a plan that was found" : `the best plan with it is estimated to take ${(other.cost / best.cost).toFixed(2)} × as long`}` }];
  });
}

const figure = (count: number): string => Math.round(count).toLocaleString("en");

interface Variant {
  readonly derived: Derived;
  readonly choices: FusedPlan["choices"];
}

/** The folds after a set of choices: cut where they can be. Pieces have less to do than the whole, which is tried only where all plans are. */
function variants(builder: GraphBuilder, graph: Graph, choices: FusedPlan["choices"], { fixed, expected, every }: PlanOptions, refused: Refusal[]): readonly Variant[] {
  const whole = { derived: derive(builder, graph, choices), choices };
  const cuts = listCuts(builder, whole.derived, sizesOf(whole.derived.graph, { ...expected, ...fixed }));
  refused.push(...cuts.refused);
  if (cuts.choices.length === 0) return [whole];
  const all = [...choices, ...cuts.choices.map(({ rule, site, parameters }) => ({ rule, site, parameters }))];
  const cut = { derived: derive(builder, graph, all), choices: all };
  return every === true ? [cut, whole] : [cut];
}

const kindOf = ({ folds }: FusedPlan): FoldPlan["kind"] => Object.values(folds).map((fold) => fold.kind).find((each) => each !== "whole") ?? "whole";

/** All but the best shapes of each kind. */
function worseShapes(made: ReadonlyMap<number, Candidate>): ReadonlySet<number> {
  const worse = new Set<number>();
  const taken = new Map<string, number>();
  for (const [shape, { plan }] of [...made].sort(([, a], [, b]) => a.cost - b.cost)) {
    const kind = kindOf(plan);
    const count = taken.get(kind) ?? 0;
    if (count >= BEST || kind === "whole") worse.add(shape);
    taken.set(kind, count + 1);
  }
  return worse;
}

/**
 * A stored plan, for the same program again.
 * @throws StaleChoice where a site is gone
 */
export function replayPlan(builder: GraphBuilder, graph: Graph, plan: FusedPlan, options: PlanOptions): Candidate | string {
  return makeCandidate(builder, derive(builder, graph, plan.choices), plan, options);
}

function makeCandidate(builder: GraphBuilder, derived: Derived, plan: FusedPlan, options: PlanOptions): Candidate | string {
  const { limits, fixed, features } = options;
  let scheduled: Scheduled;
  try {
    scheduled = packed(builder, schedule(builder, derived, plan, { ...WORKGROUPS, halves: features?.f16 === true }), limits.maxStorageBuffersPerShaderStage);
  } catch (fault) {
    if (fault instanceof PlanRefused) return fault.message;
    throw fault;
  }
  const bounds = boundsUnder(fixed);
  for (const kernel of scheduled.kernels) {
    const refusal = refusalOf(kernel, limits, bounds, features);
    if (refusal !== undefined) return refusal;
    const statements = statementsOf(builder, kernel);
    if (statements > MOST_STATEMENTS) return `${kernel.name}: a text of about ${Math.round(statements)} statements, of ${MOST_STATEMENTS}`;
  }
  return { plan, derived, scheduled, cost: costOfPlan(builder, derived.graph, scheduled.kernels, options) };
}

/** The estimated time of the kernels of a plan, one after the other, in operations of one lane. */
export function costOfPlan(builder: GraphBuilder, { axes }: Graph, kernels: readonly Kernel[], { expected, fixed, profile }: PlanOptions): number {
  const declared = Object.fromEntries(axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]])));
  const measure = measureOf({ ...declared, ...expected, ...fixed });
  return kernels.reduce((sum, kernel) => sum + costOfKernel(builder, kernel, measure, profile), 0);
}

/** A plan in a line, for people. */
export function shapeText(plan: FusedPlan): string {
  const text = (name: string, fold: FoldPlan): string => {
    switch (fold.kind) {
      case "whole": return `${name}: each component by itself`;
      case "stream": return `${name}: ${fold.lanes} lanes${fold.cross === "subgroup" ? " in subgroups" : ""}, tiles of ${fold.tile}${fold.part === undefined ? "" : `, parts of ${fold.part}`}`;
      case "chain": return `${name}: a chain, tiles of ${fold.tile}, parts of ${fold.part}, ${fold.copies} at a time`;
      case "pieces": return Object.entries(fold.pieces).map(([piece, each]) => text(piece, each)).join("; ");
    }
  };
  return Object.entries(plan.folds).map(([name, fold]) => text(name, fold)).join("; ");
}
