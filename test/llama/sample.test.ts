import { describe, expect, it } from "vitest";
import { sampler } from "../../examples/llama/sample";
import { KvernError } from "../../spec/diagnostics/diagnostic";

const LOGITS = Float32Array.of(0, Math.log(4), Math.log(2), Math.log(1), -Infinity);

const drawn = (options: Parameters<typeof sampler>[0], times = 400): readonly number[] => {
  const sample = sampler(options);
  const counts = new Array<number>(LOGITS.length).fill(0);
  for (let i = 0; i < times; i++) {
    const id = sample(LOGITS);
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
};

describe("sampling", () => {
  it("takes the likeliest token, the first of equals, unless it is given a temperature", () => {
    expect(sampler({})(LOGITS)).toBe(1);
    expect(sampler({ temperature: 0, topK: 3 })(Float32Array.of(2, 5, 5))).toBe(1);
  });

  it("draws the same tokens from the same seed", () => {
    const run = (seed: number): readonly number[] => {
      const sample = sampler({ temperature: 1, seed });
      return Array.from({ length: 50 }, () => sample(LOGITS));
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  it("draws every token that has a chance, and none that has not", () => {
    const counts = drawn({ temperature: 1 });
    expect(counts[4]).toBe(0);
    expect(counts.slice(0, 4).every((count) => count > 0)).toBe(true);
    expect(counts[1]).toBe(Math.max(...counts));
  });

  it("keeps to the k likeliest, and to the likeliest that have the probability p together", () => {
    expect(drawn({ temperature: 1, topK: 2 }).map((count) => count > 0)).toEqual([false, true, true, false, false]);
    // Shares of 1/8, 1/2, 1/4, 1/8: the first two of the likeliest have 3/4.
    expect(drawn({ temperature: 1, topP: 0.7 }).map((count) => count > 0)).toEqual([false, true, true, false, false]);
    expect(drawn({ temperature: 1, topP: 0.1 }).map((count) => count > 0)).toEqual([false, true, false, false, false]);
    expect(drawn({ temperature: 1e-6 }).map((count) => count > 0)).toEqual([false, true, false, false, false]);
  });

  it.each([{ temperature: -1 }, { temperature: NaN }, { topK: 0 }, { topK: 1.5 }, { topP: 0 }, { topP: 1.1 }])("refuses %o", (options) => {
    expect(() => sampler({ temperature: 1, ...options })).toThrow(KvernError);
  });
});
