import { describe, expect, it } from "vitest";
import { learnCodebook } from "../../runtime/codebook/coupled";
import { learnGroup, type GroupLearner } from "../../runtime/codebook/group";
import { uniform } from "../../runtime/codebook/random";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { tensor, type TensorData } from "../../spec/tensor/tensor";

const bookOf = async (...given: Parameters<typeof learnCodebook>): Promise<TensorData<Float32Array>> => (await learnCodebook(...given)).book;

const random = uniform(5);
const vectors = tensor([300, 2, 8], Float32Array.from({ length: 300 * 16 }, random));

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const fault: unknown = await promise.then(() => undefined, (error: unknown) => error);
  return fault instanceof KvernError ? fault.diagnostics[0]?.code : undefined;
}

describe("a coupled codebook", () => {
  it("has an axis each for heads, groups, centroids and members, and holds halves only", async () => {
    const book = await bookOf(vectors, { couple: 4, bits: 5 });
    expect(book.shape).toEqual([2, 2, 32, 4]);
    expect(fromHalves(toHalves(book.data))).toEqual(book.data);
  });

  it("keeps heads and groups apart: a group is learned from its own channels only", async () => {
    const changed = Float32Array.from(vectors.data, (value, at) => (at % 16 < 4 ? value + 1 : value));
    const [one, other] = [await bookOf(vectors, { couple: 4, bits: 4 }), await bookOf(tensor([300, 2, 8], changed), { couple: 4, bits: 4 })];
    expect(other.data.subarray(64)).toEqual(one.data.subarray(64));
    expect(other.data.subarray(0, 64)).not.toEqual(one.data.subarray(0, 64));
  });

  it("uses weights by vector, head and group", async () => {
    // All weight of the first group of the first head on the vectors 0 and 1: two centroids land on them.
    const weights = new Float32Array(300 * 4).fill(1);
    for (let vector = 2; vector < 300; vector++) weights[vector * 4] = 0;
    const weighted = await bookOf(vectors, { couple: 4, bits: 1 }, { weights });
    const rows = [0, 1].map((vector) => [...fromHalves(toHalves(vectors.data.subarray(vector * 16, vector * 16 + 4)))]);
    const centroids = [0, 1].map((at) => [...weighted.data.subarray(at * 4, at * 4 + 4)]);
    expect(centroids).toEqual(expect.arrayContaining(rows));
    const even = await bookOf(vectors, { couple: 4, bits: 1 });
    expect(weighted.data.subarray(8)).toEqual(even.data.subarray(8));
  });

  it("reports each group, and stops when asked to", async () => {
    const seen: string[] = [];
    await learnCodebook(vectors, { couple: 8, bits: 2 }, { onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(["1/2", "2/2"]);
    const controller = new AbortController();
    const stopped = learnCodebook(vectors, { couple: 1, bits: 8 }, { signal: controller.signal, onProgress: () => controller.abort(new Error("enough")) });
    await expect(stopped).rejects.toThrow("enough");
  });

  it("is learned the same wherever its groups are learned, in any order", async () => {
    const waiting: (() => void)[] = [];
    const backwards: GroupLearner = {
      width: 2,
      learn: (problem) =>
        new Promise((resolve) => {
          waiting.push(() => resolve(learnGroup(problem)));
          if (waiting.length === 2) for (const answer of waiting.splice(0).reverse()) answer();
        }),
    };
    expect(await learnCodebook(vectors, { couple: 2, bits: 3 }, { learner: backwards })).toEqual(await learnCodebook(vectors, { couple: 2, bits: 3 }));
  });

  it("begins no further group once one has failed", async () => {
    let begun = 0;
    const failing: GroupLearner = { width: 3, learn: () => (++begun === 2 ? Promise.reject(new Error("no memory")) : new Promise((resolve) => setTimeout(() => resolve({ centroids: new Float32Array(8), report: { inertia: [], stored: 0, energy: 0, converged: true } }), 5))) };
    await expect(learnCodebook(vectors, { couple: 1, bits: 3 }, { learner: failing })).rejects.toThrow("no memory");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun).toBe(3);
  });

  it("reports the error of every iteration, never growing here, and that of the centroids as stored", async () => {
    const { book, groups } = await learnCodebook(vectors, { couple: 4, bits: 4 }, { iterations: 30 });
    expect(groups.length).toBe(4);
    for (const [index, { inertia, stored, energy, converged }] of groups.entries()) {
      expect([...inertia].sort((a, b) => b - a)).toEqual(inertia);
      expect(converged ? inertia.length <= 30 : inertia.length === 30).toBe(true);
      let error = 0;
      let square = 0;
      for (let vector = 0; vector < 300; vector++) {
        const x = vectors.data.subarray(vector * 16 + index * 4, vector * 16 + index * 4 + 4);
        const distances = Array.from({ length: 16 }, (_, at) => book.data.subarray((index * 16 + at) * 4, (index * 16 + at + 1) * 4).reduce((sum, value, i) => sum + ((x[i] ?? NaN) - value) ** 2, 0));
        error += Math.min(...distances);
        square = x.reduce((sum, value) => sum + value ** 2, square);
      }
      expect([stored, energy]).toEqual([error, square]);
      expect(stored).toBeLessThan(inertia[0] ?? 0);
    }
  });

  it("refuses weights that are none, and centroids beyond f16", async () => {
    expect(await codeOf(learnCodebook(vectors, { couple: 4, bits: 2 }, { weights: new Float32Array(7) }))).toBe("KV3003");
    expect(await codeOf(learnCodebook(vectors, { couple: 8, bits: 2 }, { weights: new Float32Array(600).fill(-1) }))).toBe("KV3006");
    expect(await codeOf(learnCodebook(vectors, { couple: 8, bits: 2 }, { weights: new Float32Array(600).fill(Infinity) }))).toBe("KV3006");
    const large = tensor([300, 2, 8], vectors.data.map((value) => 1e5 * (1 + value)));
    expect(await codeOf(learnCodebook(large, { couple: 4, bits: 2 }))).toBe("KV6023");
  });

  it("is refused for channels that do not divide, too few vectors, and vectors that are not finite", async () => {
    expect(await codeOf(learnCodebook(vectors, { couple: 3, bits: 2 }))).toBe("KV2102");
    expect(await codeOf(learnCodebook(vectors, { couple: 4, bits: 9 }))).toBe("KV6007");
    expect(await codeOf(learnCodebook({ shape: [300, 16], data: vectors.data }, { couple: 4, bits: 2 }))).toBe("KV3003");
    const holed = vectors.data.slice();
    holed[77] = NaN;
    expect(await codeOf(learnCodebook(tensor([300, 2, 8], holed), { couple: 4, bits: 2 }))).toBe("KV3006");
  });
});
