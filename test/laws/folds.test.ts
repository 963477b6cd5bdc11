/** @file Laws of folds: any cascade, run in any way, gives the naive numbers; repairs and merges are what they claim. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutFold, cutPoints } from "../../compiler/algebra/cut";
import { canonical, derive } from "../../compiler/algebra/passes";
import { newSlot, oldSlot } from "../../compiler/algebra/ratio";
import { showDerived } from "../../compiler/algebra/show-fold";
import type { Component, Fold } from "../../compiler/algebra/derived";
import { ONE_PASS, SEVERAL_PASSES } from "../algebra/cascades";
import { stateDifference } from "../algebra/check";
import { EMPTY, Evaluator, evaluateStores, FoldRunner, pieceState, ways, type State, type Tensors } from "../../bin/fuzz/folding";
import { type Program, PROGRAMS, randomTensors, SMALL, stream } from "../algebra/programs";
import { randomCascade, Tape } from "./cascade";
import { agreesBehind } from "./lag";

/** Far above what rounding does to results that inputs do not amplify, far below what a fault does. */
const FAULT = 2 ** -20;

const nudged = (tensors: Tensors, by: number, random: () => number): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, Number.isInteger(tensor.data[0] ?? 0.5) && tensor.data.every(Number.isInteger) ? tensor : { ...tensor, data: tensor.data.map((x) => x * (1 + by * (random() - 0.5))) }]));

const tapes = fc.array(fc.nat({ max: 1000 }), { minLength: 10, maxLength: 120 });

/** A position that another barely beats tells nothing about a rule: its results jump with the inputs. */
const steady = (a: number | undefined, b: number | undefined): boolean => a !== undefined && b !== undefined && (a === b || Math.abs(a - b) <= 2 ** -26 * Math.max(1, Math.abs(a)));

