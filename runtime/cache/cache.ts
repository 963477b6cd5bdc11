/**
 * @file A cache of keys and values that stays on its device. Tokens are stored in their format as they leave the window of
 * recent ones; the first ones may stay as they are. What is stored is never computed or moved again, but for copies when
 * room has doubled.
 *
 * Of each sequence and layer there are three strips of tokens, one after the other: sinks, coded, tail. A change makes new
 * strips beside those that are there (`stage.ts`) and takes their place when all of it has succeeded.
 */

import { InternalError, refuse } from "../../spec/diagnostics/diagnostic";
import { checkElements } from "../../spec/tensor/check";
import { elementName } from "../../spec/tensor/element";
import { isSize, shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { Device, DeviceTensor, RunInput } from "../device";
import { isDeviceTensor } from "../kernel";
import { hostRows, rowBytes } from "../rows";
import type { Memory } from "./memory";
import { saved, type SavedCache } from "./save";
import { checkSpec, PARTS, SIDES, type CacheContents, type CachedTokens, type CacheSpec, type CheckedSpec, type Part, type Side } from "./spec";
import { Kernels } from "./encoders";
import { allDone, Stage } from "./stage";
import { openStore, type Store } from "./store";
import { Strip } from "./strip";

/** Bytes, by part: codes and what else is stored in a format, tokens in full precision, codebooks. */
export interface CacheBytes {
  readonly coded: number;
  readonly tail: number;
  readonly sinks: number;
  readonly books: number;
}

export interface CacheMemory extends CacheBytes {
  /** Of the device memory that is held: the buffers as they were allocated, with room to grow. */
  readonly total: number;
  /** Of `total`, what forks hold too. */
  readonly shared: number;
  /** What the tokens that are there take, without room to grow. */
  readonly live: CacheBytes;
}

export interface AppendOptions {
  /** How many of the tokens belong to each sequence of the batch, in this order; all to the only one unless given. */
  readonly counts?: readonly number[];
}

/** Keys or values of a layer in one sequence. */
type Strips = Readonly<Record<Part, Strip>>;
type Layer = Readonly<Record<Side, Strips>>;
/** By layer, then by sequence. */
type State = readonly (readonly Layer[])[];

/** New tokens of one side: f32 [token, head, channel]. */
type Tokens = TensorData | DeviceTensor;

/**
 * Makes an empty cache on a device, with its codebooks there.
 * @throws KvernError KV6101 for a specification that makes no sense; KV40nn for what the device cannot do
 */
export async function createCache(spec: CacheSpec, device: Device): Promise<Cache> {
  return openCache(checkSpec(spec), device);
}

/** As `createCache`, of a checked specification, with contents that fit it. */
export async function openCache(spec: CheckedSpec, device: Device, contents?: CacheContents): Promise<Cache> {
  const kernels = new Kernels(device);
  const opened: Store[] = [];
  const open = async (format: Store["format"]): Promise<Store> => {
    const store = await openStore(device, kernels, spec, format);
    opened.push(store);
    return store;
  };
  try {
    const stores = await allDone(spec.layers.map(async ({ keys, values }) => {
      const [ofKeys, ofValues] = await allDone([open(keys), open(values)]);
      if (ofKeys === undefined || ofValues === undefined) throw new InternalError("a layer has no stores");
      return { keys: ofKeys, values: ofValues };
    }));
    const empty = ({ layouts }: Store): Strips => ({ sinks: new Strip(layouts.sinks), coded: new Strip(layouts.coded), tail: new Strip(layouts.tail) });
    const state = stores.map(({ keys, values }) => Array.from({ length: spec.batch }, () => ({ keys: empty(keys), values: empty(values) })));
    return new Cache(spec, device, stores, contents === undefined ? state : await filled(device, state, contents));
  } catch (fault) {
    for (const { book } of opened) book?.tensor.destroy();
    throw fault;
  }
}

/** Strips of the tokens that a saved cache held, in place of empty ones. */
async function filled(device: Device, state: State, { tokens, strips }: CacheContents): Promise<State> {
  const stage = new Stage(device);
  const fill = async (empty: Strip, count: number, from: TensorData): Promise<Strip> => {
    const { strip, at } = await empty.extended(stage, 0, count);
    if (strip.memory !== undefined) await device.copy([{ from, count, to: strip.memory.tensor, at }]);
    return strip;
  };
  const fillSide = async (empty: Strips, layer: number, sequence: number, side: Side): Promise<Strips> => {
    const of = (part: Part): Promise<Strip> => fill(empty[part], tokens(layer, sequence)[part], strips(layer, sequence, side, part));
    const [sinks, coded, tail] = await allDone(PARTS.map(of));
    return { sinks: sinks ?? missing(), coded: coded ?? missing(), tail: tail ?? missing() };
  };
  try {
    return await allDone(state.map((sequences, layer) => allDone(sequences.map(async (empty, sequence) => {
      const [keys, values] = await allDone(SIDES.map((side) => fillSide(empty[side], layer, sequence, side)));
      return { keys: keys ?? missing(), values: values ?? missing() };
    }))));
  } catch (fault) {
    stage.undo();
    throw fault;
  }
}

/** Made by `createCache`, `loadCache` and `fork`. Calls that change a cache take effect in the order in which they are made. */
export class Cache {
  readonly spec: CheckedSpec;
  readonly device: Device;
  readonly #stores: readonly Readonly<Record<Side, Store>>[];
  #state: State;
  #closed = false;
  /** What has been asked for so far. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(spec: CheckedSpec, device: Device, stores: readonly Readonly<Record<Side, Store>>[], state: State) {
    this.spec = spec;
    this.device = device;
    this.#stores = stores;
    this.#state = state;
    for (const memory of this.#memories()) memory.retain();
  }

  /** How many sequences it has. */
  get batch(): number {
    return this.spec.batch;
  }

  /** Tokens of a sequence that every layer has. */
  length(sequence = 0): number {
    return Math.min(...this.spec.layers.map((_, layer) => this.layer(layer, sequence).length));
  }

  /**
   * One layer of one sequence, as it is now. Its tensors can be used until the cache is next changed.
   * @throws KvernError KV6103 for a layer or a sequence that is not there, KV6105 when the cache is closed
   */
  layer(layer: number, sequence = 0): CacheLayer {
    this.#ensureOpen();
    const found = this.#layerOf(layer, sequence);
    const parts = this.#parts();
    return {
      tokens: tokensOf(found.keys),
      length: lengthOf(found.keys),
      tensors: () => {
        this.#ensureOpen();
        const inputs: Record<string, RunInput> = {};
        for (const side of SIDES) {
          const { book } = this.#stores[layer]?.[side] ?? missing();
          for (const part of parts) {
            const name = parts.length === 1 ? side : `${side}.${part}`;
            if (part === "coded" && book !== undefined) {
              inputs[`${name}.codes`] = found[side].coded.input();
              inputs[`${name}.book`] = book.tensor;
            } else inputs[name] = found[side][part].input();
          }
        }
        return inputs;
      },
    };
  }

  /**
   * Appends tokens to a layer. Keys come before rotation. What leaves the window is stored in its format; what is there
   * already is neither computed nor moved. When it fails, the cache is as it was before.
   * @param keys f32 [token, head, channel], finite, as an array or on the device; `values` likewise, of as many tokens. In a
   * batch, all tokens of the first sequence come before those of the next, as `counts` says
   * @throws KvernError KV6102, KV30nn for tokens that do not fit the cache; KV6103, KV6105; KV40nn for what the device cannot do
   */
  append(layer: number, keys: Tokens, values: Tokens, { counts }: AppendOptions = {}): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#state[layer] ?? this.#noLayer(layer);
      const total = this.#checkTokens("keys", keys);
      if (this.#checkTokens("values", values) !== total) {
        refuse({ code: "KV6102", message: "keys and values are of different numbers of tokens", expected: `${total} tokens, as of the keys`, got: String(values.shape[0]) });
      }
      const each = this.#checkCounts(counts, total);
      await this.#change(async (stage) => {
        let first = 0;
        const grown = each.map((count, sequence) => {
          const from = first;
          first += count;
          return this.#grown(stage, layer, before[sequence] ?? missing(), { keys, values }, from, count);
        });
        const after = await allDone(grown);
        return this.#state.map((sequences, at) => (at === layer ? after : sequences));
      });
    });
  }

  /** One sequence of a layer with `count` more tokens, from row `first` on of the new ones. */
  async #grown(stage: Stage, layer: number, before: Layer, tokens: Readonly<Record<Side, Tokens>>, first: number, count: number): Promise<Layer> {
    if (count === 0) return before;
    const [keys, values] = await allDone(SIDES.map((side) => this.#grownSide(stage, this.#stores[layer]?.[side] ?? missing(), before[side], tokens[side], first, count)));
    return { keys: keys ?? missing(), values: values ?? missing() };
  }

  async #grownSide(stage: Stage, { write }: Store, { sinks, coded, tail }: Strips, x: Tokens, first: number, count: number): Promise<Strips> {
    const { window } = this.spec;
    const toSinks = Math.min(count, Math.max(0, this.spec.sinks - sinks.count));
    // What leaves the window, those that were in it before those that only pass through.
    const leaving = Math.max(0, tail.count + count - toSinks - window);
    const old = Math.min(leaving, tail.count);
    const passing = leaving - old;
    const staying = count - toSinks - passing;
    const part = { sinks: first, coded: first + toSinks, tail: first + toSinks + passing };
    const more = {
      sinks: await sinks.extended(stage, 0, toSinks),
      coded: await coded.extended(stage, 0, leaving),
      tail: await tail.extended(stage, old, staying),
    };
    const place = (grown: Part, beyond = 0): { readonly tensor: DeviceTensor; readonly at: number } => ({ tensor: (more[grown].strip.memory ?? missing()).tensor, at: more[grown].at + beyond });
    await allDone([
      ...(toSinks > 0 ? [this.device.copy([{ from: x, first: part.sinks, count: toSinks, to: place("sinks").tensor, at: place("sinks").at }])] : []),
      ...(old > 0 ? [write(tail.first(old), place("coded"))] : []),
      ...(passing > 0 ? [rowsOf(stage, x, part.coded, passing).then((rows) => write(rows, place("coded", old)))] : []),
      ...(staying > 0 ? [this.device.copy([{ from: x, first: part.tail, count: staying, to: place("tail").tensor, at: place("tail").at }])] : []),
    ]);
    return { sinks: more.sinks.strip, coded: more.coded.strip, tail: more.tail.strip };
  }

  /**
   * Leaves the first `length` tokens of a sequence, or of all. What has been coded stays coded, so that after it the window
   * may hold fewer tokens than before.
   * @throws KvernError KV6103 where a layer has fewer tokens
   */
  truncate(length: number, sequence?: number): Promise<void> {
    return this.#inTurn(async () => {
      if (!isSize(length)) refuse({ code: "KV6103", message: "a sequence cannot have that length", expected: "a whole number from 0", got: String(length) });
      const sequences = sequence === undefined ? Array.from({ length: this.batch }, (_, at) => at) : [sequence];
      for (const at of sequences) {
        const has = this.length(at);
        if (length > has) refuse({ code: "KV6103", message: `sequence ${at} is shorter`, expected: `up to ${has} tokens`, got: String(length) });
      }
      await this.#change(() => Promise.resolve(this.#state.map((layer) => layer.map((each, at) => (sequences.includes(at) ? { keys: truncated(each.keys, length), values: truncated(each.values, length) } : each)))));
    });
  }

  /** Leaves no tokens; the room stays, for others. */
  clear(): Promise<void> {
    return this.truncate(0);
  }

  /**
   * Another cache with the sequences named, which may come more than once: the beams that a search goes on with. Nothing is
   * copied: memory is shared, and a cache copies what it has in common with others when it appends where one of them has
   * appended before.
   * @throws KvernError KV6103 for a sequence that is not there
   */
  fork(sequences: readonly number[] = Array.from({ length: this.batch }, (_, at) => at)): Promise<Cache> {
    return this.#inTurn(() => {
      if (sequences.length === 0) refuse({ code: "KV6103", message: "a fork needs a sequence", expected: "numbers of sequences", got: "none" });
      const state = this.#state.map((_, layer) => sequences.map((sequence) => this.#layerOf(layer, sequence)));
      return Promise.resolve(new Cache({ ...this.spec, batch: sequences.length }, this.device, this.#stores, state));
    });
  }

  /**
   * Its contents with its codebooks, to be written as safetensors and given to `loadCache` later:
   * `writeSafetensorsFile("cache.safetensors", tensors, { metadata })`.
   */
  save(): Promise<SavedCache> {
    return this.#inTurn(async () => {
      const read = new Map<Strip, TensorData>();
      for (const layer of this.#state) for (const sequence of layer) for (const side of SIDES) for (const part of PARTS) {
        const strip = sequence[side][part];
        const input = strip.input();
        read.set(strip, isDeviceTensor(input) ? await input.read() : { shape: input.shape, data: new Float32Array(0) });
      }
      return saved(this.spec, {
        tokens: (layer, sequence) => tokensOf(this.#layerOf(layer, sequence).keys),
        strips: (layer, sequence, side, part) => read.get(this.#layerOf(layer, sequence)[side][part]) ?? missing(),
      });
    });
  }

  /** The device memory it holds. */
  memory(): CacheMemory {
    this.#ensureOpen();
    const held = { coded: 0, tail: 0, sinks: 0, books: 0 };
    const live = { coded: 0, tail: 0, sinks: 0, books: 0 };
    let shared = 0;
    const seen = new Set<Memory>();
    const count = (part: keyof CacheBytes, memory: Memory | undefined): void => {
      if (memory === undefined || seen.has(memory)) return;
      seen.add(memory);
      held[part] += memory.tensor.heldBytes;
      if (memory.sharedBeyond(this.#holdings(memory))) shared += memory.tensor.heldBytes;
    };
    this.#stores.forEach((sides, layer) => {
      for (const side of SIDES) {
        const { book } = sides[side];
        count("books", book);
        if (book !== undefined) live.books += rowsBytes(book.tensor, book.tensor.shape[0] ?? 0);
        for (const sequence of this.#state[layer] ?? []) {
          for (const part of PARTS) {
            const strip = sequence[side][part];
            count(part, strip.memory);
            if (strip.memory !== undefined) live[part] += rowsBytes(strip.memory.tensor, strip.count);
          }
        }
      }
    });
    return { ...held, total: held.coded + held.tail + held.sinks + held.books, shared, live };
  }

  /** Gives its memory back, but for what forks hold. A second call does nothing. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return this.#inTurn(() => {
      this.#closed = true;
      for (const memory of this.#memories()) memory.release();
      return Promise.resolve();
    });
  }

  /** Runs `use` when what was asked for before has been done. */
  #inTurn<Result>(use: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(() => {
      this.#ensureOpen();
      return use();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Takes the state that `make` gives, or stays as it is when that fails. */
  async #change(make: (stage: Stage) => Promise<State>): Promise<void> {
    const stage = new Stage(this.device);
    let after: State;
    try {
      after = await make(stage);
    } catch (fault) {
      stage.undo();
      throw fault;
    }
    stage.settle();
    const before = [...this.#memories()];
    this.#state = after;
    for (const memory of this.#memories()) memory.retain();
    for (const memory of before) memory.release();
  }

  /** Every memory of it, as often as it holds it. */
  *#memories(): Iterable<Memory> {
    for (const sides of this.#stores) for (const side of SIDES) if (sides[side].book !== undefined) yield sides[side].book;
    for (const layer of this.#state) for (const sequence of layer) for (const side of SIDES) for (const part of PARTS) {
      const { memory } = sequence[side][part];
      if (memory !== undefined) yield memory;
    }
  }

  #holdings(memory: Memory): number {
    let count = 0;
    for (const each of this.#memories()) if (each === memory) count++;
    return count;
  }

  /** The parts that a sequence can have. Where there is only one, its tensors go by the names of its side alone. */
  #parts(): readonly Part[] {
    return PARTS.filter((part) => part === "coded" || this.spec[part === "tail" ? "window" : "sinks"] > 0);
  }

  #layerOf(layer: number, sequence: number): Layer {
    const sequences = this.#state[layer] ?? this.#noLayer(layer);
    return sequences[sequence] ?? refuse({ code: "KV6103", message: "the cache has no such sequence", expected: `0 to ${this.batch - 1}`, got: String(sequence) });
  }

  #noLayer(layer: number): never {
    return refuse({ code: "KV6103", message: "the cache has no such layer", expected: `0 to ${this.spec.layers.length - 1}`, got: String(layer) });
  }

  /** The number of tokens. */
  #checkTokens(side: Side, x: Tokens): number {
    const { heads, channels } = this.spec;
    const [count = 0, ...sizes] = x.shape;
    if (x.shape.length !== 3 || sizes[0] !== heads || sizes[1] !== channels) {
      refuse({ code: "KV6102", message: `the ${side} to append have the wrong shape`, expected: shapeText(["tokens", heads, channels]), got: shapeText(x.shape) });
    }
    if (!isDeviceTensor(x)) checkElements({ name: side, element: { kind: "f32" }, axes: ["token", "head", "channel"] }, x, false);
    else if (x.element.kind !== "f32") refuse({ code: "KV6102", message: `the ${side} to append are of the wrong element type`, expected: "f32", got: elementName(x.element) });
    return count;
  }

  #checkCounts(counts: readonly number[] | undefined, total: number): readonly number[] {
    const each = counts ?? (this.batch === 1 ? [total] : undefined);
    if (each?.length !== this.batch || !each.every(isSize) || each.reduce((sum, count) => sum + count, 0) !== total) {
      return refuse({ code: "KV6102", message: "`counts` does not say which tokens belong to which sequence", expected: `${this.batch} numbers that add up to ${total}`, got: each === undefined ? "nothing" : shapeText(each) });
    }
    return each;
  }

  #ensureOpen(): void {
    if (this.#closed) refuse({ code: "KV6105", message: "the cache has been closed", mend: "Close a cache after its last use." });
  }
}

