/** @file All mutants that Stryker makes of the sources, samples of them, and the state of the tree that they are made of. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Folders whose code is mutated. */
export const FOLDERS = ["compiler/algebra", "compiler/plan", "spec/interpreter"];

const filesOf = (folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, path, name }) => join(parentPath ?? path, name).slice(ROOT.length).replaceAll("\\", "/"))
  .sort();

/** What results rest on: sources and tests. */
export function stateOfTree() {
  const hash = createHash("sha256");
  for (const file of [...["spec", "compiler", "test", "examples"].flatMap(filesOf), "vitest.mutants.config.ts"]) hash.update(file).update("\0").update(readFileSync(join(ROOT, file))).update("\0");
  return hash.digest("hex").slice(0, 16);
}

/** A name that a mutant has in every run. Lines count from 1, columns from 0. */
export const keyOf = ({ file, range, mutator, replacement }) => `${file}:${range} ${mutator} ${replacement}`;

/** A mutant as Stryker has it, as it is written down here; Stryker counts lines from 0 inside, and from 1, columns too, in what it reports. */
export function described({ fileName, location: { start, end }, mutatorName, replacement }, reported = false) {
  const file = fileName.replaceAll("\\", "/").replace(/^.*\/(?=(compiler|spec)\/)/, "");
  const place = ({ line, column }) => (reported ? `${line}:${column - 1}` : `${line + 1}:${column}`);
  return { file, range: `${place(start)}-${place(end)}`, mutator: mutatorName, replacement: replacement ?? "" };
}

/** Every mutant of the folders, in the order of files and places. */
export async function allMutants() {
  // What instruments the sources is a part of Stryker, and is found from there.
  const { Instrumenter } = await import(pathToFileURL(createRequire(import.meta.resolve("@stryker-mutator/core")).resolve("@stryker-mutator/instrumenter")).href);
  const quiet = { isTraceEnabled: () => false, isDebugEnabled: () => false, isInfoEnabled: () => false, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
  const files = FOLDERS.flatMap(filesOf).map((file) => ({ name: join(ROOT, file), mutate: true, content: readFileSync(join(ROOT, file), "utf8") }));
  const { mutants } = await new Instrumenter(quiet).instrument(files, { plugins: null, excludedMutations: [], ignorers: [], noHeader: true });
  return mutants.map((mutant) => described(mutant));
}

/** `count` of a list, without order or preference, the same for the same seed and list. */
export function sampled(list, count, seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const left = [...list];
  const taken = [];
  while (taken.length < count && left.length > 0) taken.push(...left.splice(Math.floor(random() * left.length), 1));
  return taken;
}
