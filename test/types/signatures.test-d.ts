/** @file What the types of the language admit: readers, indices and signatures. What they refuse stands in `refused.test-d.ts`. */

import { describe, expectTypeOf, test } from "vitest";
import { any, argmax, axis, clamp, encoded, evaluate, extent, f16, f32, groupOf, kernel, logSumExp, softmax, sum, u32, uint, type Axis, type ComputedTensor, type Index, type Inputs, type InputTensors, type Kernel, type Outputs, type Reader, type TensorData, type TensorSpec } from "kvern";
import { coupled, encodeCoupled } from "kvern/formats";

const head = axis("head");
const kvHead = axis("kvHead");
const token = axis("token");
const channel = axis("channel", 64);

declare const readerOf: <A extends readonly Axis[]>(spec: TensorSpec<A>) => Reader<A>;
declare const tensorsFor: <I extends Inputs, O extends Outputs>(kernel: Kernel<I, O>) => InputTensors<I>;

describe("axes and indices", () => {
  test("an axis carries its name in its type, with and without a size", () => {
    expectTypeOf(head).toEqualTypeOf<Axis<"head">>();
    expectTypeOf(channel).toEqualTypeOf<Axis<"channel">>();
    expectTypeOf(extent(channel)).toEqualTypeOf<number>();
  });

  test("a plain number is an index of any axis; arithmetic on indices gives plain numbers", () => {
    expectTypeOf<number>().toExtend<Index<"head">>();
    const next = (t: Index<"token">) => t + 1;
    expectTypeOf(next).returns.toEqualTypeOf<number>();
  });

  test("clamp, groupOf and the arg-reductions give indices", () => {
    expectTypeOf(clamp(7, token)).toEqualTypeOf<Index<"token">>();
    expectTypeOf(groupOf(3, head, kvHead)).toEqualTypeOf<Index<"kvHead">>();
    expectTypeOf(argmax(token, (t) => t)).toEqualTypeOf<Index<"token">>();
  });
});

describe("specifications", () => {
  test("a tensor is read by one index for each axis, in their order", () => {
    expectTypeOf(readerOf(f32(head, channel))).toEqualTypeOf<(head: Index<"head">, channel: Index<"channel">) => number>();
    expectTypeOf(uint(4)(token)).toEqualTypeOf<TensorSpec<readonly [Axis<"token">]>>();
    expectTypeOf(u32()).toEqualTypeOf<TensorSpec<readonly []>>();
  });

  test("encodings nest, and are read like any tensor over their axes", () => {
    const signs = encoded([token, channel], { bits: uint(1)(token, channel) }, ({ bits }) => (t, c) => 2 * bits(t, c) - 1);
    const scaled = encoded([token, channel], { signs, scale: f16(token) }, ({ signs, scale }) => (t, c) => scale(t) * signs(t, c));
    const k = kernel({ x: scaled }, f32(token), ({ x }) => (t) => sum(channel, (c) => x(t, c)));
    expectTypeOf(tensorsFor(k)).toEqualTypeOf<{
      readonly "x.signs.bits": TensorData;
      readonly "x.scale": TensorData;
    }>();
  });

  test("the axes of a format are told apart by what it couples", () => {
    const keys = coupled([token, kvHead, channel], { couple: 8, bits: 8 });
    expectTypeOf(keys.storage.codes).toEqualTypeOf<TensorSpec<readonly [Axis<"token">, Axis<"kvHead">, Axis<"channel/8">]>>();
    const encode = encodeCoupled([token, kvHead, channel], { couple: 4, bits: 8 });
    expectTypeOf(encode.outputs).toEqualTypeOf<TensorSpec<readonly [Axis<"token">, Axis<"kvHead">, Axis<"channel/4">]>>();
  });
});

describe("kernels", () => {
  test("reductions give their body an index of their axis", () => {
    sum(token, (t) => {
      expectTypeOf(t).toEqualTypeOf<Index<"token">>();
      return 0;
    });
    expectTypeOf(softmax(token, (t) => t)).toEqualTypeOf<(i: Index<"token">) => number>();
    expectTypeOf(logSumExp(token, (t) => t)).toEqualTypeOf<number>();
    expectTypeOf(any(token, (t) => t > 0)).toEqualTypeOf<boolean>();
  });

  test("one output is called out", () => {
    const k = kernel({ x: f32(token) }, f32(), ({ x }) => () => sum(token, x));
    expectTypeOf(evaluate(k, { x: { shape: [1], data: [1] } })).toEqualTypeOf<{ readonly out: ComputedTensor }>();
  });

  test("several outputs keep their names", () => {
    const k = kernel({ x: f32(token) }, { total: f32(), doubled: f32(token) }, ({ x }) => ({ total: () => sum(token, x), doubled: (t) => 2 * x(t) }));
    expectTypeOf(evaluate(k, { x: { shape: [1], data: [1] } })).toEqualTypeOf<{ readonly total: ComputedTensor; readonly doubled: ComputedTensor }>();
  });

  test("a helper generic over the name of an axis keeps it", () => {
    const norm = <Name extends string>(axis: Axis<Name>, x: (i: Index<Name>) => number) => Math.sqrt(sum(axis, (i) => x(i) * x(i)));
    const k = kernel({ x: f32(token, channel) }, f32(token), ({ x }) => (t) => norm(channel, (c) => x(t, c)));
    expectTypeOf(k.outputs).toEqualTypeOf<TensorSpec<readonly [Axis<"token">]>>();
  });

  test("a computed tensor can be given to the next kernel", () => {
    expectTypeOf<ComputedTensor>().toExtend<TensorData>();
  });
});
