import { describe, expect, test } from "vitest";
import { axis, evaluate, extent, f32, kernel, rope, ropeInterleaved } from "kvern";
import { numbers, range } from "./numbers";

const token = axis("token"), channel = axis("channel"), angle = axis("angle"), rotary = axis("rotary");

const tables = (tokens: number, channels: number) => {
  const angles = range(tokens).flatMap((t) => range(channels / 2).map((p) => t * 10000 ** ((-2 * p) / channels)));
  return { cos: angles.map((a) => Math.fround(Math.cos(a))), sin: angles.map((a) => Math.fround(Math.sin(a))) };
};

const rotated = (turn: typeof rope) =>
  kernel({ x: f32(token, channel), cos: f32(token, angle), sin: f32(token, angle) }, f32(token, channel), ({ x, cos, sin }) => (t, c) =>
    turn(channel, (c) => x(t, c), (p) => cos(t, p), (p) => sin(t, p))(c),
  );

const inputs = (tokens: number, channels: number) => {
  const { cos, sin } = tables(tokens, channels);
  const shape = [tokens, channels / 2];
  return { x: { shape: [tokens, channels], data: numbers(tokens * channels, 5) }, cos: { shape, data: cos }, sin: { shape, data: sin } };
};

/** Turns pairs of `x` given as the channels of their first and second members. */
const turned = (tokens: number, channels: number, members: (p: number) => readonly [number, number]): readonly number[] => {
  const { x, cos, sin } = inputs(tokens, channels);
  const result = [...x.data];
  for (let t = 0; t < tokens; t++) {
    for (let p = 0; p < channels / 2; p++) {
      const [first, second] = members(p).map((c) => t * channels + c) as [number, number];
      const [a, b] = [x.data[first] ?? NaN, x.data[second] ?? NaN];
      const [c, s] = [cos.data[(t * channels) / 2 + p] ?? NaN, sin.data[(t * channels) / 2 + p] ?? NaN];
      result[first] = a * c - b * s;
      result[second] = b * c + a * s;
    }
  }
  return result;
};

describe.each([
  { name: "half-split", turn: rope, members: (channels: number) => (p: number) => [p, p + channels / 2] as const },
  { name: "interleaved", turn: ropeInterleaved, members: () => (p: number) => [2 * p, 2 * p + 1] as const },
])("$name rotation", ({ turn, members }) => {
  test("turns each pair by its angle", () => {
    for (const channels of [2, 4, 6, 64]) {
      const { out } = evaluate(rotated(turn), inputs(5, channels));
      expect([...out.data]).toEqual(turned(5, channels, members(channels)));
    }
  });

  test("leaves the first position as it is", () => {
    const { out } = evaluate(rotated(turn), inputs(1, 8));
    expect([...out.data]).toEqual(inputs(1, 8).x.data);
  });

  test("turns nothing where there is nothing", () => {
    expect(evaluate(rotated(turn), inputs(0, 8)).out).toEqual({ shape: [0, 8], data: new Float64Array(0) });
    expect(evaluate(rotated(turn), inputs(3, 0)).out).toEqual({ shape: [3, 0], data: new Float64Array(0) });
  });

  test("refuses an odd number of channels", () => {
    const table = { shape: [1, 3], data: [1, 1, 1] };
    expect(() => evaluate(rotated(turn), { x: { shape: [1, 5], data: [1, 2, 3, 4, 5] }, cos: table, sin: table })).toThrowErrorMatchingInlineSnapshot(`[KvernError: error KV2102: the axis \`channel\` cannot be divided evenly among \`rope.pair\` (expected a multiple of 2, the size of \`rope.pair\`, got 5, the size of \`channel\`)]`);
  });

  test("refuses tables that are too short", () => {
    const table = { shape: [1, 1], data: [1] };
    expect(() => evaluate(rotated(turn), { x: { shape: [1, 4], data: [1, 2, 3, 4] }, cos: table, sin: table })).toThrowErrorMatchingInlineSnapshot(`
      [KvernError: error KV2001: \`cos\` is read outside its axis \`angle\`, whose size is 1 (expected an index from 0 to 0, got 1)
        clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something.]
    `);
  });
});

test("the opposite rotation undoes it, up to the rounding of its tables", () => {
  const back = kernel({ x: f32(token, channel), cos: f32(token, angle), sin: f32(token, angle) }, f32(token, channel), ({ x, cos, sin }) => (t, c) => {
    const turn = rope(channel, (c) => x(t, c), (p) => cos(t, p), (p) => sin(t, p));
    return rope(channel, turn, (p) => cos(t, p), (p) => -sin(t, p))(c);
  });
  const given = inputs(4, 8);
  const { out } = evaluate(back, given);
  // cos² + sin² of two f32 numbers is 1 within 2·(|cos| + |sin|)·2⁻²⁵ ≤ 2√2·2⁻²⁵; the f64 operations round far below.
  out.data.forEach((value, i) => {
    const x = given.x.data[i] ?? NaN;
    expect(Math.abs(value - x)).toBeLessThanOrEqual(3 * 2 ** -25 * Math.abs(x) + 2 ** -45);
  });
});

test("a rotation of the first channels leaves the others alone", () => {
  const partial = kernel({ x: f32(channel), cos: f32(angle), sin: f32(angle) }, f32(channel), ({ x, cos, sin }) => (c: number) => {
    const turn = rope(rotary, (c: number) => x(c), cos, sin);
    return c < extent(rotary) ? turn(c) : x(c);
  });
  const x = numbers(6, 9);
  const { out } = evaluate(partial, { x: { shape: [6], data: x }, cos: { shape: [2], data: [0, 0] }, sin: { shape: [2], data: [1, 1] } }, { set: { rotary: 4 } });
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = x;
  expect([...out.data].map((value) => value + 0)).toEqual([-c, -d, a, b, e, f].map((value) => value + 0));
});
