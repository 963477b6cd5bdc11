import type { Plans } from "../../compiler/lower";
import type { Command } from "commander";
import type { SerialisedGraph } from "../../spec/graph/json";
import type { Sizes } from "../../spec/tensor/check";
import { elementName } from "../../spec/tensor/element";
import { shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { PlanStore } from "../../runtime";
import { compileKernel, missingPlan } from "../kernels";
import { inTheirTypes } from "../outputs";
import { axisSizes, backendName, plansName, SET, type Backend } from "../options";

interface Options {
  readonly kernel: string;
  readonly in?: string;
  readonly out: string;
  readonly backend: Backend;
  readonly mode?: string;
  readonly set?: Sizes;
  readonly plans: Plans;
  readonly tune?: true;
  readonly plan?: string;
}

type Tensors = Readonly<Record<string, TensorData>>;

/** `kvern run FILE`: runs a kernel on tensors of a file. */
export function run(program: Command): void {
  const command = program
    .command("run")
    .summary("run a kernel on tensors of a safetensors file")
    .description(
      "Runs one kernel. Tensors go by the names of the inputs (keys.codes) and hold logical values; uint(b) as U8 or U16.\n" +
        "A single output is called `out`. The backend `source` evaluates the kernel as the TypeScript it is.",
    )
    .argument("<file>", "a TypeScript file that exports the kernel")
    .requiredOption("--kernel <name>", "the exported kernel")
    .option("--in <file>", "safetensors file of the inputs")
    .requiredOption("--out <file>", "safetensors file for the outputs")
    .option("--backend <name>", "auto, wgsl, gpujs, interpreter or source", backendName, "auto")
    .option("--mode <mode>", "of gpujs: webgpu, webasm or cpu")
    .option("--plans <kind>", "folds: shared passes where that is sound and estimated to pay; direct: a dispatch for every reduction", plansName, "folds")
    .option("--tune", "on WebGPU: measure the few best plans on these inputs, and take the fastest")
    .option("--plan <file>", "JSON file of plans that were measured; with --tune, where the choice is kept")
    .option(...SET, axisSizes)
    .action(async (file: string, options: Options) => {
      const graph = await compileKernel(file, options.kernel);
      if (options.in === undefined && graph.inputs.length > 0) {
        command.error(`error: required option '--in <file>' not specified: the kernel takes ${graph.inputs.map(({ name }) => name).join(", ")}`);
      }
      const { readSafetensorsFile, writeSafetensorsFile } = await import("../../runtime/safetensors/files");
      const inputs = options.in === undefined ? {} : (await readSafetensorsFile(options.in)).tensors;
      const { outputs, how } = await (options.backend === "source" ? runSource(file, inputs, options) : runDevice(graph, inputs, options));
      await writeSafetensorsFile(options.out, inTheirTypes(graph.outputs, outputs));
      process.stdout.write(`${graph.name} on ${how}\n`);
      for (const { name, element, axes } of graph.outputs) {
        process.stdout.write(`${name}: ${elementName(element)} ${shapeText(axes)} = ${shapeText(outputs[name]?.shape ?? [])}\n`);
      }
      process.stdout.write(`written to ${options.out}\n`);
    });
}

interface Outcome {
  readonly outputs: Tensors;
  /** What ran it, in one line. */
  readonly how: string;
}

async function runDevice(graph: SerialisedGraph, inputs: Tensors, { backend, mode, set, plans, tune, plan }: Options): Promise<Outcome> {
  const { openDevice } = await import("../../runtime");
  const options = tune === undefined && plan === undefined ? {} : { tune: plan === undefined ? true : { plans: await plansOf(plan, tune === true) } };
  const device = await openDevice({ backend: backend as "auto", ...(mode === undefined ? {} : { mode }) });
  try {
    const prepared = await device.prepare(graph, { plans, ...options, ...(set === undefined ? {} : { set }) });
    return { outputs: await prepared.run(inputs), how: device.describe() };
  } finally {
    await device.close();
  }
}

/** The plans of a file; what it does not have is measured, or refused. */
async function plansOf(file: string, measure: boolean): Promise<PlanStore> {
  const { planFile } = await import("../../runtime");
  const store = await planFile(file);
  return measure ? store : { get: (key) => store.get(key) ?? missingPlan(file, key), set: () => undefined };
}

async function runSource(file: string, inputs: Tensors, { kernel, mode, set = {} }: Options): Promise<Outcome> {
  if (mode !== undefined) {
    const { refuse } = await import("../../spec/diagnostics/diagnostic");
    refuse({ code: "KV4003", message: `the backend \`source\` has no mode \`${mode}\``, expected: "no `--mode`", got: `\`${mode}\`` });
  }
  const { evaluateSource } = await import("../source");
  return { outputs: await evaluateSource(file, kernel, inputs, set), how: "source: evaluated as TypeScript, in f64" };
}
