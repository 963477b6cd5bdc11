/** @file One codebook of many: the centroids of one group of channels of one head. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { inertia, kmeans, kmeansGuessed, type Clustering, type Guess, type KmeansOptions } from "./kmeans";
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
  return storedGroup(problem, kmeans(problem.vectors, problem.couple, optionsOf(problem, signal)));
}

/** As `learnGroup`, to the same bits, with nearest centroids guessed elsewhere. @throws as `learnGroup`, and what `guess` throws */
export async function learnGroupGuessed(problem: GroupProblem, guess: Guess): Promise<LearnedGroup> {
  return storedGroup(problem, await kmeansGuessed(problem.vectors, problem.couple, optionsOf(problem), guess));
}

function optionsOf(problem: GroupProblem, signal?: AbortSignal): KmeansOptions & { readonly weights: Float64Array } {
  const { bits, seed, iterations } = problem;
  return { clusters: 2 ** bits, seed, iterations, weights: weightsOf(problem), ...(signal === undefined ? {} : { signal }) };
}

/** All 1 where none are given, or none is above 0. */
function weightsOf({ vectors, couple, weights }: GroupProblem): Float64Array {
  return weights?.some((weight) => weight > 0) ? weights : new Float64Array(vectors.length / couple).fill(1);
}

function storedGroup(problem: GroupProblem, { centroids, labels, inertia: before, converged }: Clustering): LearnedGroup {
  const { vectors, couple } = problem;
  const weights = weightsOf(problem);
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
