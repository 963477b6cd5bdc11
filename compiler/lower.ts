/** @file From a graph to a program: the list of passes, and what a runtime gets of their result. */

import type { Graph } from "../spec/graph/node";
import { refuse } from "../spec/diagnostics/diagnostic";
import { printWgsl } from "./emit/wgsl";
import { Bounder, I32, LARGEST, within } from "./kernel/bounds";
import { withHalves } from "./kernel/halves";
import type { Kernel, KernelArray } from "./kernel/kernel";
import type { AlgebraRecord, Refusal } from "./algebra/derived";
import { costOfPlan, enumeratePlans, foldsPay, replayPlan, shapeText, UnfitPlan, type Candidate, type PlanOptions } from "./plan/fold/choose";
import { HARDWARE, type DeviceProfile } from "./plan/fold/cost";
import { sizesOf } from "./plan/fold/candidates";
import { lagRefusals } from "./plan/fold/lag";
import type { FusedPlan } from "./plan/fold/plan";
import { makePlan } from "./plan/make";
import type { Plan } from "./plan/plan";
import { specialise, type Specialised } from "./plan/specialise";
import { spread } from "./plan/spread";
import { workgroups } from "./plan/workgroups";
import type { DeviceFeatures, DeviceLimits, Dispatch, Program, ProgramArray, Sizes } from "./program";

/**
 * `direct`: every reduction in a dispatch of its own, one lane for an element. `folds`: reductions that go through an axis
 * together share a pass, in the legal plan of least estimated time; `direct` where nothing folds.
 */
export type Plans = "direct" | "folds";

export interface LowerOptions {
  /** Sizes to make part of the text. Those that the graph's axes declare are so in any case. */
  readonly set?: Sizes;
  /** Sizes to plan for, of axes that stay open. The program is right for all. */
  readonly expected?: Sizes;
  readonly limits: DeviceLimits;
  /** What kind of device it is; hardware unless given. */
  readonly profile?: DeviceProfile;
  /** What the device has beyond its limits; nothing unless given. */
  readonly features?: DeviceFeatures;
  /** How kernels are planned; `folds` unless given. */
  readonly plans?: Plans;
  /** A plan of folds to replay instead of choosing one. */
  readonly fused?: FusedPlan;
}

/** Lanes of a workgroup, where the device has as many. */
const LANES = 64;
/** The longest text of a kernel: beyond, a pipeline takes long to compile. */
const MOST_LINES = 600;

/** What the passes make, one after the other. */
export interface Lowering {
  readonly specialised: Specialised;
  readonly kernels: readonly Kernel[];
  readonly program: Program;
  /** The plan of folds; absent where every reduction has a dispatch of its own, and `record` says why. */
  readonly fused: FusedPlan | undefined;
  readonly record: AlgebraRecord;
}

/**
 * The passes, in order. Each is a pure function of what the passes before it made.
 *
 * | pass         | from → to       | why                                                                        |
 * |--------------|-----------------|----------------------------------------------------------------------------|
 * | `specialise` | graph → graph   | sizes that are known fold into positions, bounds and guards                |
 * | `enumerate`  | graph → kernels | folds by derivation; the legal plan of least estimated time                |
 * | `makePlan`   | graph → plan    | where nothing folds: a reduction is computed once; nothing binds too much  |
 * | `spread`     | plan → kernels  | … and one lane for every element, or word, of each array                   |
 * | `print`      | kernels → text  | WGSL; decides nothing                                                      |
 */
export function lowerAll(graph: Graph, options: LowerOptions): Lowering {
  const { set = {}, limits } = options;
  const specialised = specialise(graph, set);
  const refused: Refusal[] = [];
  if (options.fused !== undefined) {
    const made = replayPlan(specialised.builder, specialised.graph, options.fused, planOptions(specialised, options));
    if (typeof made === "string") throw new UnfitPlan(`a stored plan cannot be made here: ${made}`);
    return fusedLowering(specialised, made, refused, planOptions(specialised, options));
  }
  const [first] = options.plans === "direct" ? [] : lowerSeveral(specialised, options, 1, refused);
  return first ?? { ...printed(directly(specialised, options), limits), fused: undefined, record: { fired: [], refused } };
}

