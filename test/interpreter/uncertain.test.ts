/** @file Where a device may legally go another way than the interpreter: conditions, positions and steps within an error, and reads that only one side makes. */

import { describe, expect, test } from "vitest";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Element, Value } from "../../spec/graph/node";
import { interpretWithBound } from "../../spec/interpreter";
import { f32, graphOf, tensorOf } from "./sample";

const i32: Element = { kind: "i32" };
const X = [10, 20, 40, 80];

/** What `body` comes to: value, bound, and whether it says that it spans a jump. `t` is 0.3 with an error, which is near 3 · 0.1. */
function result(body: (b: GraphBuilder, is: { readonly t: Value; readonly tenth: Value; readonly n: Value; readonly wild: Value; readonly x: (at: Value) => Value }) => Value, element: Element = f32): { readonly value: number; readonly bound: number; readonly undecided: boolean } {
  const b = new GraphBuilder();
  const [x, s, n, wild] = [tensorOf("x", ["i"]), tensorOf("s", []), tensorOf("n", [], i32), tensorOf("wild", [], i32)];
  const load = b.load(s, []);
  const is = { t: b.multiply(load, b.constant(0.1)), tenth: b.multiply(b.constant(0.3), b.add(load, b.constant(-2))), n: b.load(n, []), wild: b.load(wild, []), x: (at: Value) => b.load(x, [at]) };
  const graph = graphOf(b, [x, s, n, wild], tensorOf("out", [], element), () => body(b, is));
  const { out } = interpretWithBound(graph, { x: { shape: [X.length], data: X }, s: { shape: [], data: [3] }, n: { shape: [], data: [2] }, wild: { shape: [], data: [99] } });
  return { value: out?.data[0] ?? NaN, bound: out?.bound[0] ?? NaN, undecided: out?.undecided[0] === 1 };
}

/** 0.3 + 1.7, as an integer: 2, or 1 where a device comes out a little below; its bound is 1 to either side. */
const two = (b: GraphBuilder, t: Value): Value => b.floor(b.add(t, b.constant(1.7)));

describe("an element that is read at a place which may be another", () => {
  test("is bounded by the elements that may be read instead", () => {
    const { value, bound, undecided } = result((b, { t, x }) => x(two(b, t)));
    expect([value, undecided]).toEqual([40, true]);
    // An error is one number: 1 or 2, so 3 as well.
    expect(bound).toBe(40);
  });

  test("reads no further than the axis reaches", () => {
    // 3 or 2 of 0…3, and −1, 0 or 1, clamped.
    const far = result((b, { t, x }) => x(b.clamp(b.floor(b.add(t, b.constant(2.7))), b.extent("i"))));
    expect(far).toEqual({ value: 80, bound: 40, undecided: true });
    const near = result((b, { t, x }) => x(b.clamp(b.floor(b.subtract(t, b.constant(0.3))), b.extent("i"))));
    expect(near.value).toBe(10);
    expect(near.bound).toBe(10);
  });

  // 2¹⁶ elements are looked at, each of which may be read; with one more, none is.
  test.each([[2 ** 16, 65_535], [2 ** 16 + 1, Infinity]])("of %d positions is bounded by %d", (positions, most) => {
    const b = new GraphBuilder();
    const [x, s] = [tensorOf("x", ["i"]), tensorOf("s", [])];
    // About 0, by whatever a rounding of 10¹⁵ may make of it.
    const far = b.floor(b.multiply(b.subtract(b.multiply(b.load(s, []), b.constant(0.1)), b.constant(0.3)), b.constant(1e15)));
    const graph = graphOf(b, [x, s], tensorOf("out", []), () => b.load(x, [b.clamp(far, b.extent("i"))]));
    const { out } = interpretWithBound(graph, { x: { shape: [positions], data: Float32Array.from({ length: positions }, (_, at) => at) }, s: { shape: [], data: [3] } });
    expect([out?.data[0], out?.bound[0], out?.undecided[0]]).toEqual([0, most, 1]);
  });

  test("of a table is bounded by the entries that may be looked up", () => {
    const at = (b: GraphBuilder, where: Value) => b.table(b.index("code", b.constant(4), 7), b.multiply(b.constant(10), b.power(b.index("code", b.constant(4), 7), b.constant(2))), where);
    expect(result((b, { n }) => at(b, n))).toEqual({ value: 40, bound: 0, undecided: false });
    expect(result((b, { t }) => at(b, two(b, t)))).toEqual({ value: 40, bound: 50, undecided: true });
    expect(result((b, { t }) => at(b, b.floor(b.add(t, b.constant(2.7)))))).toEqual({ value: 90, bound: 50, undecided: true });
    expect(() => result((b, { wild }) => at(b, wild))).toThrow(/^internal: a table over an axis of size 4 is looked up at 99/);
  });
});

