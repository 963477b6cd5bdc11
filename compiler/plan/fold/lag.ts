/**
 * @file What letting a reference lag would save: a running loop repairs its state once for each tile, by a factor that is 1
 * unless the reference has moved, and could skip it where it moved by little. Where outputs permit it that is legal, and
 * each fold says so; it is not planned, and this says why, with the count.
 */

import type { GraphBuilder } from "../../../spec/graph/builder";
import { plus, sizeOf, workOfValues, NO_WORK, type AxisSizes } from "../../algebra/work";
import type { Component, Derived, Fold, Refusal, Work } from "../../algebra/derived";
import type { DeviceProfile } from "./cost";
import type { FoldPlan, FusedPlan } from "./plan";

/** Why the references that may lag do not, for each fold that has any. */
export function lagRefusals(builder: GraphBuilder, { folds, record }: Derived, plan: FusedPlan, sizes: AxisSizes, profile: DeviceProfile): readonly Refusal[] {
  return folds.flatMap((fold): readonly Refusal[] => {
    if (fold.stale.length === 0) return [];
    const own = plan.folds[fold.name];
    const why = own === undefined ? undefined : reasonOf(builder, fold, own, sizes, profile);
    const span = record.fired.find(({ rule, at }) => rule === "fold" && at.startsWith(`${fold.name}: `))?.span;
    return why === undefined ? [] : [{ rule: "lag", at: `${fold.name}: ${fold.stale.join(", ")}`, span, why: `no output changes where the reference lags behind; ${why}` }];
  });
}

function reasonOf(builder: GraphBuilder, fold: Fold, plan: FoldPlan, sizes: AxisSizes, profile: DeviceProfile): string | undefined {
  switch (plan.kind) {
    case "whole": return undefined;
    case "chain": return "here it is known before anything is measured against it, and nothing is repaired twice";
    case "pieces": {
      const [piece] = Object.values(plan.pieces);
      return piece === undefined ? undefined : reasonOf(builder, fold, piece, sizes, profile);
    }
    case "stream": {
      const { tile, part, lanes, shares } = plan;
      if (part === tile) return "here a workgroup has one tile, and nothing to repair before the merge";
      const weigh = ({ loads, operations, special }: Work): number => loads * profile.load + operations + special * profile.special;
      const positions = sizeOf(fold.extent, sizes);
      const elements = (component: Component): number => component.own.reduce((count, { extent }) => count * sizeOf(extent, sizes), 1);
      const bodies = workOfValues(builder, fold.components.map(({ body }) => body), sizes);
      const joined = fold.components.reduce((sum, component) => plus(sum, positions * elements(component), { ...NO_WORK, operations: 1 }), bodies);
      let repairs = 0;
      for (const component of fold.components) {
        if (component.repair.kind !== "multiply") continue;
        // Lanes that share the positions of a tile each have a state to repair.
        const slices = lanes / component.own.reduce((product, { axis }) => product * (shares[axis]?.lane ?? 1), 1);
        repairs += slices * (weigh(workOfValues(builder, [component.repair.factor], sizes)) + elements(component));
      }
      const share = repairs / (repairs + (tile / positions) * weigh(joined));
      return `here a repair for each tile of ${tile} positions is ${percent(share)} of the work, of which a test in each tile would take its part, while the error that every exponential may have would grow`;
    }
  }
}

const percent = (share: number): string => `${(100 * share).toLocaleString("en", { maximumSignificantDigits: 2 })} %`;
