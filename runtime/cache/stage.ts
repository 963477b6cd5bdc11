/**
 * @file A change of a cache under way. It touches nothing that the cache as it is can see; when all of it has succeeded the
 * cache takes the new state, and when any of it fails what was made for it is given back.
 */

import type { Element } from "../../spec/graph/node";
import type { Device, DeviceTensor } from "../device";
import { Memory } from "./memory";

export class Stage {
  readonly device: Device;
  readonly #made: Memory[] = [];
  readonly #claims: (() => void)[] = [];
  readonly #temporaries: DeviceTensor[] = [];

  constructor(device: Device) {
    this.device = device;
  }

  /** New memory of `capacity` rows. */
  async memory(element: Element, capacity: number, sizes: readonly number[]): Promise<Memory> {
    const memory = new Memory(await this.device.allocate(element, [capacity, ...sizes]));
    this.#made.push(memory);
    return memory;
  }

  /** As `Memory.claim`, for as long as the change is not undone. */
  claim(memory: Memory, at: number, count: number): boolean {
    const undo = memory.claim(at, count);
    if (undo !== undefined) this.#claims.push(undo);
    return undo !== undefined;
  }

  /** A tensor that only this change needs. */
  async temporary(element: Element, shape: readonly number[]): Promise<DeviceTensor> {
    const tensor = await this.device.allocate(element, shape);
    this.#temporaries.push(tensor);
    return tensor;
  }

  /** Gives back what only the change needed. */
  settle(): void {
    for (const tensor of this.#temporaries) tensor.destroy();
  }

  /** Gives back everything. */
  undo(): void {
    this.settle();
    for (const undo of this.#claims.reverse()) undo();
    for (const { tensor } of this.#made) tensor.destroy();
  }
}

/** Waits for all of them, also when one fails, so that nothing still uses what an undone change gives back. */
export async function allDone<Result>(actions: readonly Promise<Result>[]): Promise<readonly Result[]> {
  const settled = await Promise.allSettled(actions);
  return settled.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}
