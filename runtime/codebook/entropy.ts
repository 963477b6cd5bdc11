/**
 * @file The argument for coupling channels (CQ: Zhang, Yi, Xu, Shrivastava, 2024): the joint entropy of neighbouring
 * channels grows more slowly with their number than the sum of their entropies does, so that fewer bits say as much.
 *
 * Entropies are estimated as in the paper, by binning: the range of each channel is cut into equal bins, and the entropy
 * is that of the frequencies found. Such an estimate of N vectors cannot exceed log₂ N and falls short of the entropy
 * when most cells hold one vector or none, which many channels at once soon come to. What dependence there is shows
 * beside the same estimate with every channel's values put in an order of its own, which leaves nothing but that.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { TensorData } from "../../spec/tensor/tensor";
import { uniform } from "./random";

export interface EntropyOptions {
  /** Bins of a channel. Default 16. */
  readonly bins?: number;
  /** Of the orders. Default 1. */
  readonly seed?: number;
}

/** A mean over groups, and the standard deviation over them. In bits. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/** Entropies of the groups of `size` neighbouring channels, all groups of all heads. */
export interface GroupEntropy {
  readonly size: number;
  readonly groups: number;
  /** The sum of the entropies of a group's channels. */
  readonly marginals: Spread;
  /** The entropy of a group's channels together. */
  readonly joint: Spread;
  /** The same, were the channels independent: each channel's values in an order of its own. */
  readonly shuffled: Spread;
}

/**
 * The entropies of `vectors`, [vector, head, channel], by size of group.
 * @throws KvernError KV2102 when groups of a size do not divide the channels, KV3003 and KV3006 for malformed, missing or
 * non-finite vectors
 */
export function groupEntropies({ shape, data }: TensorData<Float32Array>, sizes: readonly number[], options: EntropyOptions = {}): readonly GroupEntropy[] {
  const [count = 0, heads = 0, channels = 0] = shape;
  if (shape.length !== 3 || count === 0 || data.length !== count * heads * channels) {
    refuse({ code: "KV3003", message: "entropies are of vectors with the axes vector, head, channel", expected: "three sizes, the first from 1, and their product of numbers", got: `[${shape.join(", ")}] and ${data.length} numbers` });
  }
  for (const size of sizes) {
    if (channels % size !== 0) refuse({ code: "KV2102", message: `${channels} channels do not divide into groups of ${size}`, mend: "choose sizes that divide the channels of a head" });
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) refuse({ code: "KV3006", message: `vector ${Math.floor(bad / (heads * channels))} has an element that is not finite`, got: String(data[bad]) });

  const { bins = 16, seed = 1 } = options;
  const random = uniform(seed);
  const binned = Array.from({ length: heads * channels }, (_, channel) => binsOf(data, channel, heads * channels, count, bins));
  const shuffled = binned.map((channel) => permuted(channel, random));
  const single = binned.map((channel) => jointEntropy([channel], bins));
  return sizes.map((size) => {
    const groups = Array.from({ length: (heads * channels) / size }, (_, group) => group * size);
    const of = (entropy: (from: number, to: number) => number): Spread => spread(groups.map((from) => entropy(from, from + size)));
    return {
      size,
      groups: groups.length,
      marginals: of((from, to) => single.slice(from, to).reduce((sum, bits) => sum + bits, 0)),
      joint: of((from, to) => jointEntropy(binned.slice(from, to), bins)),
      shuffled: of((from, to) => jointEntropy(shuffled.slice(from, to), bins)),
    };
  });
}

/** The bin, from 0, of a channel in each vector: equal bins from its least value to its largest. */
function binsOf(data: Float32Array, channel: number, stride: number, count: number, bins: number): Int32Array {
  let least = Infinity;
  let largest = -Infinity;
  for (let at = channel; at < data.length; at += stride) {
    const value = data[at] ?? 0;
    least = Math.min(least, value);
    largest = Math.max(largest, value);
  }
  const found = new Int32Array(count);
  if (least === largest) return found;
  for (let vector = 0; vector < count; vector++) {
    const share = ((data[vector * stride + channel] ?? 0) - least) / (largest - least);
    found[vector] = Math.min(bins - 1, Math.floor(share * bins));
  }
  return found;
}

/** −Σ p·log₂ p over the combinations of bins that occur together. */
export function jointEntropy(channels: readonly Int32Array[], bins: number): number {
  const count = channels[0]?.length ?? 0;
  // Vectors that agree in the channels so far have one number, counted from 0.
  const cells = new Int32Array(count);
  let occupied = new Map<number, number>();
  for (const channel of channels) {
    occupied = new Map();
    for (let vector = 0; vector < count; vector++) {
      const key = (cells[vector] ?? 0) * bins + (channel[vector] ?? 0);
      const known = occupied.get(key);
      if (known === undefined) occupied.set(key, occupied.size);
      cells[vector] = known ?? occupied.size - 1;
    }
  }
  const frequencies = new Int32Array(occupied.size);
  for (const cell of cells) frequencies[cell] = (frequencies[cell] ?? 0) + 1;
  return frequencies.reduce((bits, frequency) => bits + (frequency / count) * Math.log2(count / frequency), 0);
}

/** Fisher and Yates' shuffle. */
function permuted(values: Int32Array, random: () => number): Int32Array {
  const order = values.slice();
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}

function spread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}
