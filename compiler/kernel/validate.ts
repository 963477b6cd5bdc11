/** @file Checks that a kernel is well formed, as `kernel.ts` says. Runs between passes in tests. */

import { isTruth } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Value } from "../../spec/graph/node";
import { holdsHalves } from "./halves";
import { isPacked, joinsInSubgroups } from "./layout";
import type { Assign, Cross, Item, Kernel, KernelArray, Loop, Node, Pack, Stage } from "./kernel";

/** What is wrong with a kernel: empty when nothing is. */
export function kernelFaults(kernel: Kernel): readonly string[] {
  return new Checker(kernel).check();
}

class Checker {
  readonly #kernel: Kernel;
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #found: string[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
  }

  check(): readonly string[] {
    const { arrays, grid, lanes, body } = this.#kernel;
    if (this.#arrays.size !== arrays.length) this.#fault("an array is declared twice");
    if (!(Number.isInteger(lanes) && lanes >= 1)) this.#fault(`a workgroup of ${lanes} lanes`);
    for (const { name, space, element, native } of arrays) {
      if (native === true && (space !== "input" || element.kind !== "f16")) this.#fault(`${name} is read as f16 and is no input of f16`);
      if (space === "register" && (element.kind === "f16" || element.kind === "uint")) this.#fault(`the register ${name} holds ${element.kind}`);
    }
    for (const { name, shape } of arrays) for (const size of shape) if (size.free.length > 0 || !size.facts.integer) this.#fault(`${name} has a shape that is no size`);
    const axes = this.#names(grid, new Set());
    for (const { name, extent } of grid) if (extent.free.length > 0) this.#fault(`the size of ${name} depends on an axis`);
    for (const node of body) this.#node(node, axes);
    return this.#found;
  }

  #fault(text: string): void {
    this.#found.push(text);
  }

  /** `bound` and more axes, none of which it holds already. */
  #names(indices: readonly Index[], bound: ReadonlySet<string>): ReadonlySet<string> {
    const names = new Set(bound);
    for (const { name } of indices) {
      if (names.has(name)) this.#fault(`${name} is bound twice`);
      if (!name.includes("@")) this.#fault(`the axis ${name} is not open`);
      names.add(name);
    }
    return names;
  }

  #value(what: string, value: Value, bound: ReadonlySet<string>, truth = false): void {
    for (const name of value.free) if (!bound.has(name)) this.#fault(`${what} mentions ${name}, which is not bound there`);
    if (isTruth(value) !== truth) this.#fault(`${what} is ${truth ? "no" : "a"} truth`);
    const seen = new Set<Value>();
    const stack = [value];
    for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
      if (seen.has(part)) continue;
      seen.add(part);
      if (part.kind === "table") this.#fault(`${what} has a suspended substitution`);
      const read = part.kind === "load" ? part.tensor.name : part.kind === "slot" ? part.name : undefined;
      const array = read === undefined ? undefined : this.#arrays.get(read);
      if (read !== undefined && array === undefined) this.#fault(`${what} reads ${read}, which is not declared`);
      if (array !== undefined && (part.kind === "load" || part.kind === "slot") && part.indices.length !== array.shape.length) this.#fault(`${what} reads ${array.name} with ${part.indices.length} indices`);
      if (part.kind !== "index") stack.push(...children(part));
    }
  }

  #node(node: Node, bound: ReadonlySet<string>): void {
    switch (node.kind) {
      case "barrier": break;
      case "stage": this.#stage(node, bound); break;
      case "loop": this.#loop(node, bound); break;
      case "cross": this.#cross(node); break;
      case "commit":
        for (const { to, from } of node.moves) for (const name of [to, from]) this.#register(name, "commit");
    }
  }

  #loop({ axis, low, high, body }: Loop, bound: ReadonlySet<string>): void {
    // Bounds over grid axes and sizes only: the same for every lane.
    const uniform = new Set(this.#kernel.grid.map(({ name }) => name));
    for (const end of [low, high]) {
      this.#value(`a bound of ${axis.name}`, end, uniform);
      if (readsAnything(end)) this.#fault(`a bound of ${axis.name} is read from memory`);
    }
    const inner = this.#names([axis], bound);
    for (const node of body) this.#node(node, inner);
  }

  #cross({ registers, lanes, over, method }: Cross): void {
    for (const name of registers) this.#register(name, "cross");
    for (const axis of over) if (!lanes.includes(axis)) this.#fault(`a cross over ${axis.name}, which is no lane axis`);
    this.#lanes(lanes);
    if (method === "subgroup" && !joinsInSubgroups(lanes, over)) this.#fault("a cross by subgroup operations over what is no power of two");
  }

  #register(name: string, user: string): void {
    const array = this.#arrays.get(name);
    if (array === undefined || array.space !== "register") this.#fault(`a ${user} of ${name}, which is no register`);
  }

  #lanes(lanes: readonly Index[]): void {
    let product = 1;
    for (const { name, extent } of lanes) {
      if (extent.kind === "constant") product *= extent.value;
      else this.#fault(`the lane axis ${name} has no fixed size`);
    }
    if (product > this.#kernel.lanes) this.#fault(`${product} positions for ${this.#kernel.lanes} lanes`);
  }

  #stage(stage: Stage, bound: ReadonlySet<string>): void {
    this.#lanes(stage.lanes);
    let names = this.#names(stage.lanes, bound);
    this.#value("a guard", stage.inside, names, true);
    if (stage.otherwise !== undefined) this.#value("what is stored otherwise", stage.otherwise, names);
    for (const { index, value } of stage.digits) {
      this.#value(`the digit ${index.name}`, value, names);
      names = this.#names([index], names);
    }
    for (const { name, extent } of stage.block) if (extent.kind !== "constant") this.#fault(`the block axis ${name} has no fixed size`);
    const inner = this.#names([...stage.block, ...(stage.vector === undefined ? [] : [stage.vector])], names);
    for (const item of stage.items) this.#item(item, inner);
  }

  #item(item: Item, bound: ReadonlySet<string>): void {
    const array = this.#arrays.get(item.array);
    if (array === undefined) {
      this.#fault(`a store into ${item.array}, which is not declared`);
      return;
    }
    if (array.space === "input") this.#fault(`a store into the input ${item.array}`);
    const packed = isPacked(array);
    if (packed !== (item.kind === "pack")) this.#fault(`${item.array} is ${packed ? "" : "not "}packed`);
    if (item.kind === "pack") this.#pack(item, bound);
    else this.#assign(item, array, bound);
  }

  #assign(item: Assign, array: KernelArray, bound: ReadonlySet<string>): void {
    const names = this.#names(item.over, bound);
    if (holdsHalves(array) && item.op !== "=") this.#fault(`arithmetic in f16 in ${array.name}`);
    if (item.indices.length !== array.shape.length) this.#fault(`a store into ${array.name} with ${item.indices.length} indices`);
    for (const index of item.indices) this.#value(`an index of ${array.name}`, index, names);
    this.#value(`the guard of ${array.name}`, item.where, names, true);
    this.#value(`the value of ${array.name}`, item.value, names);
  }

  #pack(item: Pack, bound: ReadonlySet<string>): void {
    for (const index of [...item.row, item.word]) this.#value(`a word of ${item.array}`, index, bound);
    let names = this.#names([item.element], bound);
    for (const { index, value } of item.digits) {
      this.#value(`the digit ${index.name}`, value, names);
      names = this.#names([index], names);
    }
    this.#value(`the value of ${item.array}`, item.value, names);
  }
}

function readsAnything(value: Value): boolean {
  return value.kind === "load" || value.kind === "slot" || children(value).some(readsAnything);
}
