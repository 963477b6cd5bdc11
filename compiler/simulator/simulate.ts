/**
 * @file Runs a kernel without a GPU: workgroup by workgroup, all lanes of a workgroup between two points of
 * synchronisation before any goes on. It is no race detector by luck: it records who touches what between barriers, so
 * that a missing barrier is found also where every order of the lanes would give the right numbers.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import type { Assign, Commit, Cross, Digit, Kernel, KernelArray, Node, Pack, Stage } from "../kernel/kernel";
import { joinsInSubgroups } from "../kernel/layout";
import { rounded } from "./arithmetic";
import { Memory, type Actor, type Fault } from "./memory";
import { Evaluator, Scope } from "./values";

export interface SimulationOptions {
  readonly builder: GraphBuilder;
  readonly sizes: Readonly<Record<string, number>>;
  /** Storage arrays by name, made by `storage`; inputs filled, the others poison. */
  readonly storage: ReadonlyMap<string, Memory>;
  /** Lanes that step together: decides which subgroup operations are legal. */
  readonly warp: 4 | 32 | 64;
}

export interface Simulation {
  /** Distinct faults, in order of appearance. */
  readonly faults: readonly Fault[];
  readonly barriers: number;
  /** Elements read from and written to storage. */
  readonly loads: number;
  readonly stores: number;
}

/** Enough to see what is wrong; a broken kernel breaks at every element. */
const MOST_FAULTS = 20;

/** Collects faults, each text once. */
export class Faults {
  readonly list: Fault[] = [];
  readonly #seen = new Set<string>();

  readonly report = (fault: Fault): void => {
    if (this.list.length >= MOST_FAULTS || this.#seen.has(fault.text)) return;
    this.#seen.add(fault.text);
    this.list.push(fault);
  };
}

/** A storage array of a simulated device: `values` for an input, poison otherwise. */
export function storage(array: Pick<KernelArray, "name" | "element" | "space" | "infinite">, shape: readonly number[], faults: Faults, values?: ArrayLike<number>): Memory {
  return new Memory(array, shape, faults.report, values);
}

export function simulate(kernel: Kernel, options: SimulationOptions, faults: Faults): Simulation {
  const run = new Run(kernel, options, faults);
  run.all();
  return { faults: faults.list, barriers: run.barriers, loads: run.loads, stores: run.stores };
}

const extentOf = (index: Index): number => {
  if (index.extent.kind !== "constant") throw new InternalError(`the lane axis ${index.name} has no constant extent`);
  return index.extent.value;
};

const productOf = (extents: readonly number[]): number => extents.reduce((product, extent) => product * extent, 1);

/** The digits of a number, outer → inner. */
function digitsOf(number: number, extents: readonly number[]): readonly number[] {
  const digits: number[] = [];
  let rest = number;
  for (const extent of [...extents].reverse()) {
    digits.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return digits;
}

/** All positions of some axes of constant extent, outer → inner. */
function* positions(axes: readonly Index[], extent: (axis: Index) => number): Generator<readonly number[]> {
  const extents = axes.map(extent);
  const count = productOf(extents);
  for (let number = 0; number < count; number++) yield digitsOf(number, extents);
}

class Run {
  readonly #kernel: Kernel;
  readonly #options: SimulationOptions;
  readonly #faults: Faults;
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #evaluator: Evaluator;
  /** Arrays that every lane has for itself: by name, then lane. */
  #own = new Map<string, Map<number, Memory>>();
  #shared = new Map<string, Memory>();
  #actor: Actor = { workgroup: 0, lane: 0 };
  #phase = 0;
  barriers = 0;
  loads = 0;
  stores = 0;

  constructor(kernel: Kernel, options: SimulationOptions, faults: Faults) {
    this.#kernel = kernel;
    this.#options = options;
    this.#faults = faults;
    this.#arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
    this.#evaluator = new Evaluator({
      builder: options.builder,
      sizes: options.sizes,
      written: new Set(kernel.arrays.filter(({ space }) => space !== "input").map(({ name }) => name)),
      element: (array, indices) => this.#read(array, indices),
      report: faults.report,
    });
  }

