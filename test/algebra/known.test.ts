import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { knownValue } from "../../compiler/algebra/known";
import { replaceOpened } from "../../compiler/algebra/opened";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Reduce, Tensor, Value } from "../../spec/graph/node";

const b = new GraphBuilder();
const index = (extent: number): Index => b.index("i", b.constant(extent)) as Index;
const x: Tensor = { name: "x", element: { kind: "f32" }, axes: ["i"] };
const reduced = (op: Reduce["op"], extent: number, body: (i: Index) => Value, where: (i: Index) => Value = () => b.true): Value => {
  const i = index(extent);
  return b.reduce(op, i, body(i), where(i));
};
/** What the rule makes of the reductions in a value. */
const known = (value: Value): Value => replaceOpened(b, value, (node) => (node.kind === "reduce" ? knownValue(b, node) : undefined));

describe("a reduction that no input reaches", () => {
  const OPS = { sum: (all: readonly number[]) => all.reduce((sum, v) => sum + v, 0), max: (all: readonly number[]) => Math.max(...all), min: (all: readonly number[]) => Math.min(...all) };

  it.each(Object.entries(OPS))("is the %s of its values", (op, of) => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: -9, max: 9 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 40 }), (extent, slope, modulus, end) => {
      // slope · (i % modulus) − i, for i < end.
      const body = (i: Index): Value => b.subtract(b.scale(slope, b.remainder(i, b.constant(modulus))), i);
      const value = known(reduced(op as keyof typeof OPS, extent, body, (i) => b.less(i, b.constant(end))));
      const all = Array.from({ length: Math.min(extent, end) }, (_, i) => slope * (i % modulus) - i);
      expect(value).toBe(b.constant(of(all)));
    }));
  });

  it("is the first of equal positions", () => {
    expect(known(reduced("argmax", 16, (i) => b.remainder(i, b.constant(5))))).toBe(b.constant(4));
    expect(known(reduced("argmin", 16, (i) => b.remainder(b.add(i, b.one), b.constant(5))))).toBe(b.constant(4));
  });

  it("stays where an input, a size or a rounding decides", () => {
    const staying = [
      reduced("max", 16, (i) => b.load(x, [i])), reduced("max", 16, (i) => b.remainder(b.multiply(i, b.extent("n")), b.constant(7))),
      reduced("sum", 16, (i) => b.apply("exp", [i])), reduced("sum", 100_000, (i) => b.remainder(i, b.constant(7))),
    ];
    for (const value of staying) expect(known(value)).toBe(value);
  });

  it("stays over an axis whose size is open, however short it may be", () => {
    const open = b.index("i", b.extent("n"), 4);
    for (const op of ["sum", "max", "any"] as const) {
      const value = op === "any" ? b.reduce(op, open, b.less(b.remainder(open, b.constant(3)), b.one)) : b.reduce(op, open, b.remainder(open, b.constant(3)));
      expect(known(value)).toBe(value);
    }
  });

  it("of nothing is what changes nothing, and whether any holds is decided", () => {
    const never = (i: Index): Value => b.equal(b.remainder(b.scale(2, i), b.constant(2)), b.one);
    for (const op of ["sum", "max", "min"] as const) expect(known(reduced(op, 5, (i) => b.power(b.add(i, b.one), b.constant(2)), never))).toBe(b.identity(op));
    const any = (least: number): Value => known(reduced("any", 9, (i) => b.less(b.constant(least), b.multiply(i, b.remainder(i, b.constant(5))))));
    expect(any(15)).toBe(b.true);
    expect(any(24)).toBe(b.false);
  });
});
