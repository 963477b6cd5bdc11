/** @file Laws of the smaller rules, on generated expressions: split, direction, derivative. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { direction } from "../../compiler/algebra/direction";
import { taylor } from "../../compiler/algebra/polynomial";
import { findChains, split, splitAxis } from "../../compiler/algebra/split";
import { range } from "../../spec/graph/facts";
import type { Value } from "../../spec/graph/node";
import { difference } from "../algebra/check";
import { Evaluator, evaluateStores } from "../../bin/fuzz/folding";
import { Program, randomTensors, SMALL, stream } from "../algebra/programs";
import { Tape } from "./cascade";
import { position } from "./positions";

const tapes = fc.array(fc.nat({ max: 1000 }), { minLength: 4, maxLength: 60 });

describe("split", () => {
  test("keeps every element of every output, whatever the strides, and settles after one round", () => {
    let fired = 0;
    let refused = 0;
    fc.assert(fc.property(tapes, fc.constantFrom(8, 12, 24, 30), fc.constantFrom("sum", "max", "argmax", "any"), (numbers, extent, op) => {
      const tape = new Tape(numbers);
      const p = new Program({ ...SMALL, channels: extent });
      const { b } = p;
      const x = p.tensor("x", ["channel"]);
      const at = (c: Value): Value => x(b.clamp(position(p, tape, c, 3), p.extent("channel")));
      const [own, inner] = [p.at("channel"), b.index("channel", p.extent("channel"), 7)];
      const body = b.multiply(at(inner), at(own));
      p.store("y", ["channel"], op === "any" ? b.select(b.reduce("any", inner, b.less(b.zero, body)), at(own), b.zero) : b.reduce(op, inner, body));
      const done = split(b, p.graph);
      fired += done.record.fired.length;
      refused += done.record.refused.length;
      const tensors = randomTensors(p.graph, {}, stream(extent));
      const run = (stores: typeof p.graph.stores): ReadonlyMap<string, number> => evaluateStores(new Evaluator(b, tensors, {}), stores);
      expect(difference(run(p.graph.stores), run(done.graph.stores))).toBeLessThan(2 ** -40);
      // What is still used by a stride of a chain after one round would be split again, once.
      for (const chain of findChains(b, done.graph).chains) expect(difference(run(p.graph.stores), run(splitAxis(b, done.graph, chain).stores))).toBeLessThan(2 ** -40);
    }), { numRuns: 300, seed: 3 });
    expect(fired).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(50);
  });
});

/** Some that grow, and some that turn. */
const FUNCTIONS = ["exp", "tanh", "floor", "cos", "abs", "cosh"] as const;

/** An expression in one slot `m`, built from what the rules have something to say about. */
function inSlot(p: Program, tape: Tape, m: Value, depth: number): Value {
  const { b } = p;
  const leaf = [m, b.constant(0.5), b.constant(-2), p.tensor("s", [])(), m][tape.below(5)] ?? m;
  if (depth === 0) return leaf;
  const of = (): Value => inSlot(p, tape, m, depth - 1);
  switch (tape.below(9)) {
    case 0: return b.add(of(), of());
    case 1: return b.subtract(of(), of());
    case 2: return b.multiply(of(), of());
    case 3: return b.larger(of(), of());
    case 4: return b.smaller(of(), of());
    case 5: return b.apply(FUNCTIONS[tape.below(FUNCTIONS.length)] ?? "exp", [b.scale(0.25, of())]);
    case 6: {
      const [x, y] = [of(), of()];
      return tape.below(2) === 0 ? b.select(b.less(x, y), y, x) : b.select(b.less(x, y), x, y);
    }
    case 7: return b.power(of(), b.constant(2));
    default: return leaf;
  }
}

describe("in one slot", () => {
  const generated = (check: (p: Program, value: Value, m: Value, at: (x: number) => number) => void, seed: number): void => {
    fc.assert(fc.property(tapes, fc.double({ min: -1, max: 1, noNaN: true }), (numbers, s) => {
      const p = new Program(SMALL);
      const m = p.b.slot("m", [], range(-4, 4));
      const value = inSlot(p, new Tape(numbers), m, 3);
      const evaluator = new Evaluator(p.b, { s: { shape: [], data: [s] } }, {});
      check(p, value, m, (x) => {
        evaluator.slot = () => x;
        return evaluator.value(value, new Map());
      });
    }), { numRuns: 1500, seed });
  };

  test("a direction is never wrong", () => {
    const found = { up: 0, down: 0, still: 0, unknown: 0 };
    generated((p, value, _m, at) => {
      const way = direction(p.b, value, "m");
      found[way]++;
      for (let x = -4; x < 4; x += 0.5) {
        const [low, high] = [at(x), at(x + 0.5)];
        const slack = 2 ** -40 * Math.max(1, Math.abs(low), Math.abs(high));
        if (way === "up" || way === "still") expect(high).toBeGreaterThanOrEqual(low - slack);
        if (way === "down" || way === "still") expect(high).toBeLessThanOrEqual(low + slack);
      }
    }, 4);
    for (const way of ["up", "down", "still", "unknown"] as const) expect(found[way], way).toBeGreaterThan(50);
  });

  test("Taylor's coefficients give the polynomial anywhere", () => {
    let polynomials = 0;
    generated((p, value, m) => {
      const parts = taylor(p.b, value, m);
      if (parts === undefined || parts.length < 2) return;
      polynomials++;
      const evaluator = new Evaluator(p.b, { s: { shape: [], data: [0.3] } }, {});
      for (const [from, to] of [[-3, 2], [0.5, 0.75], [1, -1]] as const) {
        const s = new Evaluator(p.b, { s: { shape: [], data: [0.3] } }, {});
        s.slot = () => from;
        evaluator.slot = () => to;
        const want = evaluator.value(value, new Map());
        const sum = parts.reduce((total, part, k) => total + s.value(part, new Map()) * (to - from) ** k, 0);
        expect(Math.abs(sum - want)).toBeLessThanOrEqual(2 ** -30 * Math.max(1, ...parts.map((part, k) => Math.abs(s.value(part, new Map()) * (to - from) ** k))));
      }
    }, 5);
    expect(polynomials).toBeGreaterThan(100);
  });
});
