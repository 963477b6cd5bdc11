/**
 * @file Codebooks of coupled quantization (Zhang, Yi, Xu, Shrivastava, "KV Cache is 1 Bit Per Channel", NeurIPS 2024):
 * the channels of a head are split into contiguous groups of `couple`, and each group of each head has its own
 * 2^`bits` centroids of `couple` channels.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { TensorData } from "../../spec/tensor/tensor";
import { learnGroup, type GroupLearner, type GroupProblem, type GroupReport } from "./group";
import { ITERATIONS } from "./kmeans";

/** CQ-`couple`c`bits`b. */
export interface CoupledFormat {
  /** Channels that share a code. */
  readonly couple: number;
  /** Bits of a code. */
  readonly bits: number;
}

export interface LearnOptions {
  /** How often every vector is assigned and every centroid moved, at most. Default 12. */
  readonly iterations?: number;
  /** Picks the seeding; group g of head h has the seed `seed` + h · groups + g. Default 1. */
  readonly seed?: number;
  /** Looked at before each iteration; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** One weight per vector, head and group, in this order, not negative; all 1 when absent. */
  readonly weights?: Float32Array;
  /** Where groups are learned; in this thread when absent. What is learned does not depend on it. */
  readonly learner?: GroupLearner;
  /** Called after each group with how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LearnedCodebook {
  /** [head, group, centroid, member], f32 that are all halves. */
  readonly book: TensorData<Float32Array>;
  /** How it went, by head and group. */
  readonly groups: readonly GroupReport[];
}

/** The event loop gets a turn at least this often, so that a page stays alive and an abort is seen. */
const TURN_MILLISECONDS = 50;

/**
 * Learns the centroids of `vectors`, [vector, head, channel]: halves, since that is how centroids are stored and what
 * codes must be chosen against.
 * @throws KvernError KV2102 when groups do not divide the channels, KV3003 and KV3006 for malformed or non-finite
 * vectors or weights, KV6007 for fewer vectors than centroids, KV6023 for centroids that f16 cannot hold; the signal's
 * reason when aborted
 */
export async function learnCodebook(vectors: TensorData<Float32Array>, format: CoupledFormat, options: LearnOptions = {}): Promise<LearnedCodebook> {
  const { couple, bits } = format;
  const [count = 0, heads = 0, channels = 0] = checkVectors(vectors, format);
  const groups = channels / couple;
  const total = heads * groups;
  const { iterations = ITERATIONS, seed = 1, signal, weights, onProgress } = options;
  if (weights !== undefined) checkWeights(weights, count * total);
  const learner = options.learner ?? thisThread(signal);
  const size = 2 ** bits * couple;
  const book = new Float32Array(total * size);
  const reports: GroupReport[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < total) {
      signal?.throwIfAborted();
      const index = next++;
      const problem: GroupProblem = {
        head: Math.floor(index / groups),
        group: index % groups,
        vectors: gather(vectors.data, count, index * couple, heads * channels, couple),
        ...(weights === undefined ? {} : { weights: gather(weights, count, index, total, 1) }),
        couple,
        bits,
        seed: seed + index,
        iterations,
      };
      const { centroids, report } = await learner.learn(problem).catch((fault: unknown) => {
        // Nothing further is begun.
        next = total;
        throw fault;
      });
      book.set(centroids, index * size);
      reports[index] = report;
      onProgress?.(++done, total);
    }
  };
  await Promise.all(Array.from({ length: Math.min(learner.width, total) }, work));
  return { book: { shape: [heads, groups, 2 ** bits, couple], data: book }, groups: reports };
}

/** Learns one group after the other, giving the event loop turns between them. */
function thisThread(signal: AbortSignal | undefined): GroupLearner {
  let turn = performance.now();
  return {
    width: 1,
    learn: async (problem) => {
      if (performance.now() - turn > TURN_MILLISECONDS) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        turn = performance.now();
      }
      return learnGroup(problem, signal);
    },
  };
}

/** `width` numbers from `at` of each of `count` rows that are `stride` apart. */
function gather(data: Float32Array, count: number, at: number, stride: number, width: number): Float64Array {
  const gathered = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < width; i++) gathered[row * width + i] = data[row * stride + at + i] ?? 0;
  }
  return gathered;
}

function checkVectors({ shape, data }: TensorData<Float32Array>, format: CoupledFormat): readonly number[] {
  const [count = 0, heads = 0, channels = 0] = shape;
  if (shape.length !== 3 || data.length !== count * heads * channels) {
    refuse({ code: "KV3003", message: "calibration vectors have the axes vector, head, channel", expected: "three sizes and their product of numbers", got: `[${shape.join(", ")}] and ${data.length} numbers` });
  }
  requireLearnable(format, channels, count);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) refuse({ code: "KV3006", message: `calibration vector ${Math.floor(bad / (heads * channels))} has an element that is not finite`, got: String(data[bad]) });
  return [count, heads, channels];
}

/**
 * Whether codebooks of this format can be learned at all from `count` vectors of heads of so many channels.
 * @throws KvernError KV2102 when groups do not divide the channels, KV6007 for fewer vectors than centroids
 */
export function requireLearnable({ couple, bits }: CoupledFormat, channels: number, count: number): void {
  if (channels % couple !== 0) {
    refuse({ code: "KV2102", message: `${channels} channels do not divide into groups of ${couple}`, mend: "choose a `couple` that divides the channels of a head" });
  }
  if (count < 2 ** bits) {
    refuse({ code: "KV6007", message: "there are too few calibration vectors", expected: `at least ${2 ** bits}, the centroids of a group`, got: `${count}` });
  }
}

function checkWeights(weights: Float32Array, expected: number): void {
  if (weights.length !== expected) {
    refuse({ code: "KV3003", message: "calibration weights have the axes vector, head, group", expected: `${expected} numbers`, got: `${weights.length}` });
  }
  const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (bad >= 0) refuse({ code: "KV3006", message: `calibration weight ${bad} is no weight`, expected: "a finite number from 0", got: String(weights[bad]) });
}
