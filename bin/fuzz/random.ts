/** @file Choices from a seed: the same seed makes the same choices on every machine. */

import { uniform } from "../../runtime/codebook/random";

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = uniform(seed);
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.#next();
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.whole(1, n) === 1;
  }

  /** One of a list that is not empty. */
  pick<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number] {
    return items[this.whole(0, items.length - 1)] ?? items[0];
  }
}
