import { Option, type Command } from "commander";
import type { DemoReport, DemoStart } from "../demo/demo";
import type { KernelReport } from "../demo/recorded";
import type { DemoRow } from "../../examples/llama/demo";
import type { Stored } from "../../examples/llama/kernels/operators";
import { printable } from "../../spec/diagnostics/printable";
import { EXIT } from "../faults";
import { backendName, wholeNumber, type Backend } from "../options";

interface Options {
  readonly model?: string;
  readonly prompt: string;
  readonly tokens: number;
  readonly full?: true;
  readonly calibrate?: true;
  readonly backend: Backend;
  readonly weights: Stored;
  readonly deviceOnly?: true;
  readonly mode?: string;
  readonly json?: true;
}

/** `kvern demo`: the main job on a real model. */
export function demo(program: Command): void {
  const command = program
    .command("demo")
    .summary("run a language model whose cache is held as codes")
    .description(
      "Compiles the kernels of examples/attention.ts and examples/llama/kernels and runs a Llama model in them: its key/value\n" +
        "cache at full precision and as CQ codes of 4, 2 and 1 bit per channel. Prints continuations, perplexities, cache sizes,\n" +
        "and how far attention lies from the reference interpreter. Exits with 0 only if every check held.",
    )
    .option("--model <dir>", "a model directory (config.json, model.safetensors, tokenizer.json) or a .bin file of llama2.c's, with heldout.txt and codebooks/ beside it")
    .option("--prompt <text>", "the text to continue", "Once upon a time, there was a little")
    .option("--tokens <n>", "how many tokens to continue it by", wholeNumber(1), 24)
    .option("--full", "score all held-out stories")
    .option("--calibrate", "learn the codebooks from calibration.txt instead of reading them")
    .addOption(new Option("--weights <type>", "how weights are stored on the device").choices(["f32", "f16", "int8"]).default("f32"))
    .option("--device-only", "score stories in compiled operators on a software device too, where plain loops around attention are faster")
    .option("--backend <name>", "auto, wgsl, gpujs or interpreter", backendName, "auto")
    .option("--mode <mode>", "of gpujs: webgpu, webasm or cpu")
    .option("--json", "print the report as JSON")
    .action(async ({ model, prompt, tokens, full, calibrate, backend, mode, weights, deviceOnly, json }: Options) => {
      if (backend === "source") command.error("error: option '--backend <name>' argument 'source' is invalid. Expected auto, wgsl, gpujs or interpreter.", { code: "commander.invalidArgument" });
      const began = performance.now();
      const { runDemo } = await import("../demo/demo");
      const { progressBar } = await import("../progress");
      const say = (text: string): boolean => json === true || process.stdout.write(`${printable(text)}\n`);
      const report = await runDemo(
        {
          ...(model === undefined ? {} : { model }), ...(mode === undefined ? {} : { mode }), prompt, tokens, full: full === true, calibrate: calibrate === true,
          backend: backend as "auto", weights, deviceOnly: deviceOnly === true,
        },
        progressBar(),
        { start: (start) => say(startText(start)), row: (row) => say(rowText(row)) },
      );
      const seconds = (performance.now() - began) / 1000;
      if (json) process.stdout.write(`${JSON.stringify({ ...report, seconds }, undefined, 2)}\n`);
      else process.stdout.write(`${await reportText(report, seconds)}\n`);
      if (!report.checks.every(({ held }) => held)) process.exitCode = EXIT.user;
    });
}

function startText({ device, model, weights, codebooks, prompt }: DemoStart): string {
  const stored = weights === undefined ? "" : `weights    ${weights.bytes.toLocaleString("en")} B on the device, ${weights.stored}\n`;
  return `device     ${device}\nmodel      ${model}\n${stored}codebooks  ${codebooks}\nprompt     ${prompt}\n`;
}

function rowText({ cache, bitsPerChannel, text }: DemoRow): string {
  return `${cache}, ${bitsPerChannel} bit per channel\n  …${text.replaceAll("\n", "\n  ")}\n`;
}

function kernelCells([name, { runs, sizes, dispatches, bytesMoved, compulsoryBytes }]: [string, KernelReport]): readonly string[] {
  const longest = Object.entries(sizes).map(([axis, size]) => `${axis} ${size}`).join(", ");
  return [name, runs.toLocaleString("en"), longest, String(dispatches), ...[bytesMoved, compulsoryBytes].map((bytes) => bytes?.toLocaleString("en") ?? "–")];
}

async function reportText({ rows, heldout, kernels, scoring, checks }: DemoReport, seconds: number): Promise<string> {
  const { table } = await import("../demo/table");
  const heading = ["cache", "bit", "perplexity", "tokens", "codes B", "codebooks B", "numbers B", "tokens/s", "difference", "bound"];
  const cells = rows.map(({ cache, bitsPerChannel, perplexity, tokens, bytes, tokensPerSecond, agreement }) => [
    cache,
    String(bitsPerChannel),
    perplexity.toFixed(3),
    String(tokens),
    ...[bytes.codes, bytes.codebooks, bytes.tail].map((count) => count.toLocaleString("en")),
    tokensPerSecond?.toFixed(0) ?? "",
    ...[agreement.difference, agreement.bound].map((number) => number.toExponential(1)),
  ]);
  const scored = rows[0]?.scoredTokens ?? 0;
  const failed = checks.filter(({ held }) => !held);
  return [
    table([heading, ...cells]),
    "",
    `perplexity: ${heldout.stories === heldout.of ? `all ${heldout.of}` : `the first ${heldout.stories} of ${heldout.of}`} stories of ${heldout.file}, ${scored.toLocaleString("en")} tokens${heldout.stories === heldout.of ? "" : " (--full takes all)"}`,
    scoring === "compiled" ? "scored in compiled operators" : "scored in plain loops around compiled attention, which a software device is slower than (--device-only leaves nothing to them)",
    "tokens/s: steps of decoding the continuation, one submission for each operator",
    "bytes: the cache after the continuation, keys and values of all layers",
    "difference: the element of attention that came nearest to its bound, against the reference interpreter in f64",
    ...(Object.keys(kernels).length === 0 ? [] : [
      "",
      table([["kernel", "runs", "of the longest", "dispatches", "B moved", "B compulsory"], ...Object.entries(kernels).map(kernelCells)]),
      "",
      "B moved: what the dispatches of the longest run load and store; B compulsory: its inputs and outputs, each once",
    ]),
    ...failed.map(({ what }) => `FAILED: ${what}`),
    `${checks.length - failed.length} of ${checks.length} checks held, in ${seconds.toFixed(1)} s`,
  ].join("\n");
}
