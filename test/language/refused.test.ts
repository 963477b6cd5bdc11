/** @file Every fault a user of `evaluate` can make, and what is said of it. */

import { describe, expect, test } from "vitest";
import { axis, evaluate, extent, f16, f32, groupOf, i32, kernel, KvernError, sum, uint, encoded, type Kernel, type Inputs, type TensorData, type TensorSpec } from "kvern";

const token = axis("token"), channel = axis("channel"), head = axis("head"), kvHead = axis("kvHead");

const product = kernel({ q: f32(channel), k: f32(token, channel) }, f32(token), ({ q, k }) => (t) => sum(channel, (c) => q(c) * k(t, c)));
const q = { shape: [2], data: [1, 2] };
const k = { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] };

/** What is said of a fault; anything but a `KvernError` is a failure of the test. */
const said = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof KvernError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
};

/** Evaluates with inputs that the types refuse. */
const untyped = <I extends Inputs>(kernel: Kernel<I, TensorSpec>, inputs: unknown): string =>
  said(() => evaluate(kernel as unknown as Kernel<Inputs, TensorSpec>, inputs as Readonly<Record<string, TensorData>>));

/** Evaluates a copy of one input. */
const copied = (spec: TensorSpec<readonly [typeof token]>, data: readonly number[]): string =>
  said(() => evaluate(kernel({ x: spec }, f32(token), ({ x }) => x), { x: { shape: [data.length], data } }));

