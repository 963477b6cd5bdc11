import { describe, expect, it } from "vitest";
import { discharge } from "../../spec/graph/obligations";
import type { Graph } from "../../spec/graph/node";
import { compiled, diagnosticsOf } from "./compiling";

/** A kernel over inputs of several axes, whose element is `body`. */
const program = (body: string): string =>
  `const half = axis("half"), byte = axis("byte", 256), pair = axis("pair", 2), fixed = axis("fixed", 128), sixteenth = axis("sixteenth", 16);
export const k = kernel(
  { x: f32(token), y: f32(channel), z: f32(half), codes: uint(8)(token), ids: i32(token), words: u32(token), table: f32(byte), short: f32(axis("short", 8)), wide: f32(fixed), narrow: f32(sixteenth), grid: f32(token, channel), real: f32(token) },
  f32(token, channel),
  ({ x, y, z, codes, ids, words, table, short, wide, narrow, grid, real }) => (t, c) => {
    const unused = [x, y, z, codes, ids, words, table, short, wide, narrow, grid, real].length;
    return unused * (${body});
  },
);
`;

const graphOf = async (body: string): Promise<Graph> => {
  const { k } = await compiled(program(body));
  if (k === undefined) throw new Error("no kernel");
  return k.graph;
};

/** Reads that no size can make go outside. */
const PROVED = [
  "x(t)", "y(c)", "grid(t, c)", "x(0 * t)",
  "x(clamp(t + 5, token))", "x(clamp(-3, token))", "x(clamp(ids(t), token))",
  "t > 0 ? x(t - 1) : 0", "t >= 3 ? x(t - 3) : 0", "t + 1 < extent(token) ? x(t + 1) : 0", "t < extent(token) - 2 ? x(t + 2) : 0",
  "t === 0 ? 0 : x(t - 1)", "t !== 0 ? x(t - 1) : 0", "t === extent(token) - 1 ? 0 : x(t + 1)",
  "t > 0 && t < 5 ? x(t - 1) : 0", "!(t <= 0) ? x(t - 1) : 0", "t <= 0 || t > 9 ? 0 : x(t - 1)",
  "c < extent(token) ? x(0 + c) : 0", "c < t ? x(0 + c) : 0", "x(t % extent(channel))", "c <= t ? x(t - c) : 0", "c <= t && t - c > 2 ? x(t - c - 3) : 0",
  "table(codes(t))", "table(codes(t) & 15)", "table(words(t) & 255)", "table(words(t) % 256)", "table((codes(t) >> 4) * 16)", "table(255 - codes(t))",
  "short(codes(t) >> 5)", "short(codes(t) % 8)", "short(Math.floor(codes(t) / 32))", "short(words(t) >>> 29)", "short(words(t) % 5 + 2)",
  "ids(t) >= 0 && ids(t) < extent(token) ? x(ids(t)) : 0",
  "words(t) < extent(token) ? x(words(t)) : 0",
  "sum(fixed, (f) => narrow(Math.floor(f / 8)) * wide(f))", "sum(fixed, (f) => wide(127 - f))", "sum(sixteenth, (s) => wide(8 * s + 7))", "sum(sixteenth, (s) => sum(pair, (p) => wide(64 * p + 4 * s + 3)))",
  "sum(fixed, (f) => wide(f < 64 ? f + 64 : f - 64))", "sum(fixed, (f) => wide(f ^ 1))", "sum(fixed, (f) => wide(f % 2 === 0 ? f + 1 : f - 1))", "sum(fixed, (f) => wide((f + 5) % 128))",
  "x(Math.floor(t / 2))", "x(Math.floor(t / 3) + Math.floor(t / 3))", "x(t - Math.floor(t / 2))", "x(Math.floor((t + 1) / 2))", "x(t - t % 4)",
  "x(Math.min(t, 7))", "x(Math.max(t - 4, 0))", "x(Math.min(t + 4, extent(token) - 1))", "x(Math.abs(t))", "x(Math.max(0, t - c))",
  "real(t) >= 0 && real(t) < extent(token) ? x(Math.floor(real(t))) : 0", "real(t) >= 0 && real(t) <= extent(token) - 1 ? x(Math.floor(real(t))) : 0", "real(t) > 0 && real(t) < 8 ? short(Math.floor(real(t))) : 0",
  "x(clamp(Math.floor(real(t)), token))", "x(clamp(Math.round(real(t)), token))", "x(argmax(token, x))", "x(argmin(token, (u) => x(u) + y(c)))", "max(token, (u) => (u > 0 ? x(u - 1) : 0))",
  "sum(token, (u) => (u <= t ? x(t - u) : 0))", "sum(token, (u) => (u < extent(token) - t ? x(t + u) : 0))", "any(token, (u) => u > 0 && x(u - 1) > 0) ? 1 : 0",
  "(() => { if (t === 0) return 0; if (t < 2) return x(t - 1); return x(t - 2); })()",
  "(() => { const v = t - 3; if (v < 0) return x(0 * t); return x(v); })()",
  "c < Math.floor(extent(token) / 2) ? x(c + Math.floor(extent(token) / 2)) : 0",
];

