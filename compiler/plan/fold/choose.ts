/**
 * @file Chooses a plan: candidates that are legal, the one that is estimated to take least time first. What is refused is
 * kept, with the count that stood in the way.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Graph } from "../../../spec/graph/node";
import { listCuts } from "../../algebra/cut";
import { canonical, derive } from "../../algebra/passes";
import type { Derived, Refusal } from "../../algebra/derived";
import type { DeviceLimits, Sizes } from "../../program";
import { choiceSets, foldPlans, sizesOf } from "./candidates";
import { boundsUnder, costOfKernel, HARDWARE, measureOf, SOFTWARE, statementsOf, type DeviceProfile } from "./cost";
import { refusalOf } from "./legal";
import { packed } from "./pack";
import type { FoldPlan, FusedPlan } from "./plan";
import { schedule, type Scheduled } from "./schedule";
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
  /** Sizes that are fixed. */
  readonly fixed: Sizes;
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

/** Sets of choices whose work is within this of the least are told apart by their kernels. */
const CLOSE = 2;
/** The most statements of a kernel: a text of so many has more than 600 lines, and takes long to write and to compile. */
const MOST_STATEMENTS = 2200;
/** Shapes that are tried with more than one set of choices. */
const BEST = 3;

/** Whether several reductions of a program can go through an axis together. */
export function foldsPay(builder: GraphBuilder, graph: Graph): boolean {
  return derive(builder, graph).folds.some(({ components }) => components.length > 1);
}

/**
 * The legal plans of a program. The graph is the builder's own. Unless every plan is asked for, the sets of choices after
 * the first are tried in the shapes that did best there.
 */
export function enumeratePlans(builder: GraphBuilder, graph: Graph, options: PlanOptions): Chosen {
  const split = canonical(builder, graph).graph;
  const { sets, refused } = choiceSets(builder, split, options.fixed, options.profile);
  const candidates: Candidate[] = [];
  const why: Refusal[] = [...refused];
  const every = options.every === true;
  const least = sets[0]?.weight ?? 0;
  let shapes: readonly number[] | undefined;
  const tried = (every ? sets : sets.filter(({ weight }) => weight <= CLOSE * least)).flatMap(({ choices }) => variants(builder, graph, choices, options, why));
  for (const { derived, choices } of tried) {
    const made = new Map<number, Candidate>();
    for (const [shape, plan] of [...foldPlans(builder, derived, choices, every ? [SOFTWARE, HARDWARE] : [options.profile])].entries()) {
      if (shapes?.includes(shape) === false) continue;
      const candidate = makeCandidate(builder, derived, plan, options);
      if (typeof candidate === "string") why.push({ rule: "plan", at: shapeText(plan), why: candidate });
      else made.set(shape, candidate);
    }
    candidates.push(...made.values());
    if (!every && made.size > 0) shapes ??= [...made].sort(([, a], [, b]) => a.cost - b.cost).slice(0, BEST).map(([shape]) => shape);
  }
  return { candidates: [...candidates].sort((a, b) => a.cost - b.cost), refused: why };
}

interface Variant {
  readonly derived: Derived;
  readonly choices: FusedPlan["choices"];
}

/** The folds after a set of choices: cut where they can be. Pieces have less to do than the whole, which is tried only where all plans are. */
function variants(builder: GraphBuilder, graph: Graph, choices: FusedPlan["choices"], { fixed, every }: PlanOptions, refused: Refusal[]): readonly Variant[] {
  const whole = { derived: derive(builder, graph, choices), choices };
  const cuts = listCuts(builder, whole.derived, sizesOf(whole.derived.graph, fixed));
  refused.push(...cuts.refused);
  if (cuts.choices.length === 0) return [whole];
  const all = [...choices, ...cuts.choices.map(({ rule, site, parameters }) => ({ rule, site, parameters }))];
  const cut = { derived: derive(builder, graph, all), choices: all };
  return every === true ? [cut, whole] : [cut];
}

/**
 * A stored plan, for the same program again.
 * @throws StaleChoice where a site is gone
 */
export function replayPlan(builder: GraphBuilder, graph: Graph, plan: FusedPlan, options: PlanOptions): Candidate | string {
  return makeCandidate(builder, derive(builder, graph, plan.choices), plan, options);
}

function makeCandidate(builder: GraphBuilder, derived: Derived, plan: FusedPlan, { limits, profile, fixed }: PlanOptions): Candidate | string {
  let scheduled: Scheduled;
  try {
    scheduled = packed(builder, schedule(builder, derived, plan), limits.maxStorageBuffersPerShaderStage);
  } catch (fault) {
    if (fault instanceof PlanRefused) return fault.message;
    throw fault;
  }
  const bounds = boundsUnder(fixed);
  for (const kernel of scheduled.kernels) {
    const refusal = refusalOf(kernel, limits, bounds);
    if (refusal !== undefined) return refusal;
    const statements = statementsOf(builder, kernel);
    if (statements > MOST_STATEMENTS) return `${kernel.name}: a text of about ${statements} statements, of ${MOST_STATEMENTS}`;
  }
  const measure = measureOf({ ...Object.fromEntries(derived.graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]]))), ...fixed });
  const cost = scheduled.kernels.reduce((sum, kernel) => sum + costOfKernel(builder, kernel, measure, profile), 0);
  return { plan, derived, scheduled, cost };
}

/** A plan in a line, for people. */
export function shapeText(plan: FusedPlan): string {
  const text = (name: string, fold: FoldPlan): string => {
    switch (fold.kind) {
      case "whole": return `${name}: each component by itself`;
      case "stream": return `${name}: ${fold.lanes} lanes, tiles of ${fold.tile}${fold.part === undefined ? "" : `, parts of ${fold.part}`}`;
      case "chain": return `${name}: a chain, tiles of ${fold.tile}, parts of ${fold.part}, ${fold.copies} at a time`;
      case "pieces": return Object.entries(fold.pieces).map(([piece, each]) => text(piece, each)).join("; ");
    }
  };
  return Object.entries(plan.folds).map(([name, fold]) => text(name, fold)).join("; ");
}