describe("inputs", () => {
  test("a missing one", () => {
    expect(untyped(product, { q })).toMatchInlineSnapshot(`"error KV3001: the input \`k\` [token, channel] is missing (expected f32 over [token, channel], got only \`q\`)"`);
    expect(untyped(product, {})).toMatchInlineSnapshot(`
      "error KV3001: the input \`q\` [channel] is missing (expected f32 over [channel], got no inputs)
      error KV3001: the input \`k\` [token, channel] is missing (expected f32 over [token, channel], got no inputs)"
    `);
  });
  test("null, alone or instead of a record", () => {
    expect(untyped(product, { q: null, k })).toContain("KV3001");
    expect(untyped(product, null)).toContain("KV3001");
  });
  test("an unknown one", () => {
    expect(untyped(product, { q, k, v: k })).toMatchInlineSnapshot(`"error KV3002: there is no input \`v\` (expected \`q\`, \`k\`, got \`v\`)"`);
    expect(untyped(product, { q, k, constructor: k })).toMatchInlineSnapshot(`"error KV3002: there is no input \`constructor\` (expected \`q\`, \`k\`, got \`constructor\`)"`);
  });
  test("an encoded one given under its own name", () => {
    const cache = encoded([token], { codes: uint(4)(token) }, ({ codes }) => codes);
    expect(untyped(kernel({ keys: cache }, f32(token), ({ keys }) => keys), { keys: q })).toMatchInlineSnapshot(`
      "error KV3001: the input \`keys.codes\` [token] is missing (expected uint(4) over [token], got only \`keys\`)
      error KV3002: there is no input \`keys\` (expected \`keys.codes\`, got \`keys\`)"
    `);
  });
  test("of another rank", () => {
    expect(said(() => evaluate(product, { q: k, k }))).toMatchInlineSnapshot(`
      "error KV3003: the input \`q\` [channel] has the wrong shape (expected 1 size, of the axes [channel], got [3, 2])
        Give a record { shape, data } with one size per axis, in the order of the axes."
    `);
  });
  test("of a shape that is none", () => {
    expect(said(() => evaluate(product, { q: { shape: [-2], data: [] }, k }))).toMatchInlineSnapshot(`
      "error KV3003: the input \`q\` [channel] has the wrong shape (expected 1 size, of the axes [channel], got [-2])
        Give a record { shape, data } with one size per axis, in the order of the axes."
    `);
    expect(untyped(product, { q: [1, 2], k })).toMatchInlineSnapshot(`
      "error KV3003: the input \`q\` [channel] has the wrong shape (expected 1 size, of the axes [channel], got no shape but undefined)
        Give a record { shape, data } with one size per axis, in the order of the axes."
    `);
  });
  test("with too few elements", () => {
    expect(said(() => evaluate(product, { q: { shape: [2], data: [1] }, k }))).toMatchInlineSnapshot(`"error KV3003: the input \`q\` does not have as many elements as its shape [2] says (expected 2 elements, got 1)"`);
  });
  test("packed, with too few words", () => {
    const copy = kernel({ x: uint(8)(token, channel) }, f32(token, channel), ({ x }) => x);
    expect(said(() => evaluate(copy, { x: { shape: [2, 5], data: new Uint32Array(3) } }))).toMatchInlineSnapshot(`"error KV3003: the input \`x\` does not have as many elements as its shape [2, 5] says (expected 4 words, packed (unpacked codes come in a Uint8Array or Uint16Array), got 3)"`);
  });
  test("with elements that are no numbers", () => {
    expect(untyped(product, { q: { shape: [2], data: ["1", "2"] }, k })).toMatchInlineSnapshot(`"error KV3006: the input \`q\` holds what is no number at [0] (expected finite numbers or infinities, got 1)"`);
    expect(untyped(product, { q: { shape: [2], data: BigInt64Array.of(1n, 2n) }, k })).toMatchInlineSnapshot(`"error KV3004: the elements of the input \`q\` are not f32 (expected a Float32Array, a Float64Array or an array of numbers, got BigInt64Array)"`);
  });
  test("with NaN", () => {
    expect(said(() => evaluate(product, { q, k: { shape: [3, 2], data: [1, 2, 3, 4, 5, NaN] } }))).toMatchInlineSnapshot(`"error KV3006: the input \`k\` holds NaN at [2, 1] (expected finite numbers or infinities, got NaN)"`);
  });
  test("with elements that their type cannot hold", () => {
    expect(copied(uint(4)(token), [3, 16])).toMatchInlineSnapshot(`"error KV3005: the input \`x\` holds 16 at [1] (expected whole numbers from 0 to 15, got 16)"`);
    expect(copied(uint(4)(token), [0.5])).toMatchInlineSnapshot(`"error KV3005: the input \`x\` holds 0.5 at [0] (expected whole numbers from 0 to 15, got 0.5)"`);
    expect(copied(i32(token), [2 ** 31])).toMatchInlineSnapshot(`"error KV3005: the input \`x\` holds 2147483648 at [0] (expected whole numbers from -2147483648 to 2147483647, got 2147483648)"`);
    expect(copied(f16(token), [70000])).toMatchInlineSnapshot(`"error KV3005: the input \`x\` holds 70000 at [0] (expected magnitudes up to 65504, got 70000)"`);
    expect(copied(f32(token), [1e39])).toMatchInlineSnapshot(`
      "error KV3005: the input \`x\` holds 1e+39 at [0] (expected magnitudes below the largest f32, 3.4028235e38, got 1e+39)
        Where it stands for an infinity, write Infinity or -Infinity."
    `);
  });
});

