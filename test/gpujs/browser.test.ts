/**
 * @file The modes of gpu.js in a page of a real browser, under a policy without `eval` where the mode admits it. A page is
 * loaded once for each mode, and given every subject as JSON; `KVERN_GPUJS=all` gives it all of them, else a selection.
 */

import { afterAll, expect, test } from "vitest";
import { launchChromium } from "../device/chromium";
import { openGpuJsPage } from "./open-page";
import type { GivenSubject, ModeReport } from "./page";
import { ALL, kernelSubjects, randomSubjects, recordedSubjects, type Subject } from "./subjects";

const chromium = await launchChromium();
afterAll(async () => {
  await chromium?.close();
});

/** Of the kernels, each at one of its sizes; of the rest, some. */
async function subjects(): Promise<readonly Subject[]> {
  if (chromium === undefined) return [];
  const kernels = await kernelSubjects();
  const named = new Map(kernels.map((subject) => [subject.name.split(",")[0], subject]));
  return [...(ALL ? kernels : named.values()), ...(await recordedSubjects(12)), ...(await randomSubjects(ALL ? 100 : 40))];
}

const chosen = (await subjects()).map(({ inputs, ...subject }): GivenSubject => ({
  ...subject,
  inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, (value) => (Number.isFinite(value) ? value : String(value))) }])),
}));

/** What a page must allow beyond its own scripts, and how many graphs at random it is given; the modes of Node run on all subjects there. */
const MODES = [["webgpu", "", ALL ? 300 : 40], ["webgl2", "", ALL ? 300 : 40], ["webasm", "'wasm-unsafe-eval'", 20], ["cpu", "'unsafe-eval'", 20]] as const;

test.skipIf(chromium === undefined).each(MODES)("mode %s agrees with the interpreter in a page that allows scripts of its own and %j", async (mode, allowed, random) => {
  if (chromium === undefined) throw new Error("without Chromium this is skipped");
  const { page, close } = await openGpuJsPage(chromium.browser, "test/gpujs/page.ts", `'self' ${allowed}`);
  try {
    const given = ["webgpu", "webgl2"].includes(mode) ? chosen : [];
    const report = await page.evaluate<ModeReport>(`globalThis.report(${JSON.stringify(mode)}, ${random}, ${JSON.stringify(given)})`);
    if (ALL) console.info(`gpu.js ${mode}, in a browser: ${report.programs} programs, ${report.refused.length} of them refused, ${report.compared} elements, the worst at ${report.worst.toFixed(3)} of its bound`);
    expect(report.faults).toEqual([]);
    // The policy is in force.
    expect(report.evaluates).toBe(allowed === "'unsafe-eval'");
    expect(report.described).toMatch(new RegExp(`^gpujs: gpu\\.js, mode ${mode} `));
    // Zeros would be what gpu.js reads from a context that is gone.
    expect(report.afterLoss).toBe(mode === "webgl2" ? "KV4004" : "ran");
    expect(report.programs).toBe(19 + random + given.length);
    expect(report.compared).toBeGreaterThan(700);
    expect(report.refused.length).toBeLessThan(report.programs / 8);
  } finally {
    await close();
  }
}, ALL ? 3_600_000 : 600_000);
