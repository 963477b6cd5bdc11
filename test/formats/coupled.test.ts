import { describe, expect, test } from "vitest";
import { axis, evaluate, f32, kernel, sum } from "kvern";
import { coupled, encodeCoupled } from "kvern/formats";
import { axes, channel, decode, half, head, irregular, token } from "./caches";

const COUPLINGS = [{ couple: 2, bits: 8 }, { couple: 4, bits: 8 }, { couple: 8, bits: 8 }, { couple: 8, bits: 10 }, { couple: 3, bits: 5 }, { couple: 1, bits: 1 }];

describe.each(COUPLINGS)("CQ-$couple" + "c$bits" + "b", ({ couple, bits }) => {
  const [tokens, heads, groups] = [3, 2, 2];
  const channels = groups * couple;
  const entries = 2 ** bits;
  const book = irregular(heads * groups * entries * couple, 1);
  const x = irregular(tokens * heads * channels, 2);
  const centroid = (h: number, g: number, k: number, l: number): number => half(book[((h * groups + g) * entries + k) * couple + l] ?? NaN);
  const bookTensor = { shape: [heads, groups, entries, couple], data: book };

  const nearest = (t: number, h: number, g: number): number => {
    let best = 0;
    let least = Infinity;
    for (let k = 0; k < entries; k++) {
      let distance = 0;
      for (let l = 0; l < couple; l++) distance += ((x[(t * heads + h) * channels + g * couple + l] ?? NaN) - centroid(h, g, k, l)) ** 2;
      if (distance < least) {
        least = distance;
        best = k;
      }
    }
    return best;
  };
  const codes = Array.from({ length: tokens * heads * groups }, (_, i) => nearest(Math.floor(i / groups / heads), Math.floor(i / groups) % heads, i % groups));

  test("encodes as the number of the nearest centroid, as stored", () => {
    const { out } = evaluate(encodeCoupled(axes, { couple, bits }), { x: { shape: [tokens, heads, channels], data: x }, book: bookTensor });
    expect(out.shape).toEqual([tokens, heads, groups]);
    expect([...out.data]).toEqual(codes);
  });

  test("decodes to the centroids", () => {
    const decoded = decode(coupled(axes, { couple, bits }), { "cache.codes": { shape: [tokens, heads, groups], data: codes }, "cache.book": bookTensor }, { channel: channels });
    expect(decoded).toEqual(
      Array.from({ length: tokens * heads * channels }, (_, i) => {
        const [c, h] = [i % channels, Math.floor(i / channels) % heads];
        const g = Math.floor(c / couple);
        return centroid(h, g, codes[Math.floor(i / channels) * groups + g] ?? NaN, c % couple);
      }),
    );
  });
});

test("of equally near centroids the lowest code is taken", () => {
  const book = { shape: [1, 1, 2, 1], data: [1, 3] };
  const { out } = evaluate(encodeCoupled(axes, { couple: 1, bits: 1 }), { x: { shape: [3, 1, 1], data: [2, 2.5, -9] }, book });
  expect([...out.data]).toEqual([0, 1, 0]);
});

test("two couplings over the same channels share a kernel", () => {
  const inputs = { keys: coupled(axes, { couple: 4, bits: 2 }), values: coupled(axes, { couple: 2, bits: 3 }) };
  const both = kernel(inputs, f32(token), ({ keys, values }) => (t) => sum(channel, (c) => keys(t, 0, c) * values(t, 0, c)));
  const { out } = evaluate(both, {
    "keys.codes": { shape: [1, 1, 1], data: [3] },
    "keys.book": { shape: [1, 1, 4, 4], data: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4] },
    "values.codes": { shape: [1, 1, 2], data: [7, 0] },
    "values.book": { shape: [1, 2, 8, 2], data: Array.from({ length: 32 }, (_, i) => i) },
  }, { set: { channel: 4 } });
  expect([...out.data]).toEqual([1 * 14 + 2 * 15 + 3 * 16 + 4 * 17]);
});

describe("refusals", () => {
  const book = (groups: number) => ({ shape: [1, groups, 4, 8], data: new Float32Array(groups * 32) });

  test("an incomplete last group", () => {
    const storage = { "cache.codes": { shape: [1, 1, 2], data: [0, 0] }, "cache.book": book(2) };
    expect(() => decode(coupled(axes, { couple: 8, bits: 2 }), storage, { channel: 12 })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2102: the axis \`channel\` cannot be divided evenly among \`lane8\` (expected a multiple of 8, the size of \`lane8\`, got 12, the size of \`channel\`)]`);
    const x = { shape: [1, 1, 12], data: new Float32Array(12) };
    expect(() => evaluate(encodeCoupled(axes, { couple: 8, bits: 2 }), { x, book: book(1) })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2102: the axis \`channel\` cannot be divided evenly among \`lane8\` (expected a multiple of 8, the size of \`lane8\`, got 12, the size of \`channel\`)]`);
  });

  test("an incomplete last group of a fixed number of channels, where the format is made", () => {
    expect(() => coupled([token, head, axis("channel", 12)], { couple: 8, bits: 2 })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2105: the axis \`channel/8\` cannot have that size (expected a whole number from 0 to 2147483647, got 1.5)]`);
  });

  test("too few groups", () => {
    const storage = { "cache.codes": { shape: [1, 1, 1], data: [0] }, "cache.book": book(1) };
    expect(() => decode(coupled(axes, { couple: 8, bits: 2 }), storage, { channel: 16 })).toThrowErrorMatchingInlineSnapshot(`
      [KvernError: error KV2001: \`cache.codes\` is read outside its axis \`channel/8\`, whose size is 1 (expected an index from 0 to 0, got 1)
        clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something.]
    `);
  });

  test("a code beyond its codebook", () => {
    const storage = { "cache.codes": { shape: [1, 1, 1], data: [4] }, "cache.book": book(1) };
    expect(() => decode(coupled(axes, { couple: 8, bits: 2 }), storage, { channel: 8 })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV3005: the input \`cache.codes\` holds 4 at [0, 0, 0] (expected whole numbers from 0 to 3, got 4)]`);
  });

  test("a codebook of another size", () => {
    const storage = { "cache.codes": { shape: [1, 1, 1], data: [0] }, "cache.book": { shape: [1, 1, 3, 8], data: new Float32Array(24) } };
    expect(() => decode(coupled(axes, { couple: 8, bits: 2 }), storage, { channel: 8 })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2103: the axis \`code2\` is bound to two sizes (expected 4 (declared), got 3 (from the shape [1, 1, 3, 8] of \`cache.book\`))]`);
  });

  test("codes of a width that cannot be", () => {
    expect(() => coupled(axes, { couple: 8, bits: 17 })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV3007: \`uint\` cannot have that width (expected an integer from 1 to 16, got 17)]`);
    expect(() => coupled(axes, { couple: -1, bits: 8 })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2105: the axis \`lane-1\` cannot have that size (expected a whole number from 0 to 2147483647, got -1)]`);
  });
});

test("an empty cache decodes to nothing", () => {
  const storage = { "cache.codes": { shape: [0, 1, 1], data: [] }, "cache.book": { shape: [1, 1, 4, 8], data: new Float32Array(32) } };
  expect(decode(coupled(axes, { couple: 8, bits: 2 }), storage, { channel: 8 })).toEqual([]);
});
