/**
 * @file From a graph to a chain of gpu.js kernels. There is no shared memory and no scatter, a number is an f32, and a
 * thread returns one element: so every output, and every reduction that is worth storing, is a kernel of its own.
 */

import type { Graph, Tensor } from "../spec/graph/node";
import { refuse } from "../spec/diagnostics/diagnostic";
import type { Sizes } from "../spec/tensor/check";
import { EXACT, Exact, type Ranges } from "./emit/gpujs/exact";
import { elementsOf } from "./emit/gpujs/memory";
import { printScript } from "./emit/gpujs/print";
import { boundsOf, Bounder } from "./kernel/bounds";
import type { KernelArray } from "./kernel/kernel";
import { makePlan } from "./plan/make";
import type { Plan } from "./plan/plan";
import { specialise } from "./plan/specialise";
import type { DeviceLimits } from "./program";

/** One kernel of the chain: what fills one array. */
export interface ScriptStep {
  /** The array it fills. */
  readonly array: string;
  /** `function (b0, b1) { … }`, for `gpu.createKernel`. */
  readonly source: string;
  /** The arrays that are its arguments, in order. */
  readonly reads: readonly string[];
  /** Axes whose sizes are the kernel's constants n0, n1, … */
  readonly sizes: readonly string[];
  /** The axes of its threads: names of axes that are open, or sizes. */
  readonly axes: readonly (string | number)[];
  /** The number of threads. */
  threads(sizes: Sizes): number;
  /** The most rounds of a loop. */
  rounds(sizes: Sizes): number;
}

export interface ScriptArray {
  readonly name: string;
  /** Whether ∓FLT_MAX in it stands for ∓∞. */
  readonly infinite: boolean;
  shape(sizes: Sizes): readonly number[];
  /** The length of its Float32Array. @throws KvernError KV4203 when positions in it would not be exact */
  elements(sizes: Sizes): number;
}

export interface ScriptProgram {
  readonly kernel: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly fixed: Sizes;
  readonly arrays: ReadonlyMap<string, ScriptArray>;
  readonly temporaries: readonly string[];
  /** In order of dependence. */
  readonly steps: readonly ScriptStep[];
  /**
   * Whether all integers are exact in f32.
   * @throws KvernError KV4201 when one may not be
   */
  check(sizes: Sizes, ranges: Ranges): void;
}

/**
 * What a kernel may read and fill: WebGPU's default of 8 arrays, which WebGL2 allows as well, of 2²⁴ elements, the
 * positions that f32 counts exactly. The other limits are those of machinery that gpu.js hides.
 */
const LIMITS: DeviceLimits = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 4 * EXACT,
  maxComputeWorkgroupStorageSize: 0,
  maxComputeInvocationsPerWorkgroup: 1,
  maxComputeWorkgroupsPerDimension: EXACT,
};

/**
 * Lowers a graph for gpu.js. The graph's obligations are the caller's to discharge.
 * @throws KvernError KV4101 an expression reads more tensors than a kernel may; KV4103 an input and an output of one name
 */
export function lowerScript(graph: Graph, { set = {} }: { readonly set?: Sizes } = {}): ScriptProgram {
  const specialised = specialise(graph, set);
  const plan = makePlan(specialised.builder, specialised.graph, LIMITS);
  const { fixed } = specialised;
  const printed = plan.units.map((unit) => ({ unit, ...printScript(plan.builder, plan.name, plan.arrays, unit) }));
  const measure = (sizes: Sizes): Bounder => new Bounder((axis) => {
    const size = fixed[axis] ?? sizes[axis];
    return size === undefined ? boundsOf(plan.builder.extent(axis)) : [size, size];
  });
  const steps = printed.map(({ unit, source, reads, sizes: axes, count, loops }): ScriptStep => ({
    array: unit.array.name,
    source,
    reads,
    sizes: axes,
    axes: unit.axes.map(({ axis, extent }) => (extent.kind === "constant" ? extent.value : axis)),
    threads: (sizes) => measure(sizes).of(count)[1],
    rounds: (sizes) => Math.max(1, ...loops.map((extent) => measure(sizes).of(extent)[1])),
  }));
  return {
    kernel: graph.name,
    inputs: graph.inputs,
    outputs: graph.outputs,
    fixed,
    arrays: new Map([...plan.arrays.values()].map((array) => [array.name, arrayOf(plan, array, measure)])),
    temporaries: plan.temporaries,
    steps,
    check: (sizes, ranges) => {
      const exact = new Exact(plan.units, { ...sizes, ...fixed }, ranges);
      for (const { unit, checked } of printed) {
        for (const value of checked) {
          const reach = exact.reach(value);
          if (reach > EXACT) refuse({
            code: "KV4201",
            message: `an integer on the way to \`${unit.array.name}\` of \`${graph.name}\` may leave what gpu.js computes exactly`,
            expected: `integers from -${EXACT} to ${EXACT}, as every number is an f32; bitwise operands of 24 bits`,
            got: Number.isFinite(reach) ? `up to ${reach}` : "an operand without such bounds",
            mend: 'Open { backend: "wgsl" } or { backend: "interpreter" }, which have integers of 32 bits.',
          });
        }
      }
    },
  };
}

function arrayOf({ name: kernel, builder }: Plan, array: KernelArray, measure: (sizes: Sizes) => Bounder): ScriptArray {
  const { name, shape, infinite } = array;
  const elements = elementsOf(builder, array);
  return {
    name,
    infinite,
    shape: (sizes) => shape.map((size) => measure(sizes).of(size)[1]),
    elements: (sizes) => {
      const count = measure(sizes).of(elements)[1];
      if (count > EXACT) refuse({
        code: "KV4203",
        message: `\`${name}\` of \`${kernel}\` has more elements than gpu.js can number`,
        expected: `at most ${EXACT}, as a position is an f32`,
        got: String(count),
        mend: 'Open { backend: "wgsl" }, or compute a part of an axis at a time.',
      });
      return count;
    },
  };
}
