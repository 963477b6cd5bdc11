/** Caches in segments: every element, every edge of every segment, in every way of running a kernel. */

import { describe, expect, test } from "vitest";
import { axis, concatenated, evaluate, extent, f32, joined, kernel, sum } from "kvern";
import { compileSource } from "kvern/compiler";
import { perToken, segmented } from "kvern/formats";
import * as segments from "../../examples/segments";
import { loadGraph, saveGraph } from "../../spec/graph/json";
import { printGraph } from "../../spec/graph/print";
import { bindSizes, type Sizes, type TensorData } from "../../spec/tensor";
import { compiledFile, heldOnDevice, interpretedAndEvaluated } from "../agreement/agree";
import { agree } from "../emit/agreement";
import { describeOnDevice } from "../device/harness";
import { irregular } from "./caches";

const tensor = (shape: readonly number[], seed: number): TensorData => ({ shape, data: Float32Array.from(irregular(shape.reduce((n, size) => n * size, 1), seed)) });
const codes = (shape: readonly number[], most: number): TensorData => ({ shape, data: Uint8Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => (i * 37 + 11) % most) });

/** Tokens in each segment: none, one, several, and each segment alone. */
const EDGES: readonly (readonly [sink: number, coded: number, recent: number])[] = [
  [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 5, 3], [4, 0, 2], [0, 7, 3], [4, 9, 0], [3, 1, 1], [4, 61, 32], [1, 64, 65],
];

const [HEADS, KV, CHANNELS] = [4, 2, 16];

const inputsFor = ([sink, coded, recent]: readonly [number, number, number], queries?: number): Readonly<Record<string, TensorData>> => {
  const side = (name: string, seed: number) => ({
    [`${name}.sinks`]: tensor([sink, KV, CHANNELS], seed),
    [`${name}.coded.codes`]: codes([coded, KV, CHANNELS / 8], 256),
    [`${name}.coded.book`]: tensor([KV, CHANNELS / 8, 256, 8], seed + 1),
    [`${name}.tail`]: tensor([recent, KV, CHANNELS], seed + 2),
  });
  return { q: tensor([...(queries === undefined ? [] : [queries]), HEADS, CHANNELS], 1), ...side("keys", 2), ...side("values", 5) };
};

describe("an axis joined of others", () => {
  const [old, recent] = [axis("old"), axis("recent")];
  const token = joined("token", old, recent);

  test("is as long as they are together, and bound by them alone", () => {
    const k = kernel({ a: f32(old), b: f32(recent) }, f32(token), ({ a, b }) => (t) => extent(token) * 100 + concatenated([old, a], [recent, b])(t));
    expect([...evaluate(k, { a: { shape: [2], data: [1, 2] }, b: { shape: [3], data: [3, 4, 5] } }).out.data]).toEqual([501, 502, 503, 504, 505]);
    expect([...evaluate(k, { a: { shape: [0], data: [] }, b: { shape: [1], data: [7] } }).out.data]).toEqual([107]);
  });

  test("must agree with an input over it and with `set`", () => {
    const k = kernel({ a: f32(old), b: f32(recent), w: f32(token) }, f32(), ({ a, b, w }) => () => sum(token, (t) => w(t) * concatenated([old, a], [recent, b])(t)));
    const [a, b] = [{ shape: [1], data: [2] }, { shape: [2], data: [3, 4] }];
    expect([...evaluate(k, { a, b, w: { shape: [3], data: [1, 1, 1] } }).out.data]).toEqual([9]);
    expect(() => evaluate(k, { a, b, w: { shape: [4], data: [1, 1, 1, 1] } })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2103: the axis \`token\` is bound to two sizes (expected 4 (from the shape [4] of \`w\`), got 3 (of \`old\`, \`recent\` together))]`);
    expect(() => evaluate(k, { a, b, w: { shape: [3], data: [1, 1, 1] } }, { set: { token: 2 } })).toThrowErrorMatchingInlineSnapshot(`
      [KvernError: error KV2103: the axis \`token\` is bound to two sizes (expected 2 (\`set\`), got 3 (from the shape [3] of \`w\`))
      error KV2103: the axis \`token\` is bound to two sizes (expected 2 (\`set\`), got 3 (of \`old\`, \`recent\` together))]
    `);
  });

  test("cannot go through itself, or through nothing", () => {
    expect(() => joined("token", old, joined("all", axis("token")))).toThrowErrorMatchingInlineSnapshot(`
      [KvernError: error KV2107: the axis \`token\` cannot be joined of these (expected axes other than \`token\`, got \`old\`, \`all\`)
        Give the whole a name of its own: joined("token", axis("old"), axis("new")).]
    `);
    expect(() => joined("token")).toThrowErrorMatchingInlineSnapshot(`
      [KvernError: error KV2107: the axis \`token\` cannot be joined of these (expected axes other than \`token\`, got none)
        Give the whole a name of its own: joined("token", axis("old"), axis("new")).]
    `);
    expect(() => joined("token", axis("a", 2 ** 30), axis("b", 2 ** 30))).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2105: the axis \`token\` cannot have that size (expected a whole number from 0 to 2147483647, got 2147483648)]`);
    expect(joined("token", axis("a", 2), axis("b", 3)).extent).toBe(5);
  });
});

