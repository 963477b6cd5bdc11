/** @file What runs a kernel without a device, as a search compares it: in one way, or in several plans. */

import type { Lowering } from "../../compiler/lower";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { SerialisedGraph } from "../../spec/graph/json";
import type { Sizes } from "../../spec/tensor/check";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { rescalingsAt } from "./device";
import type { Prepare } from "./fuzz";
import { Random } from "./random";
import type { Ran, Run } from "./subject";

/** `evaluate` on the source text. */
export async function sourceWays(): Promise<Prepare> {
  const [{ evaluateSource }, { compileFile }] = await Promise.all([import("../source"), import("../../compiler")]);
  return async (file, { name }) => {
    const { kernels: { [name]: literal } } = await compileFile(file, { literal: true });
    if (literal === undefined) throw new InternalError(`${name} was compiled once, and is not among the kernels again`);
    return { finite: false, arithmetic: "f64", literal, run: async (inputs, set) => [{ outputs: await evaluateSource(file, name, inputs, set), rescalings: 0 }] };
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
