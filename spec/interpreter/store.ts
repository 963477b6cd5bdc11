/** @file Stores: the loops around them, and the outputs they fill, every element of which must be stored once. */

import { InternalError, refuse } from "../diagnostics/diagnostic";
import { postOrder } from "../graph/children";
import type { Index, Store, Tensor, Value } from "../graph/node";
import { elementCount, elementName, integerRange, position } from "../tensor";
import { offsetOf } from "./elements";
import type { Run } from "./reuse";
import type { Cursor, Terms } from "./term";

/** The loops around a store, outermost first: its free indices in the order in which the output's indices mention them. */
export function loopsOf(store: Store, terms: Terms): readonly Cursor[] {
  const inIndices = freeIndices(store.indices);
  const loops = [...inIndices].map(([name, index]) => terms.cursor(name, index.extent));
  for (const name of store.value.free) if (!inIndices.has(name)) throw new InternalError(`${store.output.name} depends on ${name}, which is none of its axes`);
  return loops;
}

function freeIndices(values: readonly Value[]): ReadonlyMap<string, Index> {
  const free = new Set(values.flatMap((value) => value.free));
  const found = new Map<string, Index>();
  for (const value of postOrder(values)) if (value.kind === "index" && free.has(value.name)) found.set(value.name, value);
  return found;
}

/** The elements of an output: each must be stored once. */
export class Output {
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly data: Float64Array;
  readonly #stored: Uint8Array;
  readonly #range: readonly [number, number] | undefined;

  constructor(tensor: Tensor, shape: readonly number[]) {
    this.tensor = tensor;
    this.shape = shape;
    this.data = new Float64Array(elementCount(shape));
    this.#stored = new Uint8Array(this.data.length);
    this.#range = integerRange(tensor.element);
  }

  /** Stores `value()` at `indices` for every position of `loops`; `also` sees where. */
  fill(loops: readonly Cursor[], indices: readonly Run[], value: Run, also?: (at: number) => void): void {
    const place = offsetOf(this.shape, indices, (at) => {
      throw new InternalError(`${this.tensor.name} is stored at ${at.join(", ")}`);
    });
    forEachPosition(loops, () => {
      const at = place();
      if (this.#stored[at] !== 0) throw new InternalError(`${this.tensor.name} is stored twice at ${position(at, this.shape).join(", ")}`);
      this.#stored[at] = 1;
      this.data[at] = this.#settled(value(), at);
      also?.(at);
    });
  }

  /** Integers saturate at the ends of their type. */
  #settled(value: number, at: number): number {
    if (this.#range === undefined) return value;
    if (Number.isInteger(value)) return Math.min(Math.max(value, this.#range[0]), this.#range[1]);
    return refuse({
      code: "KV3009",
      message: `the output \`${this.tensor.name}\` is not an integer at (${position(at, this.shape).join(", ")})`,
      expected: `an integer, as its elements are ${elementName(this.tensor.element)}`,
      got: String(value),
      mend: "Math.round(x) or Math.floor(x) makes an integer",
    });
  }

  /** To be called when all stores are done. */
  checkComplete(): void {
    const missing = this.#stored.indexOf(0);
    if (missing >= 0) throw new InternalError(`${this.tensor.name} is never stored at ${position(missing, this.shape).join(", ")}`);
  }
}

/** Runs `action` at every position of `loops`, the last of which moves fastest. */
export function forEachPosition(loops: readonly Cursor[], action: () => void): void {
  if (loops.some(({ extent }) => extent === 0)) return;
  for (const cursor of loops) cursor.now = 0;
  for (;;) {
    action();
    let k = loops.length - 1;
    for (; k >= 0; k--) {
      const cursor = loops[k];
      if (cursor === undefined) break;
      if (++cursor.now < cursor.extent) break;
      cursor.now = 0;
    }
    if (k < 0) return;
  }
}
