/** @file The entropies of what codebooks are learned from, by size of group, as data to plot. */

import type { LayerActivations, LayerRange } from "../../examples/llama/calibration";
import { groupEntropies, type GroupEntropy } from "../../runtime/codebook/entropy";
import type { Side } from "./records";

const SIZES = [1, 2, 4, 8];
const BINS = 16;

/** What `--entropy` writes. Entropies are in bits. */
export interface EntropyReport {
  readonly tokens: number;
  /** Bins of a channel. */
  readonly bins: number;
  /** log₂ of the tokens: no estimate can exceed it. */
  readonly ceiling: number;
  readonly rows: readonly ({ readonly layer: number; readonly side: Side } & GroupEntropy)[];
}

/** Entropies of every layer and side, of the sizes that divide a head's channels. */
export function entropyReport(layers: readonly LayerActivations[], { from }: LayerRange, onProgress: (done: number, total: number) => void): EntropyReport {
  const [tokens = 0, , channels = 0] = layers[0]?.keys.shape ?? [];
  const sizes = SIZES.filter((size) => channels % size === 0);
  const rows = layers.flatMap((layer, at) =>
    (["keys", "values"] as const).flatMap((side, second) => {
      const found = groupEntropies(layer[side], sizes, { bins: BINS });
      onProgress(2 * at + second + 1, 2 * layers.length);
      return found.map((entropy) => ({ layer: from + at, side, ...entropy }));
    }),
  );
  return { tokens, bins: BINS, ceiling: Math.log2(tokens), rows };
}
