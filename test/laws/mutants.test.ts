/**
 * @file Faults planted one by one: each drops one side condition or turns one sign, and the check named beside it must
 * notice. With the rules as they are, every check passes.
 */

import { describe, expect, test } from "vitest";
import type { Attempt } from "../../compiler/algebra/attempt";
import { applyChoices, CHOICES, listChoices } from "../../compiler/algebra/choices";
import type { Rules } from "../../compiler/algebra/components";
import { RULES } from "../../compiler/algebra/folds";
import { cutFold, cutPoints } from "../../compiler/algebra/cut";
import type { Domain, Piece } from "../../compiler/algebra/derived";
import { divisors } from "../../compiler/algebra/divisors";
import { domainOf } from "../../compiler/algebra/domain";
import { group, groupWith } from "../../compiler/algebra/group";
import { knownValue } from "../../compiler/algebra/known";
import { mapStores } from "../../compiler/algebra/opened";
import { align, unroll } from "../../compiler/algebra/pair";
import { canonical, derive } from "../../compiler/algebra/passes";
import { splitAxis } from "../../compiler/algebra/split";
import { staleReferences } from "../../compiler/algebra/stale";
import { TABULATE_CONDITIONS, tabulateWith } from "../../compiler/algebra/tabulate";
import type { Graph, Value } from "../../spec/graph/node";
import { ONE_PASS, SEVERAL_PASSES } from "../algebra/cascades";
import { BOUND, difference, differences } from "../algebra/check";
import { EMPTY, Evaluator, evaluateStores, FoldRunner, pieceState } from "../../bin/fuzz/folding";
import { type Program, Program as Make, PROGRAMS, randomTensors, SMALL, stream } from "../algebra/programs";
import { agreesBehind } from "./lag";

const SIZES = { token: 37, coded: 21, tail: 16 };
type Data = (graph: Graph, random: () => number) => ReturnType<typeof randomTensors>;
const ordinary: Data = (graph, random) => randomTensors(graph, SIZES, random);

/** Whether the folds give the naive numbers; a fault that throws is noticed too. */
function folds(make: () => Program, rules: Rules, data: Data = ordinary, sizes = SIZES): boolean {
  try {
    const p = make();
    const random = stream(21);
    const worst = Object.values(differences(p.b, p.graph, derive(p.b, p.graph, [], rules), data(p.graph, random), sizes, random));
    return worst.every((distance) => distance <= BOUND);
  } catch {
    return false;
  }
}

const named = (table: Readonly<Record<string, () => Program>>, name: string): (() => Program) => {
  const make = table[name];
  if (make === undefined) throw new Error(`no cascade called ${name}`);
  return make;
};

/** A maximum of one guard and a sum of another, with scores near −800 before the first that counts for the maximum. */
const lateMaximum: Data = (graph, random) => {
  const tensors = randomTensors(graph, SIZES, random);
  const replace = (name: string, of: (at: number) => number): object => ({ [name]: { shape: [SIZES.token], data: Array.from({ length: SIZES.token }, (_, at) => of(at)) } });
  return { ...tensors, ...replace("a", () => -800 + random()), ...replace("first", (at) => Number(at > 5)), ...replace("second", () => 1) };
};

const timesTotal = (): Program => {
  const p = new Make(SMALL);
  const { b } = p;
  const s = p.tensor("s", ["token"]);
  const total = p.sum("token", (t) => s(t));
  return p.store("y", [], p.max("token", (t) => b.multiply(s(t), total)));
};

/** Negative numbers, whose total is negative. */
const negative: Data = (graph, random) => Object.fromEntries(Object.entries(randomTensors(graph, SIZES, random)).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.map((x) => -1 - x * x) }]));

const shiftedExtreme = (): Program => {
  const p = new Make(SMALL);
  const { b } = p;
  const [s, w] = [p.tensor("s", ["token"]), p.tensor("w", ["token"])];
  const most = p.max("token", (t) => s(t));
  return p.store("y", [], p.max("token", (t) => b.larger(b.subtract(s(t), most), b.subtract(w(t), most))));
};

