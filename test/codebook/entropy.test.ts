import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupEntropies, jointEntropy } from "../../runtime/codebook/entropy";
import { uniform } from "../../runtime/codebook/random";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { tensor } from "../../spec/tensor/tensor";

/** Frequencies that are powers of two make every entropy here exact. */
const grid = (count: number, row: (at: number) => readonly number[]) => Array.from({ length: count }, (_, at) => row(at));
const bits = (rows: readonly (readonly number[])[]): number => jointEntropy((rows[0] ?? []).map((_, channel) => Int32Array.from(rows, (row) => row[channel] ?? 0)), 16);

describe("the joint entropy of channels", () => {
  it("is the sum of the entropies where they are independent, and that of one where they are equal", () => {
    expect(bits(grid(16, (at) => [at % 4]))).toBe(2);
    expect(bits(grid(16, (at) => [at % 4, at >> 2]))).toBe(4);
    expect(bits(grid(16, (at) => [at % 4, at % 4]))).toBe(2);
    expect(bits(grid(16, () => [3]))).toBe(0);
    expect(bits(grid(16, (at) => [Math.min(3, at >> 2), at < 8 ? 0 : 1]))).toBe(2);
  });

  it("sees a dependence of three channels that no two of them show", () => {
    const rows = grid(64, (at) => [at & 1, (at >> 1) & 1, (at & 1) ^ ((at >> 1) & 1)]);
    expect(bits(rows.map(([a = 0, b = 0]) => [a, b]))).toBe(2);
    expect(bits(rows.map(([a = 0, , c = 0]) => [a, c]))).toBe(2);
    expect(bits(rows)).toBe(2);
  });

  it("depends on which vectors share a cell only, not on the numbers of the bins or the order of channels", () => {
    const rows = fc.integer({ min: 1, max: 5 }).chain((width) => fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: width, maxLength: width }), { minLength: 16, maxLength: 16 }));
    fc.assert(fc.property(rows, (found) => {
      const cells = new Map<string, number>();
      for (const row of found) cells.set(row.join(), (cells.get(row.join()) ?? 0) + 1);
      const expected = [...cells.values()].reduce((sum, n) => sum + (n / 16) * Math.log2(16 / n), 0);
      expect(bits(found)).toBe(expected);
    }));
  });

  it("has no limit in the number of channels", () => {
    expect(bits(grid(32, (at) => Array.from({ length: 40 }, (_, channel) => (at + channel) % 2)))).toBe(1);
  });
});

describe("entropies by size of group", () => {
  it("are those of equal bins over each channel's own range", () => {
    // Channel 0 steps through 16 values in 4 bins of 4; channel 1 has the same bins at another scale; 2 and 3 are constant.
    const vectors = tensor([16, 1, 4], Float32Array.from(grid(16, (at) => [at, 1000 - 10 * at, 7, -7]).flat()));
    const [one, two, four] = groupEntropies(vectors, [1, 2, 4], { bins: 4 });
    expect(one).toEqual({ size: 1, groups: 4, marginals: { mean: 1, deviation: 1 }, joint: { mean: 1, deviation: 1 }, shuffled: { mean: 1, deviation: 1 } });
    expect(two?.marginals).toEqual({ mean: 2, deviation: 2 });
    expect(two?.joint.mean).toBeLessThan(2);
    expect(four).toMatchObject({ size: 4, groups: 1, marginals: { mean: 4 } });
  });

  it("keep each channel's own entropy when its values change their order, and lose what channels have in common", () => {
    const random = uniform(3);
    const vectors = tensor([4096, 2, 4], Float32Array.from(grid(4096, () => {
      const [a, b] = [random(), random()];
      return [a, a, a, a, b, b, b, b];
    }).flat()));
    const [two] = groupEntropies(vectors, [2], { bins: 4 });
    // Equal channels: the joint entropy is that of one; apart, nearly that of two, and never more than that.
    expect(two?.joint.mean).toBe((two?.marginals.mean ?? NaN) / 2);
    expect(two?.shuffled.mean).toBeGreaterThan(two?.joint.mean ?? NaN);
    expect(two?.shuffled.mean).toBeLessThan(two?.marginals.mean ?? NaN);
  });

  it("are of one head's neighbouring channels only", () => {
    // Two heads whose channels are equal across heads and independent within.
    const vectors = tensor([16, 2, 2], Float32Array.from(grid(16, (at) => [at % 4, at >> 2, at % 4, at >> 2]).flat()));
    expect(groupEntropies(vectors, [2], { bins: 4 })[0]?.joint).toEqual({ mean: 4, deviation: 0 });
  });

  it("are refused of sizes that do not divide, of no vectors, and of what is not finite", () => {
    const codeOf = (action: () => unknown): string | undefined => {
      try {
        action();
      } catch (fault) {
        if (fault instanceof KvernError) return fault.diagnostics[0]?.code;
      }
      return undefined;
    };
    expect(codeOf(() => groupEntropies(tensor([2, 1, 4], new Float32Array(8)), [3]))).toBe("KV2102");
    expect(codeOf(() => groupEntropies(tensor([0, 1, 4], new Float32Array(0)), [2]))).toBe("KV3003");
    expect(codeOf(() => groupEntropies(tensor([2, 4], new Float32Array(8)), [2]))).toBe("KV3003");
    expect(codeOf(() => groupEntropies(tensor([1, 1, 2], Float32Array.of(1, NaN)), [2]))).toBe("KV3006");
  });
});
