/** @file Side conditions of rules, each at the case that it is for. */

import { describe, expect, test } from "vitest";
import { listChoices, siteOf } from "../../compiler/algebra/choices";
import { mayLeave } from "../../compiler/algebra/components";
import { cutPoints } from "../../compiler/algebra/cut";
import { classify, domainOf } from "../../compiler/algebra/domain";
import { canonical, derive } from "../../compiler/algebra/passes";
import { newSlot, oldSlot, ratio } from "../../compiler/algebra/ratio";
import { show } from "../../compiler/algebra/show";
import { split, splitAxis } from "../../compiler/algebra/split";
import { nestOf } from "../../compiler/algebra/sums";
import { tabulateWith, TABULATE_CONDITIONS } from "../../compiler/algebra/tabulate";
import { sizeOf } from "../../compiler/algebra/work";
import { HARDWARE } from "../../compiler/plan/fold/cost";
import { lagRefusals } from "../../compiler/plan/fold/lag";
import { GraphBuilder } from "../../spec/graph/builder";
import { range } from "../../spec/graph/facts";
import type { Value } from "../../spec/graph/node";
import { differences } from "../algebra/check";
import { Program, randomTensors, SMALL, stream } from "../algebra/programs";

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

describe("what is known of a component while it runs", () => {
  test("a position lies on its axis, a truth is 0 or 1, whatever the length", () => {
    const { folds } = program((p) => {
      p.axis("place", 12);
      const s = p.tensor("s", ["place"]);
      const most = p.max("place", (t) => s(t));
      const many = p.any("place", (t) => p.b.less(p.b.one, s(t)));
      return p.store("most", [], most).store("best", [], p.argmax("place", (t) => s(t))).store("many", [], p.b.select(many, p.b.one, p.b.zero));
    });
    const facts = Object.fromEntries(folds.flatMap(({ components }) => components).map(({ op, live }) => [op, [live.facts.low, live.facts.high, live.facts.integer]]));
    expect([facts["argmax"], facts["any"]]).toEqual([[0, 11, true], [0, 1, true]]);
  });

  test("a multiple of what is repaired by a factor is repaired by the same, though it may be 0 in f32", () => {
    const b = new GraphBuilder();
    const m = b.slot("m", [], range(-1000, 1000));
    const moving = { builder: b, names: new Set(["m"]), position: "t@0" };
    const exponential = b.apply("exp", [m]);
    const moved = b.apply("exp", [b.subtract(b.slot(newSlot("m"), [], m.facts), b.slot(oldSlot("m"), [], m.facts))]);
    expect(ratio(moving, b.scale(3, exponential))).toEqual({ ratio: moved });
    expect(ratio(moving, m)).toEqual({ why: expect.stringMatching(/may be 0 on some prefix/) as string });
  });
});

describe("which reductions are components", () => {
  test("what a component of an inner loop reads over its axis is one too, whatever else is a component", () => {
    const { folds } = program((p) => {
      const { b } = p;
      const [x, w] = [p.tensor("x", ["token"]), p.tensor("w", ["head", "token"])];
      const most = p.max("token", (t) => x(t));
      const spread = (h: Value): Value => {
        const size = p.sum("token", (t) => w(h, t));
        return p.sum("token", (t) => b.multiply(b.apply("tanh", [b.subtract(x(t), most)]), b.apply("tanh", [b.subtract(w(h, t), size)])));
      };
      return p.store("y", [], p.sum("head", spread)).store("most", [], most);
    });
    expect(folds.filter(({ axis }) => axis === "token").flatMap(({ components }) => components.map(({ op, body }) => `${op} of ${body.free.length} axes`)).sort()).toEqual(["max of 1 axes", "sum of 2 axes", "sum of 2 axes"]);
  });
});

test("nothing is said of a reference that lags where none may", () => {
  const { p, ...derived } = program((made) => made.store("y", [], made.sum("token", (t) => made.tensor("x", ["token"])(t))));
  expect(lagRefusals(p.b, { ...derived }, { choices: [], folds: Object.fromEntries(derived.folds.map(({ name }) => [name, { kind: "chain", lanes: 64, tile: 4, part: 16, copies: 1, shares: {}, roles: {} }])) }, { token: 64 }, HARDWARE)).toEqual([]);
});