/** One layer of one sequence of a cache. */
export interface CacheLayer {
  readonly tokens: CachedTokens;
  /** All tokens. */
  readonly length: number;
  /**
   * The inputs of a kernel whose inputs `keys` and `values` are of this cache's formats: `segmented` of `sinks`, `coded` and
   * `tail` (those of them that the specification asks for), hence `keys.sinks`, `keys.coded.codes`, `keys.coded.book`,
   * `keys.tail`, and `keys.coded` where numbers are stored as they are; without sinks and window the format itself:
   * `keys.codes` and `keys.book`, or `keys`.
   */
  tensors(): Record<string, RunInput>;
}

const tokensOf = ({ sinks, coded, tail }: Strips): CachedTokens => ({ sinks: sinks.count, coded: coded.count, tail: tail.count });
const lengthOf = ({ sinks, coded, tail }: Strips): number => sinks.count + coded.count + tail.count;

/** The first `length` tokens. */
function truncated({ sinks, coded, tail }: Strips, length: number): Strips {
  const before = { coded: sinks.count, tail: sinks.count + coded.count };
  return { sinks: sinks.truncated(length), coded: coded.truncated(Math.max(0, length - before.coded)), tail: tail.truncated(Math.max(0, length - before.tail)) };
}

/** Rows of new tokens, as an input: a part of the array, a view on the device, or a copy where no view can begin. */
async function rowsOf(stage: Stage, x: Tokens, first: number, count: number): Promise<TensorData | DeviceTensor> {
  if (!isDeviceTensor(x)) return hostRows({ kind: "f32" }, x, first, count);
  if (first % x.rowAlignment === 0) return x.rows(first, count);
  const rows = await stage.temporary(x.element, [count, ...x.shape.slice(1)]);
  await stage.device.copy([{ from: x, first, count, to: rows, at: 0 }]);
  return rows;
}

const rowsBytes = (tensor: DeviceTensor, rows: number): number => rows * rowBytes("a token", tensor);

function missing(): never {
  throw new InternalError("a cache lacks a part of itself");
}
