/** @file A device as a search runs it: in one plan, or in several. */

import type { SerialisedGraph } from "../../spec/graph/json";
import type { Accuracy } from "../../spec/interpreter";
import type { Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor/tensor";
import type { Prepare } from "./fuzz";
import type { Ran, Run } from "./subject";

/** Positions of the shortest tile, after which a fold may replace its reference; once more for each part. */
const SHORTEST_TILE = 64;

export const rescalingsAt = (sizes: readonly number[]): number => 2 * Math.max(0, ...sizes.map((size) => Math.ceil(size / SHORTEST_TILE) - 1));

type Tensors = Readonly<Record<string, TensorData>>;

/** A device: each of `plans`, in turn. */
export function deviceWays(device: { readonly accuracy: Accuracy; prepare(graph: SerialisedGraph, options: { plans?: "direct" | "folds" }): Promise<{ run(inputs: Tensors, options: { set: Sizes }): Promise<Tensors> }> }, plans: readonly ("direct" | "folds" | undefined)[]): Prepare {
  return async (_, serialised) => {
    const declared = serialised.axes.map(({ extent }) => extent ?? 0);
    const prepared = await Promise.all(plans.map(async (each) => ({ plan: each, kernel: await device.prepare(serialised, each === undefined ? {} : { plans: each }) })));
    const run: Run = async (inputs, set) => {
      const ran: Ran[] = [];
      for (const { plan, kernel } of prepared) {
        const outputs = await kernel.run(inputs, { set });
        // A backend without tiles merges pieces only.
        const tiled = Number.isFinite(device.accuracy.tile);
        ran.push({ outputs, ...(tiled ? { rescalings: rescalingsAt([...declared, ...Object.values(set), ...Object.values(inputs).flatMap(({ shape }) => shape)]) } : {}), ...(plan === undefined ? {} : { plan }) });
      }
      return ran;
    };
    return { finite: false, accuracy: device.accuracy, run };
  };
}
