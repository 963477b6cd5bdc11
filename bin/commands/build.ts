import type { Command } from "commander";
import type { SerialisedGraph } from "../../spec/graph/json";
import { refuse } from "../../spec/diagnostics/diagnostic";
import type { Sizes } from "../../spec/tensor/check";
import { refuseEmpty } from "../kernels";
import { axisSizes, SET } from "../options";

interface Options {
  readonly out: string;
  readonly set?: Sizes;
}

/** `kvern build FILE… --out DIR`: what a program needs that runs kernels without a compiler. */
export function build(program: Command): void {
  program
    .command("build")
    .summary("write graphs, WGSL, gpu.js modules and launchers")
    .description(
      "Writes for every exported kernel NAME.graph.json, the portable graph; NAME.wgsl, the text of all its dispatches;\n" +
        "NAME.gpu.js, its kernels for gpu.js and what chains them; and NAME.ts, a typed launcher that imports kvern/runtime only. Nothing is written unless all kernels are in order.",
    )
    .argument("<file...>", "TypeScript files that export kernels")
    .requiredOption("--out <dir>", "the folder to write to; it is made if it is not there")
    .option(...SET, axisSizes)
    .action(async (files: readonly string[], { out, set = {} }: Options) => {
      const { filesOf } = await import("../built/kernel");
      const kernels = await compileAll(files);
      refuseUnknown(kernels.map(({ graph }) => graph), set);
      const texts = new Map(kernels.flatMap(({ file, graph }) => [...filesOf(file, graph, sizesOf(graph, set))]));
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
  const kernels = new Map<string, Source>();
  for (const file of new Set(files)) {
    const compiled = Object.values((await compileFile(file)).kernels);
    if (compiled.length === 0) refuseEmpty(file);
    for (const graph of compiled) {
      const before = kernels.get(graph.name);
      if (before !== undefined) {
        refuse({ code: "KV5205", file, message: `the kernel \`${graph.name}\` would be written over that of ${before.file}`, mend: "Build the files into folders of their own." });
      }
      kernels.set(graph.name, { file, graph });
    }
  }
  return [...kernels.values()];
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
