/**
 * @file Weighted k-means (Lloyd's iteration) seeded by k-means++ (Arthur and Vassilvitskii, 2007). The result depends on
 * the vectors, their order, the weights, the seed and the number of iterations, and on nothing else.
 */

import { moveToMeans, type Assignment } from "./means";
import { nearestCentroids, squaredDistance, tooFar } from "./nearest";
import { uniform } from "./random";

export interface KmeansOptions {
  /** How many centroids. */
  readonly clusters: number;
  /** How often every vector is assigned and every centroid moved. Default 12. */
  readonly iterations?: number;
  /** Picks the seeding. Default 1. */
  readonly seed?: number;
  /** One weight per vector, not negative; all 1 when absent or all 0. A vector of weight 0 moves no centroid. */
  readonly weights?: Float64Array;
  /** Looked at before each iteration; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface Clustering {
  /** [cluster, width]. */
  readonly centroids: Float64Array;
  /** The cluster of each vector before the last move. */
  readonly labels: Int32Array;
  /** The inertia (see `inertia`) that each iteration began with: the first is that of the seeding. */
  readonly inertia: readonly number[];
  /** Whether the last iteration moved no centroid, so that further ones would not either. */
  readonly converged: boolean;
}

/** Default of `KmeansOptions.iterations`. */
export const ITERATIONS = 12;

/**
 * The centroids of `vectors`, [vector, width]. A vector that is equally near to several of them belongs to the first.
 * Ends early where an iteration moves nothing: the result is that of all iterations.
 */
export function kmeans(vectors: Float64Array, width: number, options: KmeansOptions): Clustering {
  const steps = assignments(vectors, width, options);
  for (let step = steps.next(undefined); ; step = steps.next(undefined)) if (step.done) return step.value;
}

/** Finds the centroid of each vector, [vector], nearly: where it errs, only time is lost. */
export type Guess = (centroids: Float64Array) => Promise<ArrayLike<number>>;

/** As `kmeans`, with the search for the nearest centroids begun by `guess`: the result is the same, bit for bit. */
export async function kmeansGuessed(vectors: Float64Array, width: number, options: KmeansOptions, guess: Guess): Promise<Clustering> {
  const steps = assignments(vectors, width, options);
  for (let step = steps.next(undefined); ; step = steps.next(await guess(step.value))) if (step.done) return step.value;
}

/** The iterations: each assignment first gives its centroids, and takes labels to begin the search with, or the last ones. */
function* assignments(vectors: Float64Array, width: number, options: KmeansOptions): Generator<Float64Array, Clustering, ArrayLike<number> | undefined> {
  const { clusters, iterations = ITERATIONS, seed = 1, signal } = options;
  const count = vectors.length / width;
  const weights = options.weights?.some((weight) => weight > 0) ? options.weights : new Float64Array(count).fill(1);
  const assignment: Assignment = { labels: new Int32Array(count), errors: new Float64Array(count) };
  const centroids = plusPlus(vectors, width, clusters, weights, uniform(seed), assignment);
  const errors: number[] = [];
  let converged = false;
  for (let iteration = 0; iteration < iterations && !converged; iteration++) {
    signal?.throwIfAborted();
    if (iteration > 0) {
      const guessed = yield centroids;
      if (guessed !== undefined) assignment.labels.set(guessed);
      nearestCentroids(vectors, width, centroids, assignment.labels, assignment.errors);
    }
    errors.push(inertia(assignment.errors, weights));
    converged = !moveToMeans(vectors, width, weights, assignment, centroids);
  }
  return { centroids, labels: assignment.labels, inertia: errors, converged };
}

/** Σ weight · squared distance to the nearest centroid. */
export function inertia(errors: Float64Array, weights: Float64Array): number {
  let sum = 0;
  for (let vector = 0; vector < errors.length; vector++) sum += (weights[vector] ?? 0) * (errors[vector] ?? 0);
  return sum;
}

/**
 * The first centroid is a vector drawn by weight, each further one is drawn by weight times squared distance to the
 * nearest centroid so far. When every vector lies on a centroid the rest repeat the first one and stay without members.
 */
function plusPlus(
  vectors: Float64Array,
  width: number,
  clusters: number,
  weights: Float64Array,
  random: () => number,
  { labels, errors }: Assignment,
): Float64Array {
  const count = labels.length;
  const centroids = new Float64Array(clusters * width);
  const mass = weights.slice();
  const apart = new Float64Array(clusters);
  errors.fill(Infinity);
  for (let cluster = 0; cluster < clusters; cluster++) {
    const chosen = draw(mass, random());
    if (chosen === undefined) {
      centroids.copyWithin(cluster * width, 0, width);
      continue;
    }
    for (let i = 0; i < width; i++) centroids[cluster * width + i] = vectors[chosen * width + i] ?? 0;
    // A vector at squared distance e from its centroid is no nearer to a centroid at 4 e from that one.
    for (let other = 0; other < cluster; other++) {
      apart[other] = squaredDistance(centroids, other * width, centroids, cluster * width, width);
    }
    for (let vector = 0; vector < count; vector++) {
      const error = errors[vector] ?? 0;
      if (tooFar(apart[labels[vector] ?? 0] ?? 0, error)) continue;
      const distance = squaredDistance(vectors, vector * width, centroids, cluster * width, width);
      if (distance < error) {
        errors[vector] = distance;
        labels[vector] = cluster;
        mass[vector] = (weights[vector] ?? 0) * distance;
      }
    }
  }
  return centroids;
}

/** The index at which the running sum of `mass` passes `at` of the total, or undefined where there is no mass. */
function draw(mass: Float64Array, at: number): number | undefined {
  const count = mass.length;
  let total = 0;
  for (let index = 0; index < count; index++) total += mass[index] ?? 0;
  let rest = at * total;
  let last: number | undefined;
  for (let index = 0; index < count; index++) {
    const part = mass[index] ?? 0;
    if (part <= 0) continue;
    last = index;
    rest -= part;
    if (rest < 0) break;
  }
  return last;
}
