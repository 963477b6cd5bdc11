/** @file The gpu.js backend as a device: modes, refusals, kept tensors, and a process that ends. */

import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { promisify } from "node:util";
import { openDevice, tensor, type Device, type DeviceTensor } from "../../runtime/index";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { saveGraph } from "../../spec/graph/json";
import { draw, f32, i32, integers, reals, tensorOf, uint } from "../emit/programs";
import { bundleForBrowsers } from "../runtime/bundle";
import { modesHere } from "./agreement";

const codesOf = async (action: Promise<unknown>): Promise<readonly string[]> => {
  try {
    await action;
  } catch (fault) {
    if (fault instanceof KvernError) return fault.diagnostics.map(({ code }) => code);
    throw fault;
  }
  return [];
};

async function withDevice(mode: string, use: (device: Device) => Promise<void>): Promise<void> {
  const device = await openDevice({ backend: "gpujs", mode });
  try {
    await use(device);
  } finally {
    await device.close();
  }
}

const x = tensorOf("x", f32, "n");
const codes = tensorOf("codes", uint(8), "n");
const scaled = saveGraph(draw([x, codes], [[tensorOf("out", f32, "n"), ({ b, load }, n) => b.multiply(load(x, n), load(codes, n))]]));

test("says which mode it is, and takes the fastest where none is asked for", async () => {
  await withDevice("cpu", (device) => {
    expect(device.describe()).toBe("gpujs: gpu.js, mode cpu (software); it was asked for");
    return Promise.resolve();
  });
  const device = await openDevice({ backend: "gpujs" });
  expect(device.describe()).toMatch(/^gpujs: gpu\.js, mode (webgpu \(hardware\)|webasm \(software\)); it was asked for$/);
  await device.close();
});

/** gpu.js, and how many kernels it has been asked for. */
async function counted(): Promise<{ readonly library: unknown; readonly made: () => number }> {
  const { GPU } = (await import("gpu.js")) as unknown as { GPU: new (settings: object) => { createKernel(...settings: readonly unknown[]): unknown } };
  let kernels = 0;
  class Counted extends GPU {
    override createKernel(...settings: readonly unknown[]): unknown {
      kernels++;
      return super.createKernel(...settings);
    }
  }
  return { library: { GPU: Counted }, made: () => kernels };
}

test.each(await modesHere())("in mode %s a length that changes has nothing compiled again while there is room", async (mode) => {
  const { library, made } = await counted();
  const device = await openDevice({ backend: "gpujs", mode, library });
  const prepared = await device.prepare(scaled);
  const counts: number[] = [];
  for (const length of [5, 6, 7, 8, 5, 1, 9, 12, 16, 15]) {
    const before = made();
    const inputs = { x: reals([length], length), codes: integers([length], 0, 255, length) };
    const { out } = await prepared.run(inputs);
    expect([...(out?.data ?? [])], String(length)).toEqual([...inputs.x.data].map((value, at) => Math.fround(Math.fround(value) * (inputs.codes.data[at] ?? 0))));
    counts.push(Math.min(1, made() - before));
  }
  // For the first length, for the first that differs, for a shorter one, for more than there is room for.
  expect(counts).toEqual([1, 1, 0, 0, 0, 1, 1, 0, 0, 0]);
  await device.close();
});

test.each(await modesHere())("in mode %s a tensor given again and again gives what it holds, also after it has been written to", async (mode) => {
  const { library, made } = await counted();
  const device = await openDevice({ backend: "gpujs", mode, library });
  const prepared = await device.prepare(scaled);
  const [kept, other] = [await device.upload(x, reals([6], 1)), await device.upload(x, reals([6], 2))];
  const run = async (tensor: DeviceTensor): Promise<void> => {
    const { out } = await prepared.run({ x: tensor, codes: { shape: [6], data: [1, 2, 3, 4, 5, 6] } });
    const { data } = await tensor.read();
    expect([...(out?.data ?? [])]).toEqual([...data].map((value, at) => Math.fround(value * (at + 1))));
  };
  for (let round = 0; round < 4; round++) for (const tensor of [kept, other]) await run(tensor);
  const before = made();
  for (let round = 0; round < 4; round++) for (const tensor of [kept, other]) await run(tensor);
  expect(made()).toBe(before);
  for (let round = 0; round < 4; round++) {
    await device.copy([{ from: { shape: [1], data: [100 + round] }, count: 1, to: kept, at: round }]);
    for (let again = 0; again < 4; again++) await run(kept);
  }
  kept.destroy();
  await run(other);
  await device.close();
});

/** gpu.js, which runs every kernel after the first, a device's trial of the mode, in JavaScript. */
async function straying(): Promise<unknown> {
  type Pipeline = ((...inputs: readonly unknown[]) => unknown) & { readonly destroy: () => unknown };
  const { GPU } = (await import("gpu.js")) as unknown as { GPU: new (settings: object) => { createPipeline(record: unknown): Pipeline } };
  let made = 0;
  class Straying extends GPU {
    override createPipeline(record: unknown): Pipeline {
      const pipeline = super.createPipeline(record);
      if (made++ === 0) return pipeline;
      return Object.assign((...inputs: readonly unknown[]) => pipeline(...inputs), { destroy: () => pipeline.destroy(), backend: "cpu", fallbackReason: "a module that would not load" });
    }
  }
  return { GPU: Straying };
}

