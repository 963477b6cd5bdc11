import { describe, expect, test } from "vitest";
import { evaluate, f16, f32 } from "kvern";
import { encodePerChannel, encodePerToken, fullPrecision, perChannel, perToken, scalesPerChannel, scalesPerToken } from "kvern/formats";
import { axes, decode, half, irregular } from "./caches";

const [tokens, heads, channels] = [7, 2, 6];
const shape = [tokens, heads, channels];
const x = irregular(tokens * heads * channels, 3);
const at = (t: number, h: number, c: number): number => x[(t * heads + h) * channels + c] ?? NaN;
const each = <T>(sizes: readonly [number, number, number], f: (i: number, j: number, k: number) => T): T[] => {
  const all: T[] = [];
  for (let i = 0; i < sizes[0]; i++) for (let j = 0; j < sizes[1]; j++) for (let k = 0; k < sizes[2]; k++) all.push(f(i, j, k));
  return all;
};

/** The scale and the zero of a block, as stored in f16, and what its numbers become. */
const block = (numbers: readonly number[], bits: number) => {
  const [least, largest] = [Math.min(...numbers), Math.max(...numbers)];
  const scale = half((largest - least) / (2 ** bits - 1));
  const zero = half(least);
  const code = (x: number): number => Math.min(Math.max(Math.round((x - zero) / scale), 0), 2 ** bits - 1);
  return { scale, zero, code, decoded: (x: number): number => zero + scale * code(x) };
};

describe.each([{ bits: 4 }, { bits: 2, group: 3 }, { bits: 8, group: 7 }, { bits: 1, group: 1 }, { bits: 3, group: 100 }])("$bits bits, group $group", (spacing) => {
  const { bits } = spacing;

  test("per channel, over blocks of tokens", () => {
    const size = spacing.group ?? tokens;
    const blocks = Math.ceil(tokens / size);
    const of = (t: number, h: number, c: number) => {
      const first = Math.floor(t / size) * size;
      return block(each([Math.min(size, tokens - first), 1, 1], (i) => at(first + i, h, c)), bits);
    };
    const set = spacing.group === undefined ? {} : { [`token/${size}`]: blocks };
    const { scale, zero } = evaluate(scalesPerChannel(axes, spacing), { x: { shape, data: x } }, { set });
    expect([...scale.data].map(half)).toEqual(each([blocks, heads, channels], (b, h, c) => of(b * size, h, c).scale));
    expect([...zero.data].map(half)).toEqual(each([blocks, heads, channels], (b, h, c) => of(b * size, h, c).zero));

    const { out } = evaluate(encodePerChannel(axes, spacing), { x: { shape, data: x }, scale, zero });
    const codeOf = (t: number, h: number, c: number) => (of(t, h, c).scale === 0 ? 0 : of(t, h, c).code(at(t, h, c)));
    expect([...out.data]).toEqual(each([tokens, heads, channels], codeOf));

    const decoded = decode(perChannel(axes, spacing), { "cache.codes": out, "cache.scale": scale, "cache.zero": zero }, {});
    expect(decoded).toEqual(each([tokens, heads, channels], (t, h, c) => of(t, h, c).zero + of(t, h, c).scale * codeOf(t, h, c)));
  });

  test("per token, over blocks of channels", () => {
    const size = spacing.group ?? channels;
    const blocks = Math.ceil(channels / size);
    const of = (t: number, h: number, c: number) => {
      const first = Math.floor(c / size) * size;
      return block(each([Math.min(size, channels - first), 1, 1], (i) => at(t, h, first + i)), bits);
    };
    const set = spacing.group === undefined ? {} : { [`channel/${size}`]: blocks };
    const { scale, zero } = evaluate(scalesPerToken(axes, spacing), { x: { shape, data: x } }, { set });
    expect([...scale.data].map(half)).toEqual(each([tokens, heads, blocks], (t, h, b) => of(t, h, b * size).scale));

    const { out } = evaluate(encodePerToken(axes, spacing), { x: { shape, data: x }, scale, zero });
    const codeOf = (t: number, h: number, c: number) => (of(t, h, c).scale === 0 ? 0 : of(t, h, c).code(at(t, h, c)));
    expect([...out.data]).toEqual(each([tokens, heads, channels], codeOf));

    const decoded = decode(perToken(axes, spacing), { "cache.codes": out, "cache.scale": scale, "cache.zero": zero }, {});
    expect(decoded).toEqual(each([tokens, heads, channels], (t, h, c) => of(t, h, c).zero + of(t, h, c).scale * codeOf(t, h, c)));
  });
});

test("equal numbers and empty blocks have the scale 0", () => {
  const same = evaluate(scalesPerChannel(axes, { bits: 4, group: 2 }), { x: { shape: [2, 1, 1], data: [5, 5] } }, { set: { "token/2": 2 } });
  expect([...same.scale.data, ...same.zero.data]).toEqual([0, 0, 5, 0]);
  const none = evaluate(scalesPerChannel(axes, { bits: 4 }), { x: { shape: [0, 1, 1], data: [] } });
  expect([...none.scale.data, ...none.zero.data]).toEqual([0, 0]);
});

test("a full-precision cache is its numbers, rounded to their type", () => {
  expect(decode(fullPrecision(axes, f32), { "cache.data": { shape, data: x } }, {})).toEqual(x);
  expect(decode(fullPrecision(axes, f16), { "cache.data": { shape, data: x } }, {})).toEqual(x.map(half));
});

test("too few blocks are refused", () => {
  const short = { shape: [1, heads, channels], data: new Float32Array(heads * channels) };
  expect(() => decode(perChannel(axes, { bits: 8, group: 4 }), { "cache.codes": { shape, data: new Uint8Array(x.length) }, "cache.scale": short, "cache.zero": short }, {})).toThrowErrorMatchingInlineSnapshot(`
    [KvernError: error KV2001: \`cache.scale\` is read outside its axis \`token/4\`, whose size is 1 (expected an index from 0 to 0, got 1)
      clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something.]
  `);
});
