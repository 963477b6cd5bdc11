import { afterAll, describe, expect, test } from "vitest";

import { createCache } from "../../runtime/cache/cache";
import type { Device } from "../../runtime/device";
import { openDevice } from "../../runtime";
import { WebGpuDevice } from "../../runtime/webgpu/device";
import { openInspected } from "../device/harness";
import { expectAttention, kernels } from "./attend";
import { rows } from "./commands";
import { Model } from "./model";
import { onGrid, SHAPES, specOf, type Shape } from "./samples";

const webgpu = await openInspected();
const devices: readonly (readonly [string, Device])[] = [
  ...(webgpu === undefined ? [] : [["wgsl", webgpu] as const]),
  ["interpreter", await openDevice({ backend: "interpreter" })],
  ["gpujs", await openDevice({ backend: "gpujs", mode: "cpu" })],
];
afterAll(async () => {
  for (const [, device] of devices) await device.close();
});

async function grown(device: Device, shape: Shape): Promise<{ readonly cache: Awaited<ReturnType<typeof createCache>>; readonly model: Model; readonly append: (counts: readonly number[]) => Promise<void> }> {
  const spec = specOf(shape);
  const cache = await createCache(spec, device);
  const model = new Model(spec);
  const append = async (counts: readonly number[]): Promise<void> => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (const layer of spec.layers.keys()) {
      const [keys, values] = [onGrid([total, spec.heads, spec.channels], total + 1), onGrid([total, spec.heads, spec.channels], total + 2)];
      await cache.append(layer, keys, values, { counts });
      model.append(layer, rows(keys), rows(values), counts);
    }
  };
  return { cache, model, append };
}

describe.each(devices)("%s", (_, device) => {
  test.each(Object.entries(SHAPES))("decodes and prefills while it fills, prepared once: %s", { timeout: 120_000 }, async (name, shape) => {
    const { cache, model, append } = await grown(device, shape);
    const { heads, channels, batch = 1 } = model.spec;
    const kernel = await device.prepare(kernels[name], { set: { channel: channels, kvHead: heads, head: 2 * heads } });
    const compiled = device instanceof WebGpuDevice ? device.pipelineCount : 0;
    const each = (count: number): number[] => Array.from({ length: batch }, (_each, sequence) => (sequence === 1 ? 2 * count : count));
    for (const [count, queries] of [[1, 1], [1, 2], [3, 5], [4, 1], [9, 8], [20, 20]] as const) {
      await append(each(count));
      for (let sequence = 0; sequence < batch; sequence++) await expectAttention(kernel, cache, model, { sequence, queries });
    }
    await cache.truncate(3);
    model.truncate(3, Array.from({ length: batch }, (_each, at) => at));
    await expectAttention(kernel, cache, model, { queries: 3 });
    if (device instanceof WebGpuDevice) expect(device.pipelineCount).toBe(compiled);
    await cache.close();
  });

  test.skipIf(device !== webgpu)("in one pass over the tokens too", { timeout: 120_000 }, async () => {
    const { cache, model, append } = await grown(device, SHAPES.windowAndSinks);
    const kernel = await device.prepare(kernels["windowAndSinks"], { plans: "folds", set: { channel: 32, kvHead: 2, head: 4 } });
    for (const [count, queries] of [[1, 1], [1, 2], [7, 1], [9, 8]] as const) {
      await append([count]);
      await expectAttention(kernel, cache, model, { queries });
    }
    await cache.close();
  });

  test("any map of query heads to key and value heads", async () => {
    const { cache, model, append } = await grown(device, SHAPES.windowAndSinks);
    await append([11]);
    const kernel = await device.prepare(kernels["mapped"]);
    for (const map of [[0, 0, 0, 1], [1, 0, 1, 1]]) await expectAttention(kernel, cache, model, { more: { map: { shape: [4], data: map } } });
    await cache.close();
  });
});
