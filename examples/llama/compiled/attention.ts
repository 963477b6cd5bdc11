/** @file Attention in the compiled kernels of `examples/attention.ts`, over a cache that stays on their device. */

import type { Device, DeviceTensor, PreparedKernel, RunInput, TensorData } from "kvern/runtime";
import { InternalError, refuse } from "../../../spec/diagnostics/diagnostic";
import { storageWords } from "../../../spec/tensor/storage";
import { tensor } from "../../../spec/tensor/tensor";
import type { AttentionBackend, AttentionShape, CacheBytes } from "../backend";
import { formatName, requireFit, type Codebooks } from "../codebooks";
import { rotaryTables, type RotaryTables } from "../rotary";
import { tokenCache, type TokenCache } from "./cache";
import { output } from "./tensors";

/** The graphs of `examples/attention.ts` by the names of their kernels. */
export type Graphs = Readonly<Record<string, unknown>>;

/** One side, keys or values, of one layer. */
interface Side {
  readonly cache: TokenCache;
  /** Its codebook on the device, where the cache holds codes. */
  readonly book: DeviceTensor | undefined;
}

interface Layer {
  readonly keys: Side;
  readonly values: Side;
}

interface Kernels {
  /** From numbers to codes, where the cache holds codes. */
  readonly encode: PreparedKernel | undefined;
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
  const prepare = async (name: string, set: Readonly<Record<string, number>>): Promise<PreparedKernel> => {
    if (!Object.hasOwn(graphs, name)) refuse({ code: "KV6003", message: `there is no kernel ${name}`, expected: Object.keys(graphs).join(", "), got: name });
    return device.prepare(graphs[name], { set });
  };
  const cached = { kvHead: kvHeads, channel: headDim, ...groupSizes(shape, codebooks) };
  const sizes = { ...cached, head: heads, half: headDim / 2 };
  const suffix = codebooks === undefined ? "Exact" : `${codebooks.format.couple}c${codebooks.format.bits}b`;
  const kernels: Kernels = {
    encode: codebooks === undefined ? undefined : await prepare(`encode${suffix}`, cached),
    decode: await prepare(`decode${suffix}`, sizes),
    prefill: await prepare(`prefill${suffix}`, sizes),
  };
  const side = async (layer: number, part: "keys" | "values"): Promise<Side> => {
    if (codebooks === undefined) return { cache: tokenCache(device, { element: { kind: "f32" }, sizes: [kvHeads, headDim] }), book: undefined };
    const { couple, bits } = codebooks.format;
    const book = codebooks.layers[layer]?.[part];
    if (book === undefined) throw new InternalError(`codebooks that fit have no layer ${layer}`);
    return {
      cache: tokenCache(device, { element: { kind: "uint", bits }, sizes: [kvHeads, headDim / couple] }),
      book: await device.upload({ kind: "f16" }, book),
    };
  };
  const layers: Layer[] = [];
  for (let layer = 0; layer < shape.layers; layer++) layers.push({ keys: await side(layer, "keys"), values: await side(layer, "values") });
  const tables = rotaryTables(shape.positions, headDim, shape.ropeTheta, shape.ropeLayout);
  const name = `${codebooks === undefined ? "full precision" : formatName(codebooks.format)}, ${device.backend}`;
  return new CompiledAttention(name, shape, kernels, layers, await turnTables(device, tables));
}

/** The number of groups of a head's channels, by the name that `coupled` gives their axis. */
function groupSizes({ headDim }: AttentionShape, codebooks: Codebooks | undefined): Readonly<Record<string, number>> {
  if (codebooks === undefined) return {};
  const { couple } = codebooks.format;
  return { [`channel/${couple}`]: headDim / couple };
}

/** The tables of positions 0 … tokens − 1. */
type Turns = (tokens: number) => Readonly<Record<"cos" | "sin", RunInput>>;

/** Uploads the tables once; a run sees the first rows of them. */
async function turnTables(device: Device, { positions, half, cos, sin }: RotaryTables): Promise<{ readonly turns: Turns; readonly close: () => void }> {
  if (device.gpuDevice === undefined) {
    const first = (table: Float32Array, tokens: number): TensorData => tensor([tokens, half], table.subarray(0, tokens * half));
    return { turns: (tokens) => ({ cos: first(cos, tokens), sin: first(sin, tokens) }), close: () => undefined };
  }
  const tables = { cos: await device.upload({ kind: "f32" }, tensor([positions, half], cos)), sin: await device.upload({ kind: "f32" }, tensor([positions, half], sin)) };
  const first = ({ buffer, offset = 0 }: DeviceTensor, tokens: number): RunInput => {
    if (buffer === undefined) throw new InternalError("a tensor on a GPU has no buffer");
    return { shape: [tokens, half], buffer, offset };
  };
  return {
    turns: (tokens) => ({ cos: first(tables.cos, tokens), sin: first(tables.sin, tokens) }),
    close: () => Object.values(tables).forEach((table) => table.destroy()),
  };
}

export class CompiledAttention implements AttentionBackend {
  readonly #tokens: number[];

  constructor(
    readonly name: string,
    private readonly shape: AttentionShape,
    private readonly kernels: Kernels,
    private readonly layers: readonly Layer[],
    private readonly tables: Awaited<ReturnType<typeof turnTables>>,
  ) {
    this.#tokens = layers.map(() => 0);
  }

