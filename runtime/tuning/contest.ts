/**
 * @file The plans that a kernel could be run by, to be measured: the few that the cost model puts first, or the one that
 * was chosen before. A choice holds for a class of sizes, and is made among the plans for such sizes.
 */

import { explain, type Explanation } from "../../compiler/explain/explain";
import { lowerAll, lowerSeveral, type Lowering } from "../../compiler/lower";
import { shapeText } from "../../compiler/plan/fold/choose";
import { HARDWARE, SOFTWARE } from "../../compiler/plan/fold/cost";
import { specialise } from "../../compiler/plan/specialise";
import { graphKey, lowerStored, PLAN_FORMAT, PLAN_VERSION, readPlan, type StoredPlan } from "../../compiler/plan/stored";
import { FEATURES, type DeviceFeatures, type Program } from "../../compiler/program";
import { saveGraph } from "../../spec/graph/json";
import type { Sizes } from "../../spec/tensor/check";
import { classOf, type SizeClass } from "../classes";
import { load, type Loaded } from "../lowering";
import type { Limits } from "../webgpu/gpu";

/** Plans that are measured. */
const MOST = 5;

export interface Contestant {
  /** The plan in a line, for people. */
  readonly title: string;
  readonly stored: StoredPlan;
  readonly program: Program;
  explain(sizes: Sizes): Explanation;
}

const featureNames = ({ subgroups, f16 }: DeviceFeatures = {}): readonly string[] => [...(subgroups === true ? [FEATURES.subgroups] : []), ...(f16 === true ? [FEATURES.f16] : [])];

export interface ContestDevice {
  readonly name: string;
  readonly kind: "hardware" | "software";
  readonly limits: Limits;
  readonly features?: DeviceFeatures;
}

export class Contest {
  readonly loaded: Loaded;
  readonly #graph: string;

  /** @throws KvernError KV5101 when `json` is no graph */
  constructor(json: unknown, readonly set: Sizes, readonly device: ContestDevice) {
    this.loaded = load(json);
    this.#graph = graphKey(saveGraph(this.loaded.graph));
  }

  /** Names graph, sizes, device, and what of the device is used. */
  key(sizes: Sizes): string {
    const list = (of: Sizes): string => Object.entries(of).sort().map(([axis, size]) => `${axis}=${size}`).join(",");
    return [this.loaded.graph.name, this.#graph, list(this.set), list(this.#class(sizes).upTo), this.device.name, ...featureNames(this.device.features)].join(" | ");
  }

  /** The plans to measure, the one that is estimated to take least time first. */
  several(sizes: Sizes): readonly Contestant[] {
    const { graph } = this.loaded;
    const options = { ...this.#options(), expected: this.#class(sizes).expected };
    const found = lowerSeveral(specialise(graph, this.set), { ...options, plans: "folds" }, MOST, []);
    const plans = found.length > 0 ? found : [lowerAll(graph, { ...options, plans: "direct" })];
    return plans.map((lowering) => this.#contestant(lowering, this.#store(lowering, sizes)));
  }

  /**
   * The plan that was kept.
   * @throws KvernError KV5401 for anything else; KV5402 where it cannot be replayed
   */
  replay(kept: unknown, from: string): Contestant {
    const stored = readPlan(kept, from);
    return this.#contestant(lowerStored(this.loaded.graph, stored, this.#options()), stored);
  }

  #options() {
    const { limits, features = {}, kind } = this.device;
    return { limits, features, set: this.set, profile: kind === "software" ? SOFTWARE : HARDWARE };
  }

  #class(sizes: Sizes): SizeClass {
    return classOf(this.loaded.graph.axes, this.set, sizes);
  }

  #store({ fused }: Lowering, sizes: Sizes): StoredPlan {
    return {
      format: PLAN_FORMAT, version: PLAN_VERSION, kernel: this.loaded.graph.name, graph: this.#graph, set: this.set, upTo: this.#class(sizes).upTo,
      device: this.device.name, plan: fused ?? "direct",
    };
  }

  #contestant({ specialised, kernels, program, record }: Lowering, stored: StoredPlan): Contestant {
    const explained = { program, axes: this.loaded.graph.axes, graph: specialised.graph, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused };
    return { title: stored.plan === "direct" ? "a dispatch for every reduction" : shapeText(stored.plan), stored, program, explain: (sizes) => explain(explained, sizes) };
  }
}
