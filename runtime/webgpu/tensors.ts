/** @file Tensors on a WebGPU device: copying them there and back. */

import type { Element } from "../../spec/graph/node";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { elementName } from "../../spec/tensor/element";
import { fromStorage, storageWords, toStorage } from "../../spec/tensor/storage";
import { shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { DeviceTensor } from "../device";
import type { Gpu } from "./gpu";
import type { BufferPool, Lease } from "./pool";

/** What a tensor is, without where it lies. */
export interface Layout {
  readonly element: Element;
  readonly shape: readonly number[];
  /** Whether infinities are stored as sentinels. */
  readonly infinite: boolean;
}

export function storageBytes({ element, shape }: Layout): number {
  return 4 * storageWords(element, shape);
}

/** @throws KvernError KV4007 when a tensor is too large to be bound */
export function checkBinding(gpu: Gpu, what: string, layout: Layout): void {
  const bytes = storageBytes(layout);
  const limit = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
  if (bytes > limit) {
    refuse({
      code: "KV4007",
      message: `${what}, ${elementName(layout.element)} ${shapeText(layout.shape)}, does not fit a storage binding of ${gpu.name}`,
      expected: `up to ${limit} bytes`,
      got: `${bytes} bytes`,
      mend: "Split the tensor along an axis, or store it in fewer bits.",
    });
  }
}

/** Writes a checked tensor into a new lease; call it inside error scopes. */
export function write(gpu: Gpu, pool: BufferPool, element: Element, tensor: TensorData): Lease {
  const storage = toStorage(element, tensor);
  return filled(pool, pool.acquire("storage", storage.byteLength), ({ buffer, offset }) => {
    // Views of shared memory are fine to read from; the type of `writeBuffer` does not say so.
    gpu.device.queue.writeBuffer(buffer, offset, storage as Uint32Array<ArrayBuffer>);
  });
}

/** A lease once `fill` has seen to its contents; let go when that throws, since nobody else knows of it yet. */
function filled(pool: BufferPool, lease: Lease, fill: (lease: Lease) => void): Lease {
  try {
    fill(lease);
    return lease;
  } catch (fault) {
    pool.discard(lease);
    throw fault;
  }
}

/** A copy of device memory on its way back. */
export interface Readback {
  readonly lease: Lease;
  /** Settles when the words are there, copied out. */
  readonly words: Promise<Uint32Array<ArrayBuffer>>;
}

/** Records a copy of `bytes` from a buffer; call `startReading` after submitting. */
export function copyBack(encoder: GPUCommandEncoder, pool: BufferPool, from: { readonly buffer: GPUBuffer; readonly offset: number }, bytes: number): Lease {
  return filled(pool, pool.acquire("readback", bytes), ({ buffer }) => {
    if (bytes > 0) encoder.copyBufferToBuffer(from.buffer, from.offset, buffer, 0, bytes);
  });
}

/** @param count words that are wanted, from the first */
export function startReading(lease: Lease, count: number): Readback {
  const words = mappedWords(lease, count);
  // Whoever waits for them hears of the failure; error scopes may be heard first.
  words.catch(() => undefined);
  return { lease, words };
}

/** WebGPU's `GPUMapMode.READ`, which Node has no global of. */
const MAP_READ = 1;

async function mappedWords({ buffer, bytes }: Lease, count: number): Promise<Uint32Array<ArrayBuffer>> {
  await buffer.mapAsync(MAP_READ, 0, bytes);
  const words = new Uint32Array(buffer.getMappedRange(0, bytes)).slice(0, count);
  buffer.unmap();
  return words;
}

/** A tensor in a pooled buffer. */
export class GpuTensor implements DeviceTensor {
  readonly shape: readonly number[];
  readonly element: Element;
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly layout: Layout;
  readonly gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #lease: Lease;
  #destroyed = false;

  constructor(gpu: Gpu, pool: BufferPool, lease: Lease, layout: Layout) {
    this.gpu = gpu;
    this.#pool = pool;
    this.#lease = lease;
    this.layout = layout;
    this.shape = layout.shape;
    this.element = layout.element;
    this.buffer = lease.buffer;
    this.offset = lease.offset;
  }

  /** @throws KvernError KV4008 when it has been destroyed */
  ensureAlive(what: string): void {
    if (this.#destroyed) {
      refuse({ code: "KV4008", message: `${what}: the tensor ${elementName(this.element)} ${shapeText(this.shape)} has been destroyed`, mend: "Destroy a tensor after its last use." });
    }
  }

  read(): Promise<TensorData> {
    return this.gpu.busy(this.#read());
  }

  async #read(): Promise<TensorData> {
    const what = "reading a tensor back";
    this.ensureAlive(what);
    const { gpu, layout } = this;
    const bytes = storageBytes(layout);
    let lease: Lease | undefined;
    try {
      const readback = await gpu.scoped(what, () => {
        const encoder = gpu.device.createCommandEncoder();
        lease = copyBack(encoder, this.#pool, this, bytes);
        gpu.device.queue.submit([encoder.finish()]);
        return startReading(lease, bytes / 4);
      });
      const words = await gpu.alive(what, readback.words);
      const data = fromStorage(layout.element, layout.shape, words, layout.infinite);
      this.#pool.release(readback.lease);
      return { shape: layout.shape, data };
    } catch (fault) {
      if (lease !== undefined) this.#pool.discard(lease);
      throw fault;
    }
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#pool.release(this.#lease);
  }
}