test("a kernel that gpu.js ran in another mode is refused, or told of where that was allowed", async () => {
  const inputs = { x: reals([3]), codes: integers([3], 0, 9) };
  const strict = await openDevice({ backend: "gpujs", mode: "webasm", library: await straying() });
  expect(await codesOf((await strict.prepare(scaled)).run(inputs))).toEqual(["KV4205"]);
  await strict.close();
  const lenient = await openDevice({ backend: "gpujs", mode: "webasm", library: await straying(), fallback: true });
  const { out } = await (await lenient.prepare(scaled)).run(inputs);
  expect(out?.data.length).toBe(3);
  expect(lenient.describe()).toBe("gpujs: gpu.js, mode webasm (software); it was asked for; `sample` ran in mode cpu (a module that would not load)");
  await lenient.close();
});

test("refuses modes that are not there", async () => {
  expect(await codesOf(openDevice({ backend: "gpujs", mode: "metal" }))).toEqual(["KV4003"]);
});

test("tensors stay with the device, and give what they were given", () => withDevice("webasm", async (device) => {
  const prepared = await device.prepare(scaled);
  const kept = await device.upload(codes, integers([70], 0, 255));
  const first = await prepared.run({ x: reals([70]), codes: kept }, { device: true });
  const again = await prepared.run({ x: first["out"] ?? tensor([0], []), codes: kept });
  const given = { x: reals([70]).data, codes: integers([70], 0, 255).data };
  expect([...(again["out"]?.data ?? [])]).toEqual(given.codes.map((code, at) => Math.fround(Math.fround((given.x[at] ?? 0) * code) * code)));
  kept.destroy();
  expect(await codesOf(prepared.run({ x: reals([70]), codes: kept }))).toEqual(["KV4008"]);
  await withDevice("webasm", async (other) => {
    const elsewhere = await other.upload(codes, integers([70], 0, 255));
    expect(await codesOf(prepared.run({ x: reals([70]), codes: elsewhere }))).toEqual(["KV4008"]);
  });
}));

test("runs of many sizes may overlap", () => withDevice("webasm", async (device) => {
  const prepared = await device.prepare(scaled);
  const sizes = Array.from({ length: 40 }, (_, at) => at);
  const runs = await Promise.all(sizes.map((n) => prepared.run({ x: { shape: [n], data: new Float32Array(n).fill(0.5) }, codes: integers([n], 2, 2) })));
  expect(runs.map(({ out }) => [...(out?.data ?? [])])).toEqual(sizes.map((n) => Array.from({ length: n }, () => 1)));
}));

test("inputs are read before a run returns", () => withDevice("cpu", async (device) => {
  const prepared = await device.prepare(scaled);
  const data = Float32Array.of(1, 2, 3);
  const running = prepared.run({ x: { shape: [3], data }, codes: integers([3], 1, 1) });
  data.fill(0);
  expect([...((await running)["out"]?.data ?? [])]).toEqual([1, 2, 3]);
}));

test("integers that f32 does not hold are refused, where they come from and where they lead", () => withDevice("cpu", async (device) => {
  const ids = tensorOf("ids", i32, "n");
  const graph = draw([ids], [[tensorOf("out", i32, "n"), ({ b, load }, n) => b.scale(1000, load(ids, n))]]);
  const prepared = await device.prepare(saveGraph(graph));
  expect([...((await prepared.run({ ids: tensor([2], [16777, -16777]) }))["out"]?.data ?? [])]).toEqual([16777000, -16777000]);
  expect(await codesOf(prepared.run({ ids: tensor([1], [16778]) }))).toEqual(["KV4201"]);
  expect(await codesOf(prepared.run({ ids: tensor([1], [2 ** 24 + 1]) }))).toEqual(["KV4202"]);
}));

test("tensors with more elements than f32 can number are refused before anything runs", () => withDevice("cpu", async (device) => {
  const graph = draw([x], [[tensorOf("out", f32, "n", "m"), ({ load }, n) => load(x, n)]]);
  expect(await codesOf(device.prepare(saveGraph(graph), { set: { n: 4097, m: 4096 } }))).toEqual(["KV4203"]);
}));

test("after closing nothing runs, and Node ends by itself", async () => {
  const device = await openDevice({ backend: "gpujs", mode: "webasm" });
  const prepared = await device.prepare(scaled);
  await device.close();
  await device.close();
  expect(await codesOf(prepared.run({ x: reals([1]), codes: integers([1], 0, 1) }))).toEqual(["KV4005"]);
  const bundle = await bundleForBrowsers("runtime/index.ts");
  const modes = await modesHere();
  try {
    const script = `
      const { openDevice } = await import(${JSON.stringify(bundle.file)});
      for (const mode of ${JSON.stringify(modes)}) {
        const device = await openDevice({ backend: "gpujs", mode });
        const prepared = await device.prepare(${JSON.stringify(scaled)});
        const { out } = await prepared.run({ x: { shape: [2], data: [1, 2] }, codes: { shape: [2], data: [3, 4] } });
        console.log(device.mode, Array.from(out.data).join(" "));
        await device.close();
      }`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: new URL("../..", import.meta.url).pathname, timeout: 30_000 });
    expect(stdout).toBe(modes.map((mode) => `${mode} 3 8\n`).join(""));
  } finally {
    bundle.remove();
  }
}, 60_000);
