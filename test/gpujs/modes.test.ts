/** @file Programs on gpu.js in the modes that run in Node, held to the interpreter's bound. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GpuJsDevice } from "../../runtime/gpujs/device";
import { draw, f16, f32, i32, integers, reals, tensorOf, u32, uint } from "../emit/programs";
import { sample } from "../emit/random";
import { coupledAttention } from "../interpreter/sample";
import { agree, compared, modesHere, openMode } from "./agreement";

describe.each(await modesHere())("mode %s", (mode) => {
  let device: GpuJsDevice;
  beforeAll(async () => {
    device = await openMode(mode);
  });
  afterAll(() => device.close());

  test.each([[0, 3], [3, 0], [1, 1], [1, 7], [7, 1], [63, 65]])("a transposition of %i × %i", async (rows, columns) => {
    const x = tensorOf("x", f32, "row", "column");
    const graph = draw([x], [[tensorOf("out", f32, "column", "row"), ({ load }, c, r) => load(x, r, c)]]);
    expect(compared(await agree(device, graph, { x: reals([rows, columns]) })).compared).toBe(rows * columns);
  });

  test("a scalar", async () => {
    const y = tensorOf("y", f32);
    const graph = draw([y], [[tensorOf("out", f32), ({ b, load }) => b.linear(1, [[2, load(y)]])]]);
    expect(compared(await agree(device, graph, { y: reals([]) })).compared).toBe(1);
  });

  test("an element that is read at a position and, without one, further out", async () => {
    const codes = tensorOf("codes", uint(1), "row", "column");
    const graph = draw([codes], [[tensorOf("out", f32, "row", "column"), ({ b, load }, _, c) => b.select(b.less(b.zero, load(codes, b.constant(3), c)), load(codes, b.constant(3), b.zero), b.constant(7))]]);
    expect(compared(await agree(device, graph, { codes: integers([4, 3], 0, 1, 1) })).compared).toBe(12);
  });

  test.each([0, 1, 2, 63, 2000])("all reductions over %i columns", async (columns) => {
    const x = tensorOf("x", f32, "row", "column");
    const graph = draw([x], [
      [tensorOf("sum", f32, "row"), ({ sum, load }, r) => sum("column", (c) => load(x, r, c))],
      [tensorOf("max", f32, "row"), ({ reduce, load }, r) => reduce("max", "column", (c) => load(x, r, c))],
      [tensorOf("min", f32, "row"), ({ reduce, load }, r) => reduce("min", "column", (c) => load(x, r, c))],
      [tensorOf("first", u32, "row"), ({ reduce, load }, r) => reduce("argmax", "column", (c) => load(x, r, c))],
      [tensorOf("last", i32, "row"), ({ reduce, load }, r) => reduce("argmin", "column", (c) => load(x, r, c))],
      [tensorOf("any", uint(1), "row"), ({ b, reduce, load }, r) => b.select(reduce("any", "column", (c) => b.less(b.constant(0.9), load(x, r, c))), b.one, b.zero)],
      [tensorOf("count", i32, "row"), ({ b, sum, load }, r) => sum("column", (c) => b.select(b.less(b.zero, load(x, r, c)), b.one, b.zero))],
    ]);
    const { outputs } = compared(await agree(device, graph, { x: reals([5, columns]) }));
    if (columns === 0) {
      expect([...(outputs["max"]?.data ?? [])]).toEqual(Array(5).fill(-Infinity));
      expect([...(outputs["min"]?.data ?? [])]).toEqual(Array(5).fill(Infinity));
    }
  });

  test.each(Array.from({ length: 16 }, (_, at) => at + 1))("codes of %i bits, in and out", async (bits) => {
    const codes = tensorOf("codes", uint(bits), "row", "column");
    const graph = draw([codes], [
      [tensorOf("same", uint(bits), "row", "column"), ({ load }, r, c) => load(codes, r, c)],
      [tensorOf("value", f32, "column", "row"), ({ load }, c, r) => load(codes, r, c)],
      [tensorOf("total", u32, "row"), ({ sum, load }, r) => sum("column", (c) => load(codes, r, c))],
      [tensorOf("flipped", uint(bits), "row", "column"), ({ b, load, extent }, r, c) => load(codes, r, b.linear(-1, [[1, extent("column")], [-1, c]]))],
    ]);
    for (const columns of [1, 31, 67]) compared(await agree(device, graph, { codes: integers([3, columns], 0, 2 ** bits - 1, bits) }));
    compared(await agree(device, graph, { codes: integers([0, 5], 0, 1) }));
    compared(await agree(device, graph, { codes: integers([5, 0], 0, 1) }));
  });

  test.each([[1, 1], [3, 5], [0, 3]])("halves of %i × %i, in and out", async (rows, columns) => {
    const x = tensorOf("x", f16, "row", "column");
    const graph = draw([x], [
      [tensorOf("same", f16, "row", "column"), ({ load }, r, c) => load(x, r, c)],
      [tensorOf("turned", f16, "column", "row"), ({ b, load }, c, r) => b.scale(0.3, load(x, r, c))],
    ]);
    compared(await agree(device, graph, { x: reals([rows, columns], 3, 100) }));
  });

  test("divisions and remainders of integers, of either sign", async () => {
    const [n, d] = [tensorOf("n", i32, "a"), tensorOf("d", u32, "b")];
    const graph = draw([n, d], [
      [tensorOf("quotient", i32, "a", "b"), ({ b, load }, i, j) => b.quotient(load(n, i), b.larger(load(d, j), b.one))],
      [tensorOf("remainder", i32, "a", "b"), ({ b, load }, i, j) => b.remainder(load(n, i), b.larger(load(d, j), b.one))],
      [tensorOf("by3", i32, "a"), ({ b, load }, i) => b.quotient(load(n, i), b.constant(3))],
      [tensorOf("by8", i32, "a"), ({ b, load }, i) => b.quotient(load(n, i), b.constant(8))],
    ]);
    const edges = [0, 1, -1, 2 ** 24, -(2 ** 24), 2 ** 24 - 1, 16777213, -16777215, 12345678, -7];
    compared(await agree(device, graph, { n: { shape: [edges.length], data: edges }, d: { shape: [6], data: [1, 2, 3, 7, 4097, 2 ** 24] } }));
  });

  test.each([0, 1, 37])("attention over %i tokens in coupled codes", async (tokens) => {
    const inputs = {
      q: reals([4, 16], 1),
      "keys.codes": integers([tokens, 2, 4], 0, 255, 2), "keys.book": reals([2, 4, 256, 4], 3),
      "values.codes": integers([tokens, 2, 4], 0, 255, 4), "values.book": reals([2, 4, 256, 4], 5),
    };
    expect(compared(await agree(device, coupledAttention(4, 16, 4, 2), inputs)).compared).toBe(64);
  });

  test("random programs, but for those whose integers leave f32", async () => {
    let [elements, refused] = [0, 0];
    for (let seed = 0; seed < 100; seed++) {
      const { graph, inputs } = sample(seed);
      const agreement = await agree(device, graph, inputs);
      if ("outputs" in agreement) elements += agreement.compared;
      else {
        for (const code of agreement) expect(["KV4201", "KV4202"]).toContain(code);
        refused++;
      }
    }
    expect(elements).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(25);
  }, 120_000);
});
