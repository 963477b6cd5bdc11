/** @file A tensor that stays with a gpu.js device: encoded once, for any number of runs. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { Element } from "../../spec/graph/node";
import { elementName } from "../../spec/tensor/element";
import { shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { DeviceTensor } from "../device";
import { encode, type Encoded } from "./storage";

export class GpuJsTensor implements DeviceTensor {
  readonly owner: unknown;
  readonly element: Element;
  readonly shape: readonly number[];
  #contents: TensorData | undefined;
  #encoded: Encoded | undefined;

  /** @param contents elements that nobody else changes */
  constructor(owner: unknown, element: Element, contents: TensorData) {
    this.owner = owner;
    this.element = element;
    this.shape = contents.shape;
    this.#contents = contents;
  }

  /** @throws KvernError KV4008 after `destroy`; KV4202 an integer that is not exact in f32 */
  encoded(what: string): Encoded {
    const contents = this.#alive(what);
    return (this.#encoded ??= encode(what, this.element, contents));
  }

  #alive(what: string): TensorData {
    return this.#contents ?? refuse({ code: "KV4008", message: `${what}: the tensor ${elementName(this.element)} ${shapeText(this.shape)} has been destroyed`, mend: "Destroy a tensor after its last use." });
  }

  read(): Promise<TensorData> {
    return new Promise((resolve) => {
      const { shape, data } = this.#alive("reading a tensor back");
      resolve({ shape, data: data.slice() });
    });
  }

  destroy(): void {
    this.#contents = undefined;
    this.#encoded = undefined;
  }
}
