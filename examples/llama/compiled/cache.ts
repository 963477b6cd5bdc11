/**
 * @file Where the compiled kernels find keys and values: tensors whose first axis is the token, which grow as tokens
 * come. On a GPU they never leave it: what encode writes there is appended there, and attention reads it there.
 */

import type { BufferTensor, Device, DeviceTensor, RunInput, TensorData } from "kvern/runtime";
import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Element } from "../../../spec/graph/node";
import { fromStorage, storageWords, toStorage } from "../../../spec/tensor/storage";
import { Rows } from "../rows";

/** What a token takes: the element type, and the sizes of all axes but the token's. */
export interface TokenLayout {
  readonly element: Element;
  readonly sizes: readonly number[];
}

/** A tensor [token, …sizes] that tokens are appended to. */
export interface TokenCache {
  /** Bytes of the tokens it holds. */
  readonly bytes: number;
  /** Adds tokens in the layout of the cache. */
  append(tokens: RunInput): Promise<void>;
  /** All tokens, to give to a kernel before the next append. */
  input(): RunInput;
  read(): Promise<TensorData>;
  reset(): void;
  close(): void;
}

export function tokenCache(device: Device, layout: TokenLayout): TokenCache {
  return device.gpuDevice === undefined ? new HostCache(layout) : new DeviceCache(device, device.gpuDevice, layout);
}

const wordsPerToken = ({ element, sizes }: TokenLayout): number => storageWords(element, [1, ...sizes]);

class HostCache implements TokenCache {
  readonly #words = new Rows<Uint32Array>((length) => new Uint32Array(length));

  constructor(private readonly layout: TokenLayout) {}

  get bytes(): number {
    return this.#words.used().byteLength;
  }

  async append(tokens: RunInput): Promise<void> {
    const given = "read" in tokens ? await tokens.read() : "data" in tokens ? tokens : missing();
    const { buffer, byteOffset, length } = toStorage(this.layout.element, given);
    this.#words.append(new Uint32Array(buffer, byteOffset, length));
  }

  input(): TensorData {
    const words = this.#words.used().slice();
    const shape = [words.length / wordsPerToken(this.layout), ...this.layout.sizes];
    return { shape, data: fromStorage(this.layout.element, shape, words, false) };
  }

  read(): Promise<TensorData> {
    return Promise.resolve(this.input());
  }

  reset(): void {
    this.#words.reset();
  }

  close(): void {
    this.reset();
  }
}

/** Tokens that there is room for at first; room doubles when it is used up. */
const FIRST_ROOM = 64;

class DeviceCache implements TokenCache {
  readonly #bytesPerToken: number;
  #memory: DeviceTensor | undefined;
  #room = 0;
  #tokens = 0;

  constructor(
    private readonly device: Device,
    private readonly gpu: GPUDevice,
    private readonly layout: TokenLayout,
  ) {
    this.#bytesPerToken = 4 * wordsPerToken(layout);
  }

  get bytes(): number {
    return this.#tokens * this.#bytesPerToken;
  }

  async append(tokens: RunInput): Promise<void> {
    const [count = 0] = tokens.shape;
    const memory = await this.#roomFor(this.#tokens + count);
    if (!("data" in tokens)) {
      this.#copy(place(tokens), place(memory), count);
    } else {
      const { buffer, offset } = place(memory);
      const words = toStorage(this.layout.element, tokens);
      this.gpu.queue.writeBuffer(buffer, offset + this.bytes, words.buffer, words.byteOffset, words.byteLength);
    }
    this.#tokens += count;
  }

  input(): RunInput {
    return { ...place(this.#memory), shape: [this.#tokens, ...this.layout.sizes] };
  }

  async read(): Promise<TensorData> {
    const { shape, data } = await (this.#memory ?? missing()).read();
    const [room = 1] = shape;
    return { shape: [this.#tokens, ...this.layout.sizes], data: data.slice(0, (data.length / room) * this.#tokens) };
  }

  reset(): void {
    this.#tokens = 0;
  }

  close(): void {
    this.#memory?.destroy();
    this.#memory = undefined;
    this.#room = 0;
    this.#tokens = 0;
  }

  async #roomFor(tokens: number): Promise<DeviceTensor> {
    if (this.#memory !== undefined && tokens <= this.#room) return this.#memory;
    const room = Math.max(tokens, 2 * this.#room, FIRST_ROOM);
    const shape = [room, ...this.layout.sizes];
    const words = new Uint32Array(storageWords(this.layout.element, shape));
    const grown = await this.device.upload(this.layout.element, { shape, data: fromStorage(this.layout.element, shape, words, false) });
    if (this.#memory !== undefined) {
      const kept = this.#tokens;
      this.#tokens = 0;
      this.#copy(place(this.#memory), place(grown), kept);
      this.#tokens = kept;
      this.#memory.destroy();
    }
    this.#memory = grown;
    this.#room = room;
    return grown;
  }

  /** Behind the tokens that are there. */
  #copy(from: Place, to: Place, tokens: number): void {
    if (tokens === 0) return;
    const encoder = this.gpu.createCommandEncoder({ label: "append to a cache" });
    encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset + this.bytes, tokens * this.#bytesPerToken);
    this.gpu.queue.submit([encoder.finish()]);
  }
}

interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

function place(tensor: DeviceTensor | BufferTensor | undefined): Place {
  const { buffer, offset = 0 } = tensor ?? missing();
  return { buffer: buffer ?? missing(), offset };
}

function missing(): never {
  throw new InternalError("a cache on a GPU has no buffer");
}
