import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";

import { launchChromium } from "../device/chromium";
import { bundleForBrowsers } from "./bundle";
import type { PageReport } from "./page";

const chromium = await launchChromium();
afterAll(async () => {
  await chromium?.close();
});

test.skipIf(chromium === undefined)("the runtime works, unchanged, in a page of a browser", async () => {
  const bundle = await bundleForBrowsers("test/runtime/page.ts");
  expect(bundle.imports).toEqual([]);
  const server = createServer((request, response) => {
    const script = request.url === "/page.mjs";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
    response.end(script ? readFileSync(bundle.file) : '<!doctype html><script type="module" src="/page.mjs"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const page = await chromium?.browser.newPage();
    const faults: string[] = [];
    page?.on("pageerror", (fault) => faults.push(fault.message));
    page?.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page?.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page?.waitForFunction("typeof globalThis.report === 'function'", undefined, { timeout: 20_000 });
    const report = (await page?.evaluate("globalThis.report()")) as PageReport;
    expect(report.backend).toBe("wgsl");
    expect(report.described).toMatch(/^wgsl: .+ \((hardware|software)\); it is the adapter that the browser offers$/);
    expect(report.outputs).toEqual([18, 0, 3.5]);
    expect(report.kept).toEqual([3, 1, 0]);
    expect(report.refused).toContain("KV2103");
    expect(report.noFiles).toContain("KV5001");
    expect(faults).toEqual([]);
  } finally {
    server.close();
    bundle.remove();
  }
});