/** Checks of folds, by name. */
const FOLD_CHECKS: Readonly<Record<string, (rules: Rules) => boolean>> = {
  "a weighted mean": (rules) => folds(() => PROGRAMS.plain(SMALL), rules),
  "a window with empty rows": (rules) => folds(() => PROGRAMS.window(SMALL), rules, ordinary, { ...SIZES, token: 3 }),
  "guards of different width, scores near −800": (rules) => folds(named(SEVERAL_PASSES, "a guard wider than the maximum's"), rules, lateMaximum),
  "an exponent that grows with the maximum": (rules) => folds(() => {
    const p = new Make(SMALL);
    const { b } = p;
    const [a, v] = [p.tensor("a", ["token"]), p.tensor("v", ["token"])];
    const most = p.max("token", (t) => a(t));
    return p.store("y", [], p.sum("token", (t) => b.multiply(v(t), p.exp(b.add(v(t), most)))));
  }, rules, (graph, random) => {
    // The first maximum underflows what is summed with it, the last would scale it back by e^800.
    const tensors = randomTensors(graph, SIZES, random);
    return { ...tensors, a: { shape: [SIZES.token], data: Array.from({ length: SIZES.token }, (_, at) => (at < 9 ? -800 : random())) } };
  }),
  "a guard that reads the maximum": (rules) => folds(named(SEVERAL_PASSES, "a threshold on the share of the best"), rules),
  "branches with ratios of their own": (rules) => folds(() => {
    const p = new Make(SMALL);
    const { b } = p;
    const [s, v] = [p.tensor("s", ["token"]), p.tensor("v", ["token"])];
    const most = p.max("token", (t) => s(t));
    return p.store("y", [], p.sum("token", (t) => b.select(b.less(v(t), b.zero), p.exp(b.subtract(s(t), most)), p.exp(b.scale(2, b.subtract(s(t), most))))));
  }, rules),
  "a bell": (rules) => folds(named(SEVERAL_PASSES, "a bell around the maximum"), rules),
  "an extreme of a product with a sum": (rules) => folds(timesTotal, rules) && folds(timesTotal, rules, negative),
  "an extreme of differences": (rules) => folds(shiftedExtreme, rules),
  "no position at all": (rules) => folds(named(ONE_PASS, "squared scores"), rules, (graph, random) => randomTensors(graph, { token: 0 }, random), { ...SIZES, token: 0 }),
  "a variance": (rules) => folds(() => PROGRAMS.layer(SMALL), rules),
  "a cube": (rules) => folds(named(ONE_PASS, "a cube around a maximum"), rules),
  "a product of deviations": (rules) => folds(() => {
    const p = new Make(SMALL);
    const { b } = p;
    const [x, y] = [p.tensor("x", ["channel"]), p.tensor("y", ["channel"])];
    const mean = b.scale(1 / SMALL.channels, p.sum("channel", (t) => x(t)));
    const count = p.sum("channel", (t) => b.power(b.subtract(x(t), mean), b.constant(2)));
    return p.store("c", [], b.add(count, p.sum("channel", (t) => b.multiply(b.subtract(x(t), mean), y(t)))));
  }, rules),
};

const swapSlots = (moving: Parameters<Rules["growth"]>[0], value: Value): Value =>
  moving.builder.rewrite(value, (node) => (node.kind === "slot" && /@(old|new)$/.test(node.name) ? moving.builder.slot(node.name.endsWith("@old") ? node.name.replace("@old", "@new") : node.name.replace("@new", "@old"), node.indices, node.facts) : undefined));