describe("sizes", () => {
  test("two inputs that disagree", () => {
    expect(said(() => evaluate(product, { q: { shape: [3], data: [1, 2, 3] }, k }))).toMatchInlineSnapshot(`"error KV2103: the axis \`channel\` is bound to two sizes (expected 3 (from the shape [3] of \`q\`), got 2 (from the shape [3, 2] of \`k\`))"`);
  });
  test("an input that disagrees with `set`", () => {
    expect(said(() => evaluate(product, { q, k }, { set: { token: 4 } }))).toMatchInlineSnapshot(`"error KV2103: the axis \`token\` is bound to two sizes (expected 4 (\`set\`), got 3 (from the shape [3, 2] of \`k\`))"`);
  });
  test("an input that disagrees with its axis", () => {
    const fixed = kernel({ x: f32(axis("token", 4)) }, f32(), () => () => 0);
    expect(said(() => evaluate(fixed, { x: { shape: [3], data: [1, 2, 3] } }))).toMatchInlineSnapshot(`"error KV2103: the axis \`token\` is bound to two sizes (expected 4 (declared), got 3 (from the shape [3] of \`x\`))"`);
  });
  test("a body whose axis disagrees with the inputs", () => {
    const body = kernel({ x: f32(token) }, f32(), ({ x }) => () => sum(axis("token", 2), (t) => x(t)));
    expect(said(() => evaluate(body, { x: { shape: [3], data: [1, 2, 3] } }))).toMatchInlineSnapshot(`"error KV2103: the axis \`token\` is bound to two sizes (expected 2 (declared), got 3 (from the inputs or \`set\`))"`);
  });
  test("an output axis that nothing binds", () => {
    expect(said(() => evaluate(kernel({}, f32(token), () => (t) => t), {}))).toMatchInlineSnapshot(`
      "error KV2101: the axis \`token\` has no size: no input has it and it is not set (expected a size for \`token\`)
        Give it one: set: { token: … }."
    `);
  });
  test("an axis of the body that nothing binds", () => {
    expect(said(() => evaluate(kernel({}, f32(), () => () => sum(token, (t) => t)), {}))).toMatchInlineSnapshot(`
      "error KV2101: the axis \`token\` has no size (expected a size from an input over that axis, or from \`set\`)
        Give it one: set: { "token": … }, or axis("token", …)."
    `);
  });
  test("a size outside an evaluation", () => {
    expect(said(() => extent(token))).toMatchInlineSnapshot(`
      "error KV2101: the axis \`token\` has no size (expected an evaluation that is running: \`evaluate(kernel, inputs)\`)
        Give it one: set: { "token": … }, or axis("token", …)."
    `);
  });
  test("`set` to what is no size", () => {
    expect(said(() => evaluate(kernel({}, f32(token), () => (t) => t), {}, { set: { token: 1.5 } }))).toMatchInlineSnapshot(`"error KV2105: \`set\` gives the axis \`token\` no size (expected a whole number from 0 to 2147483647, got 1.5)"`);
  });
  test("groups that do not divide", () => {
    const grouped = kernel({ x: f32(head), y: f32(kvHead) }, f32(head), ({ y }) => (h) => y(groupOf(h, head, kvHead)));
    expect(said(() => evaluate(grouped, { x: { shape: [6], data: new Float32Array(6) }, y: { shape: [4], data: new Float32Array(4) } }))).toMatchInlineSnapshot(`"error KV2102: the axis \`head\` cannot be divided evenly among \`kvHead\` (expected a multiple of 4, the size of \`kvHead\`, got 6, the size of \`head\`)"`);
    expect(said(() => evaluate(grouped, { x: { shape: [6], data: new Float32Array(6) }, y: { shape: [0], data: [] } }))).toMatchInlineSnapshot(`"error KV2102: the axis \`head\` cannot be divided evenly among \`kvHead\` (expected \`kvHead\` to have a position, got 6, the size of \`head\`)"`);
  });
});

describe("indices", () => {
  const read = (at: (t: number) => number): string =>
    said(() => evaluate(kernel({ k: f32(token, channel) }, f32(token), ({ k }) => (t) => k(at(t), 0)), { k }));

  test("outside their axis", () => {
    expect(read((t) => t + 1)).toMatchInlineSnapshot(`
      "error KV2001: \`k\` is read outside its axis \`token\`, whose size is 3 (expected an index from 0 to 2, got 3)
        clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something."
    `);
    expect(read((t) => t - 1)).toMatchInlineSnapshot(`
      "error KV2001: \`k\` is read outside its axis \`token\`, whose size is 3 (expected an index from 0 to 2, got -1)
        clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something."
    `);
  });
  test("between positions", () => {
    expect(read((t) => t / 2)).toMatchInlineSnapshot(`
      "error KV2002: \`k\` is read between the positions of its axis \`token\` (expected an integer, got 0.5)
        Math.floor(i) makes an index of a number."
    `);
    expect(read(() => NaN)).toMatchInlineSnapshot(`
      "error KV2002: \`k\` is read between the positions of its axis \`token\` (expected an integer, got NaN)
        Math.floor(i) makes an index of a number."
    `);
  });
  test("on an empty axis", () => {
    const first = kernel({ x: f32(token) }, f32(), ({ x }) => () => x(0));
    expect(said(() => evaluate(first, { x: { shape: [0], data: [] } }))).toMatchInlineSnapshot(`
      "error KV2001: \`x\` is read outside its axis \`token\`, whose size is 0 (expected no read at all, got 0)
        clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something."
    `);
  });
  test("outside the axes of an encoding, before its storage is asked", () => {
    const halves = encoded([token], { x: f32(axis("half")) }, ({ x }) => (t) => x(Math.floor(t / 2)));
    const next = kernel({ halves }, f32(token), ({ halves }) => (t) => halves(t + 1));
    expect(said(() => evaluate(next, { "halves.x": { shape: [9], data: new Float32Array(9) } }, { set: { token: 3 } }))).toMatchInlineSnapshot(`
      "error KV2001: \`halves\` is read outside its axis \`token\`, whose size is 3 (expected an index from 0 to 2, got 3)
        clamp(i, axis) forces an index into its axis; \`i < extent(axis) ? … : …\` reads only where there is something."
    `);
  });
});

