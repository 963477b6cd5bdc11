/**
 * @file For tests that run kernels on WebGPU: one device for each test file, on hardware where there is some and in
 * software elsewhere. Its buffers come poisoned and between guard bands, so that an element that a kernel does not write
 * and a write outside an array fail the run instead of passing for zeros.
 */

import { afterAll, describe } from "vitest";

import type { Program } from "../../compiler/program";
import type { Runnable } from "../../runtime/device";
import { RunCheck, type Kernel } from "../../runtime/kernel";
import { lowered } from "../../runtime/lowering";
import { WebGpuDevice, type WebGpuOptions } from "../../runtime/webgpu/device";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import type { Sizes } from "../../spec/tensor/check";

/** Opens a device of which every buffer is poisoned and guarded, or none where WebGPU does not work. */
export async function openInspected(options: WebGpuOptions = {}): Promise<WebGpuDevice | undefined> {
  try {
    return await WebGpuDevice.open({ debug: { poison: true, guard: 256 }, ...options }, lowered);
  } catch (fault) {
    if (!(fault instanceof KvernError) || !fault.diagnostics.every(({ code }) => code === "KV4001")) throw fault;
    console.error(`\n*** NO WEBGPU HERE: device tests are skipped. ${fault.message}\n`);
    return undefined;
  }
}

const shared = await openInspected();

afterAll(async () => {
  await shared?.close();
});

/** `describe`, skipped where WebGPU does not work; the reason has then been printed. */
export const describeOnDevice = describe.skipIf(shared === undefined);

/** The device of this test file; for use inside `describeOnDevice`. */
export function device(): WebGpuDevice {
  if (shared === undefined) throw new Error("there is no device: use this inside describeOnDevice");
  return shared;
}

/** What a test may say of a program that no graph stands behind. */
export interface Hooks {
  readonly set?: Sizes;
  readonly admitsInfinity?: Kernel["admitsInfinity"];
  readonly discharge?: Kernel["discharge"];
}

/** Makes a program that was written by hand, or lowered in the test, ready to run. */
export function prepareProgram(on: WebGpuDevice, program: Program, { set = program.fixed, admitsInfinity = () => false, discharge = () => undefined }: Hooks = {}): Promise<Runnable> {
  const { inputs, outputs } = program;
  const names = new Set([...Object.keys(program.fixed), ...[...inputs, ...outputs].flatMap(({ axes }) => axes)]);
  const kernel: Kernel = { name: program.kernel, signature: { axes: [...names].map((name) => ({ name })), inputs, outputs }, admitsInfinity, discharge };
  return on.compile({ program, kernel, check: new RunCheck(kernel, set) });
}