const unsure = (b: GraphBuilder, { t, tenth }: { readonly t: Value; readonly tenth: Value }): Value => b.less(t, tenth);
/** What the interpreter finds. */
const HOLDS = result((b, is) => b.select(unsure(b, is), b.one, b.zero)).value === 1;

describe("a choice whose condition may fall either way", () => {
  test("spans both of what it may choose", () => {
    expect(result((b, is) => b.select(unsure(b, is), is.x(b.zero), is.x(b.one)))).toMatchObject({ bound: 10, undecided: true });
    expect(result((b, is) => b.select(b.not(unsure(b, is)), is.x(b.zero), is.x(b.one)))).toMatchObject({ bound: 10, undecided: true });
    expect(result((b, is) => b.select(b.not(b.less(is.n, b.constant(5))), is.x(b.zero), is.x(b.one)))).toEqual({ value: 20, bound: 0, undecided: false });
  });

  test("promises nothing where the other side cannot be computed", () => {
    const taken = (b: GraphBuilder, is: { readonly wild: Value; readonly x: (at: Value) => Value }, holds: Value): Value => (HOLDS ? b.select(holds, is.x(b.one), is.x(is.wild)) : b.select(holds, is.x(is.wild), is.x(b.one)));
    expect(result((b, is) => taken(b, is, unsure(b, is)))).toEqual({ value: 20, bound: Infinity, undecided: true });
    // A condition that is sure computes one side only.
    expect(result((b, is) => b.select(b.less(is.n, b.constant(5)), is.x(b.one), is.x(is.wild)))).toEqual({ value: 20, bound: 0, undecided: false });
    expect(() => result((b, is) => b.select(b.less(b.constant(5), is.n), is.x(b.one), is.x(is.wild)))).toThrow(KvernError);
  });

  test.each(["and", "or"] as const)("%s: one part that is sure decides, one that is not leaves it open, and one that is refused counts only where no other decides", (kind) => {
    const sure = (b: GraphBuilder, n: Value, holds: boolean): Value => (holds ? b.less(n, b.constant(5)) : b.less(b.constant(5), n));
    const refused = (b: GraphBuilder, is: { readonly wild: Value; readonly x: (at: Value) => Value }): Value => b.less(is.x(is.wild), b.one);
    const either = (b: GraphBuilder, condition: Value): Value => b.select(condition, b.one, b.zero);
    const decides = kind === "or";
    const joined = (b: GraphBuilder, ...parts: readonly Value[]): Value => either(b, b[kind](...parts));
    expect(result((b, is) => joined(b, unsure(b, is), sure(b, is.n, decides)))).toEqual({ value: Number(decides), bound: 0, undecided: false });
    expect(result((b, is) => joined(b, refused(b, is), sure(b, is.n, decides)))).toEqual({ value: Number(decides), bound: 0, undecided: false });
    expect(result((b, is) => joined(b, unsure(b, is), sure(b, is.n, !decides)))).toMatchObject({ bound: 1, undecided: true });
    expect(() => result((b, is) => joined(b, refused(b, is), sure(b, is.n, !decides)))).toThrow(KvernError);
    // What decides for values need not for a device, which then makes the other read.
    const perhaps = (b: GraphBuilder, is: { readonly t: Value; readonly tenth: Value }): Value => (HOLDS === decides ? unsure(b, is) : b.not(unsure(b, is)));
    const open = result((b, is) => joined(b, refused(b, is), perhaps(b, is)));
    expect(open).toEqual({ value: Number(decides), bound: 1, undecided: true });
  });
});

