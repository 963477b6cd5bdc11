/** @file One codebook of many: the centroids of one group of channels of one head. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { inertia, kmeans } from "./kmeans";
import { nearestCentroids } from "./nearest";

/** What a group's centroids are learned from; plain data, so that a worker can be sent it. */
export interface GroupProblem {
  /** Whose it is. */
  readonly head: number;
  readonly group: number;
  /** [vector, member]. */
  readonly vectors: Float64Array;
  /** One per vector, not negative; all 1 when absent or all 0. */
  readonly weights?: Float64Array;
  readonly couple: number;
  readonly bits: number;
  readonly seed: number;
  readonly iterations: number;
}

/** How the learning of a group went. Errors are Σ weight · squared distance to the nearest centroid. */
export interface GroupReport {
  /** The error that each iteration began with: the first is that of the seeding. */
  readonly inertia: readonly number[];
  /** The error of the centroids as stored, in f16. */
  readonly stored: number;
  /** Σ weight · squared norm: the error of a code that says nothing but 0. */
  readonly energy: number;
  /** Whether the last iteration moved no centroid. */
  readonly converged: boolean;
}

export interface LearnedGroup {
  /** [centroid, member], all of them halves. */
  readonly centroids: Float32Array;
  readonly report: GroupReport;
}

/** Where groups are learned: in this thread, or in others. */
export interface GroupLearner {
  /** How many problems it works on at a time. */
  readonly width: number;
  learn(problem: GroupProblem): Promise<LearnedGroup>;
}

/** @throws KvernError KV6023 for centroids that f16 cannot hold; the signal's reason when aborted */
export function learnGroup(problem: GroupProblem, signal?: AbortSignal): LearnedGroup {
  const { vectors, couple, bits, seed, iterations } = problem;
  const weights = problem.weights?.some((weight) => weight > 0) ? problem.weights : new Float64Array(vectors.length / couple).fill(1);
  const { centroids, labels, inertia: before, converged } = kmeans(vectors, couple, { clusters: 2 ** bits, seed, iterations, weights, ...(signal === undefined ? {} : { signal }) });
  const stored = fromHalves(toHalves(centroids));
  const beyond = stored.findIndex((value) => !Number.isFinite(value));
  if (beyond >= 0) refuse({ code: "KV6023", message: "a centroid is beyond what f16 holds", expected: "magnitudes up to 65504", got: String(centroids[beyond]) });
  const errors = new Float64Array(labels.length);
  nearestCentroids(vectors, couple, Float64Array.from(stored), labels, errors);
  return { centroids: stored, report: { inertia: before, converged, stored: inertia(errors, weights), energy: energy(vectors, couple, weights) } };
}

function energy(vectors: Float64Array, width: number, weights: Float64Array): number {
  let sum = 0;
  for (let vector = 0; vector < weights.length; vector++) {
    for (let i = 0; i < width; i++) sum += (weights[vector] ?? 0) * (vectors[vector * width + i] ?? 0) ** 2;
  }
  return sum;
}
