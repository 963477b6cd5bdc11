/**
 * Mutation testing of the algebra, the planner and the interpreter with Stryker: `npm run mutants` for all mutants,
 *
 *     npm run mutants -- --sample 300 --seed 1 --shard 1/4
 *
 * for a sample, the same for the same seed and sources, of which shards are disjoint samples. Every result is written to
 * `.kvern/mutants.jsonl` (`--results FILE`) as soon as it is known, and a mutant is not tried again while sources and tests
 * stay as they are. First it is held to tests that are quick, then, where it survives, to those that take long.
 *
 *     --quick        leaves out the tests that take long: a score from below
 *     --survivors    tries those of the sample again that survived when they were last tried
 *     --score        only prints
 *
 * Exits with 1 where the score is below 85 %.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { allMutants, keyOf, ROOT, sampled, stateOfTree } from "./mutants/list.mjs";
import { scoreLines, scoreOf } from "./mutants/score.mjs";

const LEAST = 0.85;

const { values: given } = parseArgs({ options: {
  sample: { type: "string" }, seed: { type: "string", default: "1" }, shard: { type: "string", default: "1/1" }, concurrency: { type: "string", default: "2" },
  results: { type: "string", default: join(ROOT, ".kvern/mutants.jsonl") }, survivors: { type: "boolean", default: false }, quick: { type: "boolean", default: false }, score: { type: "boolean", default: false },
} });
const count = (text, least) => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  console.error(`expected a whole number from ${least}, got ${text}`);
  process.exit(2);
};
const [, part, parts] = /^(\d+)\/(\d+)$/.exec(given.shard) ?? [];
if (part === undefined || parts === undefined || Number(part) < 1 || Number(part) > Number(parts)) {
  console.error(`expected --shard i/n with 1 ≤ i ≤ n, got ${given.shard}`);
  process.exit(2);
}
const concurrency = count(given.concurrency, 1);
const results = resolve(given.results);
const state = stateOfTree();

const all = await allMutants();
const sample = given.sample === undefined ? all : sampled(all, count(given.sample, 1), count(given.seed, 0));
const shard = sample.filter((_, at) => at % Number(parts) === Number(part) - 1);
const shardKeys = new Set(shard.map(keyOf));
/** The last result of every mutant of the shard. */
const known = () => new Map((existsSync(results) ? readFileSync(results, "utf8").split("\n") : []).flatMap((line) => {
  if (line === "") return [];
  const result = JSON.parse(line);
  return shardKeys.has(keyOf(result)) ? [[keyOf(result), result]] : [];
}));

const survived = ({ status }) => status === "Survived" || status === "NoCoverage";
const isCurrent = (result) => result !== undefined && result.state === state;
const before = known();
console.log(`${all.length} mutants, ${shard.length} in ${given.sample === undefined ? "all" : `the sample of ${sample.length} with seed ${given.seed}`}${parts === "1" ? "" : `, shard ${given.shard}`}`);

/** What to mutate: files as a whole where all mutants are wanted, which is found sooner than thousands of places. */
const rangesOf = (wanted) => [...new Set(wanted.map(({ file, range }) => (wanted.length === all.length ? file : `${file}:${range}`)))];

/** Runs Stryker on mutants with the quick tests or those that take long. */
async function held(suite, wanted) {
  console.log(`${wanted.length} to hold to the ${suite} tests`);
  if (wanted.length === 0) return;
  const { Stryker } = await import("@stryker-mutator/core");
  const scratch = mkdtempSync(join(tmpdir(), "kvern-mutants-"));
  const wantedFile = join(scratch, "wanted.json");
  writeFileSync(wantedFile, JSON.stringify(wanted.map(keyOf)));
  mkdirSync(dirname(results), { recursive: true });
  Object.assign(process.env, { KVERN_MUTANTS_WANTED: wantedFile, KVERN_MUTANTS_RESULTS: results, KVERN_MUTANTS_STATE: state, KVERN_MUTANTS_SUITE: suite });
  process.chdir(ROOT);
  try {
    await new Stryker({ concurrency, mutate: rangesOf(wanted) }).runMutationTest();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (!given.score) {
  const again = shard.filter((mutant) => {
    const last = before.get(keyOf(mutant));
    return given.survivors ? last !== undefined && survived(last) && !(isCurrent(last) && last.suite === "slow") : !isCurrent(last);
  });
  await held("quick", again.filter((mutant) => !isCurrent(before.get(keyOf(mutant)))));
  const between = known();
  if (!given.quick) await held("slow", shard.filter((mutant) => {
    const last = between.get(keyOf(mutant));
    return isCurrent(last) && survived(last) && last.suite === "quick";
  }));
}

const after = given.survivors ? [...known().values()] : [...known().values()].filter((result) => isCurrent(result) || given.score);
for (const { file, range, mutator, replacement, status } of after.filter(survived)) console.log(`${status === "Survived" ? "survived " : "uncovered"} ${file}:${range.replace(/-.*/, "")} ${mutator} → ${replacement.replace(/\s+/g, " ").slice(0, 100)}`);
for (const line of scoreLines(after)) console.log(line);
process.exitCode = scoreOf(after) < LEAST ? 1 : 0;
