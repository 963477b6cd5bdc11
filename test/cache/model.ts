/** @file What a cache is, in plain arrays: lists of tokens, and how many of them have been coded. */

import type { CacheFormat, CacheSpec, Side } from "../../runtime/cache/spec";

type Token = readonly number[];

/** One side of one sequence and layer. */
interface Held {
  /** Every token, as it was given. */
  readonly tokens: readonly Token[];
  readonly coded: number;
}

type Layer = Readonly<Record<Side, Held>>;

export interface Contents {
  readonly sinks: readonly Token[];
  /** Codes, or numbers as they are stored. */
  readonly coded: readonly Token[];
  readonly tail: readonly Token[];
}

const EMPTY: Held = { tokens: [], coded: 0 };

export class Model {
  readonly spec: CacheSpec;
  /** By layer, then by sequence. */
  #layers: readonly (readonly Layer[])[];

  constructor(spec: CacheSpec, layers?: readonly (readonly Layer[])[]) {
    this.spec = spec;
    this.#layers = layers ?? spec.layers.map(() => Array.from({ length: spec.batch ?? 1 }, () => ({ keys: EMPTY, values: EMPTY })));
  }

  get batch(): number {
    return this.#layers[0]?.length ?? 0;
  }

  length(layer: number, sequence: number): number {
    return this.#held(layer, sequence, "keys").tokens.length;
  }

  append(layer: number, keys: readonly Token[], values: readonly Token[], counts: readonly number[]): void {
    let at = 0;
    const each = counts.map((count, sequence) => {
      const from = at;
      at += count;
      return { keys: this.#grown(layer, sequence, "keys", keys.slice(from, at)), values: this.#grown(layer, sequence, "values", values.slice(from, at)) };
    });
    this.#layers = this.#layers.map((before, index) => (index === layer ? each : before));
  }

  #grown(layer: number, sequence: number, side: Side, more: readonly Token[]): Held {
    const { window = 0, sinks = 0 } = this.spec;
    const { tokens, coded } = this.#held(layer, sequence, side);
    const all = [...tokens, ...more];
    return { tokens: all, coded: Math.max(coded, all.length - window - Math.min(sinks, all.length)) };
  }

  truncate(length: number, sequences: readonly number[]): void {
    const { sinks = 0 } = this.spec;
    const cut = ({ tokens, coded }: Held): Held => ({ tokens: tokens.slice(0, length), coded: Math.max(0, Math.min(coded, length - sinks)) });
    this.#layers = this.#layers.map((each) => each.map((layer, sequence) => (sequences.includes(sequence) ? { keys: cut(layer.keys), values: cut(layer.values) } : layer)));
  }

  fork(sequences: readonly number[]): Model {
    return new Model(this.spec, this.#layers.map((layer) => sequences.map((sequence) => layer[sequence] ?? { keys: EMPTY, values: EMPTY })));
  }

  /** The tokens of a side by part, as they are stored. */
  contents(layer: number, sequence: number, side: Side): Contents {
    const { tokens, coded } = this.#held(layer, sequence, side);
    const sinks = Math.min(this.spec.sinks ?? 0, tokens.length);
    const format = this.spec.layers[layer]?.[side] ?? { element: "f32" };
    return { sinks: tokens.slice(0, sinks), coded: tokens.slice(sinks, sinks + coded).map((token) => stored(token, format, this.spec)), tail: tokens.slice(sinks + coded) };
  }

  #held(layer: number, sequence: number, side: Side): Held {
    return this.#layers[layer]?.[sequence]?.[side] ?? EMPTY;
  }
}

/** The number of the nearest centroid for each head and group, the first of equals. Numbers on the tests' grid are halves already. */
function stored(token: Token, format: CacheFormat, { heads, channels }: CacheSpec): Token {
  if (!("book" in format)) return token;
  const { couple, bits, book } = format;
  return Array.from({ length: (heads * channels) / couple }, (_, group) => {
    let best = 0;
    let least = Infinity;
    for (let code = 0; code < 2 ** bits; code++) {
      let distance = 0;
      for (let lane = 0; lane < couple; lane++) distance += ((token[group * couple + lane] ?? NaN) - (book.data[(group * 2 ** bits + code) * couple + lane] ?? NaN)) ** 2;
      if (distance < least) [best, least] = [code, distance];
    }
    return best;
  });
}