describe("a reduction behind a guard that may fall either way", () => {
  const guarded = (op: "sum" | "max" | "argmax" | "any", least: number) => result((b, { t, x }) => {
    const i = b.index("i", b.extent("i"), 3);
    const where = b.less(b.constant(least), b.multiply(x(i), t));
    return op === "any" ? b.select(b.reduce("any", i, b.less(b.constant(70), x(i)), where), b.one, b.zero) : b.reduce(op, i, x(i), where);
  });
  // x · 0.3 is 3, 6, 12, 24: at 12 the third may be in or out, at 11 it is in.
  test("spans what it may take in or leave out", () => {
    expect(guarded("sum", 11)).toMatchObject({ value: 120, undecided: false });
    expect(guarded("sum", 11).bound).toBeLessThan(1e-4);
    expect(guarded("sum", 12)).toMatchObject({ undecided: true });
    expect(guarded("sum", 12).bound).toBeGreaterThanOrEqual(40);
    expect(guarded("sum", 12).bound).toBeLessThan(40.001);
    expect(guarded("max", 12)).toMatchObject({ value: 80, bound: 0 });
    expect(guarded("max", 24).bound).toBe(Infinity);
    expect(guarded("argmax", 12)).toEqual({ value: 3, bound: 0, undecided: false });
    expect(guarded("any", 12)).toEqual({ value: 1, bound: 0, undecided: false });
    expect(guarded("any", 24)).toMatchObject({ bound: 1, undecided: true });
  });

  test("promises nothing of a sum whose element cannot be computed where a device may take it", () => {
    const { value, bound, undecided } = result((b, is) => {
      const i = b.index("i", b.extent("i"), 3);
      const early = b.less(i, b.constant(3));
      return b.reduce("sum", i, b.select(early, is.x(i), is.x(is.wild)), b.or(early, HOLDS ? b.not(unsure(b, is)) : unsure(b, is)));
    });
    expect(value).toBe(70);
    expect(undecided).toBe(true);
    expect(bound).toBe(Infinity);
  });
});

describe("steps between integers", () => {
  const whole = (b: GraphBuilder, t: Value): Value => b.floor(b.add(b.scale(10, t), b.constant(4)));
  test("of a quotient by an exact divisor span the quotients that may be, by another they promise nothing", () => {
    // 7 or 6, by 7: 1 or 0.
    expect(result((b, { t }) => b.quotient(whole(b, t), b.constant(7)))).toMatchObject({ value: 1, bound: 1, undecided: true });
    expect(result((b, { t }) => b.quotient(whole(b, t), b.constant(3)))).toMatchObject({ value: 2, bound: 0 });
    expect(result((b, { t, n }) => b.quotient(b.scale(20, n), whole(b, t)))).toMatchObject({ bound: Infinity, undecided: true });
    expect(result((b, { n }) => b.quotient(b.scale(20, n), b.constant(7)))).toEqual({ value: 5, bound: 0, undecided: false });
  });

  test("of a remainder jump where the quotient may reach the next integer", () => {
    expect(result((b, { n }) => b.remainder(b.scale(20, n), b.constant(7)))).toEqual({ value: 5, bound: 0, undecided: false });
    const jumps = result((b, { t }) => b.remainder(b.scale(10, t), b.constant(3)));
    expect(jumps).toMatchObject({ undecided: true });
    expect(jumps.bound).toBeGreaterThanOrEqual(3 * (1 - 1e-6));
    expect(jumps.bound).toBeLessThan(3.001);
    const still = result((b, { t }) => b.remainder(b.scale(10, t), b.constant(2)));
    expect(still).toMatchObject({ undecided: false });
    expect(still.value).toBeCloseTo(1, 10);
    expect(still.bound).toBeLessThan(1e-5);
    expect(result((b, { t, tenth }) => b.remainder(t, b.subtract(t, tenth))).bound).toBe(Infinity);
  });

  test("are integers of f32 beyond 2²⁴ only by their rounding", () => {
    expect(result((b, { n }) => b.apply("exp", [b.scale(0, n)]))).toMatchObject({ value: 1, bound: 0 });
    expect(result((b, { wild }) => b.multiply(wild, b.constant(2 ** 20)), i32)).toMatchObject({ value: 99 * 2 ** 20 });
    expect(result((b, { wild }) => b.multiply(wild, b.constant(2 ** 20)), i32).bound).toBeGreaterThan(0);
    expect(result((b, { wild }) => b.multiply(wild, b.constant(2 ** 10)), i32).bound).toBe(0);
  });
});
