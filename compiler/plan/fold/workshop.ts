/** @file What the makers of kernels share: the builder, and every array of the program by name. */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Element, Index, Value } from "../../../spec/graph/node";
import { arraysOf } from "../../kernel/access";
import { isHalf, withHalves } from "../../kernel/halves";
import type { Kernel, KernelArray, Node } from "../../kernel/kernel";
import { withBarriers } from "../../kernel/barriers";

/** A plan that cannot be made for this program or this device, and what was counted. */
export class PlanRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PlanRefused";
  }
}

/** The axis that a stage takes as a vector, of those that the plan gives it. @throws PlanRefused of two */
export function onlyVector(vectors: readonly Index[]): Index | undefined {
  if (vectors.length > 1) throw new PlanRefused(`${vectors.map(({ axis }) => axis).join(" and ")} would be vectors of one stage`);
  return vectors[0];
}

export class Workshop {
  readonly arrays = new Map<string, KernelArray>();
  readonly temporaries: string[] = [];

  /** @param halves whether the device has f16: what is a half anyway is then kept as one */
  constructor(readonly builder: GraphBuilder, readonly name: string, readonly halves = false) {}

  declare(array: KernelArray): KernelArray {
    if (this.arrays.has(array.name)) throw new InternalError(`${array.name} is declared twice`);
    this.arrays.set(array.name, array);
    if (array.space === "buffer") this.temporaries.push(array.name);
    return array;
  }

  array(name: string): KernelArray {
    const array = this.arrays.get(name);
    if (array === undefined) throw new InternalError(`${name} is not declared`);
    return array;
  }

  /** A kernel over what its body touches, with the barriers that it needs. */
  kernel(name: string, grid: readonly Index[], lanes: number, body: readonly Node[]): Kernel {
    const { touched, written } = arraysOf(body);
    const all = new Set(touched);
    for (const array of touched) {
      const { arena } = this.array(array);
      if (arena !== undefined) all.add(arena.array);
    }
    const writesArena = new Set([...written].flatMap((array) => this.array(array).arena?.array ?? []));
    const arrays = [...all].map((each): KernelArray => {
      const array = this.array(each);
      const read = array.space === "buffer" && !written.has(each) && !writesArena.has(array.arena?.array ?? each);
      return read ? { ...array, space: "input" } : array;
    });
    const kernel = withBarriers(this.builder, { name: `${this.name}: ${name}`, grid, lanes, arrays, body });
    return this.halves ? withHalves(kernel) : kernel;
  }

  /** How a real number is kept for the lanes of a workgroup. */
  shared(value: Value): Element {
    return { kind: this.halves && isHalf(value) ? "f16" : "f32" };
  }

  constant(value: number): Value {
    return this.builder.constant(value);
  }

  /** An axis of the machine, of at least two positions; undefined for one. */
  axis(name: string, extent: Value, k = 0): Index | undefined {
    const index = this.builder.index(name, extent, k);
    return index.kind === "index" ? index : undefined;
  }
}
