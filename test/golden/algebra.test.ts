/**
 * @file What the algebra makes of programs that nobody planned: which reductions share a pass and how they are repaired,
 * what is refused and why, where bodies are cut and axes split, and which choices are offered at which cost.
 */

import { describe, expect, test } from "vitest";
import { applyChoices, listChoices } from "../../compiler/algebra/choices";
import { listCuts } from "../../compiler/algebra/cut";
import { classify, domainOf } from "../../compiler/algebra/domain";
import { canonical, derive } from "../../compiler/algebra/passes";
import { changeOf } from "../../compiler/algebra/points";
import { listing, show } from "../../compiler/algebra/show";
import { showDerived } from "../../compiler/algebra/show-fold";
import { findChains, split } from "../../compiler/algebra/split";
import { GraphBuilder } from "../../spec/graph/builder";
import { range } from "../../spec/graph/facts";
import type { Graph, Value } from "../../spec/graph/node";
import { ONE_PASS, SEVERAL_PASSES } from "../algebra/cascades";
import { Program, PROGRAMS, SMALL, stream } from "../algebra/programs";
import { randomCascade, Tape } from "../laws/cascade";
import { keyed, mixed } from "../laws/generated";
import { position } from "../laws/positions";

const tape = (seed: number): Tape => {
  const random = stream(seed * 7919 + 3);
  for (let k = 0; k < 8; k++) random();
  return new Tape(Array.from({ length: 120 }, () => Math.floor(random() * 1000)));
};

function derived(p: Program): string {
  const made = derive(p.b, p.graph);
  const cuts = listCuts(p.b, made, { token: 64, early: 16, late: 16 });
  return [
    showDerived(p.b, made),
    ...made.record.fired.map(({ rule, at, proof }) => `${rule}: ${at}${proof === undefined ? "" : ` (${proof})`}`),
    ...cuts.choices.map(({ rule, site, proof }) => `${rule}: ${site} (${proof})`), ...cuts.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`),
  ].join("\n");
}

describe("cascades", () => {
  test.each([0, 1, 2, 3])("drawn at random, twenty from %i · 20", async (part) => {
    const text = Array.from({ length: 20 }, (_, k) => `# ${part * 20 + k}\n${derived(randomCascade(tape(part * 20 + k), k % 5 === 4))}`);
    await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot(`algebra/cascades-${part + 1}.txt`);
  });

  test("of extremes, their places and counts", async () => {
    const ops = ["argmin", "min", "max", "sum", "argmax"] as const;
    const text = Array.from({ length: 60 }, (_, k) => `# ${k}\n${derived(randomCascade(tape(200 + k), k % 4 === 3, ops))}`);
    await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/cascades-5.txt");
  });

  test("that are known", async () => {
    const text = Object.entries({ ...ONE_PASS, ...SEVERAL_PASSES }).map(([name, make]) => `# ${name}\n${derived(make())}`);
    await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/cascades.txt");
  });
});

