/** @file The search for failures: random inputs for one kernel, or random programs with random inputs. */

import { KvernError, summary } from "../../spec/diagnostics/diagnostic";
import { saveGraph, type SerialisedGraph } from "../../spec/graph/json";
import type { Ranges } from "../options";
import { programGraph, programText, randomProgram, smallerPrograms, type RandomProgram } from "./program";
import { Random } from "./random";
import { reproName } from "./printed";
import { reproOf, type Repro } from "./repro";
import { isFailure, Subject, type Failure, type Outcome, type Prepared, type Trial } from "./subject";

/** Makes a kernel ready to run; `file` is where its text stands. */
export type Prepare = (file: string, graph: SerialisedGraph) => Promise<Prepared>;

/** A random program on its way to a backend: its graph, and the name of the file where its text stands, if it was written. */
export type Make = (program: RandomProgram) => Promise<{ readonly file: string; readonly graph: SerialisedGraph }>;

/** Without its text, at once. */
export const madeAsGraph: Make = (program) => Promise.resolve({ file: "", graph: saveGraph(programGraph(program)) });

export interface Search {
  readonly runs: number;
  /** Of the runs, those that are this one's to do: every `of`-th, the `at`-th first, counted from 1. All unless given. */
  readonly shard?: { readonly at: number; readonly of: number };
  /** Ends the search before its time, with what has been found. */
  readonly stopped?: () => boolean;
  readonly seed: number;
  /** Of inputs of a user's kernel; others are as signatures have them. */
  readonly ranges?: Ranges;
  readonly backend: string;
  /** The command that finds the failure of a seed again, for a backend that `kvern` has no name for. */
  readonly again?: (seed: number) => string;
  readonly prepare: Prepare;
  /** Told after every run. */
  readonly progress: (done: number) => void;
}

export interface Found {
  /** `kvern fuzz --seed SEED --runs 1` finds it again. */
  readonly seed: number;
  readonly failure: Failure;
  readonly repro: Repro;
  readonly inputs: ReturnType<Subject["inputs"]>;
}

export interface Report {
  readonly runs: number;
  /** Elements held to a bound. */
  readonly compared: number;
  /** Elements of which nothing is promised. */
  readonly unbounded: number;
  /** Runs in which no sizes were found that the kernel takes, and why not, for one of them. */
  readonly refused: number;
  readonly refusal: string | undefined;
  /** The largest part of its bound that a difference took up. */
  readonly largest: number;
  readonly failures: readonly Found[];
}

/** Failures after which a search ends: more of them rarely tell more. */
export const ENOUGH = 3;

class Tally {
  runs = 0;
  compared = 0;
  unbounded = 0;
  refused = 0;
  refusal: string | undefined;
  largest = 0;
  readonly failures: Found[] = [];

  add(outcome: Outcome): void {
    if (outcome.kind === "refused") {
      this.refused++;
      this.refusal = outcome.text;
    }
    if (outcome.kind !== "agrees") return;
    this.compared += outcome.comparison.compared;
    this.unbounded += outcome.comparison.unbounded;
    this.largest = Math.max(this.largest, outcome.comparison.largest);
  }
}

/** Random inputs for one kernel of a user's file. */
export async function fuzzKernel(file: string, graph: SerialisedGraph, search: Search): Promise<Report> {
  const subject = new Subject(graph, await search.prepare(file, graph), search.ranges);
  return searched(search, async (seed, tally) => {
    const { trial, outcome } = await subject.trial(new Random(seed));
    tally.add(outcome);
    if (!isFailure(outcome)) return;
    const { least, failure } = await smallest(subject, trial, outcome);
    const repro = reproOf(reproName(seed), seed, subject, least, failure, search, file, undefined);
    tally.failures.push({ seed, failure, repro, inputs: subject.inputs(least) });
  });
}