describe("outputs", () => {
  test("an integer output that is none", () => {
    for (const value of [0.5, NaN, Infinity]) {
      const text = said(() => evaluate(kernel({}, uint(4)(token), () => () => value), {}, { set: { token: 2 } }));
      expect(text).toContain(`got ${value}`);
    }
    expect(said(() => evaluate(kernel({}, i32(), () => () => 0.5), {}))).toMatchInlineSnapshot(`
      "error KV3009: the output \`out\`, of i32, is not an integer (expected an integer, got 0.5)
        Math.round(x) or Math.floor(x) makes an integer of a number."
    `);
  });
  test("an output that is not computed", () => {
    const body = (() => ({ total: () => 0 })) as unknown as () => { total: () => number; largest: () => number };
    expect(said(() => evaluate(kernel({}, { total: f32(), largest: f32() }, body), {}))).toMatchInlineSnapshot(`"error KV3010: the body does not compute the output \`largest\` (expected a function of its indices, got undefined)"`);
    const truth = (() => () => true) as unknown as () => () => number;
    expect(said(() => evaluate(kernel({}, f32(), truth), {}))).toMatchInlineSnapshot(`"error KV3010: the body does not compute the output \`out\` (expected a number, got boolean)"`);
  });
});

describe("specifications", () => {
  test("names of axes", () => {
    expect(said(() => axis("key head"))).toMatchInlineSnapshot(`"error KV2104: an axis cannot be called "key head" (expected a name without white space, control characters and # @ = , that is no property of every object, such as \`constructor\`)"`);
    for (const name of ["", "a#0", "a@1", "a=1", "a,b", "a\n"]) expect(said(() => axis(name))).toContain("KV2104");
    expect(axis("channel/8").name).toBe("channel/8");
  });
  test("sizes of axes", () => {
    expect(said(() => axis("token", -1))).toMatchInlineSnapshot(`"error KV2105: the axis \`token\` cannot have that size (expected a whole number from 0 to 2147483647, got -1)"`);
    for (const size of [1.5, NaN, Infinity, 2 ** 31]) expect(said(() => axis("token", size))).toContain("KV2105");
  });
  test("widths of packed integers", () => {
    expect(said(() => uint(0))).toMatchInlineSnapshot(`"error KV3007: \`uint\` cannot have that width (expected an integer from 1 to 16, got 0)"`);
    for (const bits of [17, 2.5, NaN]) expect(said(() => uint(bits))).toContain("KV3007");
  });
  test("names of inputs, outputs and storages", () => {
    expect(said(() => kernel({ "keys.codes": f32(token) }, f32(), () => () => 0))).toMatchInlineSnapshot(`"error KV3008: an input cannot be called "keys.codes" (expected an identifier)"`);
    expect(said(() => kernel({}, { "a b": f32() }, () => ({ "a b": () => 0 })))).toMatchInlineSnapshot(`"error KV3008: an output cannot be called "a b" (expected an identifier)"`);
    expect(said(() => encoded([token], { "": f32(token) }, (x) => x[""]))).toMatchInlineSnapshot(`"error KV3008: a storage tensor cannot be called "" (expected an identifier)"`);
  });
});
