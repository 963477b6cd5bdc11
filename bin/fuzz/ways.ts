/** @file The ways in which a backend runs a kernel, as a search compares them: one, or one for each plan. */

import type { Lowering } from "../../compiler/lower";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { SerialisedGraph } from "../../spec/graph/json";
import type { Accuracy } from "../../spec/interpreter";
import type { Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor/tensor";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Prepare } from "./fuzz";
import { Random } from "./random";
import type { Ran, Run } from "./subject";

/** Positions of the shortest tile, after which a fold may replace its reference; once more for each part. */
const SHORTEST_TILE = 64;

const rescalingsAt = (sizes: readonly number[]): number => 2 * Math.max(0, ...sizes.map((size) => Math.ceil(size / SHORTEST_TILE) - 1));

type Tensors = Readonly<Record<string, TensorData>>;

/** `evaluate` on the source text. */
export async function sourceWays(): Promise<Prepare> {
  const [{ evaluateSource }, { compileFile }] = await Promise.all([import("../source"), import("../../compiler")]);
  return async (file, { name }) => {
    const { kernels: { [name]: literal } } = await compileFile(file, { literal: true });
    if (literal === undefined) throw new InternalError(`${name} was compiled once, and is not among the kernels again`);
    return { finite: false, arithmetic: "f64", literal, run: async (inputs, set) => [{ outputs: await evaluateSource(file, name, inputs, set), rescalings: 0 }] };
  };
}

/** A device: each of `plans`, in turn. */
export function deviceWays(device: { readonly accuracy: Accuracy; prepare(graph: unknown, options: { plans?: "direct" | "folds" }): Promise<{ run(inputs: Tensors, options: { set: Sizes }): Promise<Tensors> }> }, plans: readonly ("direct" | "folds" | undefined)[]): Prepare {
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

/** Plans that a program is simulated in at most, beside the direct one: the most promising, and others by lot. */
const SIMULATED = 4;

/** The lockstep simulator: kernels without a device, with everything reported that a device may pass over. */
export async function simulatedWays(): Promise<Prepare> {
  const [{ loadGraph }, { lowerPlain }, { enumeratePlans, foldsPay, shapeText }, { HARDWARE }, { specialise }, { simulateProgram }, { DEFAULT_LIMITS: limits }, { kernelOf, RunCheck }, { discharge }] = await Promise.all([
    import("../../spec/graph/json"), import("../../compiler/lower"), import("../../compiler/plan/fold/choose"), import("../../compiler/plan/fold/cost"),
    import("../../compiler/plan/specialise"), import("../../compiler/simulator/program"), import("../../runtime/webgpu/gpu"), import("../../runtime/kernel"), import("../../runtime/obligations"),
  ]);
  return (_, serialised: SerialisedGraph) => {
    const { graph } = loadGraph(serialised);
    const kernel = kernelOf(graph, (sizes) => discharge(graph, sizes));
    const run: Run = (inputs, set) => {
      // Refuses what a device would.
      const { sizes } = new RunCheck(kernel, {}).check(inputs, { set });
      const random = new Random(Object.values(sizes).reduce((sum, size) => sum * 31 + size, 7));
      const warp = random.pick([4, 32, 64] as const);
      const ran: Ran[] = [];
      const simulated = (plan: string, builder: GraphBuilder, kernels: Lowering["kernels"], left: Sizes): void => {
        const { outputs, faults: [fault] } = simulateProgram(builder, graph, { kernels }, inputs, left, warp);
        if (fault !== undefined) throw new InternalError(`${plan}, ${warp} lanes together: ${fault.text}`);
        const shaped = Object.fromEntries(graph.outputs.map(({ name, axes }) => [name, { shape: axes.map((axis) => sizes[axis] ?? 0), data: outputs[name] ?? [] }]));
        ran.push({ outputs: shaped, plan, rescalings: rescalingsAt(Object.values(sizes)) });
      };
      // The sizes are part of the text in one program of two.
      const fixed = random.oneIn(2) ? sizes : {};
      const plain = lowerPlain(graph, { set: fixed, limits });
      simulated("direct", plain.specialised.builder, plain.kernels, sizes);
      const special = specialise(graph, fixed);
      if (foldsPay(special.builder, special.graph)) {
        const { candidates } = enumeratePlans(special.builder, special.graph, { limits, profile: HARDWARE, fixed: special.fixed, every: random.oneIn(4) });
        const lots = candidates.length <= SIMULATED ? candidates : [...candidates.slice(0, 2), ...Array.from({ length: SIMULATED - 2 }, () => candidates[random.whole(2, candidates.length - 1)])];
        for (const candidate of lots) if (candidate !== undefined) simulated(shapeText(candidate.plan), special.builder, candidate.scheduled.kernels, sizes);
      }
      return Promise.resolve(ran);
    };
    return Promise.resolve({ finite: false, run });
  };
}