const RULE_MUTANTS: readonly (readonly [name: string, rules: Partial<Rules>, noticed: string])[] = [
  ["the ratio is turned around", { growth: (moving, value) => {
    const found = RULES.growth(moving, value);
    return found !== "zero" && "ratio" in found ? { ratio: swapSlots(moving, found.ratio) } : found;
  } }, "a weighted mean"],
  ["nothing is repaired", { growth: (moving) => ({ ratio: moving.builder.one }) }, "a weighted mean"],
  ["the first branch speaks for both", { growth: (moving, value) => RULES.growth(moving, value.kind === "select" ? value.yes : value) }, "branches with ratios of their own"],
  ["a ratio may depend on the position", { growth: (moving, value) => {
    const found = RULES.growth(moving, value);
    const first = value.kind === "product" ? value.factors[0]?.[0] : value;
    return found !== "zero" && "why" in found && first !== undefined ? RULES.growth({ ...moving, position: "nowhere@0" }, first) : found;
  }, bounded: () => ({ range: "atMostOne", text: "" }) }, "a bell"],
  ["every guard implies every other", { implies: () => true }, "guards of different width, scores near −800"],
  ["a factor may have any size", { bounded: () => ({ range: "atMostOne", text: "" }) }, "an exponent that grows with the maximum"],
  ["a guard may read the state", { guardMayMove: true }, "a guard that reads the maximum"],
  ["a factor of either sign leaves a maximum", { mayLeave: () => true }, "an extreme of a product with a sum"],
  ["an empty loop is not told from another", { mayBeEmpty: false }, "no position at all"],
  ["a difference has the wrong sign", { shift: (moving, value) => {
    const found = RULES.shift(moving, value);
    return "difference" in found ? { difference: moving.builder.negate(found.difference) } : found;
  }, mayLeave: (op, facts) => op !== "max" && RULES.mayLeave(op, facts) }, "an extreme of differences"],
  ["the last coefficient is forgotten", { taylor: (b, value, reference, most) => RULES.taylor(b, value, reference, most)?.slice(0, -1) }, "a variance"],
  ["coefficients are not divided by k!", { taylor: (b, value, reference, most) => RULES.taylor(b, value, reference, most)?.map((part, k) => (k < 2 ? part : b.scale(k, part))) }, "a cube"],
  ["deviations of anything vanish", { deviationsVanish: () => true }, "a cube of deviations"],
];

describe("rules of folding", () => {
  const checks: Readonly<Record<string, (rules: Rules) => boolean>> = {
    ...FOLD_CHECKS,
    "a cube of deviations": (rules) => folds(() => {
      const p = new Make(SMALL);
      const { b } = p;
      const x = p.tensor("x", ["token"]);
      const most = p.max("token", (t) => x(t));
      const total = p.sum("token", (t) => x(t));
      return p.store("c", [], b.add(total, p.sum("token", (t) => b.power(b.subtract(x(t), most), b.constant(2)))));
    }, rules),
  };
  test.each(Object.keys(checks))("as they are: %s", (name) => expect(checks[name]?.(RULES)).toBe(true));
  test.each(RULE_MUTANTS)("planted: %s", (_name, fault, noticed) => {
    expect(checks[noticed]?.({ ...RULES, ...fault }), `"${noticed}" must notice`).toBe(false);
  });
});

/** Whether all choices of a rule keep the numbers. */
function choice(rule: Attempt, make: () => Program, changed: (graph: Graph) => Graph = (graph) => graph, data: Data = ordinary): boolean {
  try {
    const p = make();
    const graph = changed(canonical(p.b, p.graph).graph);
    const { choices } = listChoices(p.b, graph, SIZES, [rule]);
    if (choices.length === 0) return true;
    const tensors = data(graph, stream(8));
    const want = evaluateStores(new Evaluator(p.b, tensors, SIZES), graph.stores);
    // Every value of a key is computed, also one that no position has.
    const result = applyChoices(p.b, graph, choices, [rule]);
    for (const { value } of result.stores) tablesExist(p, value, tensors);
    return difference(want, evaluateStores(new Evaluator(p.b, tensors, SIZES), result.stores)) <= BOUND;
  } catch {
    return false;
  }
}

