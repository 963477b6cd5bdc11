/** @file The gpu.js module that `kvern build` writes, in a page of a real browser whose policy has no `eval`. */

import { afterAll, expect, test } from "vitest";
import { gpuJsModule } from "../../bin/built/gpujs";
import { compileSource } from "kvern/compiler";
import { launchChromium } from "../device/chromium";
import { openGpuJsPage } from "./open-page";

const chromium = await launchChromium();
afterAll(async () => {
  await chromium?.close();
});

const TEXT = `import { axis, f32, kernel, sum, uint } from "kvern";
const row = axis("row"), column = axis("column"), code = axis("code", 8);
export const look = kernel({ codes: uint(3)(row, column), book: f32(code) }, f32(row), ({ codes, book }) => (r) => sum(column, (c) => book(codes(r, c))));`;

/** Codes 0 to 7 and on, in two rows of ten: eight to an element, each row from a whole one; and what is summed of a book of 1, 2, 4, …. */
const RUN = (mode: string): string => `import { createLook } from "/look.gpu.js";
const packed = [0, 1].flatMap((row) => [0, 8].map((from) => Array.from({ length: Math.min(8, 10 - from) }, (_, at) => ((row * 3 + from + at) % 8) * 8 ** at).reduce((all, each) => all + each)));
const report = async () => {
  let evaluates = true;
  try { new Function("return 1"); } catch { evaluates = false; }
  const gpu = new GPU({ mode: "${mode}" });
  const look = createLook(gpu, { row: 2, column: 10 }, "${mode}");
  const arrays = { codes: Float32Array.from(packed), book: Float32Array.from({ length: 8 }, (_, at) => 2 ** at) };
  const { out } = await look(arrays);
  const drawing = gpu.context instanceof WebGL2RenderingContext;
  if (drawing) gpu.context.getExtension("WEBGL_lose_context").loseContext();
  const afterLoss = await look(arrays).then(() => "ran", (fault) => String(fault));
  return { evaluates, out: Array.from(out), afterLoss };
};
globalThis.done = await report().catch((fault) => ({ fault: String(fault) }));`;

const LOST = "Error: the WebGL2 context in which gpu.js runs look is lost: make a new GPU, and look for it";

test.skipIf(chromium === undefined).each(["webgl2", "webgpu"])("in mode %s it runs without eval, and gives no zeros from a context that was lost", async (mode) => {
  if (chromium === undefined) throw new Error("without Chromium this is skipped");
  const { look } = (await compileSource({ "look.ts": TEXT }, "look.ts")).kernels;
  if (look === undefined) throw new Error("the kernel was not compiled");
  const { page, close } = await openGpuJsPage(chromium.browser, "test/gpujs/page.ts", "'self'", { "/look.gpu.js": gpuJsModule(look, {}), "/run.js": RUN(mode) });
  try {
    await page.addScriptTag({ url: "/run.js", type: "module" });
    // Not `waitForFunction`, which evaluates text in the page again and again.
    let done: unknown;
    for (let tries = 0; done === undefined && tries < 600; tries++) {
      done = await page.evaluate("globalThis.done");
      if (done === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const row = (first: number): number => Array.from({ length: 10 }, (_, at) => 2 ** ((first + at) % 8)).reduce((all, each) => all + each);
    expect(done).toEqual({ evaluates: false, out: [row(0), row(3)], afterLoss: mode === "webgl2" ? LOST : "ran" });
  } finally {
    await close();
  }
}, 300_000);
