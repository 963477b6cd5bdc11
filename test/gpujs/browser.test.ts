/** @file The modes of gpu.js in a page of a real browser, under a policy without `eval` where the mode admits it. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { launchChromium } from "../device/chromium";
import { bundleForBrowsers } from "../runtime/bundle";
import type { ModeReport } from "./page";

const chromium = await launchChromium();
afterAll(async () => {
  await chromium?.close();
});

/** What a page must allow beyond its own scripts. */
const MODES = [["webgpu", ""], ["webgl2", ""], ["webasm", "'wasm-unsafe-eval'"], ["cpu", "'unsafe-eval'"]] as const;

test.skipIf(chromium === undefined).each(MODES)("mode %s agrees with the interpreter in a page that allows scripts of its own and %j", async (mode, allowed) => {
  const bundle = await bundleForBrowsers("test/gpujs/page.ts");
  const library = join(dirname(createRequire(import.meta.url).resolve("gpu.js/package.json")), "dist/gpu-browser.min.js");
  const texts: Readonly<Record<string, string>> = { "/page.mjs": bundle.file, "/gpu.js": library };
  const server = createServer((request, response) => {
    const file = texts[request.url ?? ""];
    response.writeHead(200, { "content-type": file === undefined ? "text/html" : "text/javascript", "content-security-policy": `default-src 'self'; script-src 'self' ${allowed}` });
    response.end(file === undefined ? '<!doctype html><script src="/gpu.js"></script><script type="module" src="/page.mjs"></script>' : readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const page = await chromium?.browser.newPage();
    await page?.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page?.waitForFunction("typeof globalThis.report === 'function'", undefined, { timeout: 20_000 });
    const report = (await page?.evaluate(`globalThis.report(${JSON.stringify(mode)})`)) as ModeReport;
    expect(report.faults).toEqual([]);
    expect(report.described).toMatch(new RegExp(`^gpujs: gpu\\.js, mode ${mode} `));
    expect(report.compared).toBeGreaterThan(700);
    expect(report.refused.length).toBeLessThan(12);
    await page?.close();
  } finally {
    server.close();
    bundle.remove();
  }
}, 120_000);
