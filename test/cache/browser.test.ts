/** @file A cache in a page of a browser, on the WebGPU that the browser has. */

import { afterAll, expect, test } from "vitest";

import type { CacheFormat, CacheSpec } from "../../runtime/cache/spec";
import { interpretWithBound } from "../../spec/interpreter";
import { loadGraph } from "../../spec/graph/json";
import { launchChromium } from "../device/chromium";
import { reportOf } from "../device/pages";
import { inputsOf, kernels } from "./attend";
import { rows } from "./commands";
import { Model } from "./model";
import type { Plain, Work, Worked } from "./page";
import { onGrid, SHAPES, specOf } from "./samples";

const chromium = await launchChromium();
afterAll(async () => {
  await chromium?.close();
});

const plain = ({ shape, data }: ReturnType<typeof onGrid>): Plain => ({ shape, data: Array.from(data) });

/** Codebooks as lists: typed arrays are none in JSON. */
function asJson(spec: CacheSpec): CacheSpec {
  const listed = (format: CacheFormat): CacheFormat => ("book" in format ? { ...format, book: { ...format.book, data: Array.from(format.book.data) } } : format);
  return { ...spec, layers: spec.layers.map(({ keys, values }) => ({ keys: listed(keys), values: listed(values) })) };
}

test.runIf(chromium !== undefined)("a cache is created, appended to, attended to, saved and loaded", { timeout: 120_000 }, async () => {
  if (chromium === undefined) return;
  const spec = specOf(SHAPES.windowAndSinks);
  const model = new Model(spec);
  const appends = [9, 1, 1, 4].map((count, at) => {
    const [keys, values] = [onGrid([count, spec.heads, spec.channels], 2 * at + 1), onGrid([count, spec.heads, spec.channels], 2 * at + 2)];
    model.append(0, rows(keys), rows(values), [count]);
    return { keys: plain(keys), values: plain(values) };
  });
  const q = onGrid([3, 2 * spec.heads, spec.channels], 77);
  const work: Work = { spec: asJson(spec), graph: kernels["windowAndSinks"], q: plain(q), appends };
  const { report, faults, imports } = await reportOf<Worked>(chromium.browser, "test/cache/page.ts", work);
  expect(faults).toEqual([]);
  expect(imports).toEqual([]);
  expect(report.backend).toBe("wgsl");
  expect(report.tokens).toEqual({ sinks: 2, coded: 8, tail: 5 });
  expect(report.loadedTokens).toEqual(report.tokens);
  expect(report.attendedLoaded).toEqual(report.attended);
  expect(report.damaged).toContain("KV6104");
  const meant = interpretWithBound(loadGraph(kernels["windowAndSinks"]).graph, { q, ...inputsOf(model, 0, 0) });
  for (const [name, { shape, data, bound }] of Object.entries(meant)) {
    expect(report.attended[name]?.shape).toEqual(shape);
    data.forEach((value, at) => expect(Math.abs((report.attended[name]?.data[at] ?? NaN) - value), `${name} ${at}`).toBeLessThanOrEqual(bound[at] ?? NaN));
  }
});
