import { afterAll, expect, test } from "vitest";

import { launchChromium } from "../device/chromium";
import { reportOf } from "../device/pages";
import type { PageReport } from "./page";

const chromium = await launchChromium();
afterAll(async () => {
  await chromium?.close();
});

test.runIf(chromium !== undefined)("the runtime works, unchanged, in a page of a browser", async () => {
  if (chromium === undefined) return;
  const { report, faults, imports } = await reportOf<PageReport>(chromium.browser, "test/runtime/page.ts");
  expect(imports).toEqual([]);
  expect(report.backend).toBe("wgsl");
  expect(report.described).toMatch(/^wgsl: .+ \((hardware|software)\); it is the adapter that the browser offers$/);
  expect(report.outputs).toEqual([18, 0, 3.5]);
  expect(report.kept).toEqual([3, 1, 0]);
  expect(report.refused).toContain("KV2103");
  expect(report.noFiles).toContain("KV5001");
  expect(faults).toEqual([]);
});
