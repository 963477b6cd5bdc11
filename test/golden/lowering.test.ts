/** @file Programs and what becomes of them: the graph above, its plan, and the WGSL of every dispatch below. */

import { expect, test } from "vitest";
import { lowerPlain } from "../../compiler/lower";
import type { Sizes } from "../../compiler/program";
import type { Graph, Value } from "../../spec/graph/node";
import { printGraph } from "../../spec/graph/print";
import { draw, f16, f32, tensorOf, uint } from "../emit/programs";
import { LIMITS } from "../emit/limits";

/** The graph for the sizes given, then every dispatch with what it binds. */
function lowered(graph: Graph, set: Sizes = {}): string {
  const { specialised, program } = lowerPlain(graph, { set, limits: LIMITS });
  return [printGraph(specialised.builder, specialised.graph), ...program.dispatches.map(({ code }) => code)].join("\n\n");
}

test("a matrix product of fixed sizes", () => {
  const a = tensorOf("a", f32, "row", "inner");
  const b = tensorOf("b", f32, "inner", "column");
  const graph = draw([a, b], [[tensorOf("out", f32, "row", "column"), ({ b: g, load, sum }, r, c) => sum("inner", (k) => g.multiply(load(a, r, k), load(b, k, c)))]]);
  expect(lowered(graph, { row: 64, inner: 32, column: 48 })).toMatchInlineSnapshot(`
    "kernel sample
    axes row = 64, inner = 32, column = 48
    input a: f32[row, inner]
    input b: f32[inner, column]
    output out: f32[row, column]
    out[row, column] = (sum inner < 32: a[row, inner] * b[inner, column])

    // sample: out, for every row, column
    //   sum over inner
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // b: f32, input
    @group(0) @binding(1) var<storage, read> b1: array<f32>; // a: f32, input
    @group(0) @binding(2) var<storage, read_write> b2: array<f32>; // out: f32, buffer

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x);
      let n2 = g1 * 64 + lane0;
      let n3 = n2 / 48;
      let n4 = n2 % 48;
      var s5 = 0.0;
      for (var k6 = 0; k6 < 32; k6++) {
        s5 += b1[n3 * 32 + k6] * b0[n4 + k6 * 48];
      }
      b2[n3 * 48 + n4] = s5;
    }
    "
  `);
});

