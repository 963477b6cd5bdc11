/** @file Choices: what they cost, that a stored plan replays, that a stale one is refused, and why a rule did not apply. */

import { describe, expect, test } from "vitest";
import { applyChoices, listChoices, StaleChoice } from "../../compiler/algebra/choices";
import type { Choice } from "../../compiler/algebra/derived";
import { canonical, derive } from "../../compiler/algebra/passes";
import { tabulateWith } from "../../compiler/algebra/tabulate";
import { workOf } from "../../compiler/algebra/work";
import { openedOrder } from "../../compiler/algebra/opened";
import { BOUND, differences } from "./check";
import { BIG, PROGRAMS, randomTensors, SMALL, stream, type Config, type Program } from "./programs";

const MODEL = { token: 32768, coded: 32640, tail: 128 };
const SIZES = { token: 37, coded: 21, tail: 16 };

const offered = (p: Program, rule: Choice["rule"], before: readonly Choice[] = []): readonly Choice[] =>
  listChoices(p.b, applyChoices(p.b, canonical(p.b, p.graph).graph, before), MODEL).choices.filter((choice) => choice.rule === rule);

const only = (choices: readonly Choice[]): Choice => {
  const [choice] = choices;
  if (choice === undefined || choices.length !== 1) throw new Error(`expected one choice, got ${choices.length}`);
  return choice;
};

describe("cost at model size (32 heads, 8 key heads, 128 channels, 32k tokens)", () => {
  test("tables and groups save an order of magnitude of operations for codes of eight channels", () => {
    const p = PROGRAMS.coded(BIG);
    const table = only(offered(p, "tabulate"));
    const grouped = only(offered(p, "group", [table]));
    expect(table.cost.without.operations).toBeCloseTo(5.58e8, -6);
    expect(grouped.cost.with.operations).toBeCloseTo(4.19e7, -5);
    expect(grouped.cost.with.loads).toBeCloseTo(2.57e7, -5);
  });

  test("a table loads more than it saves for pairs of channels shared by four query heads", () => {
    const table = only(offered(PROGRAMS.coded({ ...BIG, couple: 2 }), "tabulate"));
    expect(table.cost.with.loads).toBeGreaterThan(table.cost.without.loads);
  });

  test("unrolled, a rotation is done once for four query heads; aligned, for each of them", () => {
    const p = PROGRAMS.rotated({ ...BIG, couple: 4 });
    expect(only(offered(p, "unroll")).cost.with.operations).toBeCloseTo(6.59e8, -6);
    expect(only(offered(p, "align")).cost.with.operations).toBeCloseTo(1.11e9, -7);
    // Without query heads to share it, both are the same.
    const alone = PROGRAMS.rotated({ ...BIG, couple: 4, keyHeads: 32 });
    expect(only(offered(alone, "unroll")).cost.with.operations / only(offered(alone, "align")).cost.with.operations).toBeCloseTo(1, 0);
  });
});

describe("replay", () => {
  test("a stored plan finds its sites again in a graph built anew", () => {
    const plan = (p: Program): readonly Choice[] => {
      const table = only(offered(p, "tabulate"));
      return [table, only(offered(p, "group", [table]))];
    };
    const stored = JSON.parse(JSON.stringify(plan(PROGRAMS.coded(SMALL)))) as readonly Choice[];
    const p = PROGRAMS.coded(SMALL);
    const derived = derive(p.b, p.graph, stored);
    expect(workOf(p.b, derived.graph, MODEL)).toEqual(stored[1]?.cost.with);
  });

  test("a plan for another program is refused, with what this one offers", () => {
    const table = only(offered(PROGRAMS.coded(SMALL), "tabulate"));
    const p = PROGRAMS.rotated(SMALL);
    expect(() => derive(p.b, p.graph, [table])).toThrow(StaleChoice);
    expect(() => derive(p.b, p.graph, [table])).toThrow(/asks for tabulate at Σ_\{channel%4\}/);
  });

  test("a choice that was made is not offered again", () => {
    const p = PROGRAMS.coded(SMALL);
    const table = only(offered(p, "tabulate"));
    expect(offered(p, "tabulate", [table])).toEqual([]);
    const grouped = only(offered(p, "group", [table]));
    expect(offered(p, "group", [table, grouped])).toEqual([]);
    expect(() => derive(p.b, p.graph, [table, table])).toThrow(StaleChoice);
  });
});

describe("legality", () => {
  test.each(["half", "interleaved"] as const)("a key rotated by its position has no table (%s)", (pairs) => {
    const p = PROGRAMS.rotated({ ...BIG, couple: 4, pairs });
    const { refused } = listChoices(p.b, canonical(p.b, p.graph).graph, MODEL);
    const why = refused.filter(({ rule }) => rule === "tabulate").map((refusal) => refusal.why);
    expect(why).toHaveLength(1);
    expect(why[0]).toMatch(/still depends on token through .*(cos|sin)\[token/);
  });

  test("the table it would have needs a copy for every position", () => {
    const p = PROGRAMS.rotated({ ...SMALL, pairs: "interleaved" });
    const forced = tabulateWith({ free: (value) => value.free.some((name) => name.startsWith("kCodes.value@")), reach: () => undefined });
    const graph = canonical(p.b, p.graph).graph;
    const site = only(listChoices(p.b, graph, MODEL, [forced]).choices);
    const wrong = applyChoices(p.b, graph, [site], [forced]);
    const tables = openedOrder(p.b, wrong.stores.map(({ value }) => value)).filter((node) => node.kind === "table");
    expect(tables.length).toBeGreaterThan(0);
    for (const table of tables) expect(p.b.open(table).body.free).toContain("token@0");
  });

  test("a book with fewer entries than codes is not tabulated", () => {
    const p = PROGRAMS.coded(SMALL);
    const graph = canonical(p.b, p.graph).graph;
    const axes = graph.axes.map((axis) => (axis.name === "code" ? { ...axis, extent: 6 } : axis));
    const { choices, refused } = listChoices(p.b, { ...graph, axes }, MODEL);
    expect(choices).toEqual([]);
    expect(refused.map(({ why }) => why).join("\n")).toMatch(/code has 6 positions, the key up to 8/);
  });
});

describe("meaning", () => {
  const all: readonly (readonly [string, (c: Config) => Program, Partial<Config>])[] = [["coded", PROGRAMS.coded, {}], ["half", PROGRAMS.rotated, {}], ["interleaved", PROGRAMS.rotated, { pairs: "interleaved" }], ["residual", PROGRAMS.residual, {}], ["tail", PROGRAMS.tail, {}]];
  test.each(all)("every single choice keeps the numbers: %s", (_name, make, over) => {
    const p = make({ ...SMALL, ...over });
    const random = stream(3);
    const { choices } = listChoices(p.b, canonical(p.b, p.graph).graph, MODEL);
    expect(choices.length).toBeGreaterThan(0);
    for (const choice of choices) {
      for (const [way, worst] of Object.entries(differences(p.b, p.graph, derive(p.b, p.graph, [choice]), randomTensors(p.graph, SIZES, random), SIZES, random))) {
        expect(worst, `${choice.rule} ${way}`).toBeLessThanOrEqual(BOUND);
      }
    }
  });
});
