/** @file Runs a kernel as the TypeScript it is. */

import { InternalError } from "../spec/diagnostics/diagnostic";
import type { evaluate, Inputs, Kernel, Outputs } from "../spec/language";
import type { Sizes } from "../spec/tensor/check";
import type { TensorData } from "../spec/tensor/tensor";
import { pickKernel } from "./kernels";

/** What the package gives under its own name: the same modules that the user's file then imports. */
interface Own {
  readonly evaluate: typeof evaluate;
}

/**
 * Evaluates the kernel `name` of `file`, a file that was checked, in f64.
 * @throws KvernError KV5207 a module that cannot be run; as `evaluate`
 */
export async function evaluateSource(file: string, name: string, inputs: Readonly<Record<string, TensorData>>, set: Sizes): Promise<Readonly<Record<string, TensorData<Float64Array>>>> {
  const { loadModule } = await import("../compiler/source/load.node");
  const modules = await loadModule(file, (specifier) => import.meta.resolve(specifier));
  const kernel = pickKernel(file, modules, name);
  if (!isKernel(kernel)) throw new InternalError(`${name} was compiled and is no kernel`);
  const own = (await import(import.meta.resolve("kvern"))) as Own;
  return own.evaluate<Inputs, Outputs>(kernel, inputs, { set });
}

function isKernel(value: unknown): value is Kernel<Inputs, Outputs> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "kernel";
}