/** Reads that some sizes admit and others do not: [body, sizes that do, sizes that do not]. */
const OBLIGED: readonly (readonly [body: string, good: Record<string, number>, bad: Record<string, number>])[] = [
  ["x(0 + c)", { token: 8, channel: 8 }, { token: 8, channel: 9 }],
  ["z(Math.floor(c / 2))", { channel: 8, half: 4 }, { channel: 9, half: 4 }],
  ["z(c % 4)", { channel: 9, half: 4 }, { channel: 9, half: 3 }],
  ["sum(half, (h) => y(2 * h) + y(2 * h + 1))", { channel: 8, half: 4 }, { channel: 7, half: 4 }],
  ["sum(half, (h) => y(h + extent(half)))", { channel: 8, half: 4 }, { channel: 7, half: 4 }],
  ["y(2 * Math.floor(c / 2) + (1 - (c % 2)))", { channel: 8 }, { channel: 7 }],
  ["x(codes(t))", { token: 256 }, { token: 255 }],
  ["x(5)", { token: 6 }, { token: 5 }],
  ["x(extent(token) - 4)", { token: 4 }, { token: 3 }],
  ["groupOf(c, channel, half)", { channel: 8, half: 2 }, { channel: 8, half: 3 }],
  ["z(groupOf(c, channel, half))", { channel: 8, half: 4 }, { channel: 8, half: 0 }],
  ["y(clamp(2, channel)) + z(clamp(0, half))", { half: 1 }, { half: 0 }],
  ["wide(0 + t)", { token: 128 }, { token: 129 }],
  ["c < 4 ? z(0 + c) : 0", { channel: 100, half: 4 }, { channel: 100, half: 3 }],
  ["wide(extent(channel) * t + c)", { token: 16, channel: 8 }, { token: 16, channel: 9 }],
];

/** Reads that no size makes safe. */
const REFUSED = [
  "x(t + 1)", "x(t - 1)", "x(2 * t + 1)", "t > 0 ? x(t + 1) : 0", "t >= 0 ? x(t - 1) : 0", "x(-1)", "x(extent(token))", "x(extent(token) - t)",
  "x(ids(t))", "x(words(t))", "ids(t) < extent(token) ? x(ids(t)) : 0", "ids(t) >= 0 ? x(ids(t)) : 0", "table(codes(t) + 1)", "short(codes(t) & 15)", "short(8)",
  "x(clamp(t, token) + 1)", "t < 5 ? 0 : x(t + 1)", "real(t) < extent(token) ? x(Math.floor(real(t))) : 0", "real(t) >= 0 && real(t) <= 8 ? short(Math.floor(real(t))) : 0",
  "t < 5 || t > 9 ? x(t - 1) : 0", "sum(fixed, (f) => wide(f + 1))", "sum(fixed, (f) => narrow(Math.floor(f / 4)))", "sum(fixed, (f) => wide(f < 64 ? f + 64 : f + 1))",
  "real(t) < 0 ? 0 : x(Math.floor(real(t)))", "y(c + extent(half))",
];

describe("index proofs", () => {
  it.each(PROVED)("proved: %s", async (body) => {
    expect((await graphOf(body)).obligations).toEqual([]);
  });

  it.each(OBLIGED)("left to the sizes: %s", async (body, good, bad) => {
    const graph = await graphOf(body);
    expect(graph.obligations.length).toBeGreaterThan(0);
    const sizes = (some: Record<string, number>): Record<string, number> => ({ token: 64, channel: 8, half: 4, ...some });
    expect(discharge(graph, sizes(good))).toEqual([]);
    expect(discharge(graph, sizes(bad)).length).toBeGreaterThan(0);
  });

  it.each(REFUSED)("refused: %s", async (body) => {
    expect((await diagnosticsOf(program(body))).map(({ code }) => code)).toEqual(["KV2001"]);
  });

  it.each(["x(t / 2)", "x(real(t))", "x(max(token, codes))", "x(Math.sqrt(t))"])("not an integer: %s", async (body) => {
    expect((await diagnosticsOf(program(body))).map(({ code }) => code)).toEqual(["KV2002"]);
  });
});

describe("what is said of a read outside", () => {
  it("the range and the remedy, at the read", async () => {
    const [fault] = await diagnosticsOf(program("x(t + 1)"));
    expect(fault).toMatchObject({
      code: "KV2001",
      message: "`x` may be read outside its axis `token`",
      expected: "an index from 0 to extent(token) − 1",
      got: "an index from 1 to extent(token)",
      mend: "Force the index into the axis, `clamp(i, token)`, or read only under a condition on it: `i < extent(token) ? … : 0`.",
      line: 10,
      column: 22,
    });
  });

  it("a condition that also keeps out what is negative, where the index may be", async () => {
    const [fault] = await diagnosticsOf(program("x(t - 1)"));
    expect(fault?.got).toBe("an index from −1 to extent(token) − 2");
    expect(fault?.mend).toBe("Force the index into the axis, `clamp(i, token)`, or read only under a condition on it: `i >= 0 && i < extent(token) ? … : 0`.");
    expect(await diagnosticsOf(program("t - 1 >= 0 && t - 1 < extent(token) ? x(t - 1) : 0"))).toEqual([]);
  });

  it("the same when sizes decide, with their numbers, at the same place", async () => {
    const graph = await graphOf("z(Math.floor(c / 2))");
    expect(discharge(graph, { token: 64, channel: 9, half: 4 })).toMatchObject([
      { code: "KV2001", message: "`z` may be read outside its axis `half`", expected: "an index from 0 to 3", got: "an index from 0 to 4", line: 10, column: 22, file: "program.ts" },
    ]);
  });

  it("sizes that do not divide", async () => {
    const graph = await graphOf("groupOf(c, channel, half)");
    expect(discharge(graph, { token: 1, channel: 8, half: 3 })).toMatchObject([{ code: "KV2102", expected: "a multiple of 3", got: "8 among 3", line: 10 }]);
  });
});