test("axes split by the strides of positions drawn at random", async () => {
  const text = Array.from({ length: 40 }, (_, seed) => {
    const extent = [8, 12, 24, 30][seed % 4] ?? 8;
    const numbers = tape(seed + 100);
    const p = new Program({ ...SMALL, channels: extent });
    const x = p.tensor("x", ["channel"]);
    p.store("y", ["channel"], p.sum("channel", (c) => x(p.b.clamp(position(p, numbers, c, 3), p.extent("channel")))));
    const { chains } = findChains(p.b, p.graph);
    const { graph, record } = split(p.b, p.graph);
    return [
      `# ${seed}: ${listing(p.b, p.graph)}`, ...chains.map(({ axis, extent: size, strides }) => `${axis} of ${size} by ${strides.join(", ")}`),
      ...record.fired.map(({ rule, at, proof }) => `${rule}: ${at}${proof === undefined ? "" : ` (${proof})`}`), ...record.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`), listing(p.b, graph),
    ].join("\n");
  });
  await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/split.txt");
});

const NAMES = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];

/** Choices one after the other, the first that is offered taken until none is left. */
function chosen(p: Program, start: Graph): string {
  const lines: string[] = [];
  let graph = start;
  for (let round = 0; round < 3; round++) {
    const { choices, refused } = listChoices(p.b, graph, { token: 1000, coded: 600, tail: 400 });
    const work = ({ loads, operations, special }: { readonly loads: number; readonly operations: number; readonly special: number }): string => `${loads} loads, ${operations} operations, ${special} special`;
    lines.push(...choices.map(({ rule, site, parameters, proof, cost }) => `${rule} at ${site} ${JSON.stringify(parameters)}: ${proof}\n  ${work(cost.without)} → ${work(cost.with)}`));
    lines.push(...refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`));
    const [first] = choices;
    if (first === undefined) break;
    graph = applyChoices(p.b, graph, [first]);
    lines.push(`made ${first.rule}:`, listing(p.b, graph));
  }
  return lines.join("\n");
}

describe("choices", () => {
  test.each(NAMES)("of %s", async (name) => {
    const p = PROGRAMS[name]({ ...SMALL, ...(name === "rotated" ? { channels: 8 } : {}) });
    const { graph } = canonical(p.b, p.graph);
    await expect(`${listing(p.b, graph)}\n\n${chosen(p, graph)}\n`).toMatchFileSnapshot(`algebra/choices-${name}.txt`);
  });
});

test("choices of programs drawn at random", async () => {
  const text = Array.from({ length: 60 }, (_, seed) => {
    const p = keyed(tape(400 + seed));
    const { graph } = canonical(p.b, p.graph);
    return `# ${seed}\n${listing(p.b, graph)}\n${chosen(p, graph)}`;
  });
  await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/choices.txt");
});

test("passes over programs drawn at random", async () => {
  const text = Array.from({ length: 60 }, (_, seed) => {
    const p = mixed(tape(600 + seed));
    const { graph, record } = canonical(p.b, p.graph);
    return [`# ${seed}`, listing(p.b, p.graph), ...record.fired.map(({ rule, at }) => `${rule}: ${at}`), ...record.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`), listing(p.b, graph)].join("\n");
  });
  await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/passes.txt");
});

test("loops behind guards drawn at random: their bounds, and what tiles are", async () => {
  const b = new GraphBuilder();
  const [q, t] = [b.index("query", b.constant(32)), b.index("token", b.extent("token"))];
  if (q.kind !== "index" || t.kind !== "index") throw new Error("no index");
  const [at, real] = [b.load({ name: "at", axes: ["query"], element: { kind: "i32" } }, [q]), b.load({ name: "real", axes: ["query"], element: { kind: "f32" } }, [q])];
  const guard = (numbers: Tape, depth: number): Value => {
    const side = (): Value => {
      const terms = [t, t, q, at, b.extent("early"), b.quotient(t, b.constant(4)), b.remainder(t, b.constant(3)), b.quotient(b.add(q, t), b.constant(8)), real];
      return b.linear(numbers.below(9) - 4, [[[1, 1, -1, 2, -3][numbers.below(5)] ?? 1, terms[numbers.below(terms.length)] ?? t]]);
    };
    const kind = numbers.below(depth > 0 ? 8 : 4);
    if (kind < 2) return b.less(side(), side());
    if (kind === 2) return b.atMost(side(), side());
    if (kind === 3) return b.equal(side(), side());
    const [left, right] = [guard(numbers, depth - 1), guard(numbers, depth - 1)];
    return kind < 6 ? b.and(left, right) : kind === 6 ? b.or(left, right) : b.not(left);
  };
  const text = Array.from({ length: 120 }, (_, seed) => {
    const where = guard(tape(800 + seed), 2);
    const { lower, upper, exact } = domainOf(b, where, t);
    const verdicts = ([[0, 7], [8, 15], [24, 31]] as const).flatMap((rows) => ([[0, 3], [4, 19], [20, 60]] as const).map((tile) => classify(b, where, new Map<Value, readonly [number, number]>([[q, rows], [t, tile]]))));
    return `${show(b, where)}\n  ${lower.map((value) => `${show(b, value)} ≤ `).join("")}t${upper.map((value) => ` < ${show(b, value)}`).join("")}${exact ? "" : ", at most"}; ${verdicts.join(" ")}; changes at ${changeOf(b, where, t) === undefined ? "no point" : show(b, changeOf(b, where, t) ?? t)}`;
  });
  await expect(`${text.join("\n")}\n`).toMatchFileSnapshot("algebra/domains.txt");
});

test("every kind of value has its notation", () => {
  const p = new Program(SMALL);
  const { b } = p;
  const [s, v, w] = [p.tensor("s", ["token"]), p.tensor("v", ["token"]), p.tensor("w", ["row", "token"])];
  const [t, u, r] = [b.index("token", b.extent("token")), b.index("token", b.extent("token"), 1), b.index("row", b.extent("row"), 2)];
  const [x, y] = [s(t), v(t)];
  const live = b.less(x, b.zero), late = b.atMost(u, t);
  const values: readonly Value[] = [
    b.constant(-Infinity), b.constant(0.1), b.constant(-2), b.constant(1 / 3), b.true, b.extent("token"), t, u, r, w(r, u), b.subtract(b.zero, x), b.linear(-3, [[2, x], [-1, y]]), b.linear(3, [[-0.5, x]]),
    b.scale(2, b.add(x, y)), b.multiply(x, b.add(x, y)), b.multiply(x, b.linear(0, [[-2, y]])), b.divide(x, b.multiply(y, y)), b.divide(b.one, x), b.divide(x, b.add(y, b.one)), b.power(b.add(x, y), b.constant(2)), b.power(x, b.constant(-0.5)), b.power(x, b.constant(0.5)),
    b.quotient(t, b.constant(4)), b.quotient(b.add(t, u), b.extent("row")), b.remainder(b.add(t, u), b.constant(3)), b.apply("exp", [b.subtract(x, y)]), b.apply("atan2", [x, y]), b.bitwise("&", t, u), b.larger(x, y), b.smaller(b.add(x, y), b.zero),
    b.select(live, x, y), b.select(b.and(live, late), b.add(x, y), b.select(late, x, y)), b.multiply(x, b.select(live, x, b.add(x, y))), live, b.less(x, y), b.less(b.add(x, b.one), y), b.less(b.zero, x), b.less(b.scale(2, x), b.constant(-3)), late, b.equal(t, b.constant(3)), b.not(b.equal(x, y)), b.not(live),
    b.and(live, late), b.or(live, late), b.and(b.or(live, b.equal(x, y)), late), b.reduce("max", u, s(u)), b.reduce("sum", u, b.add(s(u), x), b.atMost(u, t)), b.add(b.reduce("sum", u, s(u)), x), b.multiply(y, b.reduce("min", u, b.add(s(u), v(u)))), b.reduce("any", u, b.less(s(u), x)), b.reduce("argmin", u, w(r, u)),
    b.table(b.index("code", b.constant(8)), b.apply("sqrt", [b.index("code", b.constant(8))]), b.remainder(t, b.constant(8))), b.slot("state", [], range(0, 1)), b.slot("state", [r, t].filter((index) => index.kind === "index"), range(0, 1)),
  ];
  expect(values.map((value) => show(b, value)).join("\n")).toMatchInlineSnapshot(`
    "−∞
    0.1
    −2
    0.3333
    true
    |token|
    token
    token′
    row′′
    w[row′′, token′]
    −s[token]
    2·s[token] − v[token] − 3
    −0.5·s[token] + 3
    2·s[token] + 2·v[token]
    (s[token] + v[token])·s[token]
    −2·s[token]·v[token]
    s[token]/v[token]^2
    1/s[token]
    s[token]/(v[token] + 1)
    (s[token] + v[token])^2
    pow(s[token], −0.5)
    pow(s[token], 0.5)
    ⌊token/4⌋
    ⌊(token + token′)/|row|⌋
    (token + token′) % 3
    exp(s[token] − v[token])
    atan2(s[token], v[token])
    token & token′
    larger(s[token], v[token])
    smaller(0, s[token] + v[token])
    s[token] < 0 ? s[token] : v[token]
    s[token] < 0 ∧ token′ < token + 1 ? s[token] + v[token] : token′ < token + 1 ? s[token] : v[token]
    (s[token] < 0 ? s[token] : s[token] + v[token])·s[token]
    s[token] < 0
    s[token] < v[token]
    s[token] + 1 < v[token]
    0 < s[token]
    2·s[token] < −3
    token′ < token + 1
    token = 3
    ¬(s[token] = v[token])
    ¬(s[token] < 0)
    s[token] < 0 ∧ token′ < token + 1
    (s[token] < 0 ∨ token′ < token + 1)
    (s[token] < 0 ∨ s[token] = v[token]) ∧ token′ < token + 1
    max_{token} s[token]
    Σ_{token′ | token′ < token + 1} (s[token] + s[token′])
    (Σ_{token} s[token]) + s[token]
    (min_{token} (s[token] + v[token]))·v[token]
    any_{token′ | s[token′] < s[token]} true
    argmin_{token} w[row′′, token]
    table[λcode. code^0.5](token % 8)
    ‹state›
    ‹state›[row′′, token]"
  `);
});
