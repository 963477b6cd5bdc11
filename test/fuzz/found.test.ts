/** @file Programs in which a search once found a fault, each named by what it protects, in all ways that need no device. */

import { describe, expect, test } from "vitest";

import { compileSource } from "../../compiler";
import type { Prepare } from "../../bin/fuzz/fuzz";
import { rewrittenWays } from "../../bin/fuzz/rewritten";
import { Subject } from "../../bin/fuzz/subject";
import { simulatedWays } from "../../bin/fuzz/ways";
import type { Sizes } from "../../spec/tensor/check";

interface Found {
  readonly name: string;
  readonly text: string;
  readonly sizes: readonly Sizes[];
}

const FOUND: readonly Found[] = [
  {
    name: "a position that parts were merged to is an index of codes",
    text: `import { argmin, axis, clamp, f32, kernel, min } from "kvern";
      import { perToken } from "kvern/formats";
      const a = axis("a"), b = axis("b"), c = axis("c", 5), d = axis("d", 8);
      export const k = kernel({ s: perToken([b, c, d], { bits: 4, group: 4 }) }, f32(a), ({ s }) => (o0) =>
        s(clamp(0, b), clamp(0, c), clamp(argmin(d, (i) => Math.min(3, min(b, (j) => j))), d)));`,
    sizes: [{ a: 0, b: 2 }, { a: 1, b: 1 }, { a: 2, b: 3 }],
  },
  {
    name: "a row of one code is one element of its word",
    text: `import { axis, clamp, f32, kernel, sum, uint } from "kvern";
      const a = axis("a"), b = axis("b"), d = axis("d", 8);
      export const k = kernel({ w: f32(a, d) }, { out0: uint(4)(b), out1: f32(a) }, ({ w }) => ({ out0: () => 1, out1: () => sum(a, (i) => w(i, clamp(0, d))) }));`,
    sizes: [{ a: 2, b: 1 }, { a: 1, b: 9 }],
  },
  {
    name: "an exponential that overflows stays in a loop that no position has",
    text: `import { axis, f16, f32, i32, kernel, softmax, sum } from "kvern";
      const b = axis("b"), c = axis("c", 5);
      export const k = kernel({ y: f16(b), n: i32() }, f32(b, c), ({ y, n }) => (o0, o1) =>
        sum(c, (i5) => softmax(c, (i4) => ((o0 <= i4) ? y(o0) : -Infinity))(i5) * n()));`,
    sizes: [{ b: 11 }],
  },
  {
    name: "an exponential of a code that no position has is not multiplied by 0",
    text: `import { axis, clamp, f32, i32, kernel, softmax, sum, uint } from "kvern";
      const a = axis("a"), b = axis("b"), c = axis("c", 5), d = axis("d", 8);
      export const k = kernel({ m: uint(1)(a, b), n: i32() }, f32(a, d), ({ m, n }) => (o0) =>
        sum(b, (i6) => softmax(b, (i3) => sum(c, () => ((m(clamp(0, a), i3) === 1) ? sum(a, () => o0) : 0)))(i6) * n()));`,
    sizes: [{ a: 14, b: 0 }, { a: 14, b: 3 }],
  },
  {
    name: "a factor that may be 0 does not meet the extreme of nothing",
    text: `import { axis, clamp, f32, kernel, max, u32 } from "kvern";
      const a = axis("a"), b = axis("b");
      export const k = kernel({ p: u32(b) }, f32(a), ({ p }) => () => Math.max(-3, max(a, (i) => (i === 1 ? p(clamp(0, b)) * i : -Infinity))));`,
    sizes: [{ a: 1, b: 1 }, { a: 3, b: 1 }],
  },
  {
    name: "an extreme of integers is an integer where it was known to be one",
    text: `import { axis, kernel, min, u32, uint } from "kvern";
      const b = axis("b", 2), d = axis("d", 8);
      export const k = kernel({ p: u32(b) }, uint(4)(d), ({ p }) => () => Math.floor(Math.floor(Math.min(3, min(b, (i) => p(i)))) / 2));`,
    sizes: [{}],
  },
  {
    name: "a root of what stays above 0 is taken of results that say less",
    text: `import { axis, f32, kernel, max, sum } from "kvern";
      const a = axis("a"), b = axis("b");
      export const k = kernel({}, f32(a), () => () => {
        const peak = max(b, (i) => i), least = peak === -Infinity ? 0 : peak;
        const total = sum(b, (i) => Math.exp(i - least));
        return Math.sqrt(1 + Math.abs(Math.max(-3, total === 0 ? -Infinity : least + Math.log(total))));
      });`,
    sizes: [{ a: 1, b: 0 }, { a: 1, b: 3 }],
  },
  {
    name: "the least of no positions is greater than any number",
    text: `import { axis, clamp, f32, i32, kernel, max, min, sum, uint } from "kvern";
      const a = axis("a"), b = axis("b"), c = axis("c", 5), d = axis("d", 8), v = axis("v", 8);
      export const k = kernel({ w: f32(a, d), m: uint(1)(a, b), n: i32() }, { out0: f32(), out1: f32(a, b) }, ({ w, m, n }) => {
        const peak = max(c, () => max(a, () => n())), total = sum(c, () => sum(a, () => Math.exp(n() - peak)));
        return {
          out0: () => w(clamp(Math.floor(Math.min(3, min(v, (i) => (i < n() ? 0 : Infinity)))), a), clamp(0, d)),
          out1: (o0, o1) => (sum(c, (i) => sum(a, () => Math.exp(n() - peak) * i)) / (total === 0 ? 1 : total)) * m(o0, o1),
        };
      });`,
    sizes: [{ a: 2, b: 0 }, { a: 3, b: 1 }],
  },
  {
    name: "an axis is cut where sizes say, not where a result does",
    text: `import { argmin, axis, clamp, extent, f32, i32, kernel, sum } from "kvern";
      const a = axis("a"), b = axis("b");
      export const k = kernel({ n: i32(), m: f32(b) }, f32(b), ({ n, m }) => () => {
        const at = clamp(argmin(b, (i) => m(i)), b);
        const mean = sum(a, (i) => (i < at ? 1 : n())) / Math.max(1, extent(a));
        return sum(a, (i) => ((i < at ? 1 : n()) - mean) * ((i < at ? 1 : n()) - mean)) / Math.max(1, extent(a));
      });`,
    sizes: [{ a: 3, b: 2 }, { a: 1, b: 1 }],
  },
  {
    name: "a code of a cache without rows is a code, which a table is read by",
    text: `import { axis, clamp, f32, kernel, max, sum, uint } from "kvern";
      const a = axis("a"), b = axis("b"), c = axis("c", 5);
      export const k = kernel({ m: uint(1)(a, b) }, f32(a), ({ m }) => () => {
        const peak = max(c, () => max(b, (i) => m(clamp(0, a), i))), total = sum(c, () => sum(b, (i) => Math.exp(m(clamp(0, a), i) - peak)));
        return sum(c, () => sum(b, (i) => Math.exp(m(clamp(0, a), i) - peak) * i)) / (total === 0 ? 1 : total);
      });`,
    sizes: [{ a: 0, b: 1 }, { a: 0, b: 3 }],
  },
];

describe("a fault that was found stays mended", { timeout: 120_000 }, () => {
  test.each(FOUND)("$name", async ({ text, sizes }) => {
    const { kernels: { k } } = await compileSource({ "k.ts": text }, "k.ts");
    if (k === undefined) return expect.fail("no kernel");
    const ways: readonly Prepare[] = [await simulatedWays(), rewrittenWays];
    for (const prepare of ways) {
      const subject = new Subject(k, await prepare("k.ts", k));
      for (const size of sizes) {
        const all = Object.fromEntries(k.axes.map(({ name, extent }) => [name, extent ?? size[name] ?? (name.endsWith("/4") ? 2 : 1)]));
        for (let seed = 1; seed <= 8; seed++) expect(await subject.try({ sizes: all, seed })).toEqual(expect.objectContaining({ kind: "agrees" }));
      }
    }
  });
});
