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
  const lease = pool.acquire("storage", storage.byteLength);
  // Views of shared memory are fine to read from; the type of `writeBuffer` does not say so.
  gpu.device.queue.writeBuffer(lease.buffer, lease.offset, storage as Uint32Array<ArrayBuffer>);
  return lease;
}

/** A copy of device memory on its way back. */
export interface Readback {
  readonly lease: Lease;
  /** Settles when the bytes are there. */
  readonly mapped: Promise<void>;
}

/** Records a copy of `bytes` from a buffer; call `startMapping` after submitting. */
export function copyBack(encoder: GPUCommandEncoder, pool: BufferPool, from: { readonly buffer: GPUBuffer; readonly offset: number }, bytes: number): Lease {
  const lease = pool.acquire("readback", bytes);
  if (bytes > 0) encoder.copyBufferToBuffer(from.buffer, from.offset, lease.buffer, 0, bytes);
  return lease;
}

export function startMapping(lease: Lease): Readback {
  const mapped = lease.buffer.mapAsync(MAP_READ, 0, lease.bytes);
  // Whoever waits for it hears of the failure; error scopes may be heard first.
  mapped.catch(() => undefined);
  return { lease, mapped };
}

/** WebGPU's `GPUMapMode.READ`, which Node has no global of. */
const MAP_READ = 1;

/** The words of a mapped readback, copied out. */
export function takeWords({ lease }: Readback, words: number): Uint32Array<ArrayBuffer> {
  const taken = new Uint32Array(lease.buffer.getMappedRange(0, lease.bytes)).slice(0, words);
  lease.buffer.unmap();
  return taken;
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
        return startMapping(lease);
      });
      await gpu.alive(what, readback.mapped);
      const data = fromStorage(layout.element, layout.shape, takeWords(readback, bytes / 4), layout.infinite);
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
