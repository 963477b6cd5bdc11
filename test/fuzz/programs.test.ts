/**
 * @file Programs drawn at random, the same in every run: what the passes make of them, the folds and the plans, is held to
 * the interpreter. `kvern fuzz` is the same search without an end, and with programs made smaller where one fails.
 */

import { describe, expect, test } from "vitest";
import type { Prepare } from "../../bin/fuzz/fuzz";
import { programGraph, programText, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import { rewrittenWays } from "../../bin/fuzz/rewritten";
import { isFailure, Subject } from "../../bin/fuzz/subject";
import { simulatedWays } from "../../bin/fuzz/ways";
import { saveGraph } from "../../spec/graph/json";

/** Programs of one test. */
const EACH = 10;

/** Holds programs from `first` on to the interpreter, and returns how many elements were compared. */
async function held(prepare: Prepare, first: number): Promise<number> {
  let compared = 0;
  for (let seed = first; seed < first + EACH; seed++) {
    const random = new Random(seed);
    const program = randomProgram(random);
    const serialised = saveGraph(programGraph(program));
    const { trial, outcome } = await new Subject(serialised, await prepare("k.ts", serialised)).trial(random);
    if (isFailure(outcome)) expect.fail(`seed ${seed}, ${JSON.stringify(trial)}: ${JSON.stringify(outcome)}\n${programText(program)}`);
    if (outcome.kind === "agrees") compared += outcome.comparison.compared;
  }
  return compared;
}

const firsts = (parts: number): readonly number[] => Array.from({ length: parts }, (_, part) => 1 + part * EACH);

describe("random programs agree with the interpreter", { timeout: 120_000 }, () => {
  test.each(firsts(60))("after passes, choices, folds and cuts, from seed %i", async (first) => {
    expect(await held(rewrittenWays, first)).toBeGreaterThan(0);
  });

  test.each(firsts(20))("in the simulator, in several plans, from seed %i", async (first) => {
    expect(await held(await simulatedWays(), 100_000 + first)).toBeGreaterThan(0);
  });
});
