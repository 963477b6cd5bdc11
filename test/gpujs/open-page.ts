/** @file A page of a browser, served locally, that has gpu.js and a script of this repository under a policy for scripts. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { bundleForBrowsers } from "../runtime/bundle";

export interface GpuJsPage {
  readonly page: Page;
  readonly close: () => Promise<void>;
}

/**
 * Opens a page and waits until the script `entry` has put its function `report` on `globalThis`.
 * @param policy where scripts may come from, as `script-src` of a content-security policy
 * @param scripts further scripts of the page, by their paths
 */
export async function openGpuJsPage(browser: Browser, entry: string, policy: string, scripts: Readonly<Record<string, string>> = {}): Promise<GpuJsPage> {
  const bundle = await bundleForBrowsers(entry);
  const library = join(dirname(createRequire(import.meta.url).resolve("gpu.js/package.json")), "dist/gpu-browser.min.js");
  const texts: Readonly<Record<string, string>> = { "/page.mjs": readFileSync(bundle.file, "utf8"), "/gpu.js": readFileSync(library, "utf8"), ...scripts };
  const server = createServer((request, response) => {
    const text = texts[request.url ?? ""];
    response.writeHead(200, { "content-type": text === undefined ? "text/html" : "text/javascript", "content-security-policy": `default-src 'self'; script-src ${policy}` });
    response.end(text ?? '<!doctype html><script src="/gpu.js"></script><script type="module" src="/page.mjs"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): void => {
    server.close();
    bundle.remove();
  };
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("typeof globalThis.report === 'function'", undefined, { timeout: 20_000 });
    return {
      page,
      close: async () => {
        await page.close();
        stop();
      },
    };
  } catch (fault) {
    stop();
    throw fault;
  }
}