test("weights of a guarded row, whose length is known at launch", () => {
  const x = tensorOf("x", f32, "query", "token");
  const graph = draw([x], [[tensorOf("out", f32, "query", "token"), ({ b, load, reduce, sum }, q, t) => {
    const score = (s: Value): Value => b.select(b.less(q, s), b.constant(-Infinity), load(x, q, s));
    const peak = reduce("max", "token", score);
    const power = (s: Value): Value => b.apply("exp", [b.subtract(score(s), peak)]);
    return b.divide(power(t), sum("token", power));
  }]]);
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes query, token
    input x: f32[query, token]
    output out: f32[query, token]
    %1[query, token] = exp(-(max token < extent(token) | token < query + 1: x[query, token]) + (query < token ? -Infinity : x[query, token]))
    out[query, token] = %1[query, token] * (sum token < extent(token): %1[query, token])^-1

    // sample: max over token, for every query
    //   max over token
    struct Sizes { n0: u32, /* query */ n1: u32, /* token */ }
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // x: f32, input
    @group(0) @binding(1) var<storage, read_write> b1: array<f32>; // max over token: f32, buffer
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
        b1[n4] = m5;
      }
    }


    // sample: sum over token, for every query
    //   sum over token
    struct Sizes { n0: u32, /* query */ n1: u32, /* token */ }
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // x: f32, input
    @group(0) @binding(1) var<storage, read> b1: array<f32>; // max over token: f32, buffer
    @group(0) @binding(2) var<storage, read_write> b2: array<f32>; // sum over token: f32, buffer
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
      let n4 = g1 * 64 + lane0;
      if (n4 < n2) {
        var s5 = 0.0;
        let n6 = n4 * n3;
        let x7 = b1[n4];
        for (var k8 = 0; k8 < n3; k8++) {
          let x9 = select(b0[n6 + k8], -0x1.fffffep+127f, n4 < k8);
          let x10 = select(select(x9 - x7, -0x1.fffffep+127f, x9 <= -0x1.fffffep+127f), 0x1.fffffep+127f, x7 <= -0x1.fffffep+127f);
          let x11 = select(select(exp(x10), 0.0, x10 <= -0x1.fffffep+127f), 0x1.fffffep+127f, x10 >= 0x1.fffffep+127f);
          s5 = select(s5 + x11, 0x1.fffffep+127f, (s5 >= 0x1.fffffep+127f) | (x11 >= 0x1.fffffep+127f));
        }
        b2[n4] = s5;
      }
    }


    // sample: out, for every query, token
    struct Sizes { n0: u32, /* query */ n1: u32, /* token */ }
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // sum over token: f32, buffer
    @group(0) @binding(1) var<storage, read> b1: array<f32>; // max over token: f32, buffer
    @group(0) @binding(2) var<storage, read> b2: array<f32>; // x: f32, input
    @group(0) @binding(3) var<storage, read_write> b3: array<f32>; // out: f32, buffer
    @group(0) @binding(4) var<uniform> sizes: Sizes;

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x + groups.x * (group.y + groups.y * group.z));
      let n2 = i32(sizes.n1);
      let n3 = i32(sizes.n0) * n2;
      if (g1 >= ((n3 + 63) >> 6u)) {
        return;
      }
      let n4 = g1 * 64 + lane0;
      if (n4 < n3) {
        let n5 = n4 / n2;
        let n6 = n4 % n2;
        let n7 = n6 + n5 * n2;
        let x8 = select(b2[n7], -0x1.fffffep+127f, n5 < n6);
        let x9 = b1[n5];
        let x10 = select(select(x8 - x9, -0x1.fffffep+127f, x8 <= -0x1.fffffep+127f), 0x1.fffffep+127f, x9 <= -0x1.fffffep+127f);
        let x11 = select(select(exp(x10), 0.0, x10 <= -0x1.fffffep+127f), 0x1.fffffep+127f, x10 >= 0x1.fffffep+127f);
        let x12 = b0[n5];
        let x13 = select(select(x11 / x12, 0x1.fffffep+127f, abs(x11) >= 0x1.fffffep+127f), 0.0, abs(x12) >= 0x1.fffffep+127f);
        b3[n7] = x13;
      }
    }
    "
  `);
});

test("codes that straddle words, in and out", () => {
  const codes = tensorOf("codes", uint(5), "row", "column");
  const graph = draw([codes], [[tensorOf("out", uint(5), "row", "column"), ({ b, load, extent }, r, c) => load(codes, r, b.linear(-1, [[1, extent("column")], [-1, c]]))]], { column: 20 });
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes row, column = 20
    input codes: uint5[row, column]
    output out: uint5[row, column]
    out[row, column] = codes[row, -column + 19]

    // sample: out, for every row, %word
    struct Sizes { n0: u32, /* row */ }
    @group(0) @binding(0) var<storage, read> b0: array<u32>; // codes: uint(5), input
    @group(0) @binding(1) var<storage, read_write> b1: array<u32>; // out: uint(5), buffer
    @group(0) @binding(2) var<uniform> sizes: Sizes;

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x + groups.x * (group.y + groups.y * group.z));
      let n2 = i32(sizes.n0);
      if (g1 >= ((n2 * 4 + 63) >> 6u)) {
        return;
      }
      let n3 = n2 * 4;
      if (g1 * 64 + lane0 < n3) {
        let n4 = g1 * 16 + (lane0 >> 2u);
        let n5 = lane0 & 3;
        var w6 = 0u;
        let n7 = n5 * 32 / 5;
        let n8 = min(20, (n5 * 32 + 1) / 5 + 7);
        for (var k9 = n7; k9 < n8; k9++) {
          let n10 = k9 * 5 - n5 * 32;
          let n11 = (k9 * -5 + 95) & 31;
          let n12 = (k9 * -5 + 31) >> 5u;
          let p13 = 27 < n11;
          let n14 = i32(((b0[n4 * 4 + n12 + 2] >> u32(n11)) | select(0u, b0[n4 * 4 + n12 + select(0, 1, p13) + 2] << (32u - u32(n11)), p13)) & 31u);
          let w15 = u32(n14);
          w6 |= select(w15 << u32(n10), w15 >> u32(0 - n10), n10 < 0);
        }
        b1[n4 * 4 + n5] = w6;
      }
    }
    "
  `);
});

