/**
 * @file A program as kernels of threads that know nothing of each other: each computes one element of one array, or a few
 * neighbours where they share work. There is no workgroup memory, no barrier and no scatter.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Graph, Index, Value } from "../../spec/graph/node";
import type { AlgebraRecord, Refusal } from "../algebra/derived";
import { openedOrder } from "../algebra/opened";
import { canonical, derive } from "../algebra/passes";
import type { Assign, Kernel, KernelArray, Stage } from "../kernel/kernel";
import { unrolledValues, type Roles } from "../kernel/unroll";
import type { DeviceLimits, Sizes } from "../program";
import { sizeOf } from "./fold/axes";
import { choiceSets } from "./fold/candidates";
import { boundsUnder, costOfKernel, measureOf, GPUJS } from "./fold/cost";
import type { FusedPlan } from "./fold/plan";
import { schedule } from "./fold/schedule";
import { PlanRefused } from "./fold/workshop";
import { makePlan } from "./make";
import { arraysRead, type Unit } from "./plan";
import { spread } from "./spread";

/** What a thread computes: `array[number of the thread, …] = values`. */
export interface ThreadUnit {
  readonly array: KernelArray;
  /** The axes that threads are numbered over, outer → inner: in the order of the array's memory. */
  readonly axes: readonly Index[];
  /** One element, or neighbours along the innermost axis. */
  readonly values: readonly Value[];
  /** Where the elements are ever read. */
  readonly where: Value;
  /** The same as a kernel of one lane, with its loops as they are before short ones are written out. */
  readonly kernel: Kernel;
}

type Planned = Omit<ThreadUnit, "kernel"> & Pick<Unit, "indices">;

export interface ThreadPlan {
  readonly name: string;
  readonly builder: GraphBuilder;
  readonly arrays: ReadonlyMap<string, KernelArray>;
  readonly temporaries: readonly string[];
  /** In order of dependence. */
  readonly units: readonly ThreadUnit[];
  /** The plan of folds; absent where every reduction has a kernel of its own. */
  readonly fused: FusedPlan | undefined;
  readonly record: AlgebraRecord;
}

export interface ThreadOptions {
  readonly limits: DeviceLimits;
  readonly fixed: Sizes;
  /** The most elements of an array. */
  readonly elements: number;
  /** Codes of `bits` bits that an element of an input holds. */
  readonly codesPerElement: (bits: number) => number;
}

type Candidate = Pick<ThreadPlan, "arrays" | "temporaries" | "fused" | "record"> & { readonly units: readonly Planned[]; readonly cost: number };

/** Elements that a thread may compute: what a GPU of any kind returns from one. */
const TOGETHER = 4;
/** Loops of no more turns than this are written out. */
const SHORT = 8;
/** Nodes of a text beyond which loops stay loops: drivers take long over more. */
const MOST_NODES = 1500;

/**
 * The plan of least estimated time: every reduction on its own, or folds over values that are computed once for each
 * position, after each set of choices that needs no scatter.
 * @throws KvernError KV4101 when an expression reads more arrays than a kernel may; KV4103 an input and an output of one name
 */