/** Fills every table: throws where an entry cannot be computed, or is not one entry for all positions. */
function tablesExist(p: Program, value: Value, tensors: ReturnType<typeof randomTensors>): void {
  p.b.rewrite(value, (node) => {
    if (node.kind !== "table") return undefined;
    const { index, body } = p.b.open(node);
    if (body.free.some((name) => name.startsWith("token@"))) throw new RangeError("a table for every position");
    const evaluator = new Evaluator(p.b, tensors, SIZES);
    for (let v = 0; v < evaluator.value(index.extent, new Map()); v++) evaluator.value(body, new Map([...body.free.map((name) => [name, 0] as const), [index.name, v]]));
    return undefined;
  });
}

const small = { ...SMALL, couple: 4 };
const CHOICE_CHECKS: Readonly<Record<string, (rule: Attempt) => boolean>> = {
  "pairs of halves": (rule) => choice(rule, () => PROGRAMS.rotated(small)),
  "codes": (rule) => choice(rule, () => PROGRAMS.coded(small)),
  "codes behind a mask": (rule) => choice(rule, () => {
    const p = new Make(small);
    const { b } = p;
    const [v, w, live] = [p.coded("v"), p.tensor("w", ["token"]), p.tensor("live", ["token"], { kind: "uint", bits: 1 })];
    const x = p.at("channel");
    return p.store("y", ["channel"], p.sum("token", (t) => b.select(b.equal(live(t), b.one), b.multiply(w(t), v(t, b.zero, x)), b.zero)));
  }),
  "a reciprocal that one code does not have": (rule) => choice(rule, () => {
    const p = new Make(small);
    const { b } = p;
    p.axis("value", 2 ** small.bits);
    const [code, w, y] = [p.tensor("code", ["token"], { kind: "uint", bits: small.bits }), p.tensor("w", ["token"]), p.tensor("y", ["value", "channel"])];
    const x = p.at("channel");
    return p.store("out", ["channel"], p.sum("token", (t) => b.multiply(w(t), b.divide(y(code(t), x), code(t)))));
  }, (graph) => graph, (graph, random) => {
    // No position has the code 0.
    const tensors = randomTensors(graph, SIZES, random);
    const { code } = tensors;
    return code === undefined ? tensors : { ...tensors, code: { ...code, data: code.data.map((c) => Math.max(1, c)) } };
  }),
  "a book shorter than its codes": (rule) => choice(rule, () => PROGRAMS.coded(small), (graph) => ({ ...graph, axes: graph.axes.map((axis) => (axis.name === "code" ? { ...axis, extent: 6 } : axis)) })),
  "codes rotated by position": (rule) => choice(rule, () => PROGRAMS.rotated({ ...small, pairs: "interleaved" })),
};

const mutated = (rule: Attempt, change: (value: Value, node: Value, p: Parameters<Attempt["try"]>[0]) => Value): Attempt => ({
  ...rule,
  try: (b, graph, node) => {
    const found = rule.try(b, graph, node);
    return found === undefined || "why" in found ? found : { ...found, value: change(found.value, node, b) };
  },
});

