/**
 * @file What the algebra makes of programs that nobody planned: which reductions share a pass and how they are repaired,
 * what is refused and why, where bodies are cut and axes split, and which choices are offered at which cost.
 */

import { describe, expect, test } from "vitest";
import { canonical } from "../../compiler/algebra/passes";
import { listing, show } from "../../compiler/algebra/show";
import { range } from "../../spec/graph/facts";
import type { Value } from "../../spec/graph/node";
import { ONE_PASS, SEVERAL_PASSES } from "../algebra/cascades";
import { Program, PROGRAMS, SMALL } from "../algebra/programs";
import { randomCascade } from "../laws/cascade";
import { bounds, chosen, chosenOf, derived, passed, strided, tape } from "./drawn-algebra";

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
  const text = Array.from({ length: 40 }, (_, seed) => strided(seed, tape(seed + 100)));
  await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/split.txt");
});

const NAMES = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];

describe("choices", () => {
  test.each(NAMES)("of %s", async (name) => {
    const p = PROGRAMS[name]({ ...SMALL, ...(name === "rotated" ? { channels: 8 } : {}) });
    const { graph } = canonical(p.b, p.graph);
    await expect(`${listing(p.b, graph)}\n\n${chosen(p, graph)}\n`).toMatchFileSnapshot(`algebra/choices-${name}.txt`);
  });
});

test("choices of programs drawn at random", async () => {
  const text = Array.from({ length: 60 }, (_, seed) => `# ${seed}\n${chosenOf(tape(400 + seed))}`);
  await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/choices.txt");
});

test("passes over programs drawn at random", async () => {
  const text = Array.from({ length: 60 }, (_, seed) => `# ${seed}\n${passed(tape(600 + seed))}`);
  await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot("algebra/passes.txt");
});

test("loops behind guards drawn at random: their bounds, and what tiles are", async () => {
  const text = Array.from({ length: 120 }, (_, seed) => bounds(tape(800 + seed)));
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
