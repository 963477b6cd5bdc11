/**
 * Every legal plan computes the same numbers: on the simulator, at no length, one, and around each edge of its tiles and
 * parts. `npm run every-plan` tries all of them; otherwise a few, drawn anew for each subject from a fixed seed.
 */

import { describe, expect, it } from "vitest";
import { specialise } from "../../compiler/plan/specialise";
import { loadGraph } from "../../spec/graph/json";
import { bindSizes } from "../../spec/tensor";
import { randomFrom } from "../interpreter/adversary";
import { graphOf, trials } from "../oracles/trials";
import { drawn, expectHeld, measured, type Measured } from "./held";
import { smallPlans } from "./plans";
import { SUBJECTS } from "./subjects";

const EVERY = process.env["KVERN_EVERY_PLAN"] === "all";
const LONGEST = EVERY ? 300 : 70;
const PLANS = EVERY ? Infinity : 1;
const LENGTHS = EVERY ? Infinity : 2;

/** How many times the best plan's time a plan may be estimated to take to be drawn: beyond it are plans that nobody runs, and that a simulator runs for minutes. */
const WORST = EVERY ? Infinity : 30;

/** Kernels that bind more than a device has in every plan of folds, and have a dispatch for every reduction. */
const NO_FOLDS = new Set(["library.ts reductions"]);

/** All of a list, or `most` of it. */
function some<T>(list: readonly T[], most: number, random: () => number): readonly T[] {
  const left = [...list];
  while (left.length > most) left.splice(Math.floor(random() * left.length), 1);
  return left;
}

describe("every legal plan of a kernel", () => {
  it.each(SUBJECTS.map((subject, at) => [subject.name, subject, at] as const))("%s", async (name, { graph: compiled, sizes, open, contents }, at) => {
    const random = randomFrom(at + 1);
    const graph = await compiled();
    const set = Object.fromEntries(Object.entries(sizes(64)).filter(([axis]) => !open.includes(axis) && graph.axes.some(({ name }) => name === axis)));
    const special = specialise(graph, set);
    const drawings = new Map<number, Measured>();
    let held = 0;
    const all = smallPlans(special, LONGEST);
    const least = Math.min(...all.map(({ candidate }) => candidate.cost));
    const plans = all.filter(({ candidate }) => candidate.cost <= WORST * least);
    expect(plans.length === 0).toBe(NO_FOLDS.has(name));
    for (const { title, candidate, lengths } of some(plans, PLANS, random)) {
      for (const length of some(lengths, LENGTHS, random)) {
        const known = drawings.get(length) ?? drawn(graph, sizes(length), at + 1, contents);
        drawings.set(length, known);
        held += expectHeld(special, candidate, known, `${title}, at ${length}`);
      }
    }
    expect(held > 0).toBe(plans.length > 0);
  }, EVERY ? 3_600_000 : 60_000);
});

const cases = some(trials, EVERY ? Infinity : 12, randomFrom(5));

describe.skipIf(cases.length === 0)("every legal plan of a recorded case", () => {
  it.each(cases.map((trial, at) => [trial.name, trial, at] as const))("%s", async (_, trial, at) => {
    const { graph } = loadGraph(await graphOf(trial));
    const { inputs, set } = trial.call;
    const special = specialise(graph, set);
    const known = measured(graph, inputs, bindSizes(graph, inputs, set));
    for (const { title, candidate } of some(smallPlans(special, 0), PLANS, randomFrom(at + 1))) expectHeld(special, candidate, known, title);
  }, EVERY ? 3_600_000 : 60_000);
});