const CHOICE_MUTANTS: readonly (readonly [name: string, rule: Attempt, noticed: string])[] = [
  ["unrolling forgets the second position", mutated(unroll, (value, node, b) => (node.kind === "reduce" ? b.substitute(b.open(node).body, new Map<Value, Value>([[b.open(node).index, b.zero]])) : value)), "pairs of halves"],
  ["aligning turns no term around", mutated(align, (value, node, b) => {
    if (node.kind !== "reduce") return value;
    const { index, body } = b.open(node);
    return b.reduce("sum", index, b.substitute(body, new Map<Value, Value>([[index, b.linear(1, [[-1, index]])]])), b.true) === node ? value : b.scale(1, b.reduce("sum", index, b.multiply(body, b.linear(0, [[1, index]]))));
  }), "pairs of halves"],
  ["grouping does not ask for the key", mutated(group, (value, _node, b) => b.rewrite(value, (part) => (part.kind === "reduce" && part.where !== b.true ? b.reduce(part.op, b.open(part).index, b.open(part).body) : undefined))), "codes"],
  ["grouping forgets the mask", mutated(group, (value, _node, b) => b.rewrite(value, (part) => {
    if (part.kind !== "reduce") return undefined;
    const { index, body, where } = b.open(part);
    return where.kind === "and" ? b.reduce(part.op, index, body, where.of.find(({ kind }) => kind === "equal") ?? where) : undefined;
  })), "codes behind a mask"],
  ["grouping by a code that may divide by zero", groupWith({ finite: () => true }), "a reciprocal that one code does not have"],
  ["a table may depend on the position", tabulateWith({ ...TABULATE_CONDITIONS, free: (value) => value.free.some((name) => name.startsWith("kCodes.value@")) }), "codes rotated by position"],
  ["a table may read what does not exist", tabulateWith({ ...TABULATE_CONDITIONS, reach: () => undefined }), "a book shorter than its codes"],
];

describe("choices", () => {
  for (const rule of CHOICES) test.each(Object.keys(CHOICE_CHECKS))(`as they are: ${rule.rule}, %s`, (name) => expect(CHOICE_CHECKS[name]?.(rule)).toBe(true));
  test.each(CHOICE_MUTANTS)("planted: %s", (_name, rule, noticed) => {
    expect(CHOICE_CHECKS[noticed]?.(rule), `"${noticed}" must notice`).toBe(false);
  });
});

describe("stale references", () => {
  /** A softmax-weighted mean; beside it the weights' total, which moves with the reference, or the position of the largest weight. */
  const meanBeside = (other: "total" | "position") => (): Program => {
    const p = new Make(SMALL);
    const { b } = p;
    p.axis("row", 8);
    const [s, v] = [p.tensor("s", ["row", "token"]), p.tensor("v", ["token"])];
    const r = p.at("row");
    const most = p.max("token", (t) => s(r, t));
    const weight = (t: Value): Value => p.exp(b.subtract(s(r, t), most));
    const total = p.sum("token", weight);
    p.store("mean", ["row"], b.divide(p.sum("token", (t) => b.multiply(weight(t), v(t))), total));
    return p.store(other, ["row"], other === "total" ? total : p.argmax("token", (t) => s(r, t)));
  };
  const CHECKS: Readonly<Record<string, () => Program>> = {
    "a weighted mean": () => PROGRAMS.plain(SMALL),
    "a log of a sum of exponentials": named(ONE_PASS, "cross entropy"),
    "a bare sum": named(ONE_PASS, "terms that share a ratio"),
    "a total beside a mean": meanBeside("total"),
    "a position beside a mean": meanBeside("position"),
  };
  type Finder = typeof staleReferences;
  const keeps = (finder: Finder, name: string): boolean => {
    const p = named(CHECKS, name)();
    const outputs = derive(p.b, p.graph).stores.map(({ value }) => value);
    const sizes = { ...SIZES, token: 36 };
    return agreesBehind(p, randomTensors(p.graph, sizes, stream(31)), sizes, ({ components, index }) => finder(p.b, components, index, outputs), BOUND);
  };
  test.each(Object.keys(CHECKS))("as they are: %s", (name) => expect(keeps(staleReferences, name)).toBe(true));
  test.each<readonly [name: string, finder: Finder, noticed: string]>([
    ["no output is asked", (b, components, index) => staleReferences(b, components, index, []), "a bare sum"],
    ["one output speaks for all", (b, components, index, outputs) => staleReferences(b, components, index, outputs.slice(0, 1)), "a total beside a mean"],
    ["a maximum that tells a position may lag", (b, components, index, outputs) => staleReferences(b, components.filter(({ extreme }) => extreme === undefined), index, outputs), "a position beside a mean"],
    ["every maximum may lag", (_b, components) => components.filter(({ op }) => op === "max").map(({ name }) => name), "a position beside a mean"],
    ["sums may lag as well", (_b, components) => components.filter(({ op }) => op === "sum").slice(0, 1).map(({ name }) => name), "a weighted mean"],
  ])("planted: %s", (_name, finder, noticed) => {
    expect(keeps(finder, noticed), `"${noticed}" must notice`).toBe(false);
  });
});

