/**
 * @file Codebooks of coupled quantization (Zhang, Yi, Xu, Shrivastava, "KV Cache is 1 Bit Per Channel", NeurIPS 2024):
 * the channels of a head are split into contiguous groups of `couple`, and each group of each head has its own
 * 2^`bits` centroids of `couple` channels.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import type { TensorData } from "../../spec/tensor/tensor";
import { kmeans, type KmeansOptions } from "./kmeans";

/** CQ-`couple`c`bits`b. */
export interface CoupledFormat {
  /** Channels that share a code. */
  readonly couple: number;
  /** Bits of a code. */
  readonly bits: number;
}

export interface LearnOptions extends Pick<KmeansOptions, "iterations" | "seed" | "signal"> {
  /** One weight per vector, head and group, in this order; all 1 when absent. */
  readonly weights?: Float32Array;
  /** Called after each codebook with how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The event loop gets a turn at least this often, so that a page stays alive and an abort is seen. */
const TURN_MILLISECONDS = 50;

/**
 * Learns the centroids of `vectors`, [vector, head, channel]: a tensor [head, group, centroid, member] of f32 that are
 * all halves, since that is how centroids are stored and what codes must be chosen against.
 * @throws KvernError KV2102 when groups do not divide the channels, KV3003 and KV3006 for malformed or non-finite
 * vectors, KV6007 for fewer vectors than centroids; the signal's reason when aborted
 */
export async function learnCodebook(vectors: TensorData<Float32Array>, format: CoupledFormat, options: LearnOptions = {}): Promise<TensorData<Float32Array>> {
  const { couple, bits } = format;
  const [count = 0, heads = 0, channels = 0] = checkVectors(vectors, format);
  const groups = channels / couple;
  const clusters = 2 ** bits;
  const { iterations, seed = 1, signal, weights, onProgress } = options;
  const book = new Float32Array(heads * groups * clusters * couple);
  const total = heads * groups;
  let turn = performance.now();
  for (let problem = 0; problem < total; problem++) {
    signal?.throwIfAborted();
    const centroids = kmeans(gather(vectors.data, count, problem * couple, heads * channels, couple), couple, {
      clusters,
      seed: seed + problem,
      ...(iterations === undefined ? {} : { iterations }),
      ...(signal === undefined ? {} : { signal }),
      ...(weights === undefined ? {} : { weights: gather(weights, count, problem, total, 1) }),
    });
    book.set(fromHalves(toHalves(centroids)), problem * clusters * couple);
    onProgress?.(problem + 1, total);
    if (performance.now() - turn > TURN_MILLISECONDS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      turn = performance.now();
    }
  }
  return { shape: [heads, groups, clusters, couple], data: book };
}

/** `width` numbers from `at` of each of `count` rows that are `stride` apart. */
function gather(data: Float32Array, count: number, at: number, stride: number, width: number): Float64Array {
  const gathered = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) gathered[row * width + i] = data[row * stride + at + i] ?? 0;
  }
  return gathered;
}

function checkVectors({ shape, data }: TensorData<Float32Array>, { couple, bits }: CoupledFormat): readonly number[] {
  const [count = 0, heads = 0, channels = 0] = shape;
  if (shape.length !== 3 || data.length !== count * heads * channels) {
    refuse({ code: "KV3003", message: "calibration vectors have the axes vector, head, channel", expected: "three sizes and their product of numbers", got: `[${shape.join(", ")}] and ${data.length} numbers` });
  }
  if (channels % couple !== 0) {
    refuse({ code: "KV2102", message: `${channels} channels do not divide into groups of ${couple}`, mend: "choose a `couple` that divides the channels of a head" });
  }
  if (count < 2 ** bits) {
    refuse({ code: "KV6007", message: "there are too few calibration vectors", expected: `at least ${2 ** bits}, the centroids of a group`, got: `${count}` });
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) refuse({ code: "KV3006", message: `calibration vector ${Math.floor(bad / (heads * channels))} has an element that is not finite`, got: String(data[bad]) });
  return [count, heads, channels];
}
