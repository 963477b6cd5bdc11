/** @file From a graph to a program: the list of passes, and what a runtime gets of their result. */

import type { Graph } from "../spec/graph/node";
import { refuse } from "../spec/diagnostics/diagnostic";
import { printWgsl } from "./emit/wgsl";
import { Bounder, I32, LARGEST, within } from "./kernel/bounds";
import type { Kernel, KernelArray } from "./kernel/kernel";
import { makePlan } from "./plan/make";
import type { Plan } from "./plan/plan";
import { specialise, type Specialised } from "./plan/specialise";
import { spread } from "./plan/spread";
import { workgroups } from "./plan/workgroups";
import type { DeviceLimits, Dispatch, Program, ProgramArray, Sizes } from "./program";

export interface LowerOptions {
  /** Sizes to make part of the text. Those that the graph's axes declare are so in any case. */
  readonly set?: Sizes;
  readonly limits: DeviceLimits;
}

/** Lanes of a workgroup, where the device has as many. */
const LANES = 64;

/** What the passes make, one after the other. */
export interface Lowering {
  readonly specialised: Specialised;
  readonly plan: Plan;
  readonly kernels: readonly Kernel[];
  readonly program: Program;
}

/**
 * The passes, in order. Each is a pure function of what the passes before it made.
 *
 * | pass         | from → to       | why                                                                        |
 * |--------------|-----------------|----------------------------------------------------------------------------|
 * | `specialise` | graph → graph   | sizes that are known fold into positions, bounds and guards                |
 * | `makePlan`   | graph → plan    | a reduction is computed once; nothing binds more than the device allows    |
 * | `spread`     | plan → kernels  | one lane for every element, or word, of each array                         |
 * | `print`      | kernels → text  | WGSL; decides nothing                                                      |
 */
export function lowerAll(graph: Graph, { set = {}, limits }: LowerOptions): Lowering {
  const specialised = specialise(graph, set);
  const plan = makePlan(specialised.builder, specialised.graph, limits);
  const lanes = Math.min(LANES, limits.maxComputeInvocationsPerWorkgroup);
  const kernels = plan.units.map((unit) => spread(plan, unit, lanes));
  const program = print(specialised, plan, kernels, limits);
  return { specialised, plan, kernels, program };
}

/**
 * Lowers a graph for a device. The graph's obligations are the caller's to discharge.
 * @throws KvernError KV4101 an expression reads more tensors than the device binds; KV4103 an input and an output of one
 * name. The program's `shape` and `workgroups` throw KV4102 for sizes that do not fit.
 */
export function lower(graph: Graph, options: LowerOptions): Program {
  return lowerAll(graph, options).program;
}

/** What printing asks of a plan. */
type Arrays = Pick<Plan, "name" | "builder" | "arrays" | "temporaries">;

/** Makes kernels into a program. */
export function print({ graph, fixed }: Pick<Specialised, "graph" | "fixed">, plan: Arrays, kernels: readonly Kernel[], limits: DeviceLimits): Program {
  return {
    kernel: graph.name,
    inputs: graph.inputs,
    outputs: graph.outputs,
    fixed,
    arrays: new Map([...plan.arrays.values()].filter(isStored).map((array) => [array.name, arrayOf(array, graph.name, fixed)])),
    temporaries: plan.temporaries,
    dispatches: kernels.map((kernel) => dispatchOf(plan, kernel, fixed, limits)),
  };
}

function bounder(sizes: Sizes, fixed: Sizes): Bounder {
  return new Bounder((axis) => {
    const size = fixed[axis] ?? sizes[axis];
    return size === undefined ? [0, LARGEST] : [size, size];
  });
}

function arrayOf(array: KernelArray, kernel: string, fixed: Sizes): ProgramArray {
  const { name, element } = array;
  return {
    name,
    element,
    ...(array.space === "input" ? {} : { infinite: array.infinite }),
    shape: (sizes) => {
      const measure = bounder(sizes, fixed);
      const shape = array.shape.map((size) => measure.of(size)[1]);
      const elements = shape.reduce((count, size) => count * size, 1);
      const row = element.kind === "uint" ? (shape.at(-1) ?? 1) * element.bits : 0;
      if (elements > LARGEST) tooLarge(`\`${name}\` of \`${kernel}\` is too large`, "at most 2147483647 elements", elements);
      if (row > LARGEST) tooLarge(`a row of \`${name}\` of \`${kernel}\` is too long`, "at most 2147483647 bits", row);
      return shape;
    },
  };
}

function tooLarge(message: string, expected: string, got: number): never {
  return refuse({ code: "KV4102", message, expected, got: String(got) });
}

/** Whether an array has device memory of its own. */
const isStored = ({ space, arena }: KernelArray): boolean => (space === "input" || space === "buffer") && arena === undefined;

function dispatchOf(plan: Arrays, kernel: Kernel, fixed: Sizes, limits: DeviceLimits): Dispatch {
  const widest = limits.maxComputeWorkgroupsPerDimension;
  const { code, bindings, uniforms, checked, workgroupBytes } = printWgsl(plan.builder, kernel, widest);
  return {
    name: kernel.name,
    code,
    workgroupSize: kernel.lanes,
    bindings,
    uniforms,
    workgroups: (sizes) => {
      const measure = bounder(sizes, fixed);
      for (const value of checked) {
        const bounds = measure.of(value);
        if (!within(bounds, I32)) tooLarge(`a position in \`${plan.name}\` does not fit 32 bits at these sizes`, "integers from -2147483648 to 2147483647", bounds[1] > I32[1] ? bounds[1] : bounds[0]);
      }
      return workgroups(kernel.grid.map(({ extent }) => measure.of(extent)[1]), widest);
    },
    workgroupBytes,
  };
}