export function planThreads(builder: GraphBuilder, graph: Graph, options: ThreadOptions): ThreadPlan {
  const direct = makePlan(builder, graph, options.limits);
  const cost = (kernels: readonly Kernel[]): number => {
    const measure = measureOf({ ...Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]]))), ...options.fixed });
    return kernels.reduce((sum, kernel) => sum + costOfKernel(builder, kernel, measure, GPUJS), 0);
  };
  const refused: Refusal[] = [];
  let best: Candidate = {
    arrays: direct.arrays, temporaries: direct.temporaries, fused: undefined, record: { fired: [], refused },
    units: direct.units.map((unit) => ({ ...unit, axes: memoryOrder(unit), values: [unit.value], where: builder.true })),
    cost: cost(direct.units.map((unit) => spread(direct, unit, 1))),
  };
  const { sets, refused: choices } = choiceSets(builder, canonical(builder, graph).graph, options.fixed, GPUJS, ["unroll", "tabulate"]);
  refused.push(...choices);
  for (const { choices: made } of sets) {
    const derived = derive(builder, graph, made);
    const fused: FusedPlan = { choices: made, folds: Object.fromEntries(derived.folds.map(({ name }) => [name, { kind: "whole", staged: true }])) };
    try {
      const { kernels, arrays, temporaries } = schedule(builder, derived, fused, { lanes: 1, words: false, halves: false });
      const units = kernels.flatMap((kernel) => unitsOf(builder, arrays, kernel));
      check(units, temporaries, arrays, options);
      const candidate = { arrays, temporaries, units, fused, record: { fired: derived.record.fired, refused: [...refused, ...derived.record.refused] }, cost: cost(kernels) };
      if (candidate.cost < best.cost) best = candidate;
    } catch (fault) {
      if (!(fault instanceof PlanRefused)) throw fault;
      refused.push({ rule: "plan", at: graph.name, why: fault.message });
    }
  }
  const { cost: _, ...plan } = best;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  return { ...plan, name: graph.name, builder, units: plan.units.map((unit) => together(builder, graph.name, plan.arrays, unit, outputs, options)) };
}

/** The axes of a unit in the order of its array's memory. */
function memoryOrder({ array, axes, indices }: Unit): readonly Index[] {
  const order = digitsOf(indices, array.shape);
  if (order === undefined || order.length !== axes.length) throw new InternalError(`${array.name} is stored at computed positions`);
  return order;
}

/** The items of a kernel of one lane. */
function unitsOf(builder: GraphBuilder, arrays: ReadonlyMap<string, KernelArray>, kernel: Kernel): readonly Planned[] {
  return kernel.body.flatMap((node) => {
    if (node.kind !== "stage") throw new PlanRefused(`${kernel.name} has a ${node.kind}`);
    return node.items.map((item): Planned => {
      const array = arrays.get(item.array);
      if (array === undefined) throw new InternalError(`${item.array} is not declared`);
      if (item.kind !== "assign" || item.op !== "=" || item.over.length > 0) throw new PlanRefused(`${item.array} is gathered in memory`);
      const axes = digitsOf(item.indices, array.shape);
      const where = builder.and(node.inside, item.where);
      const named = new Set(axes?.map(({ name }) => name));
      if (axes === undefined || [item.value, where].some(({ free }) => free.some((name) => !named.has(name)))) throw new PlanRefused(`${item.array} is stored at computed positions`);
      return { array, axes, indices: item.indices, values: [item.value], where };
    });
  });
}

/** The axes that enumerate all positions of a shape in memory order when indices are put together of them; undefined where none do. */
function digitsOf(indices: readonly Value[], shape: readonly Value[]): readonly Index[] | undefined {
  const digits: Index[] = [];
  for (const [at, index] of indices.entries()) {
    const own = mixedRadix(index, shape[at]);
    if (own === undefined) return undefined;
    digits.push(...own);
  }
  return new Set(digits).size === digits.length ? digits : undefined;
}

/** The digits of a position, outer → inner, where they count up to exactly `size`. */
function mixedRadix(position: Value, size: Value | undefined): readonly Index[] | undefined {
  if (position.kind === "index") return position.extent === size ? [position] : undefined;
  if (position.kind === "constant") return size?.kind === "constant" && size.value === 1 ? [] : undefined;
  if (position.kind !== "linear" || position.constant !== 0) return undefined;
  const terms = [...position.terms].sort(([a], [b]) => a - b);
  const digits: Index[] = [];
  let stride = 1;
  for (const [k, term] of terms) {
    if (term.kind !== "index" || k !== stride) return undefined;
    digits.unshift(term);
    stride *= sizeOf(term);
  }
  // All but the outermost have fixed sizes, or the strides would not have met.
  return size?.kind === "constant" && stride === size.value ? digits : undefined;
}

