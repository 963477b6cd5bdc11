import { InvalidArgumentError, Option, type Command } from "commander";
import type { Prepare, Report, Search } from "../fuzz/fuzz";
import { EXIT } from "../faults";
import { countsText, failureText, reproName } from "../fuzz/printed";
import { shardOf, valueRanges, wholeNumber, type Ranges } from "../options";

interface Options {
  readonly kernel?: string;
  readonly runs: number;
  readonly seed: number;
  readonly values?: Ranges;
  readonly shard?: NonNullable<Search["shard"]>;
  readonly backend: FuzzedBackend;
  readonly mode?: string;
  readonly plans: FuzzedPlans;
  readonly form?: Form;
  readonly json?: true;
}

const BACKENDS = ["auto", "wgsl", "gpujs", "simulator", "source", "graph"] as const;
type FuzzedBackend = (typeof BACKENDS)[number];
function fuzzedBackend(text: string): FuzzedBackend {
  if (text === "interpreter") throw new InvalidArgumentError("It is what the others are compared with.");
  const found = BACKENDS.find((name) => name === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${BACKENDS.join(", ")}.`);
  return found;
}

const FORMS = ["source", "graph"] as const;
/** How a random program reaches a backend: as text through the front end, or made as a graph at once. */
type Form = (typeof FORMS)[number];

const PLANS = ["chosen", "both"] as const;
type FuzzedPlans = (typeof PLANS)[number];

/** `kvern fuzz [FILE --kernel NAME]`: random inputs, or random programs, held to the interpreter's bound. */
export function fuzz(program: Command): void {
  const command = program
    .command("fuzz")
    .summary("compare a backend with the reference interpreter on random inputs or programs")
    .description(
      "Runs a kernel on random inputs of random sizes, or, without a file, random programs, and holds every element to the\n" +
        "reference interpreter, within the bound on f32 that it computes for that element. A failure is made small, printed,\n" +
        "and written to kvern-fuzz-SEED.ts and .safetensors in the working directory.",
    )
    .argument("[file]", "a TypeScript file that exports the kernel; without it, programs are random too")
    .option("--kernel <name>", "the exported kernel")
    .option("--runs <n>", "how many inputs or programs", wholeNumber(1), 100)
    .option("--seed <n>", "the seed of the first run; each run has the next one", wholeNumber(0), 1)
    .option("--values <input=low..high>", "between which values the elements of an input lie; may be given again", valueRanges)
    .option("--shard <i/n>", "only every n-th run, from the i-th on: n such commands are the whole search", shardOf)
    .option("--backend <name>", "auto, wgsl, gpujs or source; simulator: kernels of several plans, in lockstep, without a device; graph: what the compiler's passes make of a graph, interpreted", fuzzedBackend, "auto")
    .option("--mode <name>", "of gpujs: cpu, webasm or webgpu")
    .addOption(new Option("--plans <which>", "of a device: the plan it chooses, or one without and one with fused reductions").choices(PLANS).default("chosen"))
    .addOption(new Option("--form <which>", "of random programs: their text through the front end, or made as graphs at once; graph for the backend graph, else source").choices(FORMS))
    .option("--json", "print the report as JSON")
    .action(async (file: string | undefined, options: Options) => {
      if (file !== undefined && options.kernel === undefined) command.error("error: required option '--kernel <name>' not specified");
      if (file === undefined && options.kernel !== undefined) command.error("error: missing required argument 'file'");
      if (file !== undefined && options.form !== undefined) command.error("error: option '--form' is for random programs only");
      if (file === undefined && options.values !== undefined) command.error("error: option '--values' is for a kernel of a file only");
      if (options.form === "graph" && options.backend === "source") command.error("error: the backend source runs texts: option '--form graph' makes none");
      const { report, how } = await search(file, options);
      await (await import("../fuzz/written")).writeRepros(".", report.failures);
      print(report, how, options);
      if (report.failures.length > 0 || report.compared === 0) process.exitCode = EXIT.user;
    });
}

async function search(file: string | undefined, { kernel, runs, seed, values, shard, backend, mode, plans, form = backend === "graph" ? "graph" : "source" }: Options): Promise<{ readonly report: Report; readonly how: string }> {
  const [{ fuzzKernel, fuzzPrograms }, { fuzzTexts }] = await Promise.all([import("../fuzz/fuzz"), import("../fuzz/texts")]);
  const graph = file === undefined || kernel === undefined ? undefined : await (await import("../kernels")).compileKernel(file, kernel);
  const { prepare, how, name, ...open } = await opened(backend, mode, plans);
  const { progressBar } = await import("../progress");
  const bar = progressBar();
  const whole = shard === undefined ? runs : Math.ceil((runs - shard.at + 1) / shard.of);
  let interrupted = false;
  const interrupt = (): void => void (interrupted = true);
  process.once("SIGINT", interrupt);
  try {
    const given: Search = {
      runs, seed, backend: name, prepare, stopped: () => interrupted, ...(shard === undefined ? {} : { shard }), ...(values === undefined ? {} : { ranges: values }),
      progress: (done) => bar.show("fuzzing", done, whole),
    };
    const report = file !== undefined && graph !== undefined ? await fuzzKernel(file, graph, given) : form === "graph" ? await fuzzPrograms(given) : await fuzzTexts(given);
    return { report, how };
  } finally {
    process.off("SIGINT", interrupt);
    bar.clear();
    await open.close();
  }
}

interface Opened {
  readonly prepare: Prepare;
  readonly name: string;
  readonly how: string;
  close(): Promise<void>;
}

/** The backend to compare; `auto` is a WebGPU device where there is one, else gpu.js, else `evaluate`. */
async function opened(backend: FuzzedBackend, mode: string | undefined, plans: FuzzedPlans): Promise<Opened> {
  const [{ deviceWays }, { simulatedWays, sourceWays }] = await Promise.all([import("../fuzz/device"), import("../fuzz/ways")]);
  const without = { close: () => Promise.resolve() };
  if (backend === "simulator") return { ...without, prepare: await simulatedWays(), name: backend, how: "simulator: kernels of several plans, lane by lane, in f32" };
  if (backend === "graph") {
    const { rewrittenWays } = await import("../fuzz/rewritten");
    return { ...without, prepare: rewrittenWays, name: backend, how: "graph: after the compiler's passes, interpreted in f64" };
  }
  if (backend !== "source") {
    const { openDevice } = await import("../../runtime");
    const device = await openDevice({ backend, ...(mode === undefined ? {} : { mode }) });
    if (device.info.kind !== "interpreter") {
      const prepare = deviceWays(device, plans === "both" ? ["direct", "folds"] : [undefined]);
      return { prepare, name: device.backend, how: device.describe(), close: () => device.close() };
    }
    await device.close();
  }
  return { ...without, prepare: await sourceWays(), name: "source", how: "source: evaluated as TypeScript, in f64" };
}

function print({ failures, ...counts }: Report, how: string, { seed, json }: Options): void {
  if (json) {
    const found = failures.map(({ seed: at, failure, repro }) => ({ seed: at, failure, command: repro.command, file: `${reproName(at)}.ts` }));
    process.stdout.write(`${JSON.stringify({ seed, backend: how, ...counts, failures: found }, undefined, 2)}\n`);
    return;
  }
  process.stdout.write(`${how}\n`);
  for (const { seed: at, repro } of failures) process.stdout.write(`\n${failureText(at, repro)}`);
  process.stdout.write(`${countsText({ ...counts, failures }, seed)}\n`);
  if (counts.compared === 0) process.stdout.write(`nothing was compared${counts.refusal === undefined ? "" : `: ${counts.refusal}`}\n`);
}
