/** @file What the browser test loads: the runtime, and a serialised graph to run on it. */

import { openDevice, readSafetensorsFile, tensor } from "../../runtime/index";
import { masked } from "./graphs";

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
  const prepared = await device.prepare(masked());
  const codes = tensor([3], Uint8Array.of(15, 4, 3));
  const x = tensor([3], Float32Array.of(1.5, -Infinity, 0.25));
  const [read, kept] = await Promise.all([prepared.run({ x, codes }), prepared.run({ x, codes }, { device: true })]);
  const again = await kept["nearest"]?.read();
  const refused = await faultOf(prepared.run({ x, codes: tensor([2], [1, 2]) }));
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