describe("split", () => {
  test("a stride that does not divide the extent is noticed", () => {
    const kept = (strides: readonly number[]): boolean => {
      const p = PROGRAMS.plain(SMALL);
      const graph = splitAxis(p.b, p.graph, { axis: "channel", extent: 16, strides });
      const tensors = randomTensors(p.graph, SIZES, stream(2));
      try {
        return difference(evaluateStores(new Evaluator(p.b, tensors, SIZES), p.graph.stores), evaluateStores(new Evaluator(p.b, tensors, SIZES), graph.stores)) <= BOUND;
      } catch {
        return false;
      }
    };
    expect(kept([8, 2])).toBe(true);
    expect(kept([5])).toBe(false);
    expect(kept([8, 3])).toBe(false);
  });
});

describe("passes and cuts", () => {
  const b = new Make(SMALL).b;
  const i = b.index("place", b.constant(12));
  if (i.kind !== "index") throw new Error("no index");
  /** Whether a reduction over twelve places is worth what a rule says. */
  const isKnown = (rule: typeof knownValue): boolean => (["sum", "max", "min", "argmax", "argmin"] as const).every((op) => {
    const reduce = b.reduce(op, i, b.remainder(b.scale(5, i), b.constant(7)), b.less(i, b.constant(9)));
    if (reduce.kind !== "reduce") throw new Error("no reduction");
    return rule(b, reduce) === b.constant(new Evaluator(b, {}, {}).value(reduce, new Map()));
  });
  test.each<readonly [name: string, rule: typeof knownValue]>([
    ["the guard is forgotten", (builder, reduce) => knownValue(builder, { ...reduce, where: builder.true })],
    ["the last of equals is taken", (builder, reduce) => (reduce.op === "argmax" ? builder.constant(8) : knownValue(builder, reduce))],
    ["a sign is turned", (builder, reduce) => {
      const found = knownValue(builder, reduce);
      return found === undefined || reduce.op !== "min" ? found : builder.linear(-1, [[-1, found]]);
    }],
  ])("known, planted: %s", (_name, rule) => {
    expect(isKnown(knownValue)).toBe(true);
    expect(isKnown(rule)).toBe(false);
  });

  /** Whether an element that uses a size in both ways keeps its value at the sizes 0 (where nothing divides) to 3. */
  const keepsSizes = (pass: (p: Program, graph: Graph) => Graph): boolean => {
    const p = new Make(SMALL);
    const x = p.tensor("x", ["token"]);
    const size = p.b.extent("token");
    p.store("mean", [], p.b.divide(p.sum("token", (t) => x(t)), size)).store("more", [], p.b.multiply(size, p.b.add(size, p.b.constant(0.5))));
    return [0, 1, 3].every((token) => {
      const tensors = randomTensors(p.graph, { token }, stream(3));
      const values = (graph: Graph): ReadonlyMap<string, number> => new Map([...evaluateStores(new Evaluator(p.b, tensors, { token }), graph.stores)].filter(([key]) => token > 0 || !key.startsWith("mean")));
      return difference(values(p.graph), values(pass(p, p.graph))) <= BOUND;
    });
  };
  test.each<readonly [name: string, low: number, every: boolean]>([["sizes that multiply are at least 1 too", 1, true], ["a size that divides is at least 2", 2, false]])("divisors, planted: %s", (_name, low, every) => {
    expect(keepsSizes((p, graph) => divisors(p.b, graph).graph)).toBe(true);
    expect(keepsSizes((p, graph) => mapStores(graph, (value) => p.b.rewrite(value, (node) => (node.kind === "product" ? p.b.product(node.factors.map(([base, exponent]) => [base.kind === "extent" && (every || exponent < 0) ? p.b.larger(base, p.b.constant(low)) : base, exponent] as const)) : undefined))))).toBe(false);
  });

  /** Whether the pieces of a fold meet in the numbers of the whole. */
  const meets = (change: (pieces: readonly Piece[], p: Program) => readonly Piece[]): boolean => {
    const p = PROGRAMS.tail(SMALL);
    const derived = derive(p.b, p.graph);
    const tensors = randomTensors(p.graph, SIZES, stream(12));
    const evaluator = new Evaluator(p.b, tensors, SIZES);
    const runner = new FoldRunner(evaluator);
    try {
      const got = runner.all(derived.folds, derived.stores, (fold) => change(cutFold(p.b, fold, cutPoints(p.b, fold).points), p).map((piece) => pieceState(evaluator, runner, piece)).reduce((a, c) => runner.merge(fold, a, c), EMPTY));
      return difference(evaluateStores(new Evaluator(p.b, tensors, SIZES), p.graph.stores), got) <= BOUND;
    } catch {
      return false;
    }
  };
  const extended = (p: Program, by: number) => (piece: Piece): Piece => ({ ...piece, fold: { ...piece.fold, extent: p.b.linear(by, [[1, piece.fold.extent]]) } });
  test.each<readonly [name: string, change: Parameters<typeof meets>[0]]>([
    ["the last piece is forgotten", (pieces) => pieces.slice(0, -1)],
    ["a piece is taken in twice", (pieces) => [...pieces, ...pieces.slice(0, 1)]],
    ["each piece ends one position early", (pieces, p) => pieces.map(extended(p, -1))],
    ["the first piece goes one position too far", (pieces, p) => pieces.map((piece, at) => (at === 0 ? extended(p, 1)(piece) : piece))],
    ["the pieces change places", (pieces) => pieces.map((piece, at) => ({ ...piece, fold: { ...piece.fold, components: (pieces[pieces.length - 1 - at] ?? piece).fold.components } }))],
  ])("cut, planted: %s", (_name, change) => {
    expect(meets((pieces) => pieces)).toBe(true);
    expect(meets(change)).toBe(false);
  });

  /** Whether bounds let every position through that a window does. */
  const bounds = (change: (domain: Domain, builder: Program["b"]) => Domain): boolean => {
    const { b: builder } = new Make(SMALL);
    const [q, t] = [builder.index("query", builder.constant(9)), builder.index("token", builder.constant(12))];
    if (q.kind !== "index" || t.kind !== "index") throw new Error("no index");
    const where = builder.and(builder.atMost(t, q), builder.less(builder.subtract(q, t), builder.constant(4)));
    const { lower, upper, exact } = change(domainOf(builder, where, t), builder);
    const evaluator = new Evaluator(builder, {}, {});
    return Array.from({ length: 9 * 12 }, (_, k) => new Map([[q.name, k % 9], [t.name, Math.floor(k / 9)]])).every((at) => {
      const inside = [...lower.map((low) => evaluator.value(low, at) <= (at.get(t.name) ?? 0)), ...upper.map((high) => (at.get(t.name) ?? 0) < evaluator.value(high, at))].every((holds) => holds);
      return exact ? inside === evaluator.truth(where, at) : inside || !evaluator.truth(where, at);
    });
  };
  test.each<readonly [name: string, change: Parameters<typeof bounds>[0]]>([
    ["the upper end is left out", (domain, builder) => ({ ...domain, upper: domain.upper.map((high) => builder.linear(-1, [[1, high]])) })],
    ["the lower end is left out", (domain, builder) => ({ ...domain, lower: domain.lower.map((low) => builder.linear(1, [[1, low]])) })],
    ["bounds that are too wide are called exact", (domain) => ({ ...domain, lower: [], exact: true })],
  ])("domain, planted: %s", (_name, change) => {
    expect(bounds((domain) => domain)).toBe(true);
    expect(bounds(change)).toBe(false);
  });
});