describe("in the graph", () => {
  const compile = async (text: string) => {
    const source = `import { axis, concatenated, encoded, extent, f32, joined, kernel, sum } from "kvern";\n${text}`;
    const { k } = (await compileSource({ "k.ts": source }, "k.ts")).kernels;
    if (k === undefined) throw new Error("no kernel k");
    return loadGraph(k);
  };

  test("sums of sizes stand for its size, and every read is proved without one", async () => {
    const { builder, graph } = await compile(`
      const old = axis("old"), recent = axis("recent"), token = joined("token", old, recent);
      export const k = kernel({ a: f32(old), b: f32(recent), w: f32(token) }, f32(), ({ a, b, w }) => () =>
        sum(token, (t) => w(t) * concatenated([old, a], [recent, b])(t)) / extent(token));`);
    expect(graph.obligations).toEqual([]);
    expect(printGraph(builder, graph)).toMatchInlineSnapshot(`
      "kernel k
      axes old, recent, token = old + recent
      input a: f32[old]
      input b: f32[recent]
      input w: f32[token]
      output out: f32[]
      out[] = (extent(old) + extent(recent))^-1 * (sum token < extent(old) + extent(recent): w[token] * (token < extent(old) ? a[token] : b[-extent(old) + token]))"
    `);
    expect(loadGraph(JSON.parse(JSON.stringify(saveGraph(graph)))).graph.axes).toEqual(graph.axes);
  });

  test("its parts are found wherever it is declared, also after it was used without them", async () => {
    const { graph } = await compile(`
      const part = (token: ReturnType<typeof axis>) => joined("whole", axis("a"), axis("token"));
      export const k = kernel({ a: f32(axis("a")), b: f32(axis("b")), c: f32(axis("c")) }, f32(), ({ a, b, c }) => () => {
        const unknown = sum(axis("whole"), (t) => t);
        return unknown + extent(part(axis("token"))) + extent(joined("token", axis("b"), axis("c", 4)));
      });`);
    expect(graph.axes).toMatchInlineSnapshot(`
      [
        {
          "name": "a",
        },
        {
          "name": "b",
        },
        {
          "extent": 4,
          "name": "c",
        },
        {
          "name": "token",
          "parts": [
            "b",
            "c",
          ],
        },
        {
          "name": "whole",
          "parts": [
            "a",
            "token",
          ],
        },
      ]
    `);
  });

  test("a read beyond its pieces is refused where it stands", async () => {
    await expect(compile(`
      const old = axis("old"), recent = axis("recent"), token = joined("token", old, recent);
      export const k = kernel({ a: f32(old), b: f32(recent) }, f32(token), ({ a, b }) => (t) => concatenated([old, a], [recent, b])(t + 1));`)).rejects.toThrow(/KV2001.*`b` may be read outside its axis `recent`/);
    await expect(compile(`
      export const k = kernel({ a: f32(axis("a")) }, f32(), ({ a }) => () => extent(joined("x", axis("a"), axis("y"))) + extent(joined("y", axis("x"))));`)).rejects.toThrow("KV2107");
    await expect(compile(`
      export const k = kernel({ a: f32(axis("a")) }, f32(), ({ a }) => () => extent(joined("x", axis("a"), axis("a"))) + extent(joined("x", axis("a"))));`)).rejects.toThrow("KV2103");
  });
});

test("segments may be encodings of any kind, and are read in their order", () => {
  const [token, head, channel] = [axis("token"), axis("head"), axis("channel")] as const;
  const [old, recent] = [axis("old"), axis("recent")];
  const whole = joined("whole", old, recent);
  const cache = segmented([whole, head, channel], { old: perToken([old, head, channel], { bits: 2, group: 2 }), recent: f32(recent, head, channel) });
  const k = kernel({ cache }, f32(whole, head, channel), ({ cache }) => (t, h, c) => cache(t, h, c));
  expect(token.name).toBe("token");
  const { out } = evaluate(k, {
    "cache.old.codes": { shape: [1, 1, 2], data: [1, 3] }, "cache.old.scale": { shape: [1, 1, 1], data: [0.5] }, "cache.old.zero": { shape: [1, 1, 1], data: [-1] },
    "cache.recent": { shape: [2, 1, 2], data: [7, 8, 9, 10] },
  });
  expect([...out.data]).toEqual([-0.5, 0.5, 7, 8, 9, 10]);
});

const files = compiledFile(new URL("../../examples/segments.ts", import.meta.url));

describe("attention over sinks, codes and tail", () => {
  test.each(EDGES)("%i sinks, %i coded, %i in the tail: interpreted as evaluated", async (...edge) => {
    const { decode, prefill } = await files;
    if (decode === undefined || prefill === undefined) throw new Error("the example has other kernels");
    interpretedAndEvaluated(segments.decode, decode, inputsFor(edge));
    interpretedAndEvaluated(segments.prefill, prefill, inputsFor(edge, Math.min(3, edge[0] + edge[1] + edge[2])));
  });
});

describeOnDevice("attention over sinks, codes and tail, on the device", () => {
  test.each(EDGES)("%i sinks, %i coded, %i in the tail", { timeout: 120_000 }, async (...edge) => {
    const { decode, prefill } = await files;
    if (decode === undefined || prefill === undefined) throw new Error("the example has other kernels");
    for (const [kernel, saved, inputs] of [[segments.decode, decode, inputsFor(edge)], [segments.prefill, prefill, inputsFor(edge, Math.min(3, edge[0] + edge[1] + edge[2]))]] as const) {
      const { graph } = loadGraph(saved);
      const sizes: Sizes = bindSizes(graph, inputs);
      await heldOnDevice(saved, inputs, {}, sizes, interpretedAndEvaluated(kernel, saved, inputs));
      await agree(graph, inputs, { mayPromiseNothing: true });
    }
  });
});
