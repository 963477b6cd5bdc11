/** @file Side conditions of rules, each at the case that it is for. */

import { describe, expect, test } from "vitest";
import { siteOf } from "../../compiler/algebra/choices";
import { mayLeave } from "../../compiler/algebra/components";
import { cutPoints } from "../../compiler/algebra/cut";
import { domainOf } from "../../compiler/algebra/domain";
import { derive } from "../../compiler/algebra/passes";
import { show } from "../../compiler/algebra/show";
import { GraphBuilder } from "../../spec/graph/builder";
import { range } from "../../spec/graph/facts";
import type { Value } from "../../spec/graph/node";
import { Program, SMALL } from "../algebra/programs";

const program = (make: (p: Program) => Program): ReturnType<typeof derive> & { readonly p: Program } => {
  const p = make(new Program(SMALL));
  return { ...derive(p.b, p.graph), p };
};

test("a factor leaves a sum if it is finite, a max if it is not negative either, an argmax if it is positive", () => {
  const any = range(-1, 1), low = range(0, 1), positive = range(0, 1, { nonZero: true }), infinite = { ...range(0, Infinity), mayBePositiveInfinity: true };
  const leaves = (op: Parameters<typeof mayLeave>[0]): readonly boolean[] => [any, low, positive, infinite].map((facts) => mayLeave(op, facts));
  expect(leaves("sum")).toEqual([true, true, true, false]);
  for (const op of ["max", "min"] as const) expect(leaves(op), op).toEqual([false, true, true, false]);
  for (const op of ["argmax", "argmin"] as const) expect(leaves(op), op).toEqual([false, false, true, false]);
});

test("an extreme of integers is no integer where nothing counted; a sum of them is one everywhere", () => {
  const { folds, stores } = program((p) => {
    const code = p.tensor("code", ["token"], { kind: "uint", bits: 4 });
    const live = p.tensor("live", ["token"], { kind: "uint", bits: 1 });
    const where = (t: Value): Value => p.b.equal(live(t), p.b.one);
    const of = (op: "max" | "min" | "sum"): Value => p[op]("token", (t) => p.b.select(where(t), code(t), p.b.identity(op)));
    const [most, least, total] = [of("max"), of("min"), of("sum")];
    return p.store("range", [], p.b.subtract(most, least)).store("most", [], most).store("least", [], least).store("total", [], total).store("spread", [], p.sum("token", (t) => p.b.subtract(code(t), most)));
  });
  expect(folds.flatMap(({ components }) => components).map(({ op, live }) => `${op} ${live.facts.integer} ${live.facts.low} ${live.facts.high}`)).toContain("max true 0 15");
  const facts = Object.fromEntries(stores.map(({ output, value }) => [output.name, value.facts]));
  expect([facts["most"]?.integer, facts["most"]?.mayBeNegativeInfinity, facts["most"]?.mayBePositiveInfinity]).toEqual([false, true, false]);
  expect(facts["total"]?.integer).toBe(true);
});

test.each(["argmax", "argmin"] as const)("a fold is not cut where a component reads the position of its %s", (op) => {
  const { folds, p } = program((made) => {
    const { b } = made;
    for (const axis of ["early", "token"]) made.axis(axis);
    const [s, v] = [made.tensor("s", ["token"]), made.tensor("v", ["token"])];
    const best = made[op]("token", (t) => b.select(b.less(t, b.extent("early")), s(t), v(t)));
    return made.store("y", [], made.sum("token", (t) => b.power(b.subtract(v(t), best), b.constant(2))));
  });
  const cut = folds.map((fold) => cutPoints(p.b, fold));
  expect(cut.flatMap(({ points }) => points)).toEqual([]);
  expect(cut.flatMap(({ refused }) => refused.map(({ why }) => why)).join()).toMatch(/reads a position of the fold, which counts from where a piece begins/);
});

test("a comparison with a real number bounds no loop", () => {
  const b = new GraphBuilder();
  const t = b.index("token", b.constant(40));
  if (t.kind !== "index") throw new Error("no index");
  const real = b.load({ name: "real", axes: [], element: { kind: "f32" } }, []), whole = b.load({ name: "whole", axes: [], element: { kind: "i32" } }, []);
  for (const where of [b.less(t, real), b.less(real, t), b.equal(t, real)]) expect(domainOf(b, where, t)).toEqual({ lower: [], upper: [], exact: false });
  expect(domainOf(b, b.less(t, whole), t).upper).toEqual([whole]);
});

test("a site is called by its text, and by its beginning and a hash of the whole where that is long", () => {
  const b = new GraphBuilder();
  const name = (letters: number): Value => b.load({ name: "x".repeat(letters), axes: [], element: { kind: "f32" } }, []);
  expect(siteOf(b, name(78))).toBe(show(b, name(78)));
  expect(siteOf(b, name(79))).toMatch(/^x{68}… #[0-9a-f]{8}$/);
  expect(siteOf(b, b.add(name(90), b.one))).not.toBe(siteOf(b, b.add(name(90), b.constant(2))));
});

describe("names of folds", () => {
  test("of several over one axis are told apart", () => {
    const { folds } = program((p) => {
      const { b } = p;
      const s = p.tensor("s", ["token"]);
      const bell = (most: Value): Value => p.sum("token", (t) => b.apply("exp", [b.negate(b.power(b.subtract(s(t), most), b.constant(2)))]));
      return p.store("y", [], bell(p.max("token", (t) => s(t))));
    });
    expect(folds.map(({ name, pass }) => `${name}: pass ${pass}`)).toEqual(["token: pass 0", "token 2: pass 1"]);
  });
});
