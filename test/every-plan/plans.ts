/** @file Every legal plan of a graph, made small: the same choices and shapes with a sixteenth of the lanes, tiles and parts. */

import type { Fold } from "../../compiler/algebra/derived";
import { derive } from "../../compiler/algebra/passes";
import { sharesOf } from "../../compiler/plan/fold/candidates";
import { enumeratePlans, replayPlan, shapeText, type Candidate } from "../../compiler/plan/fold/choose";
import { HARDWARE } from "../../compiler/plan/fold/cost";
import type { FoldPlan, FusedPlan } from "../../compiler/plan/fold/plan";
import type { Specialised } from "../../compiler/plan/specialise";
import type { GraphBuilder } from "../../spec/graph/builder";
import { LIMITS } from "../plan/limits";

export interface SmallPlan {
  readonly title: string;
  readonly candidate: Candidate;
  /** Lengths at the edges of its tiles and parts, beside none and one. */
  readonly lengths: readonly number[];
}

const LESS = 16;
const less = (count: number): number => Math.max(2, count / LESS);

function small(builder: GraphBuilder, plan: FoldPlan, fold: Fold | undefined): FoldPlan {
  // Pieces keep their size: their tiles end beyond the lengths that are tried, and at none and one.
  if (plan.kind === "whole" || plan.kind === "pieces" || fold === undefined) return plan;
  const lanes = Math.max(4, plan.lanes / LESS);
  const shares = sharesOf(builder, fold, plan.kind === "chain" ? 4 : lanes);
  if (plan.kind === "chain") return { ...plan, lanes, tile: less(plan.tile), part: less(plan.part), shares };
  return { ...plan, lanes, tile: Math.max(lanes, less(plan.tile)), ...(plan.part === undefined ? {} : { part: Math.max(lanes, less(plan.part)) }), shares };
}

const edges = (of: number | undefined): readonly number[] => (of === undefined ? [] : [of - 1, of, of + 1]);

/** Lengths that a plan's loops end at, one before and one after. */
function lengthsOf({ folds }: FusedPlan, longest: number): readonly number[] {
  const own = Object.values(folds).flatMap((fold) => (fold.kind === "whole" || fold.kind === "pieces" ? [7] : [...edges(fold.tile), ...edges(fold.part), 2 * (fold.part ?? fold.tile) + 1]));
  return [...new Set([0, 1, ...own])].filter((length) => length <= longest).sort((a, b) => a - b);
}

/** @param longest length that is tried */
export function smallPlans({ builder, graph, fixed }: Specialised, longest: number): readonly SmallPlan[] {
  const options = { limits: LIMITS, profile: HARDWARE, fixed };
  const { candidates } = enumeratePlans(builder, graph, { ...options, every: true });
  const made = new Map<string, SmallPlan>();
  for (const { plan } of candidates) {
    const { folds } = derive(builder, graph, plan.choices);
    const lesser: FusedPlan = { ...plan, folds: Object.fromEntries(Object.entries(plan.folds).map(([name, fold]) => [name, small(builder, fold, folds.find((each) => each.name === name))])) };
    const key = JSON.stringify(lesser);
    if (made.has(key)) continue;
    const candidate = replayPlan(builder, graph, lesser, options);
    if (typeof candidate === "string") continue;
    made.set(key, { title: [...plan.choices.map(({ rule }) => rule), shapeText(lesser)].join(", "), candidate, lengths: lengthsOf(lesser, longest) });
  }
  return [...made.values()];
}
