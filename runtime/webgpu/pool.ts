/**
 * @file Buffers by the handful: one that is given back serves the next that needs its size. For tests, buffers can come
 * poisoned (filled with a pattern that is NaN as f32 and as f16) and with guard bands before and after what was asked for.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";

/** NaN as an f32 and as each of two f16. */
export const POISON = 0x7fc17fc1;

/** What tests may ask of every buffer. */
export interface Debug {
  /** Fill buffers before use, and refuse outputs in which the pattern is still there. */
  readonly poison?: boolean;
  /** Bytes of guard band on either side, rounded up to what bindings align to. */
  readonly guard?: number;
}

export type BufferUse = "storage" | "uniform" | "readback";

/** A stretch of a buffer, held until it is released. */
export interface Lease {
  readonly use: BufferUse;
  readonly buffer: GPUBuffer;
  /** Where the stretch begins, in bytes. */
  readonly offset: number;
  /** Its length in bytes, a multiple of 16 and not 0. */
  readonly bytes: number;
}

/** Offsets of bindings are multiples of this on every device. */
const ALIGNMENT = 256;

/** Idle buffers are kept up to this many bytes. */
const IDLE_BYTES = 256 * 2 ** 20;

export class BufferPool {
  readonly #device: GPUDevice;
  readonly #maxBufferSize: number;
  readonly #guard: number;
  readonly #poison: boolean;
  /** Oldest first. */
  #idle: Lease[] = [];
  readonly #leased = new Set<GPUBuffer>();

  constructor(device: GPUDevice, maxBufferSize: number, debug: Debug = {}) {
    this.#device = device;
    this.#maxBufferSize = maxBufferSize;
    this.#guard = Math.ceil((debug.guard ?? 0) / ALIGNMENT) * ALIGNMENT;
    this.#poison = debug.poison ?? false;
  }

  /** How many buffers are held by somebody and how many lie idle. */
  get count(): { readonly leased: number; readonly idle: number } {
    return { leased: this.#leased.size, idle: this.#idle.length };
  }

  /** Bytes of the buffers that lie idle. */
  get idleBytes(): number {
    return this.#idle.reduce((sum, { buffer }) => sum + buffer.size, 0);
  }

  /**
   * A buffer of at least `bytes`, with arbitrary contents; call it inside error scopes.
   * @throws InternalError when `bytes` is beyond what the device allows, which callers check
   */
  acquire(use: BufferUse, bytes: number): Lease {
    const guard = use === "storage" ? this.#guard : 0;
    const length = Math.max(16, Math.ceil(bytes / 16) * 16);
    if (length + 2 * guard > this.#maxBufferSize) throw new InternalError(`a buffer of ${length} bytes is beyond the device's ${this.#maxBufferSize}`);
    const capacity = Math.min(sizeClass(length + 2 * guard), this.#maxBufferSize);
    const at = this.#idle.findLastIndex((lease) => lease.use === use && lease.buffer.size === capacity);
    const [reused] = at < 0 ? [] : this.#idle.splice(at, 1);
    const buffer = reused?.buffer ?? this.#device.createBuffer({ label: `kvern ${use}`, size: capacity, usage: USAGE[use] });
    this.#leased.add(buffer);
    if (use === "storage" && (this.#poison || guard > 0)) {
      this.#device.queue.writeBuffer(buffer, 0, new Uint32Array(capacity / 4).fill(POISON));
    }
    return { use, buffer, offset: guard, bytes: length };
  }

  /** Gives a buffer back for others. What was submitted with it still sees its contents: the queue keeps order. */
  release(lease: Lease): void {
    if (!this.#leased.delete(lease.buffer)) return;
    this.#idle.push(lease);
    let bytes = this.idleBytes;
    while (bytes > IDLE_BYTES) {
      const oldest = this.#idle.shift();
      if (oldest === undefined) break;
      bytes -= oldest.buffer.size;
      oldest.buffer.destroy();
    }
  }

  /** Lets a buffer go for good, one that something went wrong with. */
  discard(lease: Lease): void {
    if (this.#leased.delete(lease.buffer)) lease.buffer.destroy();
  }

  destroy(): void {
    for (const { buffer } of this.#idle) buffer.destroy();
    for (const buffer of this.#leased) buffer.destroy();
    this.#idle = [];
    this.#leased.clear();
  }
}

/** WebGPU's `GPUBufferUsage`, which Node has no global of. */
const MAP_READ = 1, COPY_SRC = 4, COPY_DST = 8, UNIFORM = 64, STORAGE = 128;
const USAGE: Readonly<Record<BufferUse, GPUBufferUsageFlags>> = {
  storage: STORAGE | COPY_SRC | COPY_DST,
  uniform: UNIFORM | COPY_DST,
  readback: MAP_READ | COPY_DST,
};

/** The size to make a buffer of, so that near sizes share: a quarter of a power of two up, at least 256 bytes. */
function sizeClass(bytes: number): number {
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes)) - 2));
  return Math.ceil(bytes / step) * step;
}

/** Where the guard bands of a whole buffer's contents have been written to, as a byte offset from the stretch itself. */
export function guardFault(words: Uint32Array, { offset, bytes }: Lease): number | undefined {
  const inside = (at: number): boolean => at * 4 >= offset && at * 4 < offset + bytes;
  const at = words.findIndex((word, index) => word !== POISON && !inside(index));
  return at < 0 ? undefined : at * 4 - offset;
}
