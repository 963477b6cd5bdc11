/**
 * @file The nearest centroid of every vector, exactly, without measuring the distance to every centroid.
 *
 * Phillips' compare-means (2002), by the triangle inequality: a centroid at distance d from the best one so far is at
 * least d − r away from a vector that is r away from that best one, so it is no nearer when d ≥ 2 r. In squares: 4 r².
 *
 * This is the heavy step of k-means. A device may guess the labels it begins with (`device.ts`), which leaves it little to
 * measure; it decides in f64 whatever they are, so that what is learned does not depend on the device.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";

/** Wider than the rounding of a distance, so that skipping by computed distances never drops a nearest centroid. */
const SLACK = 1 + 1e-9;

/** The squared distance between the `width` numbers of `a` from `aAt` and of `b` from `bAt`. */
export function squaredDistance(a: Float64Array, aAt: number, b: Float64Array, bAt: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) {
    const difference = (a[aAt + i] ?? 0) - (b[bAt + i] ?? 0);
    sum += difference * difference;
  }
  return sum;
}

/** Whether a centroid at this squared distance from another is surely no nearer to a vector `error` (squared) from that other. */
export function tooFar(apart: number, error: number): boolean {
  return apart > 4 * SLACK * error;
}

/**
 * Puts into `labels` the nearest centroid of each vector, the first of equals, and into `errors` its squared distance.
 * `labels` comes in with any legal labels; the nearer they are to the answer, the less is measured.
 */
export function nearestCentroids(vectors: Float64Array, width: number, centroids: Float64Array, labels: Int32Array, errors: Float64Array): void {
  const clusters = centroids.length / width;
  const apart = squaredDistances(centroids, width);
  const radii = new Float64Array(clusters);
  for (let vector = 0; vector < labels.length; vector++) {
    const label = labels[vector] ?? 0;
    const error = squaredDistance(vectors, vector * width, centroids, label * width, width);
    errors[vector] = error;
    radii[label] = Math.max(radii[label] ?? 0, error);
  }
  const near = Array.from(radii, (radius, label) => within(apart, label, radius, clusters));
  for (let vector = 0; vector < labels.length; vector++) {
    let best = labels[vector] ?? 0;
    let error = errors[vector] ?? 0;
    let row = best * clusters;
    const candidates = near[best];
    if (candidates === undefined) throw new InternalError(`vector ${vector} has the label ${best} of ${clusters}`);
    for (let n = 0; n < candidates.length; n++) {
      const candidate = candidates[n] ?? 0;
      if (tooFar(apart[row + candidate] ?? 0, error)) continue;
      const distance = squaredDistance(vectors, vector * width, centroids, candidate * width, width);
      if (distance < error || (distance === error && candidate < best)) {
        error = distance;
        best = candidate;
        row = best * clusters;
      }
    }
    labels[vector] = best;
    errors[vector] = error;
  }
}

/** The centroids, in order, that may be nearest to a vector whose squared distance from `label` is at most `radius`. */
function within(apart: Float64Array, label: number, radius: number, clusters: number): Int32Array {
  const found = new Int32Array(clusters);
  let count = 0;
  for (let candidate = 0; candidate < clusters; candidate++) {
    if (candidate !== label && !tooFar(apart[label * clusters + candidate] ?? 0, radius)) found[count++] = candidate;
  }
  return found.subarray(0, count);
}

/** Between all pairs of centroids. */
function squaredDistances(centroids: Float64Array, width: number): Float64Array {
  const clusters = centroids.length / width;
  const apart = new Float64Array(clusters * clusters);
  for (let one = 0; one < clusters; one++) {
    for (let other = 0; other < one; other++) {
      const distance = squaredDistance(centroids, one * width, centroids, other * width, width);
      apart[one * clusters + other] = distance;
      apart[other * clusters + one] = distance;
    }
  }
  return apart;
}
