/** @file Lowered programs on the device, held to the interpreter's bound. */

import { expect, test } from "vitest";
import { describeOnDevice } from "../device/harness";
import { coupledAttention } from "../interpreter/sample";
import { agree } from "./agreement";
import { draw, f16, f32, i32, integers, reals, tensorOf, u32, uint } from "./programs";

describeOnDevice("sizes", () => {
  const x = tensorOf("x", f32, "row", "column");
  const graph = draw([x], [[tensorOf("out", f32, "column", "row"), ({ load }, c, r) => load(x, r, c)]]);
  test.each([[0, 3], [3, 0], [1, 1], [1, 7], [7, 1], [63, 65], [64, 64], [130, 3]])("a transposition of %i × %i", async (rows, columns) => {
    const { compared } = await agree(graph, { x: reals([rows, columns]) });
    expect(compared).toBe(rows * columns);
  });

  test("a scalar", async () => {
    const y = tensorOf("y", f32);
    await agree(draw([y], [[tensorOf("out", f32), ({ b, load }) => b.linear(1, [[2, load(y)]])]]), { y: reals([]) });
  });
});

describeOnDevice("reductions", () => {
  const x = tensorOf("x", f32, "row", "column");
  test.each([0, 1, 2, 63, 200])("all of them over %i columns", async (columns) => {
    const graph = draw([x], [
      [tensorOf("sum", f32, "row"), ({ sum, load }, r) => sum("column", (c) => load(x, r, c))],
      [tensorOf("max", f32, "row"), ({ reduce, load }, r) => reduce("max", "column", (c) => load(x, r, c))],
      [tensorOf("min", f32, "row"), ({ reduce, load }, r) => reduce("min", "column", (c) => load(x, r, c))],
      [tensorOf("first", u32, "row"), ({ reduce, load }, r) => reduce("argmax", "column", (c) => load(x, r, c))],
      [tensorOf("last", i32, "row"), ({ reduce, load }, r) => reduce("argmin", "column", (c) => load(x, r, c))],
      [tensorOf("any", uint(1), "row"), ({ b, reduce, load }, r) => b.select(reduce("any", "column", (c) => b.less(b.constant(0.9), load(x, r, c))), b.one, b.zero)],
      [tensorOf("spread", f32, "row", "column"), ({ b, reduce, load }, r, c) => b.subtract(load(x, r, c), reduce("max", "column", (k) => load(x, r, k)))],
    ]);
    const { outputs } = await agree(graph, { x: reals([5, columns]) });
    if (columns === 0) {
      expect([...(outputs["max"]?.data ?? [])]).toEqual([-Infinity, -Infinity, -Infinity, -Infinity, -Infinity]);
      expect([...(outputs["min"]?.data ?? [])]).toEqual([Infinity, Infinity, Infinity, Infinity, Infinity]);
    }
  });
});

describeOnDevice("elements", () => {
  test.each(Array.from({ length: 16 }, (_, at) => at + 1))("codes of %i bits, in and out", async (bits) => {
    const codes = tensorOf("codes", uint(bits), "row", "column");
    const graph = draw([codes], [
      [tensorOf("same", uint(bits), "row", "column"), ({ load }, r, c) => load(codes, r, c)],
      [tensorOf("value", f32, "column", "row"), ({ load }, c, r) => load(codes, r, c)],
      [tensorOf("total", u32, "row"), ({ sum, load }, r) => sum("column", (c) => load(codes, r, c))],
      [tensorOf("flipped", uint(bits), "row", "column"), ({ b, load, extent }, r, c) => load(codes, r, b.linear(-1, [[1, extent("column")], [-1, c]]))],
    ]);
    for (const columns of [1, 31, 67]) await agree(graph, { codes: integers([3, columns], 0, 2 ** bits - 1, bits) });
    await agree(graph, { codes: integers([0, 5], 0, 1) });
    await agree(graph, { codes: integers([5, 0], 0, 1) });
  });

  test.each([[1, 1], [3, 5], [4, 4], [1, 65], [0, 3]])("halves of %i × %i, in and out", async (rows, columns) => {
    const x = tensorOf("x", f16, "row", "column");
    const graph = draw([x], [
      [tensorOf("same", f16, "row", "column"), ({ load }, r, c) => load(x, r, c)],
      [tensorOf("turned", f16, "column", "row"), ({ b, load }, c, r) => b.scale(0.3, load(x, r, c))],
    ]);
    await agree(graph, { x: reals([rows, columns], 3, 100) });
  });
});

describeOnDevice("attention", () => {
  test.each([0, 1, 37])("over %i tokens in coupled codes", async (tokens) => {
    const graph = coupledAttention(4, 16, 4, 2);
    const inputs = {
      q: reals([4, 16], 1),
      "keys.codes": integers([tokens, 2, 4], 0, 255, 2), "keys.book": reals([2, 4, 256, 4], 3),
      "values.codes": integers([tokens, 2, 4], 0, 255, 4), "values.book": reals([2, 4, 256, 4], 5),
    };
    const { compared } = await agree(graph, inputs);
    expect(compared).toBe(64);
  });
});
