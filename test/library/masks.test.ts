import { describe, expect, test } from "vitest";
import { addMask, alibi, alibiSlope, axis, causal, evaluate, f32, kernel, masked, prefix, slidingWindow, softmax, sum } from "kvern";
import { numbers, range } from "./numbers";

const grid = (tokens: number, live: (query: number, key: number) => boolean): string =>
  range(tokens).map((query) => range(tokens).map((key) => (live(query, key) ? "x" : ".")).join("")).join("\n");

describe("conditions", () => {
  test("causal", () => {
    expect(grid(4, causal)).toBe("x...\nxx..\nxxx.\nxxxx");
  });
  test("sliding window", () => {
    expect(grid(4, (query, key) => slidingWindow(query, key, 2))).toBe("xx..\nxxx.\n.xxx\n..xx");
    expect(grid(3, (query, key) => slidingWindow(query, key, 0))).toBe("...\n...\n...");
  });
  test("causal within a sliding window", () => {
    expect(grid(4, (query, key) => causal(query, key) && slidingWindow(query, key, 2))).toBe("x...\nxx..\n.xx.\n..xx");
  });
  test("a prefix seen by all, causal after it", () => {
    expect(grid(4, (query, key) => prefix(key, 2) || causal(query, key))).toBe("xx..\nxx..\nxxx.\nxxxx");
  });
});

describe("masked", () => {
  const query = axis("query"), key = axis("key"), channel = axis("channel");
  const attention = kernel({ scores: f32(query, key), values: f32(key, channel), length: f32() }, f32(query, channel), ({ scores, values, length }) => (q, c) => {
    const live = (k: number) => causal(q, k) && prefix(k, length());
    const weight = softmax(key, masked(key, live, (k) => scores(q, k)));
    return sum(key, (k) => weight(k) * values(k, c));
  });
  const run = (length: number) => {
    const scores = numbers(9, 1);
    const values = numbers(6, 2);
    const { out } = evaluate(attention, { scores: { shape: [3, 3], data: scores }, values: { shape: [3, 2], data: values }, length: { shape: [], data: [length] } });
    return { scores, values, out: [...out.data] };
  };

  test("keeps masked positions out of every sum", () => {
    const { scores, values, out } = run(2);
    const expected = range(3).flatMap((q) => {
      const live = range(3).filter((k) => k <= q && k < 2);
      const peak = Math.max(...live.map((k) => scores[q * 3 + k] ?? NaN));
      const weights = live.map((k) => Math.exp((scores[q * 3 + k] ?? NaN) - peak));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return range(2).map((c) => weights.reduce((sum, weight, i) => sum + (weight / total) * (values[(live[i] ?? NaN) * 2 + c] ?? NaN), 0));
    });
    expect(out).toEqual(expected);
  });

  test("gives 0 for rows that are masked as a whole", () => {
    expect(run(0).out).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("does not compute what it masks", () => {
    const score = masked(key, (k) => k < 2, (k) => (k < 2 ? k : (() => { throw new Error("computed"); })()));
    expect(range(4).map(score)).toEqual([0, 1, -Infinity, -Infinity]);
  });
});

test("a mask from data adds, and masks where it is −∞", () => {
  expect(addMask(3, 0.5)).toBe(3.5);
  expect(addMask(3, -Infinity)).toBe(-Infinity);
  expect(addMask(Infinity, -Infinity)).toBe(-Infinity);
});

describe("ALiBi", () => {
  const slopes = (heads: number): readonly number[] => {
    const head = axis("head", heads);
    return [...evaluate(kernel({}, f32(head), () => (h) => alibiSlope(h, head)), {}).out.data];
  };
  /** The published recursion: `get_slopes` of the ALiBi repository, in its own words. */
  const published = (n: number): readonly number[] => {
    const powers = (count: number) => range(count).map((i) => 2 ** -((8 * (i + 1)) / count));
    const closest = 2 ** Math.floor(Math.log2(n));
    return closest === n ? powers(n) : [...powers(closest), ...powers(2 * closest).filter((_, i) => i % 2 === 0).slice(0, n - closest)];
  };

  test("takes the published slopes for any number of heads", () => {
    expect(slopes(8)).toEqual([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]);
    for (const heads of [1, 2, 3, 6, 12, 16, 32, 40]) expect(slopes(heads)).toEqual(published(heads));
  });

  test("takes slope times distance off the score", () => {
    const head = axis("head", 8);
    expect(alibi(2, head, 10, 4)).toBe(-6 / 8);
    expect(alibi(2, head, 4, 4) + 0).toBe(0);
  });
});
