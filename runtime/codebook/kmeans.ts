/**
 * @file Weighted k-means (Lloyd's iteration) seeded by k-means++ (Arthur and Vassilvitskii, 2007). The result depends on
 * the vectors, their order, the weights, the seed and the number of iterations, and on nothing else.
 */

import { nearestCentroids, squaredDistance, tooFar } from "./nearest";
import { uniform } from "./random";

export interface KmeansOptions {
  /** How many centroids. */
  readonly clusters: number;
  /** How often every vector is assigned and every centroid moved. Default 12. */
  readonly iterations?: number;
  /** Picks the seeding. Default 1. */
  readonly seed?: number;
  /** One weight per vector, not negative; all 1 when absent. A vector of weight 0 moves no centroid. */
  readonly weights?: Float64Array;
  /** Looked at before each iteration; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * The centroids, [cluster, width], of `vectors`, [vector, width].
 *
 * A vector that is equally near to several centroids belongs to the first of them. A cluster that nobody belongs to is
 * moved onto the vector that adds most to the error (weight times squared distance; the first of equals), each vector
 * serving one cluster; when no vector adds anything, the cluster stays where it is.
 */
export function kmeans(vectors: Float64Array, width: number, options: KmeansOptions): Float64Array {
  const { clusters, iterations = 12, seed = 1, signal } = options;
  const count = vectors.length / width;
  const weights = options.weights ?? new Float64Array(count).fill(1);
  const assignment: Assignment = { labels: new Int32Array(count), errors: new Float64Array(count) };
  const centroids = plusPlus(vectors, width, clusters, weights, uniform(seed), assignment);
  for (let iteration = 0; iteration < iterations; iteration++) {
    signal?.throwIfAborted();
    if (iteration > 0) nearestCentroids(vectors, width, centroids, assignment.labels, assignment.errors);
    moveToMeans(vectors, width, weights, assignment, centroids);
  }
  return centroids;
}

/** To which centroid each vector belongs, and at what squared distance. */
interface Assignment {
  readonly labels: Int32Array;
  readonly errors: Float64Array;
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

function moveToMeans(
  vectors: Float64Array,
  width: number,
  weights: Float64Array,
  { labels, errors }: Assignment,
  centroids: Float64Array,
): void {
  const clusters = centroids.length / width;
  const count = labels.length;
  const sums = new Float64Array(centroids.length);
  const totals = new Float64Array(clusters);
  const members = new Int32Array(clusters);
  for (let vector = 0; vector < count; vector++) {
    const label = labels[vector] ?? 0;
    const weight = weights[vector] ?? 0;
    members[label] = (members[label] ?? 0) + 1;
    totals[label] = (totals[label] ?? 0) + weight;
    for (let i = 0; i < width; i++) {
      const at = label * width + i;
      sums[at] = (sums[at] ?? 0) + weight * (vectors[vector * width + i] ?? 0);
    }
  }
  const taken = new Set<number>();
  for (let cluster = 0; cluster < clusters; cluster++) {
    const total = totals[cluster] ?? 0;
    if (total > 0) {
      for (let i = 0; i < width; i++) centroids[cluster * width + i] = (sums[cluster * width + i] ?? 0) / total;
    } else if (members[cluster] === 0) {
      const vector = worst(errors, weights, taken);
      if (vector === undefined) continue;
      taken.add(vector);
      for (let i = 0; i < width; i++) centroids[cluster * width + i] = vectors[vector * width + i] ?? 0;
    }
  }
}

/** The vector, none of those taken, with the largest weighted error; undefined where all errors are 0. */
function worst(errors: Float64Array, weights: Float64Array, taken: ReadonlySet<number>): number | undefined {
  let found: number | undefined;
  let largest = 0;
  for (let vector = 0; vector < errors.length; vector++) {
    const weighted = (errors[vector] ?? 0) * (weights[vector] ?? 0);
    if (weighted > largest && !taken.has(vector)) {
      largest = weighted;
      found = vector;
    }
  }
  return found;
}
