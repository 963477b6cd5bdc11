/** @file A page in a browser that does some work with the runtime, bundled as for browsers, and tells of it. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";

import { bundleForBrowsers } from "../runtime/bundle";

export interface Reported<Report> {
  readonly report: Report;
  /** What the page threw or logged as an error. */
  readonly faults: readonly string[];
  /** What its script imports from outside itself. */
  readonly imports: readonly string[];
}

/** What the function `report` that the script `entry` of this repository puts on `globalThis` makes of an argument that is JSON. */
export async function reportOf<Report>(browser: Browser, entry: string, argument: unknown = null): Promise<Reported<Report>> {
  const bundle = await bundleForBrowsers(entry);
  const server = createServer((request, response) => {
    const script = request.url === "/page.mjs";
    response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
    response.end(script ? readFileSync(bundle.file) : '<!doctype html><script type="module" src="/page.mjs"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (fault) => faults.push(fault.message));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("typeof globalThis.report === 'function'", undefined, { timeout: 20_000 });
    const report = (await page.evaluate(`globalThis.report(${JSON.stringify(argument)})`)) as Report;
    await page.close();
    return { report, faults, imports: bundle.imports };
  } finally {
    server.close();
    bundle.remove();
  }
}
