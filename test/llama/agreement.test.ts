/** @file The demo's check of attention: within the bound of the device that computed it, not that of another. */

import { expect, test } from "vitest";
import { compileFile } from "kvern/compiler";
import { fileURLToPath } from "node:url";
import { Witness } from "../../examples/llama/compiled/agreement";
import { loadGraph } from "../../spec/graph/json";
import { GPUJS, interpretWithBound, WGSL } from "../../spec/interpreter";
import { reals } from "../emit/programs";

const { kernels } = await compileFile(fileURLToPath(new URL("../../examples/attention.ts", import.meta.url)));
const kernel = "decodeExact";
const inputs = { q: reals([4, 16], 1, 3), keys: reals([21, 2, 16], 2, 3), values: reals([21, 2, 16], 3), cos: reals([21, 8], 4), sin: reals([21, 8], 5) };
const { out } = interpretWithBound(loadGraph(kernels[kernel]).graph, inputs, { accuracy: WGSL });
if (out === undefined) throw new Error("attention has one output");

/** The agreement of results that are off by this share of WGSL's bound. */
async function agreement(share: number, accuracy: typeof WGSL): Promise<{ readonly difference: number; readonly bound: number; readonly elements: number }> {
  const witness = new Witness();
  const result = Float32Array.from(out?.data ?? [], (value, at) => value + share * (out?.bound[at] ?? 0));
  witness.note(0, new Float32Array(64), result);
  return witness.agreement({ inputsOf: () => Promise.resolve({ kernel, inputs }) }, { accuracy }, kernels);
}

test("results that WGSL may give are beyond what a device that computes in f64 may give", async () => {
  const wgsl = await agreement(0.5, WGSL);
  expect(wgsl).toMatchObject({ elements: 64 });
  expect(wgsl.difference).toBeLessThan(wgsl.bound);
  const cpu = await agreement(0.5, GPUJS.cpu);
  expect(cpu.difference).toBeGreaterThan(cpu.bound);
  expect(cpu.bound).toBeGreaterThan(0);
});

test("results beyond the bound of the device itself do not agree", async () => {
  const wgsl = await agreement(1.5, WGSL);
  expect(wgsl.difference).toBeGreaterThan(wgsl.bound);
});
