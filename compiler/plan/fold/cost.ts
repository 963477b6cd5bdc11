/**
 * @file What a kernel may take on a device: operations counted where they are computed, times the weights of a device
 * profile. Good enough to leave out what is hopeless; the few best are told apart by measuring.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../../spec/graph/builder";
import { children } from "../../../spec/graph/children";
import type { Index, Value } from "../../../spec/graph/node";
import { Bounder, LARGEST } from "../../kernel/bounds";
import type { Cross, Kernel, KernelArray, Node, Stage } from "../../kernel/kernel";
import type { Sizes } from "../../program";
import { present } from "./axes";

/** The weights of a kind of device, in units of one f32 operation of one lane. */
export interface Weights {
  /** A word read from storage; from workgroup memory; stored to either. */
  readonly load: number;
  readonly shared: number;
  readonly store: number;
  /** A word that has to come from or go to memory, once for each workgroup. */
  readonly word: number;
  /** A function of `Math`, a division. */
  readonly special: number;
  /** A barrier, for each lane. */
  readonly barrier: number;
  readonly workgroup: number;
  readonly dispatch: number;
  /** What a plan of folds must save each time, against a dispatch for every reduction, to be worth its longer texts. */
  readonly gain: number;
  /** How many copies a lane keeps in registers, and the share by which each doubling beyond slows it down. */
  readonly copies: number;
  readonly spill: number;
  /** Lanes that work at the same time on the whole device. */
  readonly parallel: number;
  /** Lanes of which a workgroup wastes the rest of a multiple. */
  readonly warp: number;
}

/** A kind of WebGPU device, for which plans have shapes of their own. */
export interface DeviceProfile extends Weights {
  readonly name: "software" | "hardware";
}

/** Two cores with vectors of four: every operation counts, memory hardly. */
export const SOFTWARE: DeviceProfile = { name: "software", load: 6, shared: 6, store: 6, word: 0, special: 24, barrier: 200, workgroup: 2800, dispatch: 25000, gain: 50000, copies: 16, spill: 0.3, parallel: 8, warp: 4 };
/** Thousands of lanes that wait for memory. */
export const HARDWARE: DeviceProfile = { name: "hardware", load: 4, shared: 2, store: 4, word: 16, special: 4, barrier: 30, workgroup: 2000, dispatch: 40_000_000, gain: 0, copies: 64, spill: 0.3, parallel: 16384, warp: 32 };
/**
 * Threads of gpu.js, one to a workgroup, that run one after another, as they do in the modes `cpu` and `webasm`. Weights lie
 * between those of the modes as `scripts/benchmark-decode.mjs` measured them on 2 busy cores: a number read took 1.6 ns in `cpu`,
 * 1.4 in `webasm`, 7 to 15 in `webgpu` and `webgl2` on a software GPU, an exponential 17, 60 and 4 to 5, an operation 0.02 to 0.4,
 * a thread about 4 in `webasm`, a further kernel of a chain 1,000 in `cpu` and `webasm`, 40,000 to 290,000 in the others.
 */
export const GPUJS: Weights = { load: 6, shared: 6, store: 6, word: 0, special: 60, barrier: 0, workgroup: 10, dispatch: 20_000, gain: 0, copies: Infinity, spill: 0, parallel: 1, warp: 1 };

/** The size that an open axis is taken to have where nothing else is known. */
export const USUAL = 4096;

export const measureOf = (sizes: Sizes): Bounder => new Bounder((axis) => {
  const size = sizes[axis] ?? USUAL;
  return [size, size];
});

/** Bounds of values under sizes, of which those not given may be anything. */
export const boundsUnder = (sizes: Sizes): Bounder => new Bounder((axis) => {
  const size = sizes[axis];
  return size === undefined ? [0, LARGEST] : [size, size];
});

/** What a lane of so many takes to join a register with the others. */
export function exchangeCost(method: Cross["method"], lanes: number, profile: Weights): number {
  const memory = (accesses: number): number => 4 * profile.barrier + accesses * profile.shared;
  switch (method) {
    case "gather": return memory(lanes);
    case "tree": return memory(2 * Math.log2(lanes));
    // Each step within a subgroup is about one access.
    case "subgroup": return Math.log2(Math.min(lanes, profile.warp)) * profile.shared + (lanes > profile.warp ? memory(lanes / profile.warp) : 0);
  }
}

/** The estimated time of a kernel. */
export function costOfKernel(builder: GraphBuilder, kernel: Kernel, measure: Bounder, profile: Weights): number {
  const arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
  const size = ({ extent }: Index): number => Math.max(0, measure.of(extent)[1]);
  const workgroups = kernel.grid.reduce((count, axis) => count * size(axis), 1);
  let perLane = 0;
  let words = 0;
  const walk = (nodes: readonly Node[], times: number): void => {
    for (const node of nodes) {
      switch (node.kind) {
        case "barrier": perLane += times * profile.barrier; break;
        case "commit": break;
        case "cross": perLane += times * node.registers.length * exchangeCost(node.method, kernel.lanes, profile); break;
        case "loop": walk(node.body, times * size(node.axis)); break;
        case "stage": {
          const counted = new Counter(builder, node, arrays, size, profile).count();
          const busy = node.lanes.reduce((count, lane) => count * size(lane), 1) / kernel.lanes;
          perLane += times * counted.work * Math.max(busy, 1 / profile.warp);
          words += times * counted.words * busy * kernel.lanes;
        }
      }
    }
  };
  walk(kernel.body, 1);
  const lanes = profile.warp * Math.ceil(kernel.lanes / profile.warp);
  const total = workgroups * (profile.workgroup + perLane * lanes + words * profile.word);
  return profile.dispatch / profile.parallel + Math.max(perLane + profile.workgroup, total / profile.parallel);
}

