/**
 * @file From a graph to a chain of gpu.js kernels. There is no shared memory and no scatter, a number is an f32, and a
 * thread returns one element: so every output, and every reduction that is worth storing, is a kernel of its own.
 */

import type { Graph, Tensor } from "../spec/graph/node";
import { refuse } from "../spec/diagnostics/diagnostic";
import type { Sizes } from "../spec/tensor/check";
import { EXACT, Exact, type Ranges } from "./emit/gpujs/exact";
import type { AlgebraRecord } from "./algebra/derived";
import { codesPerElement, elementsOf } from "./emit/gpujs/memory";
import { printScript, printSize } from "./emit/gpujs/print";
import { boundsOf, Bounder } from "./kernel/bounds";
import type { KernelArray } from "./kernel/kernel";
import { specialise, type Specialised } from "./plan/specialise";
import { planThreads, type ThreadPlan } from "./plan/threads";
import type { DeviceLimits } from "./program";

/** One kernel of the chain: what fills one array. */
export interface ScriptStep {
  /** The array it fills. */
  readonly array: string;
  /** `function (b0, b1) { … }`, for `gpu.createKernel`. */
  readonly source: string;
  /** The arrays that are its arguments, in order. */
  readonly reads: readonly string[];
  /** Whether a row of the sizes of all open axes is its last argument. */
  readonly sized: boolean;
  /** Elements that each thread returns. */
  readonly each: number;
  /** The most threads that have work while no open axis is longer than here. */
  threads(capacity: Sizes): number;
  /** The number of threads as source: a function of the row of sizes. */
  readonly threadsText: string;
  /** The most rounds of a loop. */
  rounds(capacity: Sizes): number;
}

export interface ScriptArray {
  readonly name: string;
  /** Whether ∓FLT_MAX in it stands for ∓∞. */
  readonly infinite: boolean;
  shape(sizes: Sizes): readonly number[];
  /** The most elements that its Float32Array needs while no open axis is longer than here. */
  elements(capacity: Sizes): number;
  /** The length as source: a function of the row of sizes. */
  readonly elementsText: string;
}

export interface ScriptProgram {
  readonly kernel: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly fixed: Sizes;
  /** Axes whose sizes may differ from run to run, in the order in which kernels are given them. */
  readonly open: readonly string[];
  readonly arrays: ReadonlyMap<string, ScriptArray>;
  readonly temporaries: readonly string[];
  /** In order of dependence. */
  readonly steps: readonly ScriptStep[];
  /** What the plan did, and what it did not. */
  readonly record: AlgebraRecord;
  /** Whether no array has more elements than f32 can number. */
  fits(capacity: Sizes): boolean;
  /**
   * Whether all positions and integers are exact in f32.
   * @throws KvernError KV4201 when an integer may not be; KV4203 when an array has too many elements
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

/** The plan of a graph for gpu.js, in which sizes are fixed. @throws KvernError as `lowerScript` */
export function planScript(graph: Graph, { set = {} }: { readonly set?: Sizes } = {}): { readonly specialised: Specialised; readonly plan: ThreadPlan } {
  const specialised = specialise(graph, set);
  const plan = planThreads(specialised.builder, specialised.graph, { limits: LIMITS, fixed: specialised.fixed, elements: EXACT, codesPerElement });
  return { specialised, plan };
}

/**
 * Lowers a graph for gpu.js. The graph's obligations are the caller's to discharge.
 * @throws KvernError KV4101 an expression reads more tensors than a kernel may; KV4103 an input and an output of one name
 */
export function lowerScript(graph: Graph, options: { readonly set?: Sizes } = {}): ScriptProgram {
  const { specialised: { fixed }, plan } = planScript(graph, options);
  const open = graph.axes.map(({ name }) => name).filter((name) => fixed[name] === undefined);
  const printed = plan.units.map((unit) => ({ unit, ...printScript(plan.builder, plan.name, plan.arrays, unit, open) }));
  /** Bounds where axes may be shorter; one without positions has none at all. */
  const within = (capacity: Sizes): Bounder => new Bounder((axis) => {
    const size = fixed[axis] ?? capacity[axis];
    return size === undefined ? boundsOf(plan.builder.extent(axis)) : [fixed[axis] ?? Math.min(1, size), size];
  });
  const steps = printed.map(({ unit, source, reads, sized, count, each, loops }): ScriptStep => ({
    array: unit.array.name,
    source,
    reads,
    sized,
    each,
    threads: (capacity) => within(capacity).of(count)[1],
    threadsText: printSize(plan.builder, count, open),
    rounds: (capacity) => {
      const measure = within(capacity);
      return Math.min(EXACT, Math.max(1, ...loops.map((extent) => measure.of(extent)[1])));
    },
  }));
  const arrays = new Map([...plan.arrays.values()].map((array) => [array.name, arrayOf(plan, array, fixed, open, within)]));
  const tooLong = (capacity: Sizes): ScriptArray | undefined => [...arrays.values()].find((array) => array.elements(capacity) > EXACT);
  return {
    kernel: graph.name,
    inputs: graph.inputs,
    outputs: graph.outputs,
    fixed,
    open,
    arrays,
    temporaries: plan.temporaries,
    steps,
    record: plan.record,
    fits: (capacity) => tooLong(capacity) === undefined,
    check: (sizes, ranges) => {
      const long = tooLong(sizes);
      if (long !== undefined) refuse({
        code: "KV4203",
        message: `\`${long.name}\` of \`${graph.name}\` has more elements than gpu.js can number`,
        expected: `at most ${EXACT}, as a position is an f32`,
        got: String(long.elements(sizes)),
        mend: 'Open { backend: "wgsl" }, or compute a part of an axis at a time.',
      });
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

function arrayOf({ builder }: ThreadPlan, array: KernelArray, fixed: Sizes, open: readonly string[], within: (capacity: Sizes) => Bounder): ScriptArray {
  const { name, shape, infinite } = array;
  const elements = elementsOf(builder, array);
  return {
    name,
    infinite,
    shape: (sizes) => {
      const measure = new Bounder((axis) => {
        const size = fixed[axis] ?? sizes[axis] ?? 0;
        return [size, size];
      });
      return shape.map((size) => measure.of(size)[1]);
    },
    elements: (capacity) => within(capacity).of(elements)[1],
    elementsText: printSize(builder, elements, open),
  };
}
