/** @file The probe of a device's arithmetic: passed by every mode that runs here, and by no device that is worse. */

import { expect, test } from "vitest";
import type { CompiledPipeline, GpuJs, GpuJsLibrary } from "../../runtime/gpujs/library";
import { probe } from "../../runtime/gpujs/probe";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { GPUJS } from "../../spec/interpreter";

/** gpu.js in the mode cpu, each of whose results is changed. */
async function changed(change: (value: number, at: number) => number): Promise<GpuJs> {
  const { GPU } = (await import("gpu.js")) as unknown as GpuJsLibrary;
  class Changed extends GPU {}
  const gpu = new Changed({ mode: "cpu" });
  const create = gpu.createPipeline.bind(gpu);
  gpu.createPipeline = (record) => {
    const pipeline = create(record);
    const run = async (...inputs: readonly Float32Array[]) => ({ out: ((await pipeline(...inputs))["out"] as Float32Array).map(change) });
    return Object.assign(run, { destroy: () => { pipeline.destroy(); } }) as unknown as CompiledPipeline;
  };
  return gpu;
}

const codes = async (work: Promise<void>): Promise<readonly string[]> => work.then(() => [], (fault: unknown) => (fault instanceof KvernError ? fault.diagnostics.map(({ code, message }) => `${code}: ${message}`) : [String(fault)]));

test("what is exact passes", async () => {
  const gpu = await changed((value) => value);
  expect(await codes(probe(gpu, GPUJS.webgl2))).toEqual([]);
  await gpu.destroy();
});

test.each(["cpu", "webasm"] as const)("mode %s keeps to its own table", async (mode) => {
  const { GPU } = (await import("gpu.js")) as unknown as GpuJsLibrary;
  const gpu = new GPU({ mode });
  expect(await codes(probe(gpu, GPUJS[mode]))).toEqual([]);
  await gpu.destroy();
});

test.each([
  [0, 2 ** -20, "a + b"], [64 * 2, 2 ** -20, "a * b"], [64 * 3, 2 ** -20, "a / b"], [64 * 6, 2 ** -18, "Math.sqrt(a)"], [64 * 7, 2 ** -14, "Math.exp(a)"],
  [64 * 8, 2 ** -14, "Math.log(a)"], [64 * 11, 2 ** -10, "Math.tanh(a)"], [64 * 12, 2 ** -9, "Math.sin(a)"], [64 * 17, 2 ** -9, "Math.atan(a)"], [64 * 23, 2 ** -9, "Math.atan2(a, b)"],
] as const)("a device whose results from %i on are off by a share of %d is refused for %s", async (from, share, text) => {
  const gpu = await changed((value, at) => (at >= from && at < from + 64 ? value * (1 + share) : value));
  expect(await codes(probe(gpu, GPUJS.webgl2))).toEqual([`KV4206: this device computes \`${text}\` less accurately than is assumed of gpu.js webgl2`]);
  await gpu.destroy();
});

test("a device that takes whole numbers for others is refused", async () => {
  const gpu = await changed((value) => (value > 2 ** 23 && Number.isInteger(value) ? value - 1 : value));
  expect((await codes(probe(gpu, GPUJS.webgl2)))[0]).toContain("KV4206");
  await gpu.destroy();
});
