/** @file Sequences of commands on caches, held to plain arrays. */

import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";

import { createCache } from "../../runtime/cache/cache";
import type { Device } from "../../runtime/device";
import { openDevice } from "../../runtime";
import { openInspected } from "../device/harness";
import { kernels } from "./attend";
import { Attend, commands } from "./commands";
import { Model } from "./model";
import { SHAPES, specOf } from "./samples";

const webgpu = await openInspected();
const devices: readonly (readonly [string, Device, runs: number])[] = [
  ...(webgpu === undefined ? [] : [["wgsl", webgpu, 2] as const]),
  ["interpreter", await openDevice({ backend: "interpreter" }), 4],
  ["gpujs", await openDevice({ backend: "gpujs", mode: "cpu" }), 1],
];
afterAll(async () => {
  for (const [, device] of devices) await device.close();
});

describe.each(devices)("%s", (_, device, runs) => {
  test.each(Object.entries(SHAPES))("holds what plain arrays hold, and attends as they say: %s", { timeout: 240_000 }, async (name, shape) => {
    const spec = specOf(shape);
    const { heads, channels } = spec;
    const kernel = await device.prepare(kernels[name], { set: { channel: channels, kvHead: heads, head: 2 * heads } });
    const attend = fc.tuple(fc.nat(5), fc.nat(3), fc.integer({ min: 1, max: 8 })).map((all) => new Attend(kernel, ...all));
    const before = webgpu?.pool.count.leased;
    await fc.assert(
      fc.asyncProperty(commands(40, [attend]), async (list) => {
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
