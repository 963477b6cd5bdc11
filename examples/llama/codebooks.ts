/**
 * @file The codebooks of a model's cache: one per layer and side (keys, values), learned from the model's activations.
 * In safetensors they are `layers.N.keys` and `layers.N.values`, f16, [kvHead, group, centroid, member].
 */

import { learnCodebook, type CoupledFormat, type LearnOptions } from "../../runtime/codebook/coupled";
import type { FileTensor, WritableTensor } from "kvern/runtime";
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
    const { book: keyBook } = await learnCodebook(keys, format, each);
    onProgress?.(2 * index + 1, total);
    const { book: valueBook } = await learnCodebook(values, format, each);
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
  if (!Number.isInteger(format.bits) || format.bits < 1 || format.bits > 16) {
    refuse({ code: "KV6006", message: "the number of centroids is not that of codes of 1 to 16 bits", expected: "a power of two from 2 to 65536", got: `${2 ** format.bits}` });
  }
  const expected = [kvHeads, headDim / format.couple, 2 ** format.bits, format.couple].join(", ");
  for (const [layer, books] of codebooks.layers.entries()) {
    for (const side of ["keys", "values"] as const) {
      const { data, shape } = books[side];
      const got = shape.join(", ");
      if (got !== expected) {
        refuse({ code: "KV6006", message: `the codebooks of layer ${layer}'s ${side} do not fit the model`, expected: `[${expected}]`, got: `[${got}]` });
      }
      if (!data.every(Number.isFinite)) refuse({ code: "KV6006", message: `the codebooks of layer ${layer}'s ${side} hold centroids that are not finite` });
    }
  }
}

/** The codebooks as tensors to write. */
export function codebookTensors({ layers }: Codebooks): Readonly<Record<string, WritableTensor>> {
  return bookTensors(layers.entries());
}

/** The codebooks of layers by number, as tensors to write. */
export function bookTensors(layers: Iterable<readonly [number, LayerCodebooks]>): Readonly<Record<string, WritableTensor>> {
  return Object.fromEntries(
    Array.from(layers).flatMap(([layer, { keys, values }]) => [
      [`layers.${layer}.keys`, { ...keys, dtype: "F16" as const }],
      [`layers.${layer}.values`, { ...values, dtype: "F16" as const }],
    ]),
  );
}

/**
 * The codebooks in the tensors of a file; their shapes tell the format.
 * @throws KvernError KV6006 where they are not codebooks, or not for a model of this shape
 */
export function codebooksFrom(tensors: Readonly<Record<string, FileTensor>>, shape: AttentionShape, file: string): Codebooks {
  const take = (name: string): TensorData<Float32Array> => {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor === undefined) return refuse({ code: "KV6006", file, message: `there is no tensor ${name}`, expected: `codebooks of ${shape.layers} layers`, got: `${Object.keys(tensors).length} tensors` });
    const { data, dtype } = tensor;
    if (dtype === "F16" && data instanceof Float32Array) return { shape: tensor.shape, data };
    return refuse({ code: "KV6006", file, message: `the tensor ${name} is not a codebook`, expected: "F16", got: dtype });
  };
  const layers = Array.from({ length: shape.layers }, (_, layer) => ({ keys: take(`layers.${layer}.keys`), values: take(`layers.${layer}.values`) }));
  const [, , centroids = 0, couple = 0] = layers[0]?.keys.shape ?? [];
  const codebooks: Codebooks = { format: { couple, bits: Math.log2(centroids) }, layers };
  requireFit(codebooks, shape);
  return codebooks;
}