/** Random programs, each on random inputs. */
export async function fuzzPrograms(search: Search, make: Make = madeAsGraph): Promise<Report> {
  return searched(search, async (seed, tally) => {
    const random = new Random(seed);
    const program = randomProgram(random);
    const tried = await tryProgram(program, make, search, (subject) => subject.trial(random));
    tally.add(tried.outcome);
    if (!isFailure(tried.outcome)) return;
    const least = await smallestProgram({ ...tried, program, outcome: tried.outcome }, make, search);
    const name = reproName(seed);
    const source = programText(least.program);
    if (least.subject === undefined) {
      const title = least.outcome.kind === "fault" ? least.outcome.text.replaceAll("\n", " ") : "";
      const command = search.again?.(seed) ?? `kvern check ${name}.ts`;
      tally.failures.push({ seed, failure: least.outcome, repro: { title, kernelFile: `${name}.ts`, command, text: `// ${title}\n// ${command}\n\n${source}` }, inputs: {} });
      return;
    }
    const { least: trial, failure } = await smallest(least.subject, least.trial, least.outcome);
    const repro = reproOf(name, seed, least.subject, trial, failure, search, `${name}.ts`, source);
    tally.failures.push({ seed, failure, repro, inputs: least.subject.inputs(trial) });
  });
}

/** Of `runs`, those of a shard, counted from 0. */
export function* runsOf({ runs, shard = { at: 1, of: 1 } }: Pick<Search, "runs" | "shard">): Generator<number> {
  for (let run = shard.at - 1; run < runs; run += shard.of) yield run;
}

async function searched({ seed, progress, stopped = () => false, ...search }: Search, one: (seed: number, tally: Tally) => Promise<void>): Promise<Report> {
  const tally = new Tally();
  for (const run of runsOf(search)) {
    if (tally.failures.length >= ENOUGH || stopped()) break;
    await one(seed + run, tally);
    tally.runs++;
    progress(tally.runs);
  }
  return tally;
}

async function smallest(subject: Subject, trial: Trial, before: Failure): Promise<{ readonly least: Trial; readonly failure: Failure }> {
  const least = await subject.smallest(trial);
  const outcome = await subject.try(least);
  return isFailure(outcome) ? { least, failure: outcome } : { least: trial, failure: before };
}

/** A program that was tried: on `subject`, if it could be compiled. */
type Tried =
  | { readonly subject: Subject; readonly trial: Trial; readonly outcome: Outcome }
  | { readonly subject: undefined; readonly trial: undefined; readonly outcome: Outcome };

/** Programs are legal as they are made, so that a refusal by the compiler is a failure too. */
async function tryProgram(program: RandomProgram, make: Make, { prepare }: Search, choose: (subject: Subject) => Promise<{ readonly trial: Trial; readonly outcome: Outcome }>): Promise<Tried> {
  try {
    const { file, graph } = await make(program);
    const subject = new Subject(graph, await prepare(file, graph));
    return { subject, ...(await choose(subject)) };
  } catch (fault) {
    return broken(fault instanceof KvernError ? fault.diagnostics.map(summary).join("; ") : String(fault));
  }
}

const broken = (text: string): Tried => ({ subject: undefined, trial: undefined, outcome: { kind: "fault", text } });

/** Smaller programs tried at most for one failure. */
const PATIENCE = 800;

type Failing = Tried & { readonly program: RandomProgram; readonly outcome: Failure };

/** A program that fails as `failing` does, and of which nothing can be left out. */
async function smallestProgram(failing: Failing, make: Make, search: Search): Promise<Failing> {
  let least = failing;
  let patience = PATIENCE;
  for (let found = true; found && patience > 0; ) {
    found = false;
    for (const program of smallerPrograms(least.program)) {
      if (patience-- === 0) break;
      const { trial } = least;
      const tried = await tryProgram(program, make, search, async (subject) => {
        // A failure before anything ran has no trial to repeat.
        const same = trial ?? (await subject.trial(new Random(0))).trial;
        return { trial: same, outcome: await subject.try(same) };
      });
      if (!isFailure(tried.outcome) || tried.outcome.kind !== least.outcome.kind || (tried.subject === undefined) !== (least.subject === undefined)) continue;
      least = { ...tried, program, outcome: tried.outcome };
      found = true;
      break;
    }
  }
  return least;
}
