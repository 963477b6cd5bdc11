/** @file The kernels of `kernels.ts`, as a device has them. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Device, PreparedKernel } from "../device";
import graphs from "./graphs.json";

/** Kernels of a device, each prepared once for its sizes. */
export class Kernels {
  readonly #device: Device;
  readonly #prepared = new Map<string, Promise<PreparedKernel>>();

  constructor(device: Device) {
    this.#device = device;
  }

  prepare(name: string, set: Readonly<Record<string, number>>): Promise<PreparedKernel> {
    const key = `${name} ${JSON.stringify(set)}`;
    let prepared = this.#prepared.get(key);
    if (prepared === undefined) {
      const graph = Object.entries(graphs).find(([known]) => known === name)?.[1];
      if (graph === undefined) throw new InternalError(`the cache has no kernel ${name}`);
      prepared = this.#device.prepare(graph, { set });
      this.#prepared.set(key, prepared);
      prepared.catch(() => this.#prepared.delete(key));
    }
    return prepared;
  }
}
