/** @file Domains and cuts: bounds from guards, tiles that are dead, parts of an axis that meet in merge. */

import { describe, expect, test } from "vitest";
import { cutFold, cutPoints } from "../../compiler/algebra/cut";
import { classify, domainOf, hull } from "../../compiler/algebra/domain";
import type { Piece } from "../../compiler/algebra/derived";
import { derive } from "../../compiler/algebra/passes";
import { show } from "../../compiler/algebra/show";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import { BOUND, difference } from "./check";
import { Evaluator, evaluateStores, FoldRunner, pieceState } from "../../bin/fuzz/folding";
import { PROGRAMS, randomTensors, SMALL, stream } from "./programs";

const QUERIES = 64;
const TOKENS = 96;

function guards(): { readonly b: GraphBuilder; readonly q: Index; readonly t: Index; readonly of: Readonly<Record<string, Value>> } {
  const b = new GraphBuilder();
  const [q, t] = [b.index("query", b.constant(QUERIES)), b.index("token", b.constant(TOKENS))];
  if (q.kind !== "index" || t.kind !== "index") throw new Error("no index");
  const block = (x: Value): Value => b.quotient(x, b.constant(4));
  const mask = b.load({ name: "mask", axes: ["query", "token"], element: { kind: "uint", bits: 1 } }, [q, t]);
  const of = {
    causal: b.atMost(t, q),
    window: b.and(b.atMost(t, q), b.less(b.subtract(q, t), b.constant(12))),
    "from the end": b.atMost(t, b.add(q, b.constant(TOKENS - QUERIES))),
    "prefix or causal": b.or(b.less(t, b.constant(7)), b.atMost(t, q)),
    "same block": b.equal(block(t), block(q)),
    "block and the one before": b.and(b.atMost(block(t), block(q)), b.less(b.subtract(block(q), b.constant(2)), block(t))),
    "every third": b.and(b.atMost(t, q), b.equal(b.remainder(b.add(q, t), b.constant(3)), b.zero)),
    "twice as fast": b.atMost(b.scale(2, t), b.add(q, b.constant(5))),
    "from data": b.equal(mask, b.one),
    everything: b.true,
  };
  return { b, q, t, of };
}

const NAMES = Object.keys(guards().of);
const tensors = { mask: { shape: [QUERIES, TOKENS], data: Array.from({ length: QUERIES * TOKENS }, (_, k) => Number((k * 7919) % 5 === 0)) } };

describe("domain", () => {
  test.each(NAMES)("bounds hold every live position, and only those if exact: %s", (name) => {
    const { b, q, t, of } = guards();
    const where = of[name] ?? b.true;
    const domain = domainOf(b, where, t);
    const evaluator = new Evaluator(b, tensors, {});
    for (let i = 0; i < QUERIES; i++) {
      for (let j = 0; j < TOKENS; j++) {
        const at = new Map([[q.name, i], [t.name, j]]);
        const inside = domain.lower.every((low) => j >= evaluator.value(low, at)) && domain.upper.every((high) => j < evaluator.value(high, at));
        const live = evaluator.truth(where, at);
        if (live) expect(inside, `${i}, ${j}`).toBe(true);
        if (domain.exact) expect(live, `${i}, ${j}`).toBe(inside);
      }
    }
  });

  test("the bounds are those a person would write", () => {
    const { b, t, of } = guards();
    const written = Object.entries(of).map(([name, where]) => {
      const { lower, upper, exact } = domainOf(b, where, t);
      return `${name}: ${lower.map((value) => `${show(b, value)} ≤ `).join("")}t${upper.map((value) => ` < ${show(b, value)}`).join("")}${exact ? "" : ", at most"}`;
    });
    expect(written.join("\n")).toMatchInlineSnapshot(`
      "causal: t < query + 1
      window: query − 11 ≤ t < query + 1
      from the end: t < query + 33
      prefix or causal: t < larger(7, query + 1), at most
      same block: 4·⌊query/4⌋ ≤ t < 4·⌊query/4⌋ + 4
      block and the one before: 4·⌊query/4⌋ − 4 ≤ t < 4·⌊query/4⌋ + 4
      every third: t < query + 1, at most
      twice as fast: t < ⌊(query + 1)/2⌋ + 3
      from data: t, at most
      everything: t"
    `);
  });

  test("the hull of no guard at all is everything", () => {
    const { b, t, of } = guards();
    expect(hull(b, [domainOf(b, of.causal ?? b.true, t), domainOf(b, b.true, t)])).toEqual({ lower: [], upper: [], exact: false });
  });
});

describe("tiles", () => {
  test.each(NAMES)("live and dead are never wrong: %s", (name) => {
    const { b, q, t, of } = guards();
    const where = of[name] ?? b.true;
    const evaluator = new Evaluator(b, tensors, {});
    const found = { live: 0, dead: 0, mixed: 0 };
    for (let i = 0; i < QUERIES; i += 16) {
      for (let j = 0; j < TOKENS; j += 16) {
        const verdict = classify(b, where, new Map<Value, readonly [number, number]>([[q, [i, i + 15]], [t, [j, j + 15]]]));
        found[verdict]++;
        let count = 0;
        for (let x = 0; x < 256; x++) count += Number(evaluator.truth(where, new Map([[q.name, i + (x >> 4)], [t.name, j + (x & 15)]])));
        if (verdict === "live") expect(count).toBe(256);
        if (verdict === "dead") expect(count).toBe(0);
      }
    }
    if (name === "causal") expect(found).toEqual({ live: 6, dead: 14, mixed: 4 });
    if (name === "same block") expect(found.dead).toBe(20);
    if (name === "from data") expect(found.mixed).toBe(24);
  });
});

describe("cut", () => {
  test.each([{ token: 37, coded: 21, tail: 16 }, { token: 1, coded: 0, tail: 1 }, { token: 9, coded: 9, tail: 0 }, { token: 0, coded: 0, tail: 0 }])("a coded part and a tail are folded apart and merged: %o", (sizes) => {
    const p = PROGRAMS.tail(SMALL);
    const derived = derive(p.b, p.graph);
    const [fold] = derived.folds;
    if (fold === undefined) throw new Error("no fold");
    const { points } = cutPoints(p.b, fold);
    expect(points.map((point) => show(p.b, point))).toEqual(["|coded|"]);
    const [below, above] = cutFold(p.b, fold, points);
    if (below === undefined || above === undefined) throw new Error("not two pieces");
    // Neither part asks again which it is, and the first reads its codes without a clamp.
    const text = ({ fold: { components } }: Piece): string => components.map(({ body }) => show(p.b, body)).join("\n");
    expect(text(below)).not.toMatch(/Tail|\?|smaller/);
    expect(text(above)).not.toMatch(/Codes|\?/);
    const tensors = randomTensors(p.graph, sizes, stream(4));
    const want = evaluateStores(new Evaluator(p.b, tensors, sizes), p.graph.stores);
    const evaluator = new Evaluator(p.b, tensors, sizes);
    const runner = new FoldRunner(evaluator);
    for (const [first, second] of [[below, above], [above, below]] as const) {
      expect(difference(want, runner.all(derived.folds, derived.stores, () => runner.merge(fold, pieceState(evaluator, runner, first), pieceState(evaluator, runner, second))))).toBeLessThanOrEqual(BOUND);
    }
  });
});
