import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { resolve } from "./vitest.config";

/**
 * Tests that take no device and no build, which mutants of the algebra, the planner and the interpreter are held to, in
 * this order: a mutant is done with at the first test that fails. Those that take long see only what the quick ones let live.
 */
const SUITES = {
  quick: [
    "laws/conditions", "plan/legal", "plan/stored", "plan/first-plan", "golden/lowering", "golden/algebra", "golden/bounds", "golden/calculus", "interpreter/calculus", "interpreter/interpret", "interpreter/uncertain", "golden/plans", "golden/gpujs", "explain/infer", "explain/nest", "algebra/factories",
    "kernel/types", "kernel/scalar", "kernel/count", "algebra/divisors", "algebra/known", "algebra/work", "graph/graph", "laws/mutants", "algebra/cut", "tune/tune",
    "golden/rows/encode", "golden/rows/norms", "golden/rows/attention-decode", "golden/rows/refused", "golden/rows/scores", "golden/rows/masks", "golden/rows/formats",
    "golden/segments", "golden/rows/coupled-cache", "explain/examples", "laws/rules", "algebra/cascades", "algebra/choices", "interpreter/streamed",
    "interpreter/memory", "fuzz/programs", "golden/drawn",
  ],
  slow: ["plan/between", "plan/altered", "interpreter/functions", "laws/passes", "plan/derived", "kernel/kernels", "laws/folds", "algebra/programs", "interpreter/random", "interpreter/bound", "plan/infinite", "plan/empty", "refuse/refuse", "fuzz/found", "plan/folds"],
} as const;

const suite = (process.env["KVERN_MUTANTS_SUITE"] === "slow" ? SUITES.slow : SUITES.quick).map((name) => `test/${name}.test.ts`);

class InOrder extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => suite.findIndex((name) => moduleId.endsWith(name));
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b)));
  }
}

export default defineConfig({
  resolve,
  test: { isolate: false, fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000, include: suite, sequence: { sequencer: InOrder } },
});