  all(): void {
    const sizes = Scope.root();
    const extents = this.#kernel.grid.map((axis) => this.#evaluator.value(axis.extent, sizes));
    const workgroups = productOf(extents);
    for (let workgroup = 0; workgroup < workgroups; workgroup++) {
      let scope = sizes;
      for (const [at, digit] of digitsOf(workgroup, extents).entries()) {
        const axis = this.#kernel.grid[at];
        if (axis !== undefined) scope = scope.at(axis, digit);
      }
      this.#actor = { workgroup, lane: 0 };
      this.#own = new Map();
      this.#shared = new Map();
      this.#nodes(this.#kernel.body, scope);
      this.#phase++;
    }
  }

  #nodes(nodes: readonly Node[], scope: Scope): void {
    for (const node of nodes) {
      switch (node.kind) {
        case "stage": this.#stage(node, scope); break;
        case "barrier": this.#barrier(); break;
        case "cross": this.#cross(node); break;
        case "commit": this.#commit(node); break;
        case "loop": {
          const [low, high] = [this.#evaluator.value(node.low, scope), this.#evaluator.value(node.high, scope)];
          for (let position = low; position < high; position++) this.#nodes(node.body, scope.at(node.axis, position));
          break;
        }
      }
    }
  }

  #barrier(): void {
    this.#phase++;
    this.barriers++;
  }

  #stage(stage: Stage, outer: Scope): void {
    const extents = stage.lanes.map(extentOf);
    const lanes = productOf(extents);
    if (lanes > this.#kernel.lanes) this.#faults.report({ kind: "resources", text: `a stage of ${lanes} lanes in a kernel of ${this.#kernel.lanes}` });
    for (let lane = 0; lane < lanes; lane++) {
      this.#actor = { workgroup: this.#actor.workgroup, lane };
      let scope = outer;
      for (const [at, digit] of digitsOf(lane, extents).entries()) {
        const axis = stage.lanes[at];
        if (axis !== undefined) scope = scope.at(axis, digit);
      }
      scope = this.#digits(stage.digits, scope);
      const inside = this.#evaluator.truth(stage.inside, scope);
      if (!inside && stage.otherwise === undefined) continue;
      const axes = stage.vector === undefined ? stage.block : [...stage.block, stage.vector];
      for (const item of stage.items) {
        for (const place of positions(axes, extentOf)) {
          let at = scope;
          for (const [k, position] of place.entries()) {
            const axis = axes[k];
            if (axis !== undefined) at = at.at(axis, position);
          }
          if (item.kind === "pack") {
            if (inside) this.#pack(item, at);
          } else this.#assign(item, at, inside ? undefined : stage.otherwise);
        }
      }
    }
  }

  #digits(digits: readonly Digit[], outer: Scope): Scope {
    let scope = outer;
    for (const { index, value } of digits) scope = scope.at(index, this.#evaluator.value(value, scope));
    return scope;
  }

  #assign(item: Assign, outer: Scope, instead: Value | undefined): void {
    const loop = (depth: number, scope: Scope): void => {
      const axis = item.over[depth];
      if (axis !== undefined) {
        const extent = this.#evaluator.value(axis.extent, scope);
        for (let position = 0; position < extent; position++) loop(depth + 1, scope.at(axis, position));
        return;
      }
      if (instead === undefined && !this.#evaluator.truth(item.where, scope)) return;
      const indices = item.indices.map((index) => this.#evaluator.value(index, scope));
      const value = this.#evaluator.value(instead ?? item.value, scope);
      const old = item.op === "=" ? 0 : this.#read(item.array, indices);
      const next = item.op === "=" ? value : item.op === "+=" ? rounded(old + value, "f32") : Math.max(old, value);
      this.#write(item.array, indices, next);
    };
    loop(0, outer);
  }

  #pack(item: Pack, outer: Scope): void {
    const array = this.#arrays.get(item.array);
    if (array === undefined) throw new InternalError(`the kernel does not declare ${item.array}`);
    const bits = array.element.kind === "uint" ? array.element.bits : 16;
    const row = item.row.map((index) => this.#evaluator.value(index, outer));
    const word = this.#evaluator.value(item.word, outer);
    const shape = this.#shape(array, outer);
    // As many as the array has, of one of which the counter has two positions.
    const count = array.element.kind === "uint" ? (shape.at(-1) ?? 1) : shape.reduce((product, size) => product * size, 1);
    const first = Math.floor((word * 32) / bits);
    // An element belongs to the word that holds its lowest bit; the neighbour computes the same value for the rest of it.
    for (let element = first; element * bits < (word + 1) * 32 && element < count; element++) {
      if (element * bits < word * 32) continue;
      const scope = this.#digits(item.digits, outer.at(item.element, element));
      const scalar = array.shape.length === 0;
      const indices = scalar ? [] : item.digits.length === 0 ? [...row, element] : digitsOf(element, shape);
      this.#write(item.array, indices, this.#evaluator.value(item.value, scope));
    }
  }

  #shape(array: KernelArray, scope: Scope): readonly number[] {
    return array.shape.map((extent) => this.#evaluator.value(extent, scope));
  }

  #memory(name: string, lane = this.#actor.lane): { readonly memory: Memory; readonly positions: readonly number[] | undefined; readonly base: number } {
    const array = this.#arrays.get(name);
    if (array === undefined) throw new InternalError(`the kernel does not declare ${name}`);
    if (array.arena !== undefined) {
      const { memory } = this.#memory(array.arena.array, lane);
      return { memory, positions: undefined, base: this.#evaluator.value(array.arena.offset, Scope.root()) };
    }
    switch (array.space) {
      case "input": case "buffer": {
        const memory = this.#options.storage.get(name);
        if (memory === undefined) throw new InternalError(`${name} has no storage`);
        return { memory, positions: undefined, base: 0 };
      }
      case "workgroup": {
        let memory = this.#shared.get(name);
        if (memory === undefined) this.#shared.set(name, (memory = new Memory(array, this.#shape(array, Scope.root()), this.#faults.report)));
        return { memory, positions: undefined, base: 0 };
      }
      case "private": case "register": {
        const roles = array.roles ?? array.shape.map(() => "block" as const);
        const kept = roles.flatMap((role, at) => (role === "own" ? [] : [at]));
        const lanes = this.#own.get(name) ?? new Map<number, Memory>();
        this.#own.set(name, lanes);
        let memory = lanes.get(lane);
        if (memory === undefined) {
          const shape = this.#shape(array, Scope.root());
          lanes.set(lane, (memory = new Memory(array, kept.map((at) => shape[at] ?? 0), this.#faults.report)));
        }
        return { memory, positions: kept, base: 0 };
      }
    }
  }

  #place(name: string, indices: readonly number[], lane?: number): { readonly memory: Memory; readonly at: readonly number[] } {
    const { memory, positions: kept, base } = this.#memory(name, lane);
    const array = this.#arrays.get(name);
    if (array?.arena !== undefined) {
      const shape = this.#shape(array, Scope.root());
      const flat = indices.reduce((offset, index, at) => offset * (shape[at] ?? 1) + index, 0);
      return { memory, at: digitsOf(base + flat, memory.shape) };
    }
    return { memory, at: kept === undefined ? indices : kept.map((at) => indices[at] ?? 0) };
  }

  #read(name: string, indices: readonly number[]): number {
    const { memory, at } = this.#place(name, indices);
    const own = memory.space === "private" || memory.space === "register";
    if (memory.space === "input" || memory.space === "buffer") this.loads++;
    return memory.read(at, own ? undefined : this.#actor, this.#phase);
  }

  #write(name: string, indices: readonly number[], value: number): void {
    const { memory, at } = this.#place(name, indices);
    const own = memory.space === "private" || memory.space === "register";
    if (memory.space === "buffer") this.stores++;
    memory.write(at, value, own ? undefined : this.#actor, this.#phase);
  }

  #cross(cross: Cross): void {
    const extents = cross.lanes.map(extentOf);
    const lanes = productOf(extents);
    const over = cross.lanes.map((axis) => cross.over.some((other) => other.name === axis.name));
    const groups = new Map<string, number[]>();
    for (let lane = 0; lane < lanes; lane++) {
      const key = digitsOf(lane, extents).filter((_, at) => over[at] !== true).join();
      groups.set(key, [...(groups.get(key) ?? []), lane]);
    }
    const join = (a: number, b: number): number => (cross.op === "sum" ? rounded(a + b, "f32") : cross.op === "max" ? Math.max(a, b) : Math.min(a, b));
    const warpOf = (lane: number): number => (cross.method === "subgroup" ? Math.floor(lane / this.#options.warp) : 0);
    if (cross.method === "subgroup" && !joinsInSubgroups(cross.lanes, cross.over)) this.#faults.report({ kind: "divergent", text: "subgroup operations over lanes that are no power of two" });
    // A gather writes partials and reads them back; a tree does so at every level; subgroups do where one does not hold all.
    if (cross.method !== "subgroup" || [...groups.values()].some((members) => members.some((lane) => warpOf(lane) !== warpOf(members[0] ?? 0)))) {
      this.#barrier();
      this.#barrier();
    }
    for (const name of cross.registers) {
      for (const members of groups.values()) {
        const memories = members.map((lane) => this.#memory(name, lane).memory);
        const [first] = memories;
        if (first === undefined) continue;
        for (const place of positionsOf(first.shape)) {
          const parts = memories.map((memory) => memory.read(place, undefined, this.#phase));
          const warps = new Map<number, number[]>();
          for (const [at, part] of parts.entries()) {
            const warp = warpOf(members[at] ?? 0);
            warps.set(warp, [...(warps.get(warp) ?? []), part]);
          }
          const joined = [...warps.values()].map((each) => (cross.method === "subgroup" ? byPairs(each, join) : each.reduce(join))).reduce(join);
          for (const [at, memory] of memories.entries()) {
            // Lanes that are not owed the result keep nothing that may be relied on.
            if (cross.needed === "all" || at === 0) memory.write(place, joined, undefined, this.#phase);
            else memory.forget(place);
          }
        }
      }
    }
  }

  #commit(commit: Commit): void {
    for (let lane = 0; lane < this.#kernel.lanes; lane++) {
      const moved = commit.moves
        .filter(({ from }) => this.#own.get(from)?.has(lane) === true)
        .map(({ to, from }) => ({ to: this.#memory(to, lane).memory, values: this.#memory(from, lane).memory }))
        .map(({ to, values }) => ({ to, copies: [...positionsOf(values.shape)].map((place) => [place, values.read(place, undefined, this.#phase)] as const) }));
      for (const { to, copies } of moved) for (const [place, value] of copies) to.write(place, value, undefined, this.#phase);
    }
  }
}

/** Joins neighbours, then neighbouring pairs, and so on: a power of two of them. */
function byPairs(parts: readonly number[], join: (a: number, b: number) => number): number {
  const [first = NaN, ...others] = parts;
  if (others.length === 0) return first;
  return byPairs(Array.from({ length: parts.length / 2 }, (_, at) => join(parts[2 * at] ?? NaN, parts[2 * at + 1] ?? NaN)), join);
}

function* positionsOf(shape: readonly number[]): Generator<readonly number[]> {
  for (let number = 0; number < productOf(shape); number++) yield digitsOf(number, shape);
}