/** @throws PlanRefused where an array or a kernel is beyond what a chain may have */
function check(units: readonly Planned[], temporaries: readonly string[], arrays: ReadonlyMap<string, KernelArray>, { limits, fixed, elements }: ThreadOptions): void {
  const most = limits.maxStorageBuffersPerShaderStage;
  for (const { array, values, where } of units) {
    const count = arraysRead([...values, where]).size + 1;
    if (count > most) throw new PlanRefused(`${array.name} is computed from ${count - 1} arrays, of ${most - 1}`);
  }
  const measure = boundsUnder(fixed);
  for (const name of temporaries) {
    const shape = arrays.get(name)?.shape ?? [];
    if (shape.some((size) => size.kind !== "constant")) continue;
    const count = shape.reduce((all, size) => all * measure.of(size)[1], 1);
    if (count > elements) throw new PlanRefused(`${name} would have ${count} elements, of ${elements}`);
  }
}

/** Several elements of an output to a thread, and short loops written out. */
function together(builder: GraphBuilder, name: string, arrays: ReadonlyMap<string, KernelArray>, { indices, ...unit }: Planned, outputs: ReadonlySet<string>, options: ThreadOptions): ThreadUnit {
  const last = unit.axes.at(-1);
  const [value = builder.zero] = unit.values;
  let { axes, values } = unit;
  let loops: Pick<Stage, "block"> & Pick<Assign, "indices" | "value"> = { block: [], indices, value };
  const reduces = openedOrder(builder, unit.values).some(({ kind }) => kind === "reduce");
  if (outputs.has(unit.array.name) && unit.where === builder.true && last !== undefined && sizeOf(last) % TOGETHER === 0 && reduces) {
    const block = builder.index(`${last.axis} of ${TOGETHER}`, builder.constant(sizeOf(last) / TOGETHER));
    const neighbour = builder.index(`${last.axis} block`, builder.constant(TOGETHER));
    const at = (which: Value, within: Value): Value => builder.substitute(within, new Map([[last, builder.add(builder.scale(TOGETHER, block), which)]]));
    axes = block.kind === "index" ? [...axes.slice(0, -1), block] : axes.slice(0, -1);
    values = Array.from({ length: TOGETHER }, (_, k) => at(builder.constant(k), value));
    if (neighbour.kind === "index") loops = { block: [neighbour], indices: indices.map((index) => at(neighbour, index)), value: at(neighbour, value) };
  }
  let roles = rolesOf(builder, values, options);
  const written = unrolledValues(builder, values, roles);
  if (openedOrder(builder, written).length <= MOST_NODES) values = written;
  else roles = {};
  const stage: Stage = {
    kind: "stage", lanes: [], digits: [], vector: undefined, roles, inside: unit.where, otherwise: undefined, block: loops.block,
    items: [{ kind: "assign", array: unit.array.name, indices: loops.indices, op: "=", value: loops.value, over: [], where: builder.true }],
  };
  const names = new Set([...arraysRead([value, unit.where, ...indices]), unit.array.name]);
  const kernel: Kernel = { name: `${name}: ${unit.array.name}`, grid: axes, lanes: 1, arrays: [...names].flatMap((each) => arrays.get(each) ?? []), body: [stage] };
  return { ...unit, axes, values, kernel };
}

/** Loops over codes of one element take as many steps at a time as it has; other short ones have no turns left. */
function rolesOf(builder: GraphBuilder, values: readonly Value[], { codesPerElement }: ThreadOptions): Roles {
  const roles: Record<string, Roles[string]> = {};
  const nodes = openedOrder(builder, values);
  for (const node of nodes) {
    if (node.kind !== "reduce" || node.extent.kind !== "constant") continue;
    if (node.extent.value <= SHORT) roles[node.axis] = { kind: "unroll" };
  }
  for (const node of nodes) {
    if (node.kind !== "load" || node.tensor.element.kind !== "uint") continue;
    const step = codesPerElement(node.tensor.element.bits);
    const place = node.indices.at(-1);
    if (step > 1 && place?.kind === "index" && Number.isFinite(sizeOf(place)) && sizeOf(place) > SHORT) roles[place.axis] = { kind: "serial", step };
  }
  return roles;
}
