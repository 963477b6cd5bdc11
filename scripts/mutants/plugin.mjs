/**
 * @file What Stryker is told besides its configuration: which of the mutants in the ranges it was given are meant, and
 * where each result is written as soon as it is known. The environment names the files, the state of the tree and the tests.
 */

import { appendFileSync, readFileSync } from "node:fs";
import { described, keyOf } from "./list.mjs";

const { KVERN_MUTANTS_WANTED: wantedFile, KVERN_MUTANTS_RESULTS: resultsFile, KVERN_MUTANTS_STATE: state, KVERN_MUTANTS_SUITE: suite } = process.env;
const wanted = new Set(JSON.parse(readFileSync(wantedFile, "utf8")));

/** Mutants that stand inside a range beside the one that it was given for are left out: to Stryker they do not compile. */
class Wanted {
  async init() {}
  async check(mutants) {
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, wanted.has(keyOf(described(mutant))) ? { status: "passed" } : { status: "compileError", reason: "not in the sample" }]));
  }
}

class Journal {
  #names = new Map();
  onDryRunCompleted({ result }) {
    for (const { id, name, fileName } of result.tests) this.#names.set(id, `${(fileName ?? "").replace(/^.*\/(?=test\/)/, "")}: ${name}`);
  }
  onMutantTested(result) {
    const mutant = described(result, true);
    if (!wanted.has(keyOf(mutant))) return;
    const killer = result.killedBy?.[0];
    appendFileSync(resultsFile, `${JSON.stringify({ state, suite, ...mutant, status: result.status, ...(killer === undefined ? {} : { killer: this.#names.get(killer) ?? killer }), ...(result.coveredBy === undefined ? {} : { covered: result.coveredBy.length }) })}\n`);
  }
}

export const strykerPlugins = [
  { kind: "Checker", name: "wanted", injectableClass: Wanted },
  { kind: "Reporter", name: "journal", injectableClass: Journal },
];