describe("tiles", () => {
  const b = new GraphBuilder();
  const [t, q] = [b.index("token", b.extent("token")), b.index("query", b.extent("query"))];
  const over = (where: Value, low: number, high: number): string => classify(b, where, new Map([[t, [low, high]], [q, [10, 10]]]));

  test("are live where all positions count, dead where none does, and else mixed", () => {
    const window = b.and(b.atMost(t, q), b.less(b.subtract(q, t), b.constant(4)));
    expect([[7, 10], [6, 10], [7, 11], [11, 15], [0, 6], [0, 7]].map(([low = 0, high = 0]) => over(window, low, high))).toEqual(["live", "mixed", "mixed", "dead", "dead", "mixed"]);
    expect([[3, 3], [3, 4], [4, 9], [0, 2]].map(([low = 0, high = 0]) => over(b.equal(t, b.constant(3)), low, high))).toEqual(["live", "mixed", "dead", "dead"]);
    expect([[4, 7], [3, 7], [8, 11]].map(([low = 0, high = 0]) => over(b.equal(b.floor(b.scale(1 / 4, t)), b.one), low, high))).toEqual(["live", "mixed", "dead"]);
    expect(over(b.less(t, b.load({ name: "n", axes: [], element: { kind: "i32" } }, [])), 0, 3)).toBe("mixed");
  });
});

test("sizes are computed as the graph computes them", () => {
  const b = new GraphBuilder();
  const [m, n] = [b.extent("m"), b.extent("n")];
  const of = (value: Value): number => sizeOf(value, { m: 7, n: 3 });
  expect([m, b.linear(1, [[2, n]]), b.larger(m, n), b.smaller(m, n), b.floor(b.scale(1 / 2, m)), b.extent("k")].map(of)).toEqual([7, 7, 7, 3, 3, NaN]);
});

describe("sums in sums", () => {
  test("are one nest, through the factors that stand between them, and up to a guard", () => {
    const b = new GraphBuilder();
    const load = (name: string, ...indices: Value[]): Value => b.load({ name, axes: indices.map(() => "a"), element: { kind: "f32" } }, indices);
    const [i, j] = [b.index("i", b.constant(4)), b.index("j", b.constant(5))];
    const inner = b.reduce("sum", j, load("y", i, j), b.true);
    const sum = b.reduce("sum", i, b.scale(3, b.multiply(load("x", i), inner)));
    const factors = b.factors(sum)[1].map(([base]) => base);
    const [outer] = factors;
    if (outer?.kind !== "reduce") throw new Error("no sum");
    expect(nestOf(b, outer)?.indices.map(({ axis }) => axis)).toEqual(["i", "j"]);
    const guarded = b.reduce("sum", i, b.multiply(load("x", i), b.reduce("sum", j, load("y", i, j), b.less(j, i))));
    expect(guarded.kind === "reduce" && nestOf(b, guarded)?.indices.map(({ axis }) => axis)).toEqual(["i"]);
    const whole = b.reduce("sum", i, load("x", i), b.less(i, b.constant(2)));
    expect(whole.kind === "reduce" && nestOf(b, whole)).toBe(undefined);
  });
});

describe("split", () => {
  test("leaves alone an axis that only a cascade goes through, and splits one that an output has too", () => {
    const strided = (output: readonly string[]): readonly string[] => {
      const p = new Program(SMALL);
      const { b } = p;
      const [x, scale] = [p.tensor("x", ["channel"]), p.tensor("scale", ["group"])];
      p.axis("group", 4);
      const scaled = (c: Value): Value => b.multiply(x(c), scale(b.floor(b.scale(1 / 4, c))));
      const most = p.max("channel", scaled);
      const total = p.sum("channel", (c) => p.exp(b.subtract(scaled(c), most)));
      p.store("y", output, output.length === 0 ? total : b.divide(p.exp(b.subtract(scaled(p.at("channel")), most)), total));
      return split(b, p.graph).record.fired.map(({ at }) => at);
    };
    expect(strided([])).toEqual([]);
    expect(strided(["channel"])).toEqual(["channel (16) by 4"]);
  });

  test("of an axis that nothing goes along is the graph itself", () => {
    const p = new Program(SMALL);
    const x = p.tensor("x", ["channel"]);
    const { graph } = p.store("y", ["channel"], p.b.scale(2, x(p.at("channel"))));
    expect(splitAxis(p.b, graph, { axis: "head", extent: 4, strides: [2] })).toBe(graph);
    expect(splitAxis(p.b, graph, { axis: "channel", extent: 16, strides: [2] })).not.toBe(graph);
  });
});