  reset(): void {
    for (const { cache } of this.#sides()) cache.reset();
    this.#tokens.fill(0);
  }

  append(layer: number, keys: Float32Array, values: Float32Array): Promise<void> {
    const { kvHeads, headDim } = this.shape;
    const shape = [keys.length / (kvHeads * headDim), kvHeads, headDim];
    return this.appendTensors(layer, tensor(shape, keys), tensor(shape, values));
  }

  /** `append` of what may lie on the device, [token, kvHead, channel]. */
  async appendTensors(layer: number, keys: RunInput, values: RunInput): Promise<void> {
    const [count = 0] = keys.shape;
    const { keys: keySide, values: valueSide } = this.#layer(layer);
    await this.#appendTo(keySide, keys);
    await this.#appendTo(valueSide, values);
    this.#tokens[layer] = this.#count(layer) + count;
  }

  async #appendTo({ cache, book }: Side, x: RunInput): Promise<void> {
    if (this.kernels.encode === undefined || book === undefined) return cache.append(x);
    const { out: codes } = await this.kernels.encode.run({ x, book }, { device: true });
    if (codes === undefined) throw new InternalError("encode has no output");
    await cache.append(codes);
    codes.destroy();
  }

  async attend(layer: number, queries: Float32Array): Promise<Float32Array> {
    const { kernel, q } = this.#attention(queries);
    const { data } = output(await kernel.run({ q, ...this.#inputs(layer) }));
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  /** `attend` to queries that may lie on the device, given in the shape asked for; the result stays there. */
  async attendTensors(layer: number, count: number, queries: (shape: readonly number[]) => Promise<RunInput>): Promise<DeviceTensor> {
    const { heads, headDim } = this.shape;
    const one = count === 1;
    const q = await queries(one ? [heads, headDim] : [count, heads, headDim]);
    return output(await (one ? this.kernels.decode : this.kernels.prefill).run({ q, ...this.#inputs(layer) }, { device: true }));
  }

  /**
   * The inputs, copied back, with which `attend` would run: to run the same kernel elsewhere and compare.
   */
  async inputsOf(layer: number, queries: Float32Array): Promise<{ readonly kernel: string; readonly inputs: Readonly<Record<string, TensorData>> }> {
    const { kernel, q } = this.#attention(queries);
    const inputs: Record<string, TensorData> = { q };
    const { keys, values } = this.#layer(layer);
    for (const [name, { cache, book }] of [["keys", keys], ["values", values]] as const) {
      inputs[book === undefined ? name : `${name}.codes`] = await cache.read();
      if (book !== undefined) inputs[`${name}.book`] = await book.read();
    }
    const { positions, headDim, ropeTheta, ropeLayout } = this.shape;
    const { cos, sin, half } = rotaryTables(positions, headDim, ropeTheta, ropeLayout);
    const tokens = this.#count(layer);
    inputs["cos"] = tensor([tokens, half], cos.slice(0, tokens * half));
    inputs["sin"] = tensor([tokens, half], sin.slice(0, tokens * half));
    return { kernel: kernel.name, inputs };
  }

  bytes(): CacheBytes {
    const sides = this.#sides();
    const cached = sides.reduce((sum, { cache }) => sum + cache.bytes, 0);
    const codebooks = sides.reduce((sum, { book }) => sum + (book === undefined ? 0 : 4 * storageWords(book.element, book.shape)), 0);
    return this.kernels.encode === undefined ? { codes: 0, codebooks, tail: cached } : { codes: cached, codebooks, tail: 0 };
  }

  /** Gives back what it holds on the device. */
  close(): void {
    for (const { cache, book } of this.#sides()) {
      cache.close();
      book?.destroy();
    }
    this.tables.close();
  }

  /** One query is a step of decoding; more of them are a prompt. */
  #attention(queries: Float32Array): { readonly kernel: PreparedKernel; readonly q: TensorData } {
    const { heads, headDim } = this.shape;
    const count = queries.length / (heads * headDim);
    if (count === 1) return { kernel: this.kernels.decode, q: tensor([heads, headDim], queries) };
    return { kernel: this.kernels.prefill, q: tensor([count, heads, headDim], queries) };
  }

  #inputs(layer: number): Readonly<Record<string, RunInput>> {
    const inputs: Record<string, RunInput> = { ...this.tables.turns(this.#count(layer)) };
    const { keys, values } = this.#layer(layer);
    for (const [name, { cache, book }] of [["keys", keys], ["values", values]] as const) {
      if (book === undefined) {
        inputs[name] = cache.input();
      } else {
        inputs[`${name}.codes`] = cache.input();
        inputs[`${name}.book`] = book;
      }
    }
    return inputs;
  }

  #layer(layer: number): Layer {
    return this.layers[layer] ?? refuse({ code: "KV6006", message: "the cache has too few layers", expected: `layer ${layer}`, got: `${this.layers.length} layers` });
  }

  #count(layer: number): number {
    return this.#tokens[layer] ?? 0;
  }

  #sides(): readonly Side[] {
    return this.layers.flatMap(({ keys, values }) => [keys, values]);
  }
}
