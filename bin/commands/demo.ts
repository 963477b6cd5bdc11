import type { Command } from "commander";
import type { DemoReport, DemoStart } from "../demo/demo";
import type { DemoRow } from "../../examples/llama/demo";
import { EXIT } from "../faults";
import { backendName, wholeNumber, type Backend } from "../options";

interface Options {
  readonly model?: string;
  readonly prompt: string;
  readonly tokens: number;
  readonly full?: true;
  readonly calibrate?: true;
  readonly backend: Backend;
  readonly json?: true;
}

/** `kvern demo`: the main job on a real model. */
export function demo(program: Command): void {
  const command = program
    .command("demo")
    .summary("run a language model whose cache is held as codes")
    .description(
      "Compiles the attention kernels of examples/attention.ts and runs a Llama model with them: its key/value cache at full\n" +
        "precision and as CQ codes of 4, 2 and 1 bit per channel. Prints continuations, perplexities, cache sizes, and how far\n" +
        "the kernels lie from the reference interpreter. Exits with 0 only if every check held.",
    )
    .option("--model <dir>", "a model directory: config.json, model.safetensors, tokenizer.json, heldout.txt, codebooks/")
    .option("--prompt <text>", "the text to continue", "Once upon a time, there was a little")
    .option("--tokens <n>", "how many tokens to continue it by", wholeNumber(1), 24)
    .option("--full", "score all held-out stories")
    .option("--calibrate", "learn the codebooks from calibration.txt instead of reading them")
    .option("--backend <name>", "auto, wgsl or interpreter", backendName, "auto")
    .option("--json", "print the report as JSON")
    .action(async ({ model, prompt, tokens, full, calibrate, backend, json }: Options) => {
      if (backend === "source") command.error("error: option '--backend <name>' argument 'source' is invalid. Expected auto, wgsl or interpreter.", { code: "commander.invalidArgument" });
      const began = performance.now();
      const { runDemo } = await import("../demo/demo");
      const { progressBar } = await import("../progress");
      const say = (text: string): boolean => json === true || process.stdout.write(`${text}\n`);
      const report = await runDemo(
        { ...(model === undefined ? {} : { model }), prompt, tokens, full: full === true, calibrate: calibrate === true, backend: backend as "auto" },
        progressBar(),
        { start: (start) => say(startText(start)), row: (row) => say(rowText(row)) },
      );
      const seconds = (performance.now() - began) / 1000;
      if (json) process.stdout.write(`${JSON.stringify({ ...report, seconds }, undefined, 2)}\n`);
      else process.stdout.write(`${await reportText(report, seconds)}\n`);
      if (!report.checks.every(({ held }) => held)) process.exitCode = EXIT.user;
    });
}

function startText({ device, model, codebooks, prompt }: DemoStart): string {
  return `device     ${device}\nmodel      ${model}\ncodebooks  ${codebooks}\nprompt     ${prompt}\n`;
}

function rowText({ cache, bitsPerChannel, text }: DemoRow): string {
  return `${cache}, ${bitsPerChannel} bit per channel\n  …${text.replaceAll("\n", "\n  ")}\n`;
}

async function reportText({ rows, heldout, compiled, checks }: DemoReport, seconds: number): Promise<string> {
  const { table } = await import("../demo/table");
  const heading = ["cache", "bit", "perplexity", "tokens", "codes B", "codebooks B", "numbers B", "difference", "bound"];
  const cells = rows.map(({ cache, bitsPerChannel, perplexity, tokens, bytes, agreement }) => [
    cache,
    String(bitsPerChannel),
    perplexity.toFixed(3),
    String(tokens),
    ...[bytes.codes, bytes.codebooks, bytes.tail].map((count) => count.toLocaleString("en")),
    ...[agreement.difference, agreement.bound].map((number) => number.toExponential(1)),
  ]);
  const scored = rows[0]?.scoredTokens ?? 0;
  const failed = checks.filter(({ held }) => !held);
  return [
    table([heading, ...cells]),
    "",
    `perplexity: ${heldout.stories === heldout.of ? `all ${heldout.of}` : `the first ${heldout.stories} of ${heldout.of}`} stories of ${heldout.file}, ${scored.toLocaleString("en")} tokens${heldout.stories === heldout.of ? "" : " (--full takes all)"}`,
    "bytes: the cache after the continuation, keys and values of all layers",
    "difference: the element of attention that came nearest to its bound, against the reference interpreter in f64",
    `compiled: ${Object.entries(compiled).map(([name, dispatches]) => `${name} ${dispatches}`).join(", ")} dispatches`,
    ...failed.map(({ what }) => `FAILED: ${what}`),
    `${checks.length - failed.length} of ${checks.length} checks held, in ${seconds.toFixed(1)} s`,
  ].join("\n");
}
