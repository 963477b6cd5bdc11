import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kmeans } from "../../runtime/codebook/kmeans";
import { moveToMeans } from "../../runtime/codebook/means";
import { nearestCentroids, squaredDistance } from "../../runtime/codebook/nearest";
import { uniform } from "../../runtime/codebook/random";

/** Vectors on a coarse grid, so that equal distances and equal vectors are common. */
const points = (width: number, minLength: number) =>
  fc.array(fc.array(fc.integer({ min: -6, max: 6 }), { minLength: width, maxLength: width }), { minLength, maxLength: 60 }).map((rows) => Float64Array.from(rows.flat()));

describe("nearest centroids", () => {
  it("are those of a search through all, the first of equals, whatever the labels were", () => {
    const cases = fc.integer({ min: 1, max: 4 }).chain((width) => fc.tuple(fc.constant(width), points(width, 1), points(width, 1), fc.integer()));
    fc.assert(
      fc.property(cases, ([width, vectors, centroids, seed]) => {
        const clusters = centroids.length / width;
        const random = uniform(seed);
        const labels = Int32Array.from({ length: vectors.length / width }, () => Math.floor(random() * clusters));
        const errors = new Float64Array(labels.length);
        nearestCentroids(vectors, width, centroids, labels, errors);
        for (const [vector, label] of labels.entries()) {
          const distances = Array.from({ length: clusters }, (_, cluster) => squaredDistance(vectors, vector * width, centroids, cluster * width, width));
          const least = Math.min(...distances);
          expect(label).toBe(distances.indexOf(least));
          expect(errors[vector]).toBe(least);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("k-means", () => {
  const cloud = (count: number, seed: number): Float64Array => {
    const random = uniform(seed);
    return Float64Array.from({ length: 2 * count }, () => random() + random());
  };

  it("gives the same centroids for the same seed, and others for another", () => {
    const vectors = cloud(500, 1);
    const one = kmeans(vectors, 2, { clusters: 16, seed: 7 });
    expect(kmeans(vectors, 2, { clusters: 16, seed: 7 })).toEqual(one);
    expect(kmeans(vectors, 2, { clusters: 16, seed: 8 })).not.toEqual(one);
  });

  it("finds clusters that lie apart, exactly at their means", () => {
    const vectors = Float64Array.from([0, 1, 2, 100, 101, 102, 200, 201, 202]);
    for (let seed = 1; seed <= 20; seed++) expect([...kmeans(vectors, 1, { clusters: 3, seed }).centroids].sort((a, b) => a - b)).toEqual([1, 101, 201]);
  });

  it("lowers the error with every iteration that changes something", () => {
    const vectors = cloud(400, 3);
    const errorAfter = (iterations: number): number => {
      const { centroids } = kmeans(vectors, 2, { clusters: 12, iterations });
      const labels = new Int32Array(400);
      const errors = new Float64Array(400);
      nearestCentroids(vectors, 2, centroids, labels, errors);
      return errors.reduce((sum, error) => sum + error, 0);
    };
    const errors = Array.from({ length: 10 }, (_, iterations) => errorAfter(iterations));
    for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeLessThanOrEqual(errors[i - 1] ?? 0);
    expect(errors.at(-1)).toBeLessThan(errors[0] ?? 0);
  });

  it("takes the mean by weight: a vector of weight 3 counts as three of weight 1", () => {
    const { centroids: weighted } = kmeans(Float64Array.from([0, 4, 50, 54]), 1, { clusters: 2, weights: Float64Array.from([3, 1, 1, 1]) });
    expect([...weighted].sort((a, b) => a - b)).toEqual([1, 52]);
  });

  it("leaves centroids over where there are fewer distinct vectors than clusters, and stays finite", () => {
    const { centroids } = kmeans(Float64Array.from([5, 5, 5, 9, 9]), 1, { clusters: 4 });
    expect(new Set(centroids)).toEqual(new Set([5, 9]));
  });

  it("moves clusters that nobody belongs to onto the vectors that add most to the error, one each", () => {
    const vectors = Float64Array.from([0, 10, 20, 30]);
    const centroids = Float64Array.from([0, 99, 98, 97]);
    const assignment = { labels: new Int32Array(4), errors: Float64Array.from([0, 100, 400, 900]) };
    moveToMeans(vectors, 1, Float64Array.from([1, 1, 3, 1]), assignment, centroids);
    expect([...centroids]).toEqual([100 / 6, 20, 30, 10]);
  });

  it("leaves a cluster where it is when nothing adds to the error, or its members have no weight", () => {
    const centroids = Float64Array.from([5, 99, 3]);
    moveToMeans(Float64Array.from([5, 2]), 1, Float64Array.from([1, 0]), { labels: Int32Array.from([0, 2]), errors: Float64Array.from([0, 1]) }, centroids);
    expect([...centroids]).toEqual([5, 99, 3]);
  });

  it("ends where an iteration moves nothing, with what further ones would give, and says so", () => {
    const vectors = cloud(300, 4);
    const whole = kmeans(vectors, 2, { clusters: 6, iterations: 200 });
    expect(whole.converged).toBe(true);
    const needed = whole.inertia.length;
    expect(needed).toBeLessThan(200);
    const short = kmeans(vectors, 2, { clusters: 6, iterations: needed - 1 });
    expect(short.converged).toBe(false);
    expect(short.centroids).toEqual(whole.centroids);
    expect(short.inertia).toEqual(whole.inertia.slice(0, -1));
  });

  it("weighs all vectors alike where none has a weight", () => {
    const vectors = cloud(100, 5);
    expect(kmeans(vectors, 2, { clusters: 5, weights: new Float64Array(100) })).toEqual(kmeans(vectors, 2, { clusters: 5 }));
  });

  it("stops when asked to, with the reason given", () => {
    const reason = new Error("the user left");
    expect(() => kmeans(cloud(50, 1), 2, { clusters: 4, signal: AbortSignal.abort(reason) })).toThrow(reason);
  });
});
