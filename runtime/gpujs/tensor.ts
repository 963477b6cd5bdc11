/** @file A tensor that stays with a gpu.js device: encoded once for any number of runs, until it is written to. */

import { HostTensor } from "../host";
import { encode, type Encoded } from "./storage";

/** Runs that a tensor is handed over to; from then on it is expected to come again as it is. */
const HANDED = 2;

let made = 0;

export class GpuJsTensor extends HostTensor {
  readonly #number = made++;
  #encoded: { readonly written: number; readonly as: Encoded } | undefined;
  #given: { readonly written: number; readonly runs: number } = { written: 0, runs: 0 };
  readonly #whenGone: (() => void)[] = [];

  protected override viewOf(shape: readonly number[], from: number): GpuJsTensor {
    return new GpuJsTensor(this.owner, this.element, shape, this.memory, from);
  }

  /** Names what it holds now: another name once it has been written to. */
  get held(): string {
    return `${this.#number} ${this.memory.written}`;
  }

  /**
   * @param room the length of the row, where it matters
   * @throws KvernError KV4008 after `destroy`; KV4202 an integer that is not exact in f32
   */
  encoded(what: string, room?: number): Encoded {
    const contents = this.contents(what);
    const { written } = this.memory;
    if (this.#encoded?.written !== written) this.#encoded = { written, as: encode(what, this.element, contents, room) };
    const { values, range } = this.#encoded.as;
    const length = Math.max(1, room ?? values.length);
    if (values.length === length) return this.#encoded.as;
    if (values.length > length) return { values: values.subarray(0, length), range };
    const longer = new Float32Array(length);
    longer.set(values);
    this.#encoded = { written, as: { values: longer, range } };
    return this.#encoded.as;
  }

  /** Notes that a run has it, and tells whether others have had it before as it is now. */
  given(): boolean {
    const { written } = this.memory;
    if (this.#given.written !== written) {
      this.#gone();
      this.#given = { written, runs: 0 };
    }
    this.#given = { written, runs: this.#given.runs + 1 };
    return this.#given.runs > HANDED;
  }

  /** Has `act` done when it is destroyed, or known to have been written to. */
  whenGone(act: () => void): void {
    this.#whenGone.push(act);
  }

  #gone(): void {
    for (const act of this.#whenGone.splice(0)) act();
  }

  override destroy(): void {
    super.destroy();
    this.#gone();
  }
}