test("halves, in and out", () => {
  const x = tensorOf("x", f16, "n", "two");
  const graph = draw([x], [[tensorOf("out", f16, "n"), ({ b, load }, n) => b.add(load(x, n, b.zero), load(x, n, b.one))]], { two: 2 });
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes n, two = 2
    input x: f16[n, two]
    output out: f16[n]
    out[n] = x[n, 0] + x[n, 1]

    // sample: out, for every %word
    struct Sizes { n0: u32, /* n */ }
    @group(0) @binding(0) var<storage, read> b0: array<u32>; // x: f16, input
    @group(0) @binding(1) var<storage, read_write> b1: array<u32>; // out: f16, buffer
    @group(0) @binding(2) var<uniform> sizes: Sizes;

    fn half(x: f32) -> u32 {
      let sign = select(0u, 0x8000u, x < 0.0);
      if (abs(x) >= 65520.0) { return sign | 0x7c00u; }
      return pack2x16float(vec2f(clamp(x, -65504.0, 65504.0), 0.0)) & 0xffffu;
    }

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x + groups.x * (group.y + groups.y * group.z));
      let n2 = i32(sizes.n0);
      let n3 = (n2 + 1) >> 1u;
      if (g1 >= ((n3 + 63) >> 6u)) {
        return;
      }
      let n4 = g1 * 64 + lane0;
      if (n4 < n3) {
        var w5 = 0u;
        let n6 = n4 * 2;
        let n7 = min(n6 + 2, n2);
        for (var k8 = n6; k8 < n7; k8++) {
          let h9 = unpack2x16float(b0[k8]);
          w5 |= half(h9.x + h9.y) << u32((k8 & 1) << 4u);
        }
        b1[n4] = w5;
      }
    }
    "
  `);
});

test("a nearest neighbour: one loop in another", () => {
  const x = tensorOf("x", f32, "token", "lane");
  const book = tensorOf("book", f32, "code", "lane");
  const graph = draw([x, book], [[tensorOf("out", uint(8), "token"), ({ b, load, reduce, sum }, t) => reduce("argmin", "code", (v) => sum("lane", (l) => b.power(b.subtract(load(x, t, l), load(book, v, l)), b.constant(2))))]], { code: 256, lane: 4 });
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes token, lane = 4, code = 256
    input x: f32[token, lane]
    input book: f32[code, lane]
    output out: uint8[token]
    out[token] = (argmin code < 256: (sum lane < 4: (x[token, lane] - book[code, lane])^2))

    // sample: out, for every %word
    //     argmin over code
    //       sum over lane
    struct Sizes { n0: u32, /* token */ }
    @group(0) @binding(0) var<storage, read> b0: array<f32>; // book: f32, input
    @group(0) @binding(1) var<storage, read> b1: array<f32>; // x: f32, input
    @group(0) @binding(2) var<storage, read_write> b2: array<u32>; // out: uint(8), buffer
    @group(0) @binding(3) var<uniform> sizes: Sizes;

    @compute @workgroup_size(64)
    fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
      let lane0 = i32(local);
      let g1 = i32(group.x + groups.x * (group.y + groups.y * group.z));
      let n2 = i32(sizes.n0);
      let n3 = (n2 * 8 + 31) >> 5u;
      if (g1 >= ((n3 + 63) >> 6u)) {
        return;
      }
      let n4 = g1 * 64 + lane0;
      if (n4 < n3) {
        var w5 = 0u;
        let n6 = n4 * 4;
        let n7 = min(n2, n4 * 4 + 4);
        for (var k8 = n6; k8 < n7; k8++) {
          var m9 = 0x1.fffffep+127f;
          var a10 = 0;
          for (var k11 = 0; k11 < 256; k11++) {
            var s12 = 0.0;
            for (var k13 = 0; k13 < 4; k13++) {
              let x14 = b1[k8 * 4 + k13] - b0[k11 * 4 + k13];
              s12 += x14 * x14;
            }
            if (s12 < m9) {
              m9 = s12;
              a10 = k11;
            }
          }
          w5 |= u32(a10) << u32(k8 * 8 - n4 * 32);
        }
        b2[n4] = w5;
      }
    }
    "
  `);
});

test("a mean and a spread that share a loop", () => {
  const x = tensorOf("x", f32, "row", "column");
  const graph = draw([x], [[tensorOf("out", f32, "row"), ({ b, load, sum, extent }, r) => {
    const mean = b.divide(sum("column", (c) => load(x, r, c)), extent("column"));
    const square = b.divide(sum("column", (c) => b.power(load(x, r, c), b.constant(2))), extent("column"));
    return b.subtract(square, b.power(mean, b.constant(2)));
  }]]);
  expect(lowered(graph)).toMatchInlineSnapshot(`
    "kernel sample
    axes row, column
    input x: f32[row, column]
    output out: f32[row]
    out[row] = extent(column)^-1 * (sum column < extent(column): x[row, column]^2) - extent(column)^-2 * (sum column < extent(column): x[row, column])^2

    // sample: out, for every row
    //   sum over column
    struct Sizes { n0: u32, /* row */ n1: u32, /* column */ }
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
      let x4 = f32(n3);
      let n5 = g1 * 64 + lane0;
      if (n5 < n2) {
        var s6 = 0.0;
        var s7 = 0.0;
        let n8 = n5 * n3;
        for (var k9 = 0; k9 < n3; k9++) {
          let x10 = b0[n8 + k9];
          s6 += x10 * x10;
          s7 += x10;
        }
        b1[n5] = s6 / x4 - s7 * s7 / (x4 * x4);
      }
    }
    "
  `);
});
