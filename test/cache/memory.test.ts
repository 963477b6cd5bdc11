/** @file What a cache says that it holds is what was created on its device, counted there. */

import { afterAll, expect, test } from "vitest";

import { createCache } from "../../runtime/cache/cache";
import { lowered } from "../../runtime/lowering";
import { WebGpuDevice } from "../../runtime/webgpu/device";
import { describeOnDevice } from "../device/harness";
import { withFault } from "../faults/injector";
import { onGrid, specOf } from "./samples";

describeOnDevice("memory", () => {
  const opened: WebGpuDevice[] = [];
  afterAll(async () => {
    for (const device of opened) await device.close();
  });

  test("is that of the buffers created and neither destroyed nor idle, however the cache came there", { timeout: 120_000 }, async () => {
    await withFault("throws", Infinity, async ({ buffers }) => {
      const device = await WebGpuDevice.open({ adapter: "software" }, lowered);
      opened.push(device);
      const created = (): number => [...buffers].reduce((sum, buffer) => sum + (buffer as GPUBuffer).size, 0);
      const held = (): number => created() - device.pool.idleBytes;
      const cache = await createCache(specOf({ heads: 2, channels: 32, window: 5, sinks: 2, batch: 2, kinds: [[[8, 4], "f16"], ["f32", [4, 6]]] }), device);
      expect(cache.memory()).toMatchObject({ total: held(), coded: 0, tail: 0, sinks: 0, shared: 0 });
      for (const count of [1, 3, 40, 1, 90]) {
        for (const layer of [0, 1]) await cache.append(layer, onGrid([2 * count, 2, 32], 1), onGrid([2 * count, 2, 32], 2), { counts: [count, count] });
        const { total, books, coded, tail, sinks } = cache.memory();
        expect(total).toBe(held());
        expect(books + coded + tail + sinks).toBe(total);
      }
      // 135 tokens in each of two sequences: 2 sinks, 128 coded, 5 in the tail.
      const token = 2 * 32 * 4;
      expect(cache.memory().live).toEqual({
        sinks: 2 * 2 * 4 * token,
        tail: 2 * 5 * 4 * token,
        coded: 2 * 128 * (2 * 4 + token / 2 + token + 2 * 8),
        books: 2 * (2 * 4 * 16 * 8) + 2 * (2 * 8 * 64 * 4),
      });
      const alone = cache.memory().total;
      const fork = await cache.fork([0]);
      expect(held()).toBe(alone);
      await fork.append(0, onGrid([1, 2, 32], 3), onGrid([1, 2, 32], 4));
      expect(held()).toBe(cache.memory().total + fork.memory().total - fork.memory().shared);
      await cache.close();
      expect(held()).toBe(fork.memory().total);
      expect(fork.memory().shared).toBe(0);
      await fork.close();
      expect(held()).toBe(0);
    });
  });
});
