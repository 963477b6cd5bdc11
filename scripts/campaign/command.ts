/** @file The command line of a campaign in a browser. */

import { Command, Option } from "commander";
import { dirname, join } from "node:path";
import { EXIT } from "../../bin/faults";
import { runsOf } from "../../bin/fuzz/fuzz";
import { countsText, failureText } from "../../bin/fuzz/printed";
import { writeRepros } from "../../bin/fuzz/written";
import { shardOf, wholeNumber } from "../../bin/options";
import { progressBar } from "../../bin/progress";
import { campaign, totalsOf, type Totals } from "./campaign";
import { ChromiumPages, PAGE_MODES, type PageMode } from "./chromium-pages";
import { digestOf, Results } from "./results";

interface Options {
  readonly mode: PageMode;
  readonly runs: number;
  readonly seed: number;
  readonly shard?: ReturnType<typeof shardOf>;
  readonly results?: string;
}

const NAME = "node scripts/campaign-browser.mjs";
/** What ends a campaign after the program that is being tried. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Programs after which a line says how far it is, where there is no terminal. */
const LINES = 100;

/** @param root the folder of the repository */
export async function browserCampaign(args: readonly string[], root: string): Promise<void> {
  const command = new Command("campaign-browser")
    .exitOverride(({ exitCode }) => process.exit(exitCode === EXIT.fine ? EXIT.fine : EXIT.commandLine))
    .description("The random programs of `kvern fuzz --backend gpujs --form graph` on gpu.js in a page of a headless Chromium.")
    .addOption(new Option("--mode <name>", "of gpu.js").choices(PAGE_MODES).default("webgl2"))
    .option("--runs <n>", "how many programs", wholeNumber(1), 2000)
    .option("--seed <n>", "the seed of the first program; each has the next one", wholeNumber(0), 1)
    .option("--shard <i/n>", "only every n-th program, from the i-th on", shardOf)
    .option("--results <file>", "where results are kept, and a campaign goes on from; .kvern/campaign-MODE.jsonl unless given");
  const { mode, runs, seed, shard, results: file = join(root, ".kvern", `campaign-${mode}.jsonl`) } = command.parse(args, { from: "user" }).opts<Options>();
  const pages = await ChromiumPages.of(mode, (at) => `${NAME} --mode ${mode} --runs 1 --seed ${at}`);
  const results = new Results(file, { mode, scripts: digestOf(pages.scripts) });
  const seeds = [...runsOf({ runs, ...(shard === undefined ? {} : { shard }) })].map((run) => seed + run);
  const left = seeds.filter((each) => !results.isDone(each));
  console.log(`${seeds.length} programs from seed ${seed}, ${seeds.length - left.length} of them done before; results in ${file}`);
  let [interrupted, done] = [false, 0];
  const interrupt = (): void => void (interrupted = true);
  for (const signal of SIGNALS) process.once(signal, interrupt);
  const bar = progressBar();
  try {
    await campaign({
      seeds: left, open: () => pages.open(), stopped: () => interrupted,
      keep: async (result, failures) => {
        results.add(result);
        await writeRepros(dirname(file), failures);
        done++;
        bar.show("fuzzing", done, left.length);
        if (!process.stderr.isTTY && done % LINES === 0) console.log(`${done} of ${left.length}`);
      },
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
    bar.clear();
    await pages.close();
  }
  const totals = totalsOf(results.of(seeds));
  if (pages.how !== "") console.log(pages.how);
  console.log(printed(totals, seed, seeds.length));
  if (totals.failures.length > 0 || totals.compared === 0) process.exitCode = EXIT.user;
}

/** What was found, in lines. */
export function printed(totals: Totals, seed: number, wanted: number): string {
  const { runs, failures, refusedBy, refusals, lost, milliseconds } = totals;
  return [
    ...failures.map(({ seed: at, ...failure }) => `\n${failureText(at, failure)}`),
    `${countsText(totals, seed)}; ${Math.round(milliseconds / 1000)} s`,
    ...(runs < wanted ? [`${wanted - runs} programs are left: the same command goes on with them`] : []),
    ...[...refusedBy].map(([code, { count, seed: at, text }]) => `${count} programs refused with ${code}, such as seed ${at}: ${text.replaceAll("\n", " ")}`),
    ...(refusals.size === 0 ? [] : [`sizes and inputs drawn anew, as they were refused: ${[...refusals].map(([code, count]) => `${count} with ${code}`).join(", ")}`]),
    ...(lost === 0 ? [] : [`${lost} pages were lost and opened again`]),
  ].join("\n");
}
