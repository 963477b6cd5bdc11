import { availableParallelism } from "node:os";
import { InvalidArgumentError, type Command } from "commander";
import type { LayerRange } from "../../examples/llama/calibration";
import type { CalibrationReport } from "../calibrate/calibrate";
import { backendName, wholeNumber, type Backend } from "../options";

interface Options {
  readonly text?: readonly string[];
  readonly couple: number;
  readonly bits: number;
  readonly weights: "uniform" | "fisher";
  readonly out: string;
  readonly entropy?: string;
  readonly seed: number;
  readonly iterations: number;
  readonly tokens: number;
  readonly layers?: LayerRange;
  readonly workers: number;
  readonly backend?: Exclude<Backend, "source">;
  readonly merge?: readonly string[];
  readonly json?: true;
}

/** `kvern calibrate MODEL`: codebooks from a model and a text. */
export function calibrate(program: Command): void {
  const command = program
    .command("calibrate")
    .summary("learn the codebooks of a model's cache from a text")
    .description(
      "Runs a Llama model over a text and learns, for each layer, keys and values, head and group of channels, the 2^bits\n" +
        "centroids of a CQ cache by k-means. Interrupted, the same command goes on where it was (OUT.journal) and comes to the\n" +
        "same file. Stories in a text are separated by lines <|endoftext|>. With --merge, joins the parts that --layers made.",
    )
    .argument("[model]", "a model directory: config.json, model.safetensors, tokenizer.json")
    .option("--text <file...>", "what the model reads")
    .option("--couple <c>", "channels that share a code", wholeNumber(1), 8)
    .option("--bits <b>", "bits of a code, from 1 to 16", codeBits, 8)
    .option("--weights <kind>", "uniform: every token counts alike; fisher: by the squared gradients of the loss", weightsName, "uniform")
    .requiredOption("--out <file>", "the safetensors file to write")
    .option("--entropy <file>", "also write, as JSON, entropies of the keys and values by size of group")
    .option("--seed <n>", "seed of the k-means seeding", wholeNumber(0), 1)
    .option("--iterations <n>", "iterations of k-means, at most", wholeNumber(1), 30)
    .option("--tokens <n>", "tokens to read, at most", wholeNumber(1), 32768)
    .option("--layers <a..b>", "only the layers from a to b, as a part to --merge", layerRange)
    .option("--workers <n>", "threads (default: one for each core); what is learned does not depend on it", wholeNumber(1), availableParallelism())
    .option("--backend <name>", "the device that finds nearest centroids, in place of threads; what is learned does not depend on it", deviceName)
    .option("--merge <part...>", "join these parts; takes no model")
    .option("--json", "print the report as JSON")
    .action(async (model: string | undefined, options: Options) => {
      if (options.merge !== undefined) {
        if (model !== undefined) command.error("error: option '--merge <part...>' takes files only, not a model");
        await merge(options.merge, options);
        return;
      }
      if (model === undefined) return command.error("error: missing required argument 'model'");
      const { text, couple, bits, out, json, ...rest } = options;
      if (text === undefined) return command.error("error: required option '--text <file...>' not specified");
      const { runCalibration } = await import("../calibrate/calibrate");
      const { progressBar } = await import("../progress");
      const report = await runCalibration({ ...rest, model, text, out, format: { couple, bits } }, progressBar());
      process.stdout.write(`${json ? JSON.stringify(report, undefined, 2) : await reportText(report)}\n`);
    });
}

async function merge(files: readonly string[], { out, json }: Options): Promise<void> {
  const { mergeParts } = await import("../../examples/llama/part");
  const { readSafetensorsFile, writeSafetensorsFile } = await import("../../runtime/safetensors/files");
  const parts = await Promise.all(files.map(async (file) => ({ file, content: await readSafetensorsFile(file) })));
  const { tensors, metadata } = mergeParts(parts);
  await writeSafetensorsFile(out, tensors, { metadata });
  process.stdout.write(json ? `${JSON.stringify({ out, parts: files, ...metadata }, undefined, 2)}\n` : `layers ${metadata["layers"] ?? ""} from ${files.length} parts, written to ${out}\n`);
}

async function reportText({ groups, range, out, format, weights, seed, tokens, contexts, resumed, seconds, workers, device, iterations }: CalibrationReport): Promise<string> {
  const { table } = await import("../demo/table");
  const rows = Array.from({ length: range.to - range.from + 1 }, (_, at) => range.from + at).flatMap((layer) =>
    (["keys", "values"] as const).map((side) => {
      const here = groups.filter((group) => group.layer === layer && group.side === side);
      const sum = (of: (group: (typeof here)[number]) => number): number => here.reduce((total, group) => total + of(group), 0);
      const percent = (error: number): string => `${((100 * error) / sum(({ energy }) => energy)).toFixed(2)} %`;
      return [
        `layer ${layer} ${side}`,
        percent(sum(({ inertia }) => inertia[0] ?? 0)),
        percent(sum(({ stored }) => stored)),
        `${Math.min(...here.map(({ inertia }) => inertia.length))}–${Math.max(...here.map(({ inertia }) => inertia.length))}`,
        `${here.filter(({ converged }) => converged).length} of ${here.length}`,
      ];
    }),
  );
  return [
    table([["", "seeded", "stored", "iterations", "converged"], ...rows]),
    "",
    "seeded, stored: the squared error that k-means began with and that the codebooks in f16 leave, of the squared numbers",
    `${format}, ${weights} weights, seed ${seed}, at most ${iterations} iterations: ${tokens.toLocaleString("en")} tokens of ${contexts} contexts`,
    ...(resumed.contexts + resumed.groups > 0 ? [`taken up from an interrupted run: ${resumed.contexts} contexts, ${resumed.groups} groups`] : []),
    `${seconds.model.toFixed(1)} s for the model and ${seconds.codebooks.toFixed(1)} s for the codebooks, in ${workers} threads${device === undefined ? "" : ` and with ${device}`}`,
    `written to ${out}`,
  ].join("\n");
}

function codeBits(text: string): number {
  const bits = wholeNumber(1)(text);
  if (bits > 16) throw new InvalidArgumentError("Expected a whole number from 1 to 16.");
  return bits;
}

function weightsName(text: string): "uniform" | "fisher" {
  if (text === "uniform" || text === "fisher") return text;
  throw new InvalidArgumentError("Expected uniform or fisher.");
}

function layerRange(text: string): LayerRange {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (from === undefined || to === undefined || Number(from) > Number(to)) throw new InvalidArgumentError("Expected a..b with a not above b, such as 0..3.");
  return { from: Number(from), to: Number(to) };
}

function deviceName(text: string): Exclude<Backend, "source"> {
  const found = backendName(text);
  if (found === "source") throw new InvalidArgumentError("Expected auto, wgsl, gpujs or interpreter.");
  return found;
}
