import { describe, expect, it } from "vitest";
import { learnCodebook } from "../../runtime/codebook/coupled";
import { uniform } from "../../runtime/codebook/random";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { tensor } from "../../spec/tensor/tensor";

const random = uniform(5);
const vectors = tensor([300, 2, 8], Float32Array.from({ length: 300 * 16 }, random));

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const fault: unknown = await promise.then(() => undefined, (error: unknown) => error);
  return fault instanceof KvernError ? fault.diagnostics[0]?.code : undefined;
}

describe("a coupled codebook", () => {
  it("has an axis each for heads, groups, centroids and members, and holds halves only", async () => {
    const book = await learnCodebook(vectors, { couple: 4, bits: 5 });
    expect(book.shape).toEqual([2, 2, 32, 4]);
    expect(fromHalves(toHalves(book.data))).toEqual(book.data);
  });

  it("keeps heads and groups apart: a group is learned from its own channels only", async () => {
    const changed = Float32Array.from(vectors.data, (value, at) => (at % 16 < 4 ? value + 1 : value));
    const [one, other] = [await learnCodebook(vectors, { couple: 4, bits: 4 }), await learnCodebook(tensor([300, 2, 8], changed), { couple: 4, bits: 4 })];
    expect(other.data.subarray(64)).toEqual(one.data.subarray(64));
    expect(other.data.subarray(0, 64)).not.toEqual(one.data.subarray(0, 64));
  });

  it("uses weights by vector, head and group", async () => {
    // All weight of the first group of the first head on the vectors 0 and 1: two centroids land on them.
    const weights = new Float32Array(300 * 4).fill(1);
    for (let vector = 2; vector < 300; vector++) weights[vector * 4] = 0;
    const weighted = await learnCodebook(vectors, { couple: 4, bits: 1 }, { weights });
    const rows = [0, 1].map((vector) => [...fromHalves(toHalves(vectors.data.subarray(vector * 16, vector * 16 + 4)))]);
    const centroids = [0, 1].map((at) => [...weighted.data.subarray(at * 4, at * 4 + 4)]);
    expect(centroids).toEqual(expect.arrayContaining(rows));
    const even = await learnCodebook(vectors, { couple: 4, bits: 1 });
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

  it("is refused for channels that do not divide, too few vectors, and vectors that are not finite", async () => {
    expect(await codeOf(learnCodebook(vectors, { couple: 3, bits: 2 }))).toBe("KV2102");
    expect(await codeOf(learnCodebook(vectors, { couple: 4, bits: 9 }))).toBe("KV6007");
    expect(await codeOf(learnCodebook({ shape: [300, 16], data: vectors.data }, { couple: 4, bits: 2 }))).toBe("KV3003");
    const holed = vectors.data.slice();
    holed[77] = NaN;
    expect(await codeOf(learnCodebook(tensor([300, 2, 8], holed), { couple: 4, bits: 2 }))).toBe("KV3006");
  });
});
