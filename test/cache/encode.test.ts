/** @file The encoder that a cache runs, on a device and in the interpreter: the same codes, ties included. */

import { describe, expect, test } from "vitest";

import graphs from "../../runtime/cache/graphs.json";
import { openDevice } from "../../runtime";
import { uniform } from "../../runtime/codebook/random";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import type { TensorData } from "../../spec/tensor/tensor";
import { describeOnDevice, device } from "../device/harness";
import { onGrid } from "./samples";

const COUPLINGS = [[1, 1], [1, 8], [2, 5], [3, 4], [4, 8], [8, 8], [8, 10], [16, 6], [5, 11], [2, 16]] as const;

async function codesOn(on: Awaited<ReturnType<typeof openDevice>>, bits: number, x: TensorData, book: TensorData): Promise<readonly number[]> {
  const kernel = await on.prepare(Object.entries(graphs).find(([name]) => name === `encode${bits}`)?.[1]);
  return Array.from((await kernel.run({ x, book }))["out"]?.data ?? []);
}

describeOnDevice("the encoder", () => {
  describe.each(COUPLINGS)("CQ-%ic%ib", (couple, bits) => {
    const [tokens, heads, groups] = [bits > 10 ? 2 : 24, 2, 3];
    const entries = 2 ** bits;

    test("chooses on the device as in the interpreter where f32 is exact, of equals the lowest", async () => {
      const x = onGrid([tokens, heads, groups * couple], couple);
      const book = onGrid([heads, groups, entries, couple], bits);
      const interpreter = await openDevice({ backend: "interpreter" });
      expect(await codesOn(device(), bits, x, book)).toEqual(await codesOn(interpreter, bits, x, book));
    });

    test("finds the codes of what they decode to", async () => {
      // Of each group every centroid is another: they are numbered in their first channel, in halves that are exact up to 2048.
      const random = uniform(couple + bits);
      const number = (entry: number): number => fromHalves(Uint16Array.of(entry % 31_744))[0] ?? 0;
      const sign = (entry: number): number => (entry < 31_744 ? 1 : -1);
      const data = fromHalves(toHalves(Float32Array.from({ length: heads * groups * entries * couple }, (_, at) => (at % couple === 0 ? sign(Math.floor(at / couple) % entries) * number(Math.floor(at / couple) % entries) : random()))));
      const distinct = Math.min(entries, 63_000);
      const codes = Array.from({ length: tokens * heads * groups }, () => Math.floor(random() * distinct));
      const x = Float32Array.from({ length: codes.length * couple }, (_, at) => data[(Math.floor(at / couple) % (heads * groups)) * entries * couple + (codes[Math.floor(at / couple)] ?? 0) * couple + (at % couple)] ?? NaN);
      expect(await codesOn(device(), bits, { shape: [tokens, heads, groups * couple], data: x }, { shape: [heads, groups, entries, couple], data })).toEqual(codes);
    });
  });

  test("chooses a centroid that is as near as f32 can tell, for numbers of any size", async () => {
    const random = uniform(9);
    const [tokens, couple, entries] = [400, 8, 256];
    const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => 4 * (random() + random() + random() - 1.5));
    const x = normal(tokens * couple);
    const book = fromHalves(toHalves(normal(entries * couple)));
    const codes = await codesOn(device(), 8, { shape: [tokens, 1, couple], data: x }, { shape: [1, 1, entries, couple], data: book });
    const distance = (token: number, code: number): number => Array.from({ length: couple }, (_, lane) => ((x[token * couple + lane] ?? NaN) - (book[code * couple + lane] ?? NaN)) ** 2).reduce((sum, square) => sum + square);
    // A difference, a square and the additions of couple terms: each within 2⁻²³ relative, of terms that are not negative.
    const gamma = (1 + 2 ** -23) ** (2 + 1 + couple - 1) - 1;
    codes.forEach((code, token) => {
      const least = Math.min(...Array.from({ length: entries }, (_, other) => distance(token, other)));
      expect(distance(token, code) * (1 - gamma)).toBeLessThanOrEqual(least * (1 + gamma));
    });
  });
});
