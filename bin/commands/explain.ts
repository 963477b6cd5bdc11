import { Option, type Command } from "commander";
import type { Plans } from "../../compiler/lower";
import type { Sizes } from "../../spec/tensor/check";
import { printable } from "../../spec/diagnostics/printable";
import { compileKernel } from "../kernels";
import type { DeviceFeatures } from "../../compiler/program";
import { axisSizes, deviceFeatures, FEATURE_NAMES, plansName, SET } from "../options";

interface Options {
  readonly kernel: string;
  readonly set?: Sizes;
  readonly plans: Plans;
  readonly features?: DeviceFeatures;
  readonly plan?: string;
  readonly backend: "wgsl" | "gpujs";
  readonly json?: true;
}

/** `kvern explain FILE`: what a kernel is compiled to, and what that costs. */
export function explain(program: Command): void {
  const command = program
    .command("explain")
    .summary("show the plan of a kernel: dispatches, loops, rewrites, bytes, operations")
    .description(
      "Shows what a kernel is compiled to, under WebGPU's default limits and with the features that are named, or for gpu.js: every dispatch\n" +
        "with its loops, the rewrites made and those refused, the bytes that its loops move between memory and workgroups, its operations and workgroup memory.\n" +
        "What depends on the size of an axis needs that size: --set token=4096.",
    )
    .argument("<file>", "a TypeScript file that exports the kernel")
    .requiredOption("--kernel <name>", "the exported kernel")
    .option(...SET, axisSizes)
    .option("--plans <kind>", "folds: shared passes where that is sound and estimated to pay; direct: a dispatch for every reduction", plansName, "folds")
    .option(...FEATURE_NAMES, deviceFeatures)
    .addOption(new Option("--backend <name>", "gpujs: the chain of kernels for gpu.js, the same for every mode").choices(["wgsl", "gpujs"]).default("wgsl"))
    .option("--plan <file>", "JSON file of plans: the one that was measured for this kernel and these sizes")
    .option("--json", "print the plan as JSON")
    .action(async (source: string, { kernel, set = {}, plans, features, plan: file, backend, json }: Options) => {
      if (backend === "gpujs" && (file !== undefined || features !== undefined || plans === "direct")) command.error("error: option '--backend gpujs' goes without '--plan', '--features' and '--plans direct', which are of WebGPU devices");
      if (features !== undefined && file !== undefined) command.error("error: option '--features <names>' goes without '--plan <file>': a plan says what it was made for");
      const graph = await compileKernel(source, kernel);
      const [{ explained, explainedForGpuJs, explainedFrom }, { explanationText }] = await Promise.all([import("../built/lowered"), import("../../compiler/explain/text")]);
      const { plan, open, inferred } = backend === "gpujs" ? explainedForGpuJs(graph, set) : file === undefined ? explained(graph, set, plans, features ?? {}) : await explainedFrom(graph, set, file);
      process.stdout.write(json ? `${JSON.stringify(plan, undefined, 2)}\n` : `${printable(explanationText(plan, { open, inferred }))}\n`);
    });
}
