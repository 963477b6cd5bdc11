/** @file Attention in the compiled kernels of `examples/attention.ts`, over a cache that stays on their device. */

import { createCache, type Cache, type CacheLayerSpec, type Device, type DeviceTensor, type PreparedKernel, type RunInput, type TensorData } from "kvern/runtime";
import { refuse } from "../../../spec/diagnostics/diagnostic";
import { tensor } from "../../../spec/tensor/tensor";
import type { AttentionBackend, AttentionShape, CacheBytes } from "../backend";
import { formatName, requireFit, type Codebooks } from "../codebooks";
import { rotaryTables } from "../rotary";
import { output } from "./tensors";

/** The graphs of `examples/attention.ts` by the names of their kernels. */
export type Graphs = Readonly<Record<string, unknown>>;

interface Kernels {
  readonly decode: PreparedKernel;
  readonly prefill: PreparedKernel;
}

/**
 * Prepares attention on a device: over a cache at full precision, or, with codebooks, over one held as codes only.
 * @throws KvernError KV6006 where the codebooks do not fit, KV6003 where there are no kernels for their format; KV40nn for
 * what the device cannot do
 */
export async function compiledAttention(device: Device, shape: AttentionShape, graphs: Graphs, codebooks?: Codebooks): Promise<CompiledAttention> {
  if (codebooks !== undefined) requireFit(codebooks, shape);
  const { heads, kvHeads, headDim } = shape;
  const sizes = { kvHead: kvHeads, channel: headDim, ...groupSizes(shape, codebooks), head: heads, half: headDim / 2 };
  const prepare = async (name: string): Promise<PreparedKernel> => {
    if (!Object.hasOwn(graphs, name)) refuse({ code: "KV6003", message: `there is no kernel ${name}`, expected: Object.keys(graphs).join(", "), got: name });
    return device.prepare(graphs[name], { set: sizes });
  };
  const suffix = codebooks === undefined ? "Exact" : `${codebooks.format.couple}c${codebooks.format.bits}b`;
  const kernels = { decode: await prepare(`decode${suffix}`), prefill: await prepare(`prefill${suffix}`) };
  const cache = await createCache({ heads: kvHeads, channels: headDim, layers: cacheLayers(shape, codebooks) }, device);
  try {
    const name = `${codebooks === undefined ? "full precision" : formatName(codebooks.format)}, ${device.backend}`;
    return new CompiledAttention(name, shape, kernels, cache, await uploadTurns(device, shape));
  } catch (fault) {
    await cache.close();
    throw fault;
  }
}

function cacheLayers({ layers }: AttentionShape, codebooks: Codebooks | undefined): readonly CacheLayerSpec[] {
  const exact = { element: "f32" } as const;
  if (codebooks === undefined) return Array.from({ length: layers }, () => ({ keys: exact, values: exact }));
  return codebooks.layers.map(({ keys, values }) => ({ keys: { ...codebooks.format, book: keys }, values: { ...codebooks.format, book: values } }));
}

/** The number of groups of a head's channels, by the name that `coupled` gives their axis. */
function groupSizes({ headDim }: AttentionShape, codebooks: Codebooks | undefined): Readonly<Record<string, number>> {
  if (codebooks === undefined) return {};
  const { couple } = codebooks.format;
  return { [`channel/${couple}`]: headDim / couple };
}

/** Cosines and sines of all positions, [position, half], on the device. */
type Turns = Readonly<Record<"cos" | "sin", DeviceTensor>>;

async function uploadTurns(device: Device, { positions, headDim, ropeTheta, ropeLayout }: AttentionShape): Promise<Turns> {
  const { half, cos, sin } = rotaryTables(positions, headDim, ropeTheta, ropeLayout);
  const upload = (table: Float32Array): Promise<DeviceTensor> => device.upload({ kind: "f32" }, tensor([positions, half], table));
  return { cos: await upload(cos), sin: await upload(sin) };
}

export class CompiledAttention implements AttentionBackend {
  constructor(
    readonly name: string,
    private readonly shape: AttentionShape,
    private readonly kernels: Kernels,
    private readonly cache: Cache,
    private readonly turns: Turns,
  ) {}

  reset(): Promise<void> {
    return this.cache.clear();
  }

  append(layer: number, keys: Float32Array, values: Float32Array): Promise<void> {
    const { kvHeads, headDim } = this.shape;
    const shape = [keys.length / (kvHeads * headDim), kvHeads, headDim];
    return this.appendTensors(layer, tensor(shape, keys), tensor(shape, values));
  }

  /** `append` of what may lie on the device, [token, kvHead, channel]. */
  appendTensors(layer: number, keys: TensorData | DeviceTensor, values: TensorData | DeviceTensor): Promise<void> {
    this.#requireLayer(layer);
    return this.cache.append(layer, keys, values);
  }

  async attend(layer: number, queries: Float32Array): Promise<Float32Array> {
    const { kernel, q } = this.#attention(queries);
    const { data } = output(await kernel.run({ q, ...this.#inputs(layer) }));
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  /** `attend` to `count` queries that lie on the device, in whatever shape; the result stays there. */
  async attendTensors(layer: number, count: number, queries: DeviceTensor): Promise<DeviceTensor> {
    const { heads, headDim } = this.shape;
    const one = count === 1;
    const q = queries.reshaped(one ? [heads, headDim] : [count, heads, headDim]);
    return output(await (one ? this.kernels.decode : this.kernels.prefill).run({ q, ...this.#inputs(layer) }, { device: true }));
  }

  /**
   * The inputs, copied back, with which `attend` would run: to run the same kernel elsewhere and compare.
   */
  async inputsOf(layer: number, queries: Float32Array): Promise<{ readonly kernel: string; readonly inputs: Readonly<Record<string, TensorData>> }> {
    const { kernel, q } = this.#attention(queries);
    const inputs: Record<string, TensorData> = { q };
    for (const [name, input] of Object.entries(this.#inputs(layer))) if ("read" in input) inputs[name] = await input.read();
    return { kernel: kernel.name, inputs };
  }

  bytes(): CacheBytes {
    const { coded, books } = this.cache.memory().live;
    const codes = this.cache.spec.layers.some(({ keys }) => "book" in keys);
    return { codes: codes ? coded : 0, codebooks: books, tail: codes ? 0 : coded };
  }

  /** Gives back what it holds on the device. */
  async close(): Promise<void> {
    await this.cache.close();
    for (const table of Object.values(this.turns)) table.destroy();
  }

  /** One query is a step of decoding; more of them are a prompt. */
  #attention(queries: Float32Array): { readonly kernel: PreparedKernel; readonly q: TensorData } {
    const { heads, headDim } = this.shape;
    const count = queries.length / (heads * headDim);
    if (count === 1) return { kernel: this.kernels.decode, q: tensor([heads, headDim], queries) };
    return { kernel: this.kernels.prefill, q: tensor([count, heads, headDim], queries) };
  }

  /** Of the cache, and the turns of its tokens' positions. */
  #inputs(layer: number): Readonly<Record<string, RunInput>> {
    this.#requireLayer(layer);
    const held = this.cache.layer(layer);
    return { cos: this.turns.cos.rows(0, held.length), sin: this.turns.sin.rows(0, held.length), ...held.tensors() };
  }

  #requireLayer(layer: number): void {
    const { layers } = this.cache.spec;
    if (layer >= layers.length) refuse({ code: "KV6006", message: "the cache has too few layers", expected: `layer ${layer}`, got: `${layers.length} layers` });
  }
}
