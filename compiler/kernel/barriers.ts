/**
 * @file Puts barriers where lanes would otherwise meet at an element. Two accesses of one array are known not to meet if
 * they have the same *signature*: the decomposition of the invocation's number and the index, so that the same
 * invocation touches the same elements. Loops are walked twice, so that the way back from their end is seen.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Value } from "../../spec/graph/node";
import { accessesOf, type Access } from "./access";
import type { Kernel, KernelArray, Node, Stage } from "./kernel";

const BARRIER: Node = { kind: "barrier" };

/** Signatures by array since the last barrier. */
type Signatures = Map<string, Set<string>>;

interface Pending {
  readonly reads: Signatures;
  readonly writes: Signatures;
}

const note = (signatures: Signatures, array: string, signature: string): void => {
  const known = signatures.get(array);
  if (known === undefined) signatures.set(array, new Set([signature]));
  else known.add(signature);
};

const copyOf = (signatures: Signatures): Signatures => new Map([...signatures].map(([array, each]) => [array, new Set(each)]));

function merge(from: Signatures, to: Signatures): void {
  for (const [array, signatures] of from) for (const signature of signatures) note(to, array, signature);
}

const clash = (a: Signatures, b: Signatures): boolean => {
  for (const [array, here] of a) {
    const there = b.get(array);
    if (there !== undefined && (here.size > 1 || there.size > 1 || [...here].some((signature) => !there.has(signature)))) return true;
  }
  return false;
};

class Placement {
  readonly #builder: GraphBuilder;
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #grid: ReadonlySet<string>;
  readonly #loops = new Set<string>();
  #unique = 0;

  constructor(builder: GraphBuilder, kernel: Kernel) {
    this.#builder = builder;
    this.#arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
    this.#grid = new Set(kernel.grid.map(({ name }) => name));
  }

  /** The array whose memory an array takes, if lanes share it. */
  #shared(name: string): string | undefined {
    const array = this.#arrays.get(name);
    if (array === undefined) throw new InternalError(`the kernel does not declare ${name}`);
    if (array.arena !== undefined) return this.#shared(array.arena.array);
    return array.space === "workgroup" || array.space === "buffer" ? name : undefined;
  }

  /** Lanes by their place, all other axes by the order in which they occur: the set of elements that an invocation touches. */
  #signature(stage: Stage, { array, indices }: Access): string {
    const renamed = new Map<Value, Value>();
    const b = this.#builder;
    stage.lanes.forEach((lane, at) => renamed.set(lane, b.index(`%lane ${at}`, lane.extent)));
    for (const digit of stage.digits) renamed.set(digit.index, b.substitute(digit.value, renamed));
    let others = 0;
    let uncertain = false;
    for (const index of indices) {
      for (const axis of axesIn(index)) {
        if (renamed.has(axis) || this.#grid.has(axis.name)) continue;
        if (this.#loops.has(axis.name)) uncertain = true;
        else if (axis.extent.kind === "constant") renamed.set(axis, b.index(`%each ${others++}`, axis.extent));
        else uncertain = true;
      }
    }
    // What depends on a loop is another element in the next round.
    if (uncertain) return `unlike any other ${this.#unique++}`;
    const own = this.#arrays.get(array)?.arena === undefined ? "" : array;
    return [own, stage.lanes.map(({ extent }) => extent.id).join("×"), ...indices.map((index) => b.substitute(index, renamed).id)].join(" ");
  }

  walk(nodes: readonly Node[], pending: Pending): readonly Node[] {
    const out: Node[] = [];
    const clear = (): void => {
      pending.reads.clear();
      pending.writes.clear();
    };
    for (const node of nodes) {
      switch (node.kind) {
        case "barrier":
          out.push(node);
          clear();
          break;
        case "cross":
          out.push(node);
          if (node.method !== "subgroup") clear();
          break;
        case "commit":
          out.push(node);
          break;
        case "loop": {
          this.#loops.add(node.axis.name);
          const before: Pending = { reads: copyOf(pending.reads), writes: copyOf(pending.writes) };
          const once = this.walk(node.body, pending);
          out.push({ ...node, body: this.walk(once, pending) });
          // It may run no round at all, and then none of its barriers was met.
          merge(before.reads, pending.reads);
          merge(before.writes, pending.writes);
          break;
        }
        case "stage": {
          const now: Pending = { reads: new Map(), writes: new Map() };
          const { reads, writes } = accessesOf(node);
          for (const access of reads) {
            const array = this.#shared(access.array);
            if (array !== undefined) note(now.reads, array, this.#signature(node, access));
          }
          for (const access of writes) {
            const array = this.#shared(access.array);
            if (array !== undefined) note(now.writes, array, this.#signature(node, access));
          }
          if (clash(now.reads, pending.writes) || clash(now.writes, pending.reads) || clash(now.writes, pending.writes)) {
            out.push(BARRIER);
            clear();
          }
          merge(now.reads, pending.reads);
          merge(now.writes, pending.writes);
          out.push(node);
        }
      }
    }
    return out;
  }
}

function axesIn(value: Value): readonly Index[] {
  const found = new Map<string, Index>();
  const seen = new Set<Value>();
  const walk = (node: Value): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === "index") {
      found.set(node.name, node);
      return;
    }
    children(node).forEach(walk);
  };
  walk(value);
  return [...found.values()];
}

/** The kernel with every barrier that it needs, besides those it has. */
export function withBarriers(builder: GraphBuilder, kernel: Kernel): Kernel {
  return { ...kernel, body: new Placement(builder, kernel).walk(kernel.body, { reads: new Map(), writes: new Map() }) };
}
