/** @file Tensors on a WebGPU device: copying them there and back. */

import type { Element } from "../../spec/graph/node";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { elementName } from "../../spec/tensor/element";
import { fromStorage, storageWords, toStorage } from "../../spec/tensor/storage";
import { shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { DeviceTensor } from "../device";
import { BINDING_ALIGNMENT, bindingRows, checkReshaped, checkRows, layoutText, rowBytes, rowsShape } from "../rows";
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

/** A tensor in a pooled buffer, or a view of one's rows. */
export class GpuTensor implements DeviceTensor {
  readonly shape: readonly number[];
  readonly element: Element;
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly layout: Layout;
  readonly gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #lease: Lease;
  /** Of a view: the tensor whose memory it is. */
  readonly #of: GpuTensor | undefined;
  #destroyed = false;

  /** @param view of whose memory it is a part, and how many bytes behind its beginning */
  constructor(gpu: Gpu, pool: BufferPool, lease: Lease, layout: Layout, view?: { readonly of: GpuTensor; readonly offset: number }) {
    this.gpu = gpu;
    this.#pool = pool;
    this.#lease = lease;
    this.#of = view?.of;
    this.layout = layout;
    this.shape = layout.shape;
    this.element = layout.element;
    this.buffer = lease.buffer;
    this.offset = lease.offset + (view?.offset ?? 0);
  }

  get heldBytes(): number {
    return this.#of !== undefined || this.#destroyed ? 0 : this.buffer.size;
  }

  get rowAlignment(): number {
    return bindingRows(this);
  }

  rows(first: number, count: number): GpuTensor {
    const what = "a view of rows";
    this.ensureAlive(what);
    checkRows(what, this, first, count);
    // No rows are bound as some bytes that nobody reads, which must be there.
    const offset = count === 0 ? 0 : this.offset - this.#lease.offset + first * rowBytes(what, this);
    if (offset % BINDING_ALIGNMENT !== 0) {
      refuse({
        code: "KV4010",
        message: `${what} of ${layoutText(this)} begins at byte ${offset}, where no binding can`,
        expected: `a first row that is a multiple of ${this.rowAlignment}`,
        got: String(first),
        mend: "copy() the rows to a tensor of their own.",
      });
    }
    return this.#view(rowsShape(this, count), offset);
  }

  reshaped(shape: readonly number[]): GpuTensor {
    this.ensureAlive("a view under another shape");
    checkReshaped(this, shape);
    return this.#view(shape, this.offset - this.#lease.offset);
  }

  #view(shape: readonly number[], offset: number): GpuTensor {
    return new GpuTensor(this.gpu, this.#pool, this.#lease, { ...this.layout, shape }, { of: this.#of ?? this, offset });
  }

  /** @throws KvernError KV4008 when it has been destroyed */
  ensureAlive(what: string): void {
    if (this.#of !== undefined) this.#of.ensureAlive(what);
    else if (this.#destroyed) {
      refuse({ code: "KV4008", message: `${what}: the tensor ${layoutText(this)} has been destroyed`, mend: "Destroy a tensor after its last use." });
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
    if (this.#of !== undefined || this.#destroyed) return;
    this.#destroyed = true;
    this.#pool.release(this.#lease);
  }
}

/** @throws KvernError KV4008 for a tensor of another device, or one that has been destroyed; `what` is what it is used for */
export function usable(gpu: Gpu, what: string, tensor: DeviceTensor): GpuTensor {
  if (!(tensor instanceof GpuTensor) || tensor.gpu !== gpu) {
    return refuse({ code: "KV4008", message: `${what} lies on another device`, expected: `a tensor on ${gpu.name}, as opened here`, mend: "read() it and give its elements." });
  }
  tensor.ensureAlive(what);
  return tensor;
}
