/**
 * @file The codebooks of a model's cache: one per layer and side (keys, values), made from the model's activations and
 * kept in safetensors files as `layers.N.keys` and `layers.N.values`, f16, [kvHead, group, centroid, member].
 */

import { learnCodebook, type CoupledFormat, type LearnOptions } from "../../runtime/codebook/coupled";
import { refuse } from "../../spec/diagnostics/diagnostic";
import type { TensorData } from "../../spec/tensor/tensor";
import type { AttentionShape } from "./backend";
import type { LayerActivations } from "./calibration";

export interface LayerCodebooks {
  readonly keys: TensorData<Float32Array>;
  readonly values: TensorData<Float32Array>;
}

export interface Codebooks {
  readonly format: CoupledFormat;
  readonly layers: readonly LayerCodebooks[];
}

/** `CQ-8c8b`. */
export function formatName({ couple, bits }: CoupledFormat): string {
  return `CQ-${couple}c${bits}b`;
}

/** Learns the codebooks of all layers; progress counts layers and sides. */
export async function learnCodebooks(activations: readonly LayerActivations[], format: CoupledFormat, options: Omit<LearnOptions, "weights"> = {}): Promise<Codebooks> {
  const { onProgress, ...each } = options;
  const layers: LayerCodebooks[] = [];
  const total = 2 * activations.length;
  for (const [index, { keys, values }] of activations.entries()) {
    const keyBook = await learnCodebook(keys, format, each);
    onProgress?.(2 * index + 1, total);
    const valueBook = await learnCodebook(values, format, each);
    onProgress?.(2 * index + 2, total);
    layers.push({ keys: keyBook, values: valueBook });
  }
  return { format, layers };
}

/** @throws KvernError KV6006 where the codebooks are for another number of layers, heads or channels */
export function requireFit(codebooks: Codebooks, { layers, kvHeads, headDim }: AttentionShape): void {
  const { format } = codebooks;
  if (codebooks.layers.length !== layers) {
    refuse({ code: "KV6006", message: "the codebooks are for another number of layers", expected: `${layers}`, got: `${codebooks.layers.length}` });
  }
  const expected = [kvHeads, headDim / format.couple, 2 ** format.bits, format.couple].join(", ");
  for (const [layer, books] of codebooks.layers.entries()) {
    for (const side of ["keys", "values"] as const) {
      const got = books[side].shape.join(", ");
      if (got !== expected) {
        refuse({ code: "KV6006", message: `the codebooks of layer ${layer}'s ${side} do not fit the model`, expected: `[${expected}]`, got: `[${got}]` });
      }
    }
  }
}
