/**
 * @file What a kernel costs, counted on its loops as they are scheduled. Bytes: every element that a workgroup loads from
 * a buffer or stores to one, once per workgroup however many of its lanes and steps touch it; of elements found through
 * other elements at most the whole tensor. Operations: arithmetic, comparisons and functions on values, each at the scope in
 * which it is computed, times the lanes that compute it; addresses are not counted. A loop with a guard counts in full.
 */

import { children } from "../../spec/graph/children";
import type { Opener } from "../../spec/graph/print";
import type { Element, Index, Load, Reduce, Slot, Value } from "../../spec/graph/node";
import { storageWords } from "../../spec/tensor/storage";
import type { Item, Kernel, KernelArray, Node, Stage } from "../kernel/kernel";
import type { Sizes } from "../program";
import { combinations, digitsOf, positionOf, sizeOf, type Positions } from "./positions";

export interface KernelCost {
  readonly workgroups: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly operations: number;
}

/** The cost of one dispatch under sizes that are all known. `opener` reads the bodies of its reductions. */
export function costOf(kernel: Kernel, sizes: Sizes, opener: Opener): KernelCost {
  return new Counter(kernel, sizes, opener).total();
}

/** Something that is repeated: a stage for its live lanes, a loop. Inner scopes refer to the one around them. */
interface Scope {
  readonly outer: Scope | undefined;
  /** Names of the indices that it gives. */
  readonly names: ReadonlySet<string>;
  /** How often its inside is done by one workgroup, all lanes together. */
  readonly times: number;
}

/** What one workgroup does. */
interface Work {
  readonly read: Footprints;
  readonly written: Footprints;
  operations: number;
}

class Counter {
  readonly #kernel: Kernel;
  readonly #sizes: Sizes;
  readonly #opener: Opener;
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #grid: readonly Axis[];

  constructor(kernel: Kernel, sizes: Sizes, opener: Opener) {
    this.#kernel = kernel;
    this.#sizes = sizes;
    this.#opener = opener;
    this.#arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
    this.#grid = this.#axes(kernel.grid);
  }

  total(): KernelCost {
    const workgroups = this.#grid.reduce((count, { size }) => count * size, 1);
    if (workgroups === 0) return { workgroups, bytesRead: 0, bytesWritten: 0, operations: 0 };
    // Workgroups differ at the end only: all but the last are like the first.
    const first = this.#workgroup(0);
    const last = workgroups === 1 ? first : this.#workgroup(workgroups - 1);
    const total = (of: (work: Work) => number): number => of(first) * (workgroups - 1) + of(last);
    return { workgroups, bytesRead: total(({ read }) => read.bytes()), bytesWritten: total(({ written }) => written.bytes()), operations: total(({ operations }) => operations) };
  }

