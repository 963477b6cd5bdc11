/** @file Whichever call of a device fails, a cache is as it was before, holds what it held, and can go on. */

import { expect, test } from "vitest";

import { createCache, type Cache } from "../../runtime/cache/cache";
import { loadCache } from "../../runtime/cache/load";
import { lowered } from "../../runtime/lowering";
import { writeSafetensors } from "../../runtime/safetensors/write";
import { WebGpuDevice } from "../../runtime/webgpu/device";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { describeOnDevice } from "../device/harness";
import { withFault } from "../faults/injector";
import { expectSame, rows } from "./commands";
import { Model } from "./model";
import { onGrid, specOf } from "./samples";

/** Sinks, a window and room that runs out: one append does everything that an append can. */
const SPEC = specOf({ heads: 1, channels: 8, window: 3, sinks: 1, batch: 2, kinds: [[[4, 2], "f16"]] });

const x = (count: number, seed: number): ReturnType<typeof onGrid> => onGrid([count, 1, 8], seed);

/** Both sequences with `count` more tokens, those of the second without the last one. */
async function append(cache: Cache, model: Model | undefined, count: number, seed: number): Promise<void> {
  const counts = [count, count - 1];
  const [keys, values] = [x(2 * count - 1, seed), x(2 * count - 1, seed + 1)];
  await cache.append(0, keys, values, { counts });
  model?.append(0, rows(keys), rows(values), counts);
}

describeOnDevice("a cache on a device whose calls fail", () => {
  test.each(["throws", "validation", "memory"] as const)("%s", { timeout: 240_000 }, async (fault) => {
    const device = await WebGpuDevice.open({ adapter: "software" }, lowered);
    for (let at = 0, done = false; !done; at++) {
      const cache = await createCache(SPEC, device);
      const model = new Model(SPEC);
      await append(cache, model, 60, 1);
      const fork = await cache.fork();
      // Everything has been prepared; what remains is what an append does, here with room that is shared and runs out.
      await append(fork, undefined, 2, 5);
      const held = device.pool.count.leased;
      const before = cache.memory();
      const outcome = await withFault(fault, at, ({ calls }) => append(cache, undefined, 9, 3).then(() => ({ failed: false, calls: calls.length }), () => ({ failed: true, calls: calls.length })));
      if (outcome.failed) {
        expect(device.pool.count.leased, `${fault} at ${at}`).toBe(held);
        expect(cache.memory()).toEqual(before);
        await expectSame(cache, model);
        await append(cache, model, 9, 3);
      } else {
        model.append(0, rows(x(17, 3)), rows(x(17, 4)), [9, 8]);
        // The last call but for those that cannot fail in this way.
        done = at >= outcome.calls;
      }
      await expectSame(cache, model);
      await cache.close();
      await fork.close();
      expect(device.pool.count.leased).toBe(0);
    }
    await device.close();
  });

  test("a device that is lost in the middle of an append is named as the cause, and the cache says what it held", { timeout: 240_000 }, async () => {
    /** Opens a device whose call `at` it does not survive, and appends twice; the second time from call `from` on. */
    const lost = (at: number): Promise<readonly [calls: readonly string[], from: number]> =>
      withFault("lost", at, async ({ calls }) => {
        const device = await WebGpuDevice.open({ adapter: "software" }, lowered);
        const cache = await createCache(SPEC, device);
        await append(cache, undefined, 60, 1);
        const from = calls.length;
        const tokens = (): readonly unknown[] => [0, 1].map((sequence) => cache.layer(0, sequence).tokens);
        const before = { tokens: tokens(), memory: cache.memory(), held: device.pool.count.leased };
        const thrown: unknown = await append(cache, undefined, 9, 3).then(() => undefined, (fault: unknown) => fault);
        if (at < Infinity) {
          const what = `lost at call ${at}, ${calls[at] ?? "never made"}`;
          expect(thrown, what).toBeInstanceOf(KvernError);
          expect(String(thrown), what).toContain("KV4004");
          expect({ tokens: tokens(), memory: cache.memory(), held: device.pool.count.leased }, what).toEqual(before);
          // What follows fails for the same reason; what takes no device does not fail.
          await expect(append(cache, undefined, 2, 5)).rejects.toThrow("KV4004");
          await expect(cache.save()).rejects.toThrow("KV4004");
          await cache.truncate(10);
          expect(cache.length()).toBe(10);
        }
        await cache.close();
        expect(device.pool.count.leased).toBe(0);
        await device.close();
        return [[...calls], from];
      });
    const [calls, from] = await lost(Infinity);
    const append9 = calls.map((name, at) => ({ name, at })).slice(from);
    // Of each kind of call the first and the last.
    const kinds = new Set(append9.map(({ name }) => name));
    expect(kinds.size).toBeGreaterThan(4);
    const places = new Set([...kinds].flatMap((kind) => [append9.find(({ name }) => name === kind)?.at, append9.findLast(({ name }) => name === kind)?.at]));
    for (const at of places) if (at !== undefined) await lost(at);
  });

  test("making and loading a cache give back what they took when they fail", { timeout: 120_000 }, async () => {
    const device = await WebGpuDevice.open({ adapter: "software" }, lowered);
    const cache = await createCache(SPEC, device);
    await append(cache, undefined, 7, 1);
    const { tensors, metadata } = await cache.save();
    const file = writeSafetensors(tensors, { metadata });
    await cache.close();
    for (const make of [() => createCache(SPEC, device), () => loadCache(file, device)]) {
      let done = false;
      for (let at = 0; !done; at++) {
        done = await withFault("throws", at, async ({ calls }) => {
          const made = await make().catch(() => undefined);
          await made?.close();
          return at >= calls.length;
        });
        expect(device.pool.count.leased, `call ${at}`).toBe(0);
      }
    }
    await device.close();
  });
});
