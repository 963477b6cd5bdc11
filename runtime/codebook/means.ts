/** To which centroid each vector belongs, and at what squared distance. */
export interface Assignment {
  readonly labels: Int32Array;
  readonly errors: Float64Array;
}

/**
 * Moves every centroid to the weighted mean of its members. @returns whether any of them moved
 *
 * A cluster that nobody belongs to is moved onto the vector that adds most to the error (weight times squared distance;
 * the first of equals), each vector serving one cluster; when no vector adds anything, the cluster stays where it is. So
 * does one whose members have no weight.
 */
export function moveToMeans(
  vectors: Float64Array,
  width: number,
  weights: Float64Array,
  { labels, errors }: Assignment,
  centroids: Float64Array,
): boolean {
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
  const before = centroids.slice();
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
  return centroids.some((value, at) => value !== before[at]);
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
