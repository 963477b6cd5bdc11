/** @file Programs and what becomes of them: the graph above, its WGSL, and the gpu.js kernels below. */

import { expect, test } from "vitest";
import { lowerPlain } from "../../compiler/lower";
import { lowerScript } from "../../compiler/lower-gpujs";
import type { Graph, Value } from "../../spec/graph/node";
import { printGraph } from "../../spec/graph/print";
import { LIMITS } from "../emit/limits";
import { draw, f32, tensorOf, uint } from "../emit/programs";

function lowered(graph: Graph): string {
  const { specialised, program } = lowerPlain(graph, { limits: LIMITS });
  return [printGraph(specialised.builder, specialised.graph), ...program.dispatches.map(({ code }) => code), ...lowerScript(graph).steps.map(({ source }) => source)].join("\n\n");
}

test("a sum over codes, three to an element for gpu.js", () => {
  const codes = tensorOf("codes", uint(8), "row", "column");
  const book = tensorOf("book", f32, "code");
  const graph = draw([codes, book], [[tensorOf("out", f32, "row"), ({ load, sum }, r) => sum("column", (c) => load(book, load(codes, r, c)))]], { code: 256 });
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes row, column, code = 256
    input codes: uint8[row, column]
    input book: f32[code]
    output out: f32[row]
    out[row] = (sum column < extent(column): book[codes[row, column]])

    // sample: out, for every row
    //   sum over column
    struct Sizes { n0: u32, /* row */ n1: u32, /* column */ }
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // book: f32, input
    @group(0) @binding(1) var<storage, read> b1: array<u32>; // codes: uint(8), input
    @group(0) @binding(2) var<storage, read_write> b2: array<f32>; // out: f32, buffer
    @group(0) @binding(3) var<uniform> sizes: Sizes;

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x + groups.x * (group.y + groups.y * group.z));
      let n2 = i32(sizes.n0);
      if (g1 >= ((n2 + 63) >> 6u)) {
        return;
      }
      let n3 = i32(sizes.n1);
      let n4 = (n3 * 8 + 31) >> 5u;
      let n5 = g1 * 64 + lane0;
      if (n5 < n2) {
        var s6 = 0.0;
        let n7 = n5 * n4;
        for (var k8 = 0; k8 < n3; k8++) {
          let n9 = k8 * 8;
          s6 += b0[i32((b1[n7 + (n9 >> 5u)] >> u32(n9 & 31)) & 255u)];
        }
        b2[n5] = s6;
      }
    }


    function (b0, b1, sizes) {
      // sample: out, for every row
      // b0: book
      // b1: codes
      // sizes: row, column
      const t0 = this.thread.x;
      let n1 = sizes[0];
      if (t0 >= n1) {
        return 0;
      }
      let n2 = sizes[1];
      const x3 = n2 + 2;
      const q4 = Math.floor(x3 / 3);
      const r5 = x3 - q4 * 3;
      const x6 = r5 < 0 ? q4 - 1 : (r5 >= 3 ? q4 + 1 : q4);
      let s7 = 0;
      const x8 = t0 * x6;
      for (let k9 = 0; k9 < n2; k9++) {
        const q10 = Math.floor(k9 / 3);
        const r11 = k9 - q10 * 3;
        const x12 = r11 < 0 ? q10 - 1 : (r11 >= 3 ? q10 + 1 : q10);
        let i13 = x8 + x12;
        let v14 = b1[i13];
        const x15 = k9 - x12 * 3;
        const h16 = x15 < 2 ? (x15 < 1 ? 1 : 0.00390625) : 0.0000152587890625;
        let i17 = Math.floor(v14 * h16) - Math.floor(v14 * (h16 * 0.00390625)) * 256;
        let v18 = b0[i17];
        s7 = s7 + v18;
      }
      return s7;
    }"
  `);
});

test("a maximum over what a mask leaves, which may be nothing", () => {
  const x = tensorOf("x", f32, "query", "token");
  const graph = draw([x], [[tensorOf("out", f32, "query"), ({ b, load, reduce }, q) => {
    const score = (s: Value): Value => b.select(b.less(q, s), b.constant(-Infinity), load(x, q, s));
    return b.apply("exp", [b.linear(-1, [[1, reduce("max", "token", score)]])]);
  }]]);
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes query, token
    input x: f32[query, token]
    output out: f32[query]
    out[query] = exp((max token < extent(token) | token < query + 1: x[query, token]) - 1)

    // sample: out, for every query
    //   max over token
    struct Sizes { n0: u32, /* query */ n1: u32, /* token */ }
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // x: f32, input
    @group(0) @binding(1) var<storage, read_write> b1: array<f32>; // out: f32, buffer
    @group(0) @binding(2) var<uniform> sizes: Sizes;

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x + groups.x * (group.y + groups.y * group.z));
      let n2 = i32(sizes.n0);
      if (g1 >= ((n2 + 63) >> 6u)) {
        return;
      }
      let n3 = i32(sizes.n1);
      let n4 = g1 * 64 + lane0;
      if (n4 < n2) {
        var m5 = -0x1.fffffep+127f;
        let n6 = n4 + 1;
        let n7 = n4 * n3;
        for (var k8 = 0; k8 < n3; k8++) {
          if (k8 < n6) {
            m5 = max(m5, b0[n7 + k8]);
          }
        }
        let x9 = select(m5 - 1.0, -0x1.fffffep+127f, m5 <= -0x1.fffffep+127f);
        b1[n4] = select(exp(x9), 0.0, x9 <= -0x1.fffffep+127f);
      }
    }


    function (b0, sizes) {
      // sample: out, for every query
      // b0: x
      // sizes: query, token
      const t0 = this.thread.x;
      let n1 = sizes[0];
      if (t0 >= n1) {
        return 0;
      }
      let n2 = sizes[1];
      let m3 = (-3.4028234663852886e+38);
      const x4 = t0 + 1;
      const x5 = t0 * n2;
      for (let k6 = 0; k6 < n2; k6++) {
        if (k6 < x4) {
          let v7 = b0[x5 + k6];
          m3 = Math.max(m3, v7);
        }
      }
      const x8 = m3 <= (-3.4028234663852886e+38) ? (-3.4028234663852886e+38) : m3 - 1;
      return x8 <= (-3.4028234663852886e+38) ? 0 : Math.exp(x8);
    }"
  `);
});