describe("random cascades", () => {
  test("however run, give the naive numbers wherever those are defined and steady", () => {
    let compared = 0;
    let repaired = 0;
    fc.assert(fc.property(tapes, fc.constantFrom(0, 1, 2, 7, 12), fc.nat(), (numbers, token, seed) => {
      const p = randomCascade(new Tape(numbers));
      const sizes = { token };
      const random = stream(seed);
      const tensors = randomTensors(p.graph, sizes, random, 1);
      const derived = derive(p.b, p.graph);
      repaired += derived.folds.flatMap(({ components }) => components).filter(({ repair }) => repair.kind !== "none").length;
      const naive = new Evaluator(p.b, tensors, sizes);
      const want = evaluateStores(naive, p.graph.stores);
      if (naive.undefinedSomewhere) return;
      // Several times, or a tie that rounding decides would look steady by chance.
      const near = [1, 2, 3, 4].map(() => evaluateStores(new Evaluator(p.b, nudged(tensors, 2 ** -30, random), sizes), p.graph.stores));
      const runner = new FoldRunner(new Evaluator(p.b, tensors, sizes));
      for (const [name, way] of Object.entries(ways(runner, random))) {
        const got = runner.all(derived.folds, derived.stores, way);
        for (const [key, value] of want) {
          // ±∞ of a source that computes with infinities, and NaN, promise nothing.
          if (!Number.isFinite(value) || Math.abs(value) > 1e6 || !near.every((other) => steady(value, other.get(key)))) continue;
          compared++;
          const other = got.get(key) ?? NaN;
          if (!(Math.abs(value - other) <= FAULT * Math.max(1, Math.abs(value)))) throw new Error(`${name}, ${key}: ${value} is ${other}\n${showDerived(p.b, derived)}`);
        }
      }
    }), { numRuns: 1000, seed: 1 });
    // The generator must reach what it is for.
    expect(compared).toBeGreaterThan(5000);
    expect(repaired).toBeGreaterThan(150);
  });

  test("cut where their bodies change, and merged in any order, give the naive numbers", () => {
    let compared = 0;
    let cut = 0;
    const sizes = fc.constantFrom(0, 1, 2, 5);
    fc.assert(fc.property(tapes, sizes, sizes, sizes, fc.nat(), (numbers, early, late, rest, seed) => {
      const p = randomCascade(new Tape(numbers), true);
      // Pieces may reach beyond the axis, or leave nothing.
      const all = { token: Math.max(0, early + late + rest - (seed % 3)), early, late };
      const random = stream(seed);
      const tensors = randomTensors(p.graph, all, random, 1);
      const derived = derive(p.b, p.graph);
      const naive = new Evaluator(p.b, tensors, all);
      const want = evaluateStores(naive, p.graph.stores);
      if (naive.undefinedSomewhere) return;
      const near = [1, 2, 3, 4].map(() => evaluateStores(new Evaluator(p.b, nudged(tensors, 2 ** -30, random), all), p.graph.stores));
      const evaluator = new Evaluator(p.b, tensors, all);
      const runner = new FoldRunner(evaluator);
      const got = runner.all(derived.folds, derived.stores, (fold) => {
        const { points } = cutPoints(p.b, fold);
        if (points.length === 0) return runner.step(fold, EMPTY, Array.from({ length: all.token }, (_, at) => at));
        const pieces = cutFold(p.b, fold, points);
        cut++;
        for (const piece of pieces) expect(piece.fold.cuts).toEqual([]);
        return pieces.map((piece) => pieceState(evaluator, runner, piece)).sort(() => random() - 0.5).reduce((a, b) => runner.merge(fold, a, b), EMPTY);
      });
      for (const [key, value] of want) {
        if (!Number.isFinite(value) || Math.abs(value) > 1e6 || !near.every((other) => steady(value, other.get(key)))) continue;
        compared++;
        const other = got.get(key) ?? NaN;
        if (!(Math.abs(value - other) <= FAULT * Math.max(1, Math.abs(value)))) throw new Error(`${key}: ${value} is ${other}\n${showDerived(p.b, derived)}`);
      }
    }), { numRuns: 600, seed: 3 });
    expect(compared).toBeGreaterThan(1000);
    expect(cut).toBeGreaterThan(200);
  });

  test("a factor is the ratio of bodies for any two values of what moved, not only those a fold meets", () => {
    let checked = 0;
    fc.assert(fc.property(tapes, fc.nat(), (numbers, seed) => {
      const p = randomCascade(new Tape(numbers));
      const sizes = { token: 5 };
      const random = stream(seed);
      const evaluator = new Evaluator(p.b, randomTensors(p.graph, sizes, random, 1), sizes);
      for (const fold of derive(p.b, p.graph).folds) {
        for (const component of fold.components) checked += ratioHolds(evaluator, fold, component, random);
      }
    }), { numRuns: 1600, seed: 2 });
    expect(checked).toBeGreaterThan(500);
  });
});

/** Checks f(t, m′) = r·f(t, m) or d + f(t, m) at random m, m′; how often it could. */
function ratioHolds(evaluator: Evaluator, fold: Fold, component: Component, random: () => number): number {
  const { repair } = component;
  // Taylor's repairs are about sums, not about single bodies.
  if (repair.kind === "none" || (repair.kind === "add" && component.op === "sum")) return 0;
  let checked = 0;
  for (let round = 0; round < 8; round++) {
    const values = new Map<string, number>();
    const at = (name: string): number => {
      let value = values.get(name);
      if (value === undefined) values.set(name, (value = (random() - 0.5) * 8));
      return value;
    };
    const place = new Map([...component.own.map(({ name }) => [name, Math.floor(random() * 2)] as const), [fold.index.name, Math.floor(random() * 5)]]);
    const read = (side: (name: string) => string) => ({ name }: { readonly name: string }): number => at(component.reads.includes(name) ? side(name) : name);
    evaluator.slot = read(oldSlot);
    const before = evaluator.value(component.body, place);
    const change = evaluator.value(repair.kind === "multiply" ? repair.factor : repair.term, place);
    evaluator.slot = read(newSlot);
    const after = evaluator.value(component.body, place);
    const repaired = repair.kind === "multiply" ? before * change : before + change;
    if (![before, change, after, repaired].every((x) => Number.isFinite(x) && Math.abs(x) < 1e12)) continue;
    if (repair.kind === "multiply" && !evaluatesPositive(repair.proof.range)) continue;
    checked++;
    expect(Math.abs(repaired - after)).toBeLessThanOrEqual(FAULT * Math.max(2 ** -40, Math.abs(after), Math.abs(before) * Math.abs(change)));
  }
  return checked;
}

