import type { Command } from "commander";
import type { Plans } from "../../compiler/lower";
import type { Explanation } from "../../compiler/explain/explain";
import type { Sizes } from "../../spec/tensor/check";
import { compileKernel } from "../kernels";
import { axisSizes, plansName, SET } from "../options";

interface Options {
  readonly kernel: string;
  readonly set?: Sizes;
  readonly plans: Plans;
  readonly json?: true;
}

/** `kvern explain FILE`: what a kernel is compiled to, and what that costs. */
export function explain(program: Command): void {
  program
    .command("explain")
    .summary("show the plan of a kernel: dispatches, loops, rewrites, bytes, operations")
    .description(
      "Shows what a kernel is compiled to, under WebGPU's default limits: every dispatch with its loops, the rewrites made and\n" +
        "those refused, the bytes that its loops move between memory and workgroups, its operations and workgroup memory.\n" +
        "What depends on the size of an axis needs that size: --set token=4096.",
    )
    .argument("<file>", "a TypeScript file that exports the kernel")
    .requiredOption("--kernel <name>", "the exported kernel")
    .option(...SET, axisSizes)
    .option("--plans <kind>", "direct: a dispatch for every reduction; folds: shared passes where that is sound", plansName, "direct")
    .option("--json", "print the plan as JSON")
    .action(async (file: string, { kernel, set = {}, plans, json }: Options) => {
      const graph = await compileKernel(file, kernel);
      const { explained } = await import("../built/lowered");
      const { plan, open, inferred } = explained(graph, set, plans);
      process.stdout.write(json ? `${JSON.stringify(plan, undefined, 2)}\n` : `${text(plan, open, inferred)}\n`);
    });
}

/**
 * @param open axes whose sizes are not known
 * @param inferred sizes that follow from those given
 */
function text({ kernel, dispatches, bytesMoved, compulsoryBytes, rewrites, refused }: Explanation, open: readonly string[], inferred: Sizes): string {
  const follows = Object.entries(inferred).map(([axis, size]) => `${axis}=${size}`);
  const lines = [
    `${kernel}: ${dispatches.length} ${dispatches.length === 1 ? "dispatch" : "dispatches"}`,
    open.length === 0
      ? `${count(bytesMoved)} bytes moved; ${count(compulsoryBytes)} compulsory, every input and output once`
      : `? depends on sizes: give ${open.map((axis) => `--set ${axis}=n`).join(" ")}`,
    ...(follows.length === 0 ? [] : [`taken from the other sizes: ${follows.join(", ")}`]),
  ];
  for (const [at, { name, workgroups, workgroupSize, bytesRead, bytesWritten, operations, workgroupBytes, nest }] of dispatches.entries()) {
    lines.push(
      "",
      `${at + 1}. ${name}`,
      `   ${count(workgroups)} ${workgroups === 1 ? "workgroup" : "workgroups"} of ${workgroupSize} lanes, ${count(workgroupBytes)} bytes of workgroup memory`,
      `   reads ${count(bytesRead)} bytes, writes ${count(bytesWritten)} bytes, ${count(operations)} operations`,
      ...nest.map((line) => `   ${line}`),
    );
  }
  lines.push("", rewrites.length === 0 ? "no rewrites" : "rewrites:", ...rewrites.map(({ rule, at }) => `  ${rule} at ${at}`));
  if (refused.length > 0) lines.push("refused:", ...refused.map(({ rule, at, why }) => `  ${rule} at ${at}: ${why}`));
  return lines.join("\n");
}

const count = (number: number | null): string => (number === null ? "?" : number.toLocaleString("en"));
