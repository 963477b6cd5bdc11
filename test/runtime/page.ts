/** @file What the browser test loads: the runtime, and programs written by hand to run on it. */

import type { Program } from "../../compiler/program";
import { openDevice, readSafetensorsFile, tensor } from "../../runtime/index";
import { RunCheck, type Kernel } from "../../runtime/kernel";
import { WebGpuDevice } from "../../runtime/webgpu/device";
import { squaredSum } from "./programs";

export interface PageReport {
  readonly described: string;
  readonly backend: string;
  readonly outputs: readonly number[];
  readonly kept: readonly number[];
  readonly refused: string;
  readonly noFiles: string;
}

const faultOf = (action: Promise<unknown>): Promise<string> => action.then(() => "nothing was refused", (fault: unknown) => String(fault));

async function report(): Promise<PageReport> {
  const device = await openDevice({ debug: { poison: true, guard: 256 } });
  if (!(device instanceof WebGpuDevice)) throw new Error(device.describe());
  const program: Program = squaredSum();
  const { inputs, outputs } = program;
  const kernel: Kernel = { name: program.kernel, signature: { axes: [{ name: "n" }], inputs, outputs }, admitsInfinity: () => false, discharge: () => undefined };
  const prepared = await device.compile({ program, kernel, check: new RunCheck(kernel, {}) });
  const x = tensor([3], [1, 2, 3]);
  const [read, kept] = await Promise.all([prepared.run({ x, y: x }), prepared.run({ x, y: tensor([3], [0, 0, 1]) }, { device: true })]);
  const again = await kept["out"]?.read();
  const refused = await faultOf(prepared.run({ x, y: tensor([2], [1, 2]) }));
  await device.close();
  return {
    described: device.describe(),
    backend: device.backend,
    outputs: Array.from(read["out"]?.data ?? []),
    kept: Array.from(again?.data ?? []),
    refused,
    noFiles: await faultOf(readSafetensorsFile("x")),
  };
}

Object.assign(globalThis, { report });
