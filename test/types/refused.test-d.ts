/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-argument --
   what has no type here is wrong on purpose */
/** @file What the types of the language refuse. Each line under `@ts-expect-error` is wrong in exactly one way. */

import { expectTypeOf, test } from "vitest";
import { argmin, axis, encoded, evaluate, f32, groupOf, kernel, softmax, sum, uint, type Index } from "kvern";
import { coupled } from "kvern/formats";

const head = axis("head");
const kvHead = axis("kvHead");
const token = axis("token");
const channel = axis("channel");
const inputs = { q: f32(head, channel), k: f32(token, channel) };

test("swapped indices", () => {
  // @ts-expect-error head and channel are swapped
  kernel(inputs, f32(head, channel), ({ q }) => (h, c) => q(c, h));
});

test("missing and surplus indices", () => {
  // @ts-expect-error q has two axes
  kernel(inputs, f32(head), ({ q }) => (h) => q(h));
  // @ts-expect-error q has two axes
  kernel(inputs, f32(head, channel), ({ q }) => (h, c) => q(h, c, c));
});

test("an index of a foreign axis", () => {
  // @ts-expect-error k is read along token, not head
  kernel(inputs, f32(head, channel), ({ k }) => (h, c) => k(h, c));
  // @ts-expect-error the index is of channel, the axis is head
  kernel(inputs, f32(channel), () => (c) => groupOf(c, head, kvHead));
  // @ts-expect-error the sum runs over channel, k is read along token
  kernel(inputs, f32(channel), ({ k }) => (c) => sum(channel, (t) => k(t, c)));
  // @ts-expect-error the position of the least element is a token, not a head
  kernel(inputs, f32(channel), ({ q, k }) => (c) => q(argmin(token, (t) => k(t, c)), c));
  // @ts-expect-error the weights run along token
  kernel(inputs, f32(head), ({ k }) => (h) => softmax(token, (t) => k(t, 0))(h));
});

test("a reader of other axes", () => {
  const total = (x: (h: Index<"head">, c: Index<"channel">) => number) => x(0, 0);
  // @ts-expect-error k is not over head
  kernel(inputs, f32(), ({ k }) => () => total(k));
});

test("an input that the kernel does not have", () => {
  // @ts-expect-error there is no v
  kernel(inputs, f32(head, channel), ({ v }) => (h, c) => v(h, c));
});

test("an output of another shape", () => {
  // @ts-expect-error the output has one axis, the body takes two indices
  kernel(inputs, f32(head), ({ q }) => (h, c: Index<"channel">) => q(h, c));
  // @ts-expect-error the output is over channel and head, the body takes head first
  kernel(inputs, f32(channel, head), ({ q }) => (h: Index<"head">, c: Index<"channel">) => q(h, c));
  // @ts-expect-error the output `largest` is not computed
  kernel(inputs, { total: f32(), largest: f32() }, () => ({ total: () => 0 }));
  // @ts-expect-error an element is a number
  kernel(inputs, f32(head), () => (h) => h > 0);
});

test("an encoding that reads its storage wrongly", () => {
  // @ts-expect-error codes is over token, head
  encoded([token, head], { codes: uint(4)(token, head) }, ({ codes }) => (t, h) => codes(h, t));
  // @ts-expect-error there is no scale
  encoded([token, head], { codes: uint(4)(token, head) }, ({ scale }) => (t, h) => scale(t, h));
  // @ts-expect-error a cache is read by token, head, channel
  kernel({ keys: coupled([token, kvHead, channel], { couple: 8, bits: 8 }) }, f32(token, kvHead, channel), ({ keys }) => (t, h, c) => keys(h, t, c));
});

test("evaluate with missing and unknown tensors", () => {
  const x = { shape: [1], data: [1] };
  const sums = kernel({ x: f32(token), y: encoded([token], { codes: uint(4)(token) }, ({ codes }) => codes) }, f32(), ({ x }) => () => sum(token, x));
  expectTypeOf(() => {
    // @ts-expect-error y.codes is missing
    evaluate(sums, { x });
    // @ts-expect-error y is given as y.codes
    evaluate(sums, { x, y: x });
    // @ts-expect-error there is no z
    evaluate(sums, { x, "y.codes": x, z: x });
    // @ts-expect-error the one output is called out
    return evaluate(sums, { x, "y.codes": x }).total;
  }).toBeFunction();
});
