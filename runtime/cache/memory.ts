/**
 * @file Device memory that tokens are appended to, and that several caches may see: forks share what they had in common.
 * Rows once written are never written again while anybody else sees the memory, so that sharing needs no copy.
 */

import type { DeviceTensor } from "../device";

export class Memory {
  readonly tensor: DeviceTensor;
  #holders = 0;
  /** Rows that have been given to somebody, from the first on. */
  #claimed = 0;

  constructor(tensor: DeviceTensor) {
    this.tensor = tensor;
  }

  /** Rows there is room for. */
  get capacity(): number {
    return this.tensor.shape[0] ?? 0;
  }

  /** Whether others hold it than the one who holds it `times` times. */
  sharedBeyond(times: number): boolean {
    return this.#holders > times;
  }

  retain(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders <= 0) this.tensor.destroy();
  }

  /**
   * Claims `count` rows from `at` on for the holder of a strip that ends there: what takes the claim back, or nothing
   * where there is no room or where they are another holder's.
   */
  claim(at: number, count: number): (() => void) | undefined {
    const before = this.#claimed;
    if (at + count > this.capacity || (at !== before && this.sharedBeyond(1))) return undefined;
    const claimed = at + count;
    this.#claimed = claimed;
    return () => {
      if (this.#claimed === claimed) this.#claimed = before;
    };
  }
}