/** Weights that count statements: one for everything that is done. */
const STATEMENTS: Weights = { load: 1, shared: 1, store: 1, word: 0, special: 1, barrier: 1, workgroup: 0, dispatch: 0, gain: 0, copies: Infinity, spill: 0, parallel: 1, warp: 1 };

/** About how many statements the text of a kernel has: what is copied or unrolled stands there several times, what is looped over once. */
export function statementsOf(builder: GraphBuilder, kernel: Kernel): number {
  const arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
  let statements = 0;
  const walk = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      if (node.kind === "loop") walk(node.body);
      if (node.kind !== "stage") continue;
      const copied = new Set(present([...node.block, node.vector]).map(({ name }) => name));
      const size = ({ name, axis, extent }: Index): number => {
        const role = node.roles[axis];
        const whole = extent.kind === "constant" ? extent.value : 1;
        if (copied.has(name) || role?.kind === "unroll" || role?.kind === "vector") return whole;
        return role?.kind === "serial" ? role.step : 1;
      };
      statements += new Counter(builder, node, arrays, size, STATEMENTS).count().work;
    }
  };
  walk(kernel.body);
  return statements;
}

class Counter {
  /** What has been counted, by how often it is done. */
  readonly #done = new Map<number, Set<Value>>();
  #work = 0;
  #words = 0;

  constructor(
    readonly builder: GraphBuilder, readonly stage: Stage, readonly arrays: ReadonlyMap<string, KernelArray>,
    readonly size: (index: Index) => number, readonly profile: Weights,
  ) {}

  /** Work of one lane, and words that it moves. */
  count(): { readonly work: number; readonly words: number } {
    const { stage, size, profile } = this;
    const copies = new Map<string, number>();
    for (const axis of [...stage.block, ...(stage.vector === undefined ? [] : [stage.vector])]) copies.set(axis.name, size(axis));
    for (const item of stage.items) {
      const around = new Map(copies);
      if (item.kind === "assign") for (const axis of item.over) around.set(axis.name, size(axis));
      const all = [...around.values()].reduce((count, each) => count * each, 1);
      if (item.kind === "pack") {
        this.#visit(item.value, around);
        this.#store(item.array, all);
        continue;
      }
      for (const value of [item.value, item.where]) this.#visit(value, around);
      for (const index of item.indices) this.#visit(index, around);
      this.#store(item.array, all);
      // An element found at run time, read and written again: no neighbours, and the next must wait.
      if (item.op !== "=") this.#load(item.array, 2 * all, 1);
    }
    const kept = [...copies.values()].reduce((count, each) => count * each, 1);
    const spilled = 1 + profile.spill * Math.max(0, Math.log2(kept / profile.copies));
    return { work: this.#work * spilled, words: this.#words };
  }

  #store(name: string, times: number): void {
    const array = this.#array(name);
    if (array.space === "register") this.#work += times;
    else this.#work += times * this.profile.store;
    if (array.space === "buffer") this.#words += times;
  }

  #load(name: string, times: number, neighbours: number): void {
    const array = this.#array(name);
    const share = array.element.kind === "uint" ? array.element.bits / 32 : array.element.kind === "f16" ? 0.5 : 1;
    if (array.space === "register") return;
    const stored = array.space !== "workgroup" && array.space !== "private";
    this.#work += (times / neighbours) * (stored ? this.profile.load : this.profile.shared) + (array.element.kind === "uint" ? times * 2 : 0);
    if (stored) this.#words += times * share;
  }

  #array(name: string): KernelArray {
    const array = this.arrays.get(name);
    if (array === undefined) throw new InternalError(`the kernel does not declare ${name}`);
    return array;
  }

  /** `axes`: how often the axes around run, by name; what does not mention one is done once for it. */
  #visit(value: Value, axes: ReadonlyMap<string, number>): void {
    let times = 1;
    for (const name of value.free) times *= axes.get(name) ?? 1;
    let seen = this.#done.get(times);
    if (seen === undefined) this.#done.set(times, (seen = new Set()));
    if (seen.has(value)) return;
    seen.add(value);
    switch (value.kind) {
      case "reduce": {
        const { index, where, body } = this.builder.open(value, [...axes.keys()]);
        const inner = new Map(axes).set(index.name, this.size(index));
        this.#visit(where, inner);
        this.#visit(body, inner);
        this.#work += 2 * [...new Set([...value.free, index.name])].reduce((count, name) => count * (inner.get(name) ?? 1), 1);
        return;
      }
      case "load": case "slot": {
        const four = this.stage.vector !== undefined || this.stage.block.some((axis) => value.free.includes(axis.name) && this.size(axis) % 4 === 0);
        this.#load(value.kind === "load" ? value.tensor.name : value.name, times, four && this.#array(value.kind === "load" ? value.tensor.name : value.name).element.kind === "f32" ? 2.5 : 1);
        break;
      }
      case "linear": this.#work += times * value.terms.length; break;
      case "product": this.#work += times * value.factors.reduce((sum, [, e]) => sum + (e === 1 ? 1 : this.profile.special), -1); break;
      case "apply": this.#work += times * (this.#isCheap(value.fn) ? 1 : this.profile.special); break;
      case "index": case "constant": case "truth": case "extent": return;
      default: this.#work += times;
    }
    for (const part of children(value)) this.#visit(part, axes);
  }

  #isCheap(fn: string): boolean {
    return fn === "floor" || fn === "abs" || fn === "sign" || fn === "ceil" || fn === "trunc" || fn === "fround";
  }
}
