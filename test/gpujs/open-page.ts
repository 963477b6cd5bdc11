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
  return openPageOf(browser, { "/page.mjs": await pageScript(entry), "/gpu.js": gpuJsScript(), ...scripts }, policy);
}

/** The script of a page, in one text. */
export async function pageScript(entry: string): Promise<string> {
  const bundle = await bundleForBrowsers(entry);
  try {
    return readFileSync(bundle.file, "utf8");
  } finally {
    bundle.remove();
  }
}

/** The browser build of gpu.js, which leaves a global `GPU`. */
export const gpuJsScript = (): string => readFileSync(join(dirname(createRequire(import.meta.url).resolve("gpu.js/package.json")), "dist/gpu-browser.min.js"), "utf8");

/** @param texts the scripts of the page by their paths, among them `/page.mjs`, which puts `report` on `globalThis`, and `/gpu.js` */
export async function openPageOf(browser: Browser, texts: Readonly<Record<string, string>>, policy: string): Promise<GpuJsPage> {
  const server = createServer((request, response) => {
    const text = texts[request.url ?? ""];
    response.writeHead(200, { "content-type": text === undefined ? "text/html" : "text/javascript", "content-security-policy": `default-src 'self'; script-src ${policy}` });
    response.end(text ?? '<!doctype html><script src="/gpu.js"></script><script type="module" src="/page.mjs"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("typeof globalThis.report === 'function'", undefined, { timeout: 20_000 });
    return {
      page,
      close: async () => {
        try {
          await page.close();
        } finally {
          server.close();
        }
      },
    };
  } catch (fault) {
    server.close();
    throw fault;
  }
}
