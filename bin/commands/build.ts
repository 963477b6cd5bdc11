import type { Command } from "commander";
import type { SerialisedGraph } from "../../spec/graph/json";
import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import type { Sizes } from "../../spec/tensor/check";
import { refuseEmpty } from "../kernels";
import type { DeviceFeatures } from "../../compiler/program";
import { axisSizes, deviceFeatures, FEATURE_NAMES, SET } from "../options";

interface Options {
  readonly out: string;
  readonly set?: Sizes;
  readonly features?: DeviceFeatures;
  readonly partial?: true;
  readonly shard?: string;
}

/** `kvern build FILE… --out DIR`: what a program needs that runs kernels without a compiler. */
export function build(program: Command): void {
  const command = program
    .command("build")
    .summary("write graphs, WGSL, gpu.js modules and launchers")
    .description(
      "Writes for every exported kernel NAME.graph.json, the portable graph; NAME.wgsl, the text of all its dispatches;\n" +
        "NAME.gpu.js, its kernels for gpu.js and what chains them; and NAME.ts, a typed launcher that imports kvern/runtime only. Nothing is written unless all kernels are in order.\n" +
        "The WGSL is for any device, or with --features for those that have as much, and planned for axes of up to 512 positions\n" +
        "unless --set fixes them; the launcher asks the device at hand, and plans for the sizes of each run.\n" +
        "With --partial also NAMEPartial, NAMEJoin and NAMEMerge, by which an axis is shared out over devices and machines.",
    )
    .argument("<file...>", "TypeScript files that export kernels")
    .requiredOption("--out <dir>", "the folder to write to; it is made if it is not there")
    .option(...SET, axisSizes)
    .option(...FEATURE_NAMES, deviceFeatures)
    .option("--partial", "also write the kernels that give the state of a shard, join states, and make the outputs of them")
    .option("--shard <axis>", "with --partial: the axis that is cut, where it could be several")
    .action(async (files: readonly string[], { out, set = {}, features = {}, partial, shard }: Options) => {
      if (shard !== undefined && partial === undefined) command.error("error: option '--shard <axis>' goes with '--partial'");
      const { filesOf } = await import("../built/kernel");
      const whole = await compileAll(files);
      const kernels = partial === undefined ? whole : unlike([...whole, ...(await shardAll(whole, shard))]);
      refuseUnknown(kernels.map(({ graph }) => graph), set);
      const texts = new Map(kernels.flatMap(({ file, graph }) => [...filesOf(file, graph, sizesOf(graph, set), features)]));
      const { writeFolder } = await import("../built/folder");
      await writeFolder(out, texts);
      for (const name of texts.keys()) process.stdout.write(`${out}/${name}\n`);
    });
}

interface Source {
  readonly file: string;
  readonly graph: SerialisedGraph;
}

/** @throws KvernError KV5204 a file without kernels; KV5205 two kernels of one name; what is wrong with the files */
async function compileAll(files: readonly string[]): Promise<readonly Source[]> {
  const { compileFile } = await import("../../compiler");
  const kernels: Source[] = [];
  for (const file of new Set(files)) {
    const compiled = Object.values((await compileFile(file)).kernels);
    if (compiled.length === 0) refuseEmpty(file);
    kernels.push(...compiled.map((graph) => ({ file, graph })));
  }
  return unlike(kernels);
}

/** @throws KvernError KV5301, KV5302 for a kernel that cannot be cut */
async function shardAll(kernels: readonly Source[], axis: string | undefined): Promise<readonly Source[]> {
  const { shard } = await import("../../compiler");
  return kernels.flatMap(({ file, graph }) => {
    const { partial, join, merge } = inFile(file, () => shard(graph, axis));
    return [partial, join, merge].map((each) => ({ file, graph: each }));
  });
}

/** Faults that say in which file the kernel is. */
function inFile<Result>(file: string, make: () => Result): Result {
  try {
    return make();
  } catch (fault) {
    if (!(fault instanceof KvernError)) throw fault;
    const [first, ...others] = fault.diagnostics.map((diagnostic) => ({ file, ...diagnostic }));
    if (first === undefined) throw fault;
    throw new KvernError([first, ...others]);
  }
}

/** @throws KvernError KV5205 two kernels of one name */
function unlike(kernels: readonly Source[]): readonly Source[] {
  const files = new Map<string, string>();
  for (const { file, graph } of kernels) {
    const before = files.get(graph.name);
    if (before !== undefined) {
      refuse({ code: "KV5205", file, message: `the kernel \`${graph.name}\` would be written over that of ${before}`, mend: "Build the files into folders of their own." });
    }
    files.set(graph.name, file);
  }
  return kernels;
}

/** Of the sizes to fix, those of axes that this kernel has: several kernels share one command line. */
function sizesOf({ axes }: SerialisedGraph, set: Sizes): Sizes {
  return Object.fromEntries(Object.entries(set).filter(([axis]) => axes.some(({ name }) => name === axis)));
}

/** @throws KvernError KV2106 for a size of an axis that no kernel has */
function refuseUnknown(graphs: readonly SerialisedGraph[], set: Sizes): void {
  const axes = new Set(graphs.flatMap((graph) => graph.axes.map(({ name }) => name)));
  for (const axis of Object.keys(set)) {
    if (!axes.has(axis)) {
      refuse({ code: "KV2106", message: `--set names \`${axis}\`, which is no axis of the kernels`, expected: [...axes].map((known) => `\`${known}\``).join(", "), got: `\`${axis}\`` });
    }
  }
}