describe("tabulate", () => {
  const TABULATE = [tabulateWith(TABULATE_CONDITIONS)];
  const two = (body: (p: Program, first: Value, second: Value, l: Value) => Value) => {
    const p = new Program(SMALL);
    p.axis("code", 8);
    p.axis("lane", 4);
    const [one, other] = ["one", "other"].map((name) => [p.tensor(`${name}Codes`, ["token"], { kind: "uint", bits: 3 }), p.tensor(`${name}Book`, ["code", "lane"])] as const);
    if (one === undefined || other === undefined) throw new Error("no codes");
    const [q, w] = [p.tensor("q", ["lane"]), p.tensor("w", ["token"])];
    p.store("y", [], p.sum("token", (t) => p.b.multiply(w(t), p.sum("lane", (l) => p.b.multiply(q(l), body(p, one[1](one[0](t), l), other[1](other[0](t), l), l))))));
    const { graph } = canonical(p.b, p.graph);
    return { p, graph, ...listChoices(p.b, graph, { token: 4096 }, TABULATE) };
  };
  const sizes = { token: 37 };

  test("takes a sum of two keys apart, each part with the factor before it", () => {
    const { p, choices } = two((made, a, c) => made.b.add(a, made.b.scale(-2, c)));
    expect(choices.map(({ parameters }) => parameters["key"])).toEqual(["oneCodes[token], otherCodes[token]"]);
    for (const worst of Object.values(differences(p.b, p.graph, derive(p.b, p.graph, choices), randomTensors(p.graph, sizes, stream(5)), sizes, stream(6)))) expect(worst).toBeLessThan(2 ** -40);
  });

  test("loses no constant that stands beside the keys", () => {
    const { p, choices } = two((made, a, c) => made.b.linear(0.5, [[1, a], [1, c]]));
    for (const worst of Object.values(differences(p.b, p.graph, derive(p.b, p.graph, choices), randomTensors(p.graph, sizes, stream(5)), sizes, stream(6)))) expect(worst).toBeLessThan(2 ** -40);
  });

  test("offers no table of what is only read", () => {
    const p = new Program(SMALL);
    p.axis("code", 8);
    const [codes, book, w] = [p.tensor("codes", ["token"], { kind: "uint", bits: 3 }), p.tensor("book", ["code"]), p.tensor("w", ["token"])];
    p.store("y", [], p.max("token", (t) => p.b.larger(w(t), p.b.select(p.b.less(w(t), p.b.zero), book(codes(t)), p.b.zero))));
    expect(listChoices(p.b, canonical(p.b, p.graph).graph, { token: 4096 }, TABULATE).choices).toEqual([]);
  });
});

test("a running mean counts positions that weigh the same: with weights of their own, as groups of elements have, a prefix stands for itself", () => {
  const spreadWith = (weigh: boolean) => program((p) => {
    const x = p.tensor("x", ["token"]), w = p.tensor("w", ["token"]);
    const weight = (t: Value): Value => (weigh ? w(t) : p.b.one);
    const mean = p.b.divide(p.sum("token", (t) => p.b.multiply(weight(t), x(t))), p.extent("token"));
    const spread = p.sum("token", (t) => p.b.multiply(weight(t), p.b.power(p.b.subtract(x(t), mean), p.b.constant(2))));
    return p.store("out", [], spread);
  });
  const counts = ({ folds, p }: ReturnType<typeof spreadWith>): boolean => folds.some(({ components }) => components.some(({ op, body }) => op === "sum" && body === p.b.one));
  const [even, weighed] = [spreadWith(false), spreadWith(true)];
  expect([even, weighed].map(({ folds }) => folds.length)).toEqual([1, 1]);
  expect([counts(even), counts(weighed)]).toEqual([true, false]);
});
