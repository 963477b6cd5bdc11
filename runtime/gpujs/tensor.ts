/** @file A tensor that stays with a gpu.js device: encoded once for any number of runs, until it is written to. */

import { HostTensor } from "../host";
import { encode, type Encoded } from "./storage";

export class GpuJsTensor extends HostTensor {
  #encoded: { readonly written: number; readonly as: Encoded } | undefined;

  protected override viewOf(shape: readonly number[], from: number): GpuJsTensor {
    return new GpuJsTensor(this.owner, this.element, shape, this.memory, from);
  }

  /** @throws KvernError KV4008 after `destroy`; KV4202 an integer that is not exact in f32 */
  encoded(what: string): Encoded {
    const contents = this.contents(what);
    const { written } = this.memory;
    if (this.#encoded?.written !== written) this.#encoded = { written, as: encode(what, this.element, contents) };
    return this.#encoded.as;
  }

  override destroy(): void {
    super.destroy();
    this.#encoded = undefined;
  }
}
