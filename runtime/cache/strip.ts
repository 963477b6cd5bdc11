/** @file Tokens in a row: a stretch of device memory that is appended to at its end and let go of at its beginning. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Element } from "../../spec/graph/node";
import type { Device, DeviceTensor, RunInput } from "../device";
import { bindingRows, rowBytes } from "../rows";
import type { Memory } from "./memory";
import type { Stage } from "./stage";

/** What a strip is of, and how much room it is given. */
export interface StripLayout {
  readonly element: Element;
  /** The sizes of a token. */
  readonly sizes: readonly number[];
  /** Rows to make room for, where `rows` are needed and there was room for `before`. */
  room(rows: number, before: number): number;
}

/** Room for a number of rows that has no bound: it doubles, so that each row is copied once on the average, however long. */
export function doubling(device: Device, layout: { readonly element: Element; readonly sizes: readonly number[] }): (rows: number, before: number) => number {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const bytes = rowBytes("a token", { element: layout.element, shape: [1, ...layout.sizes] });
  const most = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / bytes);
  return (rows, before) => Math.max(rows, Math.min(most, Math.max(2 * before, FIRST_ROOM)));
}

/** Tokens that there is room for at first. */
const FIRST_ROOM = 64;

/** Room for the last `most` tokens: twice as many where a view can begin at any token, so that they need not move each time. */
export function sliding(device: Device, sizes: readonly number[], most: number): StripLayout {
  const element = { kind: "f32" } as const;
  const anywhere = device.gpuDevice === undefined || bindingRows({ element, shape: [1, ...sizes] }) === 1;
  return { element, sizes, room: () => (anywhere ? 2 : 1) * most };
}

/** Tokens `start` to `start + count` of a memory. Never changed: what changes a strip makes another. */
export class Strip {
  readonly layout: StripLayout;
  readonly memory: Memory | undefined;
  readonly start: number;
  readonly count: number;

  constructor(layout: StripLayout, memory?: Memory, start = 0, count = 0) {
    this.layout = layout;
    this.memory = memory;
    this.start = start;
    this.count = count;
  }

  /** The tokens, as an input of a kernel. */
  input(): RunInput {
    const { memory, layout } = this;
    if (memory === undefined || this.count === 0) return { shape: [0, ...layout.sizes], data: layout.element.kind === "uint" ? new Uint8Array(0) : new Float32Array(0) };
    return memory.tensor.rows(this.start, this.count);
  }

  /** The first of the tokens, as a tensor on the device; there must be as many. */
  first(count: number): DeviceTensor {
    if (this.memory === undefined || count > this.count) throw new InternalError(`a strip of ${this.count} tokens has no first ${count}`);
    return this.memory.tensor.rows(this.start, count);
  }

  /** The first `count` of its tokens. */
  truncated(count: number): Strip {
    return new Strip(this.layout, this.memory, this.start, Math.min(this.count, count));
  }

  /**
   * The strip without its first `drop` tokens and with `add` more, which the caller writes from row `at` on. They follow
   * the others in their memory where it has room that is nobody else's; else the tokens that stay are copied to a new one.
   */
  async extended(stage: Stage, drop: number, add: number): Promise<{ readonly strip: Strip; readonly at: number }> {
    const { layout, memory } = this;
    const start = this.start + drop;
    const count = this.count - drop;
    const end = start + count;
    if (add === 0 && drop === 0) return { strip: this, at: end };
    if (memory !== undefined && start % memory.tensor.rowAlignment === 0 && stage.claim(memory, end, add)) {
      return { strip: new Strip(layout, memory, start, count + add), at: end };
    }
    const room = Math.max(count + add, layout.room(count + add, memory?.capacity ?? 0));
    const made = await stage.memory(layout.element, room, layout.sizes);
    stage.claim(made, 0, count + add);
    if (memory !== undefined && count > 0) await stage.device.copy([{ from: memory.tensor, first: start, count, to: made.tensor, at: 0 }]);
    return { strip: new Strip(layout, made, 0, count + add), at: count };
  }
}
