/** @file Kernels of a user's file, by name. */

import type { SerialisedGraph } from "../spec/graph/json";
import { refuse } from "../spec/diagnostics/diagnostic";
import { nearest } from "./nearest";

/**
 * Compiles `file` and picks one of its kernels.
 * @throws KvernError KV1nnn and KV2nnn for what is wrong with the file; KV5203 no kernel of that name; KV5204 no kernel at all
 */
export async function compileKernel(file: string, name: string): Promise<SerialisedGraph> {
  const { compileFile } = await import("../compiler");
  const { kernels } = await compileFile(file);
  return pickKernel(file, kernels, name);
}

export function pickKernel<Kernel>(file: string, kernels: Readonly<Record<string, Kernel>>, name: string): Kernel {
  const names = Object.keys(kernels);
  const kernel = Object.hasOwn(kernels, name) ? kernels[name] : undefined;
  if (kernel !== undefined) return kernel;
  if (names.length === 0) refuseEmpty(file);
  const close = nearest(name, names);
  return refuse({
    file,
    code: "KV5203",
    message: `there is no kernel \`${name}\` among the exports`,
    expected: names.map((known) => `\`${known}\``).join(", "),
    got: `\`${name}\``,
    ...(close === undefined ? {} : { mend: `Did you mean \`--kernel ${close}\`?` }),
  });
}

/** For a file of which kernels are wanted and which has none. */
export function refuseEmpty(file: string): never {
  refuse({ file, code: "KV5204", message: "no kernel is exported", mend: "Export one: export const double = kernel({ x: f32(i) }, f32(i), ({ x }) => (i) => 2 * x(i));" });
}

/** For a file of plans without the one that is needed. */
export function missingPlan(file: string, needed: string): never {
  refuse({ file, code: "KV5403", message: "no plan here was measured for this kernel, these sizes and this device", expected: needed, mend: "Measure it: kvern run --tune --plan FILE." });
}
