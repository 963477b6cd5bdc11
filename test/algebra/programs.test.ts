/** @file Each program in its naive form, and what the algebra makes of it: trace, choices, folds, and the same numbers. */

import { describe, expect, test } from "vitest";
import { listChoices } from "../../compiler/algebra/choices";
import type { Work } from "../../compiler/algebra/derived";
import { canonical, derive } from "../../compiler/algebra/passes";
import { listing } from "../../compiler/algebra/show";
import { showDerived } from "../../compiler/algebra/show-fold";
import { workOf } from "../../compiler/algebra/work";
import { BOUND, differences } from "./check";
import { BIG, type Config, type Program, PROGRAMS, randomTensors, SMALL, stream } from "./programs";

const CASES: readonly (readonly [name: string, make: (c: Config) => Program, over: Partial<Config>])[] = [
  ["plain", PROGRAMS.plain, {}],
  ["coded", PROGRAMS.coded, {}],
  ["rotated-half", PROGRAMS.rotated, { couple: 4 }],
  ["rotated-interleaved", PROGRAMS.rotated, { couple: 4, pairs: "interleaved" }],
  ["window", PROGRAMS.window, {}],
  ["log-total", PROGRAMS.logTotal, {}],
  ["sink", PROGRAMS.sink, {}],
  ["rms", PROGRAMS.rms, {}],
  ["layer", PROGRAMS.layer, {}],
  ["tail", PROGRAMS.tail, {}],
  ["residual", PROGRAMS.residual, {}],
  ["soft-cap", PROGRAMS.softCap, {}],
];

const MODEL_SIZES = { token: 32768, coded: 32640, tail: 128 };
const SIZES = [{ token: 37, coded: 21, tail: 16 }, { token: 1, coded: 0, tail: 1 }, { token: 0, coded: 0, tail: 0 }, { token: 9, coded: 9, tail: 0 }];

const figure = (value: number): string => (value >= 1e5 ? value.toExponential(2) : String(Math.round(value)));
const shown = ({ loads, operations, special }: Work): string => `${figure(loads)} loads, ${figure(operations)} operations, ${figure(special)} special`;

/** Everything the algebra offers, taken greedily in the order of the rules, aligning left out where unrolling is offered. */
function everyChoice(p: Program, offered: (text: string) => void): Parameters<typeof derive>[2] {
  const taken: NonNullable<Parameters<typeof derive>[2]>[number][] = [];
  let graph = canonical(p.b, p.graph).graph;
  for (const rule of ["unroll", "tabulate", "group"] as const) {
    const { choices, refused } = listChoices(p.b, graph, MODEL_SIZES);
    if (rule === "unroll") for (const choice of choices) offered(`choice ${choice.rule}: ${choice.site}\n    ${choice.proof}\n    ${shown(choice.cost.with)}`);
    if (rule === "tabulate") for (const { rule: of, at, why } of refused) offered(`refused ${of}: ${at}\n    ${why}`);
    for (const choice of choices.filter((other) => other.rule === rule)) {
      taken.push(choice);
      graph = derive(p.b, p.graph, taken).graph;
    }
  }
  return taken;
}

describe.each(CASES)("%s", (name, make, over) => {
  test("reaches its good form at model size", async () => {
    const p = make({ ...BIG, ...over });
    const { graph, record } = canonical(p.b, p.graph);
    const lines = [`as written: ${shown(workOf(p.b, p.graph, MODEL_SIZES))}`, ...record.fired.map(({ rule, at }) => `${rule}: ${at}`), ...record.refused.map(({ rule, at, why }) => `refused ${rule}: ${at}: ${why}`)];
    lines.push(`canonical: ${shown(workOf(p.b, graph, MODEL_SIZES))}`, listing(p.b, graph), "");
    const plan = everyChoice(p, (text) => lines.push(text));
    lines.push("", showDerived(p.b, derive(p.b, p.graph)));
    if (plan !== undefined && plan.length > 0) {
      const derived = derive(p.b, p.graph, plan);
      lines.push("", `with ${plan.map(({ rule }) => rule).join(", ")}: ${shown(workOf(p.b, derived.graph, MODEL_SIZES))}`, listing(p.b, derived.graph), "", showDerived(p.b, derived));
    }
    await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  // ±30 in each of 16 products makes scores near ±800.
  test.each(SIZES.flatMap((sizes) => [1.5, 30].map((amplitude) => ({ ...sizes, amplitude }))))("gives the naive numbers: $token tokens, inputs to ±$amplitude", ({ amplitude, ...sizes }) => {
    const p = make({ ...SMALL, ...over });
    const random = stream(11);
    const plans = [[], everyChoice(p, () => undefined) ?? []];
    for (const plan of plans) {
      const tensors = randomTensors(p.graph, sizes, random, amplitude);
      for (const [way, worst] of Object.entries(differences(p.b, p.graph, derive(p.b, p.graph, plan), tensors, sizes, random))) {
        expect(worst, `${way}, ${plan.length} choices`).toBeLessThanOrEqual(BOUND);
      }
    }
  });
});
