/** @file Sequences of commands on caches, held to plain arrays. */

import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";

import { createCache } from "../../runtime/cache/cache";
import type { Device } from "../../runtime/device";
import { openDevice } from "../../runtime";
import { openInspected } from "../device/harness";
import { commands } from "./commands";
import { Model } from "./model";
import { specOf, type Shape } from "./samples";

const webgpu = await openInspected();
const devices: readonly (readonly [string, Device, runs: number])[] = [
  ...(webgpu === undefined ? [] : [["wgsl", webgpu, 3] as const]),
  ["interpreter", await openDevice({ backend: "interpreter" }), 5],
  ["gpujs", await openDevice({ backend: "gpujs", mode: "cpu" }), 2],
];
afterAll(async () => {
  for (const [, device] of devices) await device.close();
});

/** Heads and channels for which a view on a GPU begins anywhere, and for which it does not; all ways of storing. */
const SHAPES: readonly (readonly [string, Shape])[] = [
  ["no window", { heads: 2, channels: 8, kinds: [[[4, 3], [2, 5]]] }],
  ["a window of 1", { heads: 1, channels: 12, window: 1, kinds: [[[3, 4], "f16"]] }],
  ["a window of 5 and 2 sinks", { heads: 2, channels: 32, window: 5, sinks: 2, kinds: [[[8, 4], [16, 3]], [[1, 1], "f32"]] }],
  ["3 sinks, a batch of 3", { heads: 2, channels: 8, sinks: 3, batch: 3, kinds: [["f32", [8, 4]]] }],
  ["a window of 4 in f16, a batch of 2", { heads: 2, channels: 8, window: 4, sinks: 1, batch: 2, kinds: [["f16", [4, 4]]] }],
];

describe.each(devices)("%s", (_, device, runs) => {
  test.each(SHAPES)("holds what plain arrays hold: %s", { timeout: 240_000 }, async (_name, shape) => {
    const spec = specOf(shape);
    const before = webgpu?.pool.count.leased;
    await fc.assert(
      fc.asyncProperty(commands(40), async (list) => {
        const caches = [await createCache(spec, device)];
        try {
          await fc.asyncModelRun(() => ({ model: { models: [new Model(spec)] }, real: { caches } }), list);
        } finally {
          for (const cache of caches) await cache.close();
        }
      }),
      { numRuns: runs, seed: 4 },
    );
    if (device === webgpu) expect(webgpu.pool.count.leased).toBe(before);
  });
});