  #axes(indices: readonly Index[]): readonly Axis[] {
    return indices.map(({ name, extent }) => ({ name, size: sizeOf(extent, this.#sizes) }));
  }

  #workgroup(number: number): Work {
    const work: Work = { read: new Footprints(this.#arrays, this.#sizes), written: new Footprints(this.#arrays, this.#sizes), operations: 0 };
    this.#nodes(this.#kernel.body, digitsOf(number, this.#grid), [], work);
    return work;
  }

  /** @param loops the tile loops around the nodes, outermost first */
  #nodes(nodes: readonly Node[], grid: Positions, loops: readonly Axis[], work: Work): void {
    for (const node of nodes) {
      switch (node.kind) {
        case "stage": this.#stage(node, grid, loops, work); break;
        case "loop": {
          const low = positionOf(node.low, this.#sizes, grid) ?? 0;
          const high = positionOf(node.high, this.#sizes, grid) ?? sizeOf(node.axis.extent, this.#sizes);
          this.#nodes(node.body, grid, [...loops, { name: node.axis.name, size: Math.max(0, high - low) }], work);
          break;
        }
        // Every lane but one is combined into another, for each register.
        case "cross": work.operations += node.registers.length * (this.#kernel.lanes - 1) * loops.reduce((count, { size }) => count * size, 1); break;
        case "barrier": case "commit": break;
      }
    }
  }

  #stage(stage: Stage, grid: Positions, loops: readonly Axis[], work: Work): void {
    const live = this.#live(stage, grid);
    const around = loops.reduce((count, { size }) => count * size, 1);
    const fixed = [...stage.block, ...(stage.vector === undefined ? [] : [stage.vector])];
    const axes = this.#axes(fixed);
    const names = new Set([...grid.keys(), ...loops.map(({ name }) => name), ...stage.lanes.map(({ name }) => name), ...stage.digits.map(({ index }) => index.name)]);
    const kernelScope: Scope = { outer: undefined, names, times: live.length * around };
    const lanes: Scope = axes.length === 0 ? kernelScope : { outer: kernelScope, names: new Set(axes.map(({ name }) => name)), times: axes.reduce((count, { size }) => count * size, kernelScope.times) };
    const values = new Values(this.#opener, this.#sizes, work.read, live, [...loops, ...axes]);
    work.operations += values.count(stage.inside, kernelScope);
    for (const item of stage.items) this.#item(item, lanes, values, work);
  }

  #item(item: Item, lanes: Scope, values: Values, work: Work): void {
    const array = this.#arrays.get(item.array);
    if (item.kind === "pack") {
      const bits = array === undefined ? 32 : bitsOf(array.element);
      // A word is stored whole, by the lane that has it.
      work.written.add(item, item.array, Math.ceil((lanes.times * 32) / bits), []);
      const elements: Scope = { outer: lanes, names: new Set([item.element.name, ...item.digits.map(({ index }) => index.name)]), times: lanes.times * Math.ceil(32 / bits) };
      values.within({ name: item.element.name, size: Math.ceil(32 / bits) });
      work.operations += values.count(item.value, elements);
      return;
    }
    const over = this.#axes(item.over);
    for (const axis of over) values.within(axis);
    const scope = over.reduce<Scope>((outer, { name, size }) => ({ outer, names: new Set([name]), times: outer.times * size }), lanes);
    work.operations += values.count(item.where, scope) + values.count(item.value, scope) + (item.op === "=" ? 0 : scope.times);
    const reach = values.reach(item.indices.flatMap(({ free }) => free));
    const each = item.indices.map(({ free }) => values.reach(free));
    if (item.op === "=") work.written.add(item, item.array, reach, each);
    else {
      // What is added to was set first, by the same lanes: it is the same memory, but it is also read.
      work.written.cover(item.array, reach, each);
      work.read.add(item, item.array, reach, each);
    }
    for (const index of item.indices) values.count(index, scope);
  }

  /** The lanes that do something, each by its positions, digits included. */
  #live(stage: Stage, grid: Positions): readonly Positions[] {
    const live: Positions[] = [];
    for (const lane of combinations(this.#axes(stage.lanes))) {
      const at = new Map([...grid, ...lane]);
      for (const { index, value } of stage.digits) {
        const position = positionOf(value, this.#sizes, at);
        if (position !== undefined) at.set(index.name, position);
      }
      if (positionOf(stage.inside, this.#sizes, at) !== 0) live.push(at);
    }
    return live;
  }
}

interface Axis {
  readonly name: string;
  readonly size: number;
}

/** Counts values once for each scope they are computed in. */
class Values {
  readonly #opener: Opener;
  readonly #sizes: Sizes;
  readonly #loads: Footprints;
  readonly #live: readonly Positions[];
  /** Sizes of the axes that are not lanes, by name. */
  readonly #axes: Map<string, number>;
  readonly #counted = new Map<Scope, Set<Value>>();
  readonly #loops = new Map<string, Scope>();

  constructor(opener: Opener, sizes: Sizes, loads: Footprints, live: readonly Positions[], axes: readonly Axis[]) {
    this.#opener = opener;
    this.#sizes = sizes;
    this.#loads = loads;
    this.#live = live;
    this.#axes = new Map(axes.map(({ name, size }) => [name, size]));
  }

  /** Makes the size of an axis known. */
  within({ name, size }: Axis): void {
    this.#axes.set(name, size);
  }

  /** The operations of `value` and its parts that are not counted yet, where `scope` is the innermost around it. */
  count(value: Value, scope: Scope): number {
    const own = scopeOf(value, scope);
    let counted = this.#counted.get(own);
    if (counted === undefined) this.#counted.set(own, (counted = new Set()));
    if (counted.has(value)) return 0;
    counted.add(value);
    switch (value.kind) {
      case "load": return this.#load(value, value.tensor.name, own);
      case "slot": return this.#load(value, value.name, own);
      case "reduce": return this.#reduce(value, own);
      // The extent of an axis is known when a loop over it begins.
      case "index": return 0;
      default: return operationsOf(value) * own.times + children(value).reduce((sum, part) => sum + this.count(part, own), 0);
    }
  }

  #reduce(reduce: Reduce, outer: Scope): number {
    const { index, where, body } = this.#opener.open(reduce);
    const size = sizeOf(reduce.extent, this.#sizes);
    const key = `${index.name} ${reduce.extent.id} ${where.id}`;
    let loop = this.#loops.get(key);
    if (loop?.outer !== outer) this.#loops.set(key, (loop = { outer, names: new Set([index.name]), times: outer.times * size }));
    this.within({ name: index.name, size });
    return loop.times + this.count(where, loop) + this.count(body, loop);
  }

  /** Elements that are read through other elements make those read too; the address itself is not counted. */
  #load(load: Load | Slot, name: string, scope: Scope): number {
    this.#loads.add(load, name, this.reach(load.free), load.indices.map(({ free }) => this.reach(free)));
    for (const index of load.indices) this.count(index, scope);
    return 0;
  }

  /** How many combinations of positions these axes take in a workgroup. */
  reach(free: readonly string[]): number {
    const names = [...new Set(free)];
    const lanes = names.filter((name) => !this.#axes.has(name));
    const combined = lanes.length === 0 ? 1 : new Set(this.#live.map((at) => lanes.map((name) => at.get(name)).join())).size;
    return names.reduce((count, name) => count * (this.#axes.get(name) ?? 1), combined);
  }
}

/** The innermost scope around `scope`, itself included, that gives an index which occurs in `value`. */
function scopeOf(value: Value, scope: Scope): Scope {
  let own = scope;
  while (own.outer !== undefined && !value.free.some((name) => own.names.has(name))) own = own.outer;
  return own;
}

/** The elements of each buffer that a workgroup touches, each once. */
class Footprints {
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #sizes: Sizes;
  readonly #seen = new Set<object>();
  readonly #elements = new Map<string, number>();

  constructor(arrays: ReadonlyMap<string, KernelArray>, sizes: Sizes) {
    this.#arrays = arrays;
    this.#sizes = sizes;
  }

  /**
   * Elements beside those that other accesses touch.
   * @param access what touches them; a second time counts nothing
   * @param reach combinations of positions that the address depends on
   * @param each the same for each of its indices
   */
  add(access: object, name: string, reach: number, each: readonly number[]): void {
    if (this.#seen.has(access)) return;
    this.#seen.add(access);
    this.#elements.set(name, (this.#elements.get(name) ?? 0) + this.#distinct(name, reach, each));
  }

  /** Elements of which other accesses may touch the same. */
  cover(name: string, reach: number, each: readonly number[]): void {
    this.#elements.set(name, Math.max(this.#elements.get(name) ?? 0, this.#distinct(name, reach, each)));
  }

  /** Of an array in a buffer; 0 for others. */
  #distinct(name: string, reach: number, each: readonly number[]): number {
    const array = this.#arrays.get(name);
    if (array === undefined || (array.space !== "input" && array.space !== "buffer")) return 0;
    return Math.min(reach, array.shape.reduce((count, size, at) => count * Math.min(sizeOf(size, this.#sizes), each[at] ?? Infinity), 1));
  }

  /** No more of an array is counted than there is. */
  bytes(): number {
    let total = 0;
    for (const [name, elements] of this.#elements) {
      const array = this.#arrays.get(name);
      if (array === undefined || elements === 0) continue;
      const whole = 4 * storageWords(array.element, array.shape.map((size) => sizeOf(size, this.#sizes)));
      total += Math.min(whole, (elements * bitsOf(array.element)) / 8);
    }
    return total;
  }
}

function bitsOf(element: Element): number {
  return element.kind === "uint" ? element.bits : element.kind === "f16" ? 16 : 32;
}

/** The operations of a node itself, once. */
function operationsOf(value: Value): number {
  switch (value.kind) {
    case "linear": return value.terms.filter(([k]) => Math.abs(k) !== 1).length + value.terms.length - (value.constant === 0 ? 1 : 0);
    case "product": return value.factors.length - 1 + value.factors.filter(([, exponent]) => exponent !== 1).length;
    case "quotient": case "remainder": case "apply": case "bitwise": case "larger": case "smaller": case "select":
    case "less": case "atMost": case "equal": case "not": return 1;
    case "and": case "or": return value.of.length - 1;
    case "constant": case "truth": case "extent": case "index": case "load": case "slot": case "reduce": case "table": return 0;
  }
}
