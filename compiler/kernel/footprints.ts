/**
 * @file The elements of each array that a workgroup touches, each once. An access touches, along each axis of its array,
 * the positions between two bounds; accesses between the same bounds touch the same elements, others are taken to touch
 * others, and no more of an array is counted than there is.
 */

import { storageWords } from "../../spec/tensor/storage";
import type { Bounds } from "./bounds";
import type { KernelArray } from "./kernel";

type Stored = Pick<KernelArray, "element" | "space">;

/** How arrays lie in a device's memory. */
export interface Memory {
  /** Bits of an element, which may be no whole number where several share one. */
  bitsOf(array: Stored): number;
  /** Bytes of an array of these sizes. */
  bytesOf(array: Stored, sizes: readonly number[]): number;
}

/** As WGSL's arrays lie, and the files of `spec/formats.md`. */
export const WORDS: Memory = {
  bitsOf: ({ element }) => (element.kind === "uint" ? element.bits : element.kind === "f16" ? 16 : 32),
  bytesOf: ({ element }, sizes) => 4 * storageWords(element, sizes),
};

/** What an access touches along one axis of its array: positions between two bounds, at most so many of them. */
export interface Reach {
  readonly between: Bounds;
  readonly most: number;
}

export class Footprints {
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #size: (array: KernelArray) => readonly number[];
  readonly #memory: Memory;
  /** Elements by array and by the bounds between which they lie. */
  readonly #elements = new Map<string, Map<string, number>>();

  constructor(arrays: ReadonlyMap<string, KernelArray>, size: (array: KernelArray) => readonly number[], memory: Memory) {
    this.#arrays = arrays;
    this.#memory = memory;
    this.#size = size;
  }

  /** @param combinations how many combinations of positions the address takes in all */
  add(name: string, reach: readonly Reach[], combinations: number): void {
    const array = this.#arrays.get(name);
    if (array === undefined || (array.space !== "input" && array.space !== "buffer") || combinations === 0) return;
    const sizes = this.#size(array);
    const box = reach.map(({ between: [low, high], most }, at): readonly [number, number, number] => {
      const last = (sizes[at] ?? Infinity) - 1;
      const [from, to] = [Math.max(0, low), Math.min(last, high)];
      return [from, to, Math.max(0, Math.min(most, to - from + 1))];
    });
    const elements = Math.min(combinations, box.reduce((count, [, , most]) => count * most, 1));
    const key = box.map(([from, to]) => `${from}…${to}`).join();
    const known = this.#elements.get(name) ?? new Map<string, number>();
    this.#elements.set(name, known.set(key, Math.max(known.get(key) ?? 0, elements)));
  }

  /** Bytes of each array. */
  bytes(): ReadonlyMap<string, number> {
    const bytes = new Map<string, number>();
    for (const [name, boxes] of this.#elements) {
      const array = this.#arrays.get(name);
      if (array === undefined) continue;
      const elements = [...boxes.values()].reduce((sum, count) => sum + count, 0);
      bytes.set(name, Math.min(this.#memory.bytesOf(array, this.#size(array)), (elements * this.#memory.bitsOf(array)) / 8));
    }
    return bytes;
  }
}
