/** @file In which type a value is computed, between which bounds it lies, and which infinities it may be. */

import { describe, expect, test } from "vitest";
import { boundsOf, Bounder } from "../../compiler/kernel/bounds";
import { infinitiesOf } from "../../compiler/kernel/infinities";
import { integerType, isChecked, isModular, scalarType } from "../../compiler/kernel/scalar";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { f32, i32, tensorOf, u32, uint } from "../emit/programs";

const b = new GraphBuilder();
const extent = b.extent("t");
const t = b.index("t", extent);
const small = b.index("s", b.constant(10));
const signed = b.load(tensorOf("i", i32, "t"), [t]);
const unsigned = b.load(tensorOf("u", u32, "t"), [t]);
const code = b.load(tensorOf("c", uint(8), "t"), [t]);
const few = b.load(tensorOf("k", uint(8), "s"), [small]);
const real = b.load(tensorOf("x", f32, "t"), [t]);

describe("the type of", () => {
  test.each<readonly [string, Value, ReturnType<typeof scalarType>]>([
    ["an index", t, "i32"],
    ["a size", extent, "i32"],
    ["a difference of positions", b.subtract(t, extent), "i32"],
    ["a sum of positions", b.add(t, extent), "i32"],
    ["an element of i32", signed, "i32"],
    ["an element of u32", unsigned, "u32"],
    ["a code", code, "i32"],
    ["a sum of elements of i32 that may leave it", b.add(signed, b.one), "f32"],
    ["a product of codes", b.multiply(code, b.add(code, b.one)), "i32"],
    ["a product of elements that may leave both", b.multiply(signed, signed), "f32"],
    ["a quotient of u32", b.quotient(unsigned, b.constant(2)), "i32"],
    ["a remainder of u32", b.remainder(unsigned, b.constant(1000)), "i32"],
    ["a remainder of u32 by what may be negative", b.remainder(unsigned, b.remainder(signed, b.constant(7))), "f32"],
    ["a number cut to an integer", b.apply("floor", [real]), "f32"],
    ["a number clamped and cut to an integer", b.apply("floor", [b.clamp(real, b.constant(256))]), "i32"],
    ["an unsigned shift", b.bitwise(">>>", signed, b.zero), "u32"],
    ["a position of an extreme", b.reduce("argmax", t, real), "i32"],
    ["a count", b.reduce("sum", t, b.select(b.less(b.zero, real), b.one, b.zero)), "i32"],
    ["a sum of codes over any number of positions", b.reduce("sum", t, code), "f32"],
    ["a sum of ten codes", b.reduce("sum", small, few), "i32"],
    ["a maximum that may be −∞", b.reduce("max", t, code), "f32"],
    ["a maximum of ten codes", b.reduce("max", small, few), "i32"],
    ["a comparison", b.less(real, b.one), "bool"],
    ["a real", real, "f32"],
  ])("%s", (_, value, type) => {
    expect(scalarType(value)).toBe(type);
  });
});

test("what is too large for a type, but exact modulo 2³², is wide", () => {
  expect(integerType(b.add(signed, b.one))).toBe("wide");
  expect(integerType(b.larger(b.add(signed, b.one), b.zero))).toBe("wide");
  expect(integerType(b.smaller(b.add(signed, b.one), b.zero))).toBe("i32");
  expect(integerType(b.clamp(b.add(signed, b.one), b.constant(9)))).toBe("i32");
  expect(isModular(b.add(signed, b.one))).toBe(true);
  expect(isModular(b.apply("floor", [real]))).toBe(false);
});

test("positions that fit for some sizes only are checked at launch", () => {
  expect(isChecked(b.add(t, extent))).toBe(true);
  expect(isChecked(b.subtract(t, extent))).toBe(false);
  expect(isChecked(b.scale(4, small))).toBe(false);
});

test("bounds for particular sizes", () => {
  const at = new Bounder(() => [100, 100]);
  expect(at.of(t)).toEqual([0, 99]);
  expect(at.of(b.linear(5, [[-3, t]]))).toEqual([-292, 5]);
  expect(at.of(b.quotient(t, b.constant(7)))).toEqual([0, 14]);
  expect(at.of(b.remainder(signed, extent))).toEqual([-99, 99]);
  expect(at.of(b.multiply(t, extent))).toEqual([0, 9900]);
  expect(at.of(b.reduce("argmin", t, real))).toEqual([0, 99]);
  expect(boundsOf(t)).toEqual([0, 2 ** 31 - 2]);
});

describe("infinities", () => {
  const peak = b.reduce("max", t, real);
  test.each<readonly [string, Value, boolean, boolean]>([
    ["a maximum over what may be empty", peak, true, false],
    ["its negation", b.negate(peak), false, true],
    ["its exponential", b.apply("exp", [peak]), false, false],
    ["what is selected where it is not −∞", b.select(b.equal(peak, b.constant(-Infinity)), b.zero, peak), false, false],
    ["a quotient by what may be 0, which promises nothing there", b.divide(real, b.load(tensorOf("z", f32, "t"), [t])), false, false],
    ["a logarithm of what may be 0", b.apply("log", [b.apply("abs", [real])]), true, false],
    ["a product of what may be −∞", b.multiply(peak, real), true, true],
    ["the larger of it and a number", b.larger(peak, real), false, false],
  ])("of %s", (_, value, negative, positive) => {
    expect(infinitiesOf(value)).toEqual({ negative, positive });
  });
});