const planOptions = ({ fixed }: Specialised, { expected = {}, limits, features = {}, profile = HARDWARE }: LowerOptions): PlanOptions => ({ limits, features, profile, fixed, expected });

/**
 * The plans that are estimated to take least time, at most `most` of them, ready to be measured: those of folds, and the
 * direct one in its place among them. What is refused is added to `refused`.
 */
export function lowerSeveral(specialised: Specialised, options: LowerOptions, most: number, refused: Refusal[]): readonly Lowering[] {
  const { builder, graph } = specialised;
  const { limits } = options;
  const direct = directly(specialised, options);
  const chosen = planOptions(specialised, options);
  const asDirect = (): Lowering => ({ ...printed(direct, limits), fused: undefined, record: { fired: [], refused } });
  if (!foldsPay(builder, graph)) {
    refused.push({ rule: "plan", at: graph.name, why: "no two reductions share a pass" });
    return [asDirect()];
  }
  const directCost = costOfPlan(builder, graph, direct.kernels, chosen);
  if (most === 1 && directCost <= chosen.profile.gain) {
    refused.push({ rule: "plan", at: graph.name, why: "there is too little to do for shared passes to be worth their longer texts" });
    return [asDirect()];
  }
  const { candidates, refused: why } = enumeratePlans(builder, graph, chosen);
  refused.push(...why);
  const found: Lowering[] = [];
  let placed = false;
  for (const candidate of candidates) {
    if (found.length >= most) break;
    if (!placed && directCost <= candidate.cost + chosen.profile.gain) {
      placed = true;
      refused.push({ rule: "plan", at: shapeText(candidate.plan), why: "a dispatch for every reduction is estimated to take less time, or too little more for texts as long as these" });
      found.push(asDirect());
      continue;
    }
    const lowering = fusedLowering(specialised, candidate, refused, chosen);
    const longest = Math.max(...lowering.program.dispatches.map(({ code }) => code.split("\n").length));
    if (longest <= MOST_LINES) found.push(lowering);
    else refused.push({ rule: "plan", at: shapeText(candidate.plan), why: `a text of ${longest} lines, of ${MOST_LINES}` });
  }
  return placed || found.length >= most ? found : [...found, asDirect()];
}

function fusedLowering(specialised: Specialised, { plan, derived, scheduled }: Candidate, refused: readonly Refusal[], { limits, fixed, expected, profile }: PlanOptions): Lowering {
  const { builder, graph } = specialised;
  const lagging = lagRefusals(builder, derived, plan, sizesOf(derived.graph, { ...expected, ...fixed }), profile);
  const program = print(specialised, { name: graph.name, builder, arrays: scheduled.arrays, temporaries: scheduled.temporaries }, scheduled.kernels, limits);
  return { specialised, kernels: scheduled.kernels, program, fused: plan, record: { fired: derived.record.fired, refused: [...derived.record.refused, ...lagging, ...refused] } };
}

/** Each reduction in a dispatch of its own, one lane for an element. */
export function lowerPlain(graph: Graph, options: Pick<LowerOptions, "set" | "limits" | "features">): Direct {
  return printed(directly(specialise(graph, options.set ?? {}), options), options.limits);
}

type Direct = Pick<Lowering, "specialised" | "kernels" | "program"> & { readonly plan: Plan };

function directly(specialised: Specialised, { limits, features }: Pick<LowerOptions, "limits" | "features">): Omit<Direct, "program"> {
  const plan = makePlan(specialised.builder, specialised.graph, limits);
  const lanes = Math.min(LANES, limits.maxComputeInvocationsPerWorkgroup);
  const kernels = plan.units.map((unit) => spread(plan, unit, lanes));
  return { specialised, plan, kernels: features?.f16 === true ? kernels.map((kernel) => withHalves(kernel)) : kernels };
}

const printed = (direct: Omit<Direct, "program">, limits: DeviceLimits): Direct => ({ ...direct, program: print(direct.specialised, direct.plan, direct.kernels, limits) });

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