const evaluatesPositive = (range: string): boolean => range === "atMostOne" || range === "computed";

const ALL: readonly (readonly [string, () => Program])[] = [
  ...Object.entries(PROGRAMS).map(([name, make]) => [name, () => make(SMALL)] as const),
  ...Object.entries(ONE_PASS),
  ...Object.entries(SEVERAL_PASSES),
];

describe("merge", () => {
  test.each(ALL)("is associative and commutative, and an empty side is its unit: %s", (_name, make) => {
    const p = make();
    const derived = derive(p.b, p.graph);
    const sizes = { token: 12, coded: 7, tail: 5 };
    const random = stream(31);
    const runner = new FoldRunner(new Evaluator(p.b, randomTensors(p.graph, sizes, random), sizes));
    for (const fold of derived.folds) {
      const count = runner.evaluator.value(fold.extent, new Map());
      for (let round = 0; round < 4; round++) {
        const subset = (): State => {
          const chosen = Array.from({ length: count }, (_, k) => k).filter(() => random() < 0.3);
          return random() < 0.2 ? EMPTY : chosen.reduce((state, at) => runner.step(fold, state, [at]), EMPTY);
        };
        const [a, b, c] = [subset(), subset(), subset()];
        const left = runner.merge(fold, runner.merge(fold, a, b), c);
        expect(stateDifference(left, runner.merge(fold, a, runner.merge(fold, b, c)))).toBeLessThan(FAULT);
        expect(stateDifference(left, runner.merge(fold, runner.merge(fold, c, b), a))).toBeLessThan(FAULT);
        expect(stateDifference(a, runner.merge(fold, a, EMPTY))).toBe(0);
        expect(stateDifference(a, runner.merge(fold, EMPTY, a))).toBe(0);
      }
      runner.finish(fold, Array.from({ length: count }, (_, k) => k).reduce<State>((state, at) => runner.step(fold, state, [at]), EMPTY));
    }
  });
});

describe("stale references", () => {
  test.each(ALL)("outputs do not change when a reference that may lag stays behind: %s", (_name, make) => {
    const p = make();
    const sizes = { token: 12, coded: 7, tail: 5 };
    expect(agreesBehind(p, randomTensors(p.graph, sizes, stream(17)), sizes, ({ stale }) => stale, FAULT)).toBe(true);
  });

  test("they are found where an output is a quotient, and not where it is a bare sum", () => {
    const lagging = (p: Program): readonly string[] => derive(p.b, p.graph).folds.flatMap(({ stale }) => stale);
    expect(lagging(PROGRAMS.plain(SMALL))).toEqual(["max"]);
    expect(lagging(ONE_PASS["cross entropy"]?.() ?? PROGRAMS.rms(SMALL))).toEqual(["max"]);
    expect(lagging(ONE_PASS["terms that share a ratio"]?.() ?? PROGRAMS.plain(SMALL))).toEqual([]);
    expect(lagging(ONE_PASS["the best position with its score"]?.() ?? PROGRAMS.plain(SMALL))).toEqual([]);
  });
});

describe("once is enough", () => {
  test.each(ALL)("a second round changes nothing and makes no node: %s", (_name, make) => {
    const p = make();
    const once = canonical(p.b, p.graph).graph;
    derive(p.b, once);
    const nodes = p.b.size;
    const twice = canonical(p.b, once);
    expect(twice.graph).toBe(once);
    expect(twice.record.fired).toEqual([]);
    expect(derive(p.b, once).stores).toEqual(derive(p.b, p.graph).stores);
    expect(p.b.size).toBe(nodes);
  });
});
