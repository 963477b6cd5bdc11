/** @file What a cache refuses, and the order in which it does what it is asked. */

import { afterAll, describe, expect, test } from "vitest";

import { createCache } from "../../runtime/cache/cache";
import { loadCache } from "../../runtime/cache/load";
import { openDevice, tensor } from "../../runtime";
import { codesOf } from "../runtime/faults";
import { expectSame, rows } from "./commands";
import { Model } from "./model";
import { formatOf, onGrid, specOf } from "./samples";

const device = await openDevice({ backend: "interpreter" });
afterAll(() => device.close());

const plain = { element: "f32" } as const;
const layers = [{ keys: plain, values: plain }];

describe("a specification", () => {
  const coded = formatOf([4, 2], 1, 8, 1);
  test.each([
    ["no heads", { heads: 0, channels: 8, layers }, 1],
    ["a window that is no number of tokens, and sinks too", { heads: 1, channels: 8, layers, window: -1, sinks: 0.5 }, 2],
    ["no layers", { heads: 1, channels: 8, layers: [] }, 1],
    ["no sequences", { heads: 1, channels: 8, layers, batch: 0 }, 1],
    ["a layer without values", { heads: 1, channels: 8, layers: [{ keys: plain }] }, 1],
    ["another element type", { heads: 1, channels: 8, layers: [{ keys: { element: "f64" }, values: plain }] }, 1],
    ["halves that do not fill words", { heads: 1, channels: 9, layers: [{ keys: { element: "f16" }, values: plain }] }, 1],
    ["a coupling that does not divide the channels", { heads: 1, channels: 8, layers: [{ keys: { ...coded, couple: 3 }, values: plain }] }, 1],
    ["codes too wide", { heads: 1, channels: 8, layers: [{ keys: { ...coded, bits: 17 }, values: plain }] }, 1],
    ["a codebook of another shape", { heads: 1, channels: 8, layers: [{ keys: { ...coded, bits: 3 }, values: plain }] }, 1],
    ["a codebook that is none", { heads: 1, channels: 8, layers: [{ keys: { ...coded, book: {} }, values: plain }] }, 1],
  ])("with %s is refused", async (_, spec, faults) => {
    expect(await codesOf(createCache(spec as never, device))).toEqual(Array<string>(faults).fill("KV6101"));
  });

  test("with a codebook that holds what is no half is refused", async () => {
    const book = { shape: [1, 2, 4, 4], data: new Float32Array(32).fill(NaN) };
    expect(await codesOf(createCache({ heads: 1, channels: 8, layers: [{ keys: { couple: 4, bits: 2, book }, values: plain }] }, device))).toEqual(["KV3006"]);
  });
});

test("tokens that do not fit are refused, and leave the cache as it was", async () => {
  const spec = specOf({ heads: 2, channels: 8, window: 2, batch: 2, kinds: [[[4, 2], "f32"]] });
  const cache = await createCache(spec, device);
  const model = new Model(spec);
  const x = onGrid([3, 2, 8], 1);
  await cache.append(0, x, x, { counts: [2, 1] });
  model.append(0, rows(x), rows(x), [2, 1]);
  const refused = async (action: Promise<unknown>, code: string): Promise<void> => {
    expect(await codesOf(action)).toEqual([code]);
    await expectSame(cache, model);
  };
  await refused(cache.append(0, x, x), "KV6102");
  await refused(cache.append(0, x, x, { counts: [1, 1] }), "KV6102");
  await refused(cache.append(0, x, x, { counts: [4, -1] }), "KV6102");
  await refused(cache.append(0, onGrid([3, 8, 2], 1), x, { counts: [2, 1] }), "KV6102");
  await refused(cache.append(0, x, onGrid([2, 2, 8], 1), { counts: [2, 1] }), "KV6102");
  await refused(cache.append(0, x, tensor([3, 2, 8], new Float32Array(48).fill(NaN)), { counts: [2, 1] }), "KV3006");
  await refused(cache.append(1, x, x, { counts: [2, 1] }), "KV6103");
  await refused(cache.truncate(2, 1), "KV6103");
  await refused(cache.truncate(-1), "KV6103");
  await refused(cache.truncate(0, 2), "KV6103");
  await refused(cache.fork([2]), "KV6103");
  await refused(cache.fork([]), "KV6103");
  const codes = await device.upload({ kind: "uint", bits: 4 }, tensor([3, 2, 8], new Uint8Array(48)));
  await refused(cache.append(0, codes, x, { counts: [2, 1] }), "KV6102");
  await cache.close();
  await cache.close();
  for (const action of [() => cache.append(0, x, x), () => cache.truncate(0), () => cache.fork(), () => cache.save()]) expect(await codesOf(action())).toEqual(["KV6105"]);
  expect(await codesOf(Promise.resolve().then(() => cache.layer(0)))).toEqual(["KV6105"]);
  expect(await codesOf(loadCache({ tensors: {}, metadata: {} }, device))).toEqual(["KV6104"]);
});

test("calls take effect in the order in which they are made, whichever is waited for", async () => {
  const spec = specOf({ heads: 1, channels: 8, window: 2, kinds: [[[4, 2], "f16"]] });
  const cache = await createCache(spec, device);
  const model = new Model(spec);
  const chunks = [3, 1, 5, 2].map((count) => onGrid([count, 1, 8], count));
  const [first, second, third, fourth] = chunks.map((x) => () => cache.append(0, x, x));
  const forked = Promise.all([first?.(), second?.(), cache.truncate(2), third?.(), cache.fork(), fourth?.()]).then(([, , , , fork]) => fork);
  chunks.forEach((x, at) => {
    model.append(0, rows(x), rows(x), [x.shape[0] ?? 0]);
    if (at === 1) model.truncate(2, [0]);
  });
  const fork = await forked;
  await expectSame(cache, model);
  expect([cache.length(), fork.length()]).toEqual([9, 7]);
  await fork.close();
  await cache.close();
});
