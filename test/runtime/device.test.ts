import { expect, test } from "vitest";

import type { BufferTensor, DeviceTensor } from "../../runtime/device";
import { openDevice } from "../../runtime/index";
import type { WebGpuDevice } from "../../runtime/webgpu/device";
import type { Element } from "../../spec/graph/node";
import { INFINITY_SENTINEL, storageWords } from "../../spec/tensor/storage";
import { tensor } from "../../spec/tensor/tensor";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { describeOnDevice, device, openInspected, prepareProgram } from "../device/harness";
import { codesOf } from "./faults";
import { copied, faulty, programOf, scaled, squaredSum } from "./programs";

const floats = (...values: number[]): Float32Array => Float32Array.from(values);

async function opened(options: Parameters<typeof openInspected>[0] = {}): Promise<WebGpuDevice> {
  const own = await openInspected(options);
  if (own === undefined) throw new Error("the shared device opened, this one does not");
  return own;
}

describeOnDevice("a program on a device", () => {
  test("computes every element, at sizes around a workgroup and none at all", async () => {
    const kernel = await prepareProgram(device(), scaled());
    for (const n of [0, 1, 3, 63, 64, 65, 1000]) {
      const x = Float32Array.from({ length: n }, (_, i) => i - 7.5);
      const { out } = await kernel.run({ x: tensor([n], x) });
      expect(out).toEqual({ shape: [n], data: x.map((value) => 2 * value) });
    }
  });

  test("passes temporaries from one dispatch to the next", async () => {
    const kernel = await prepareProgram(device(), squaredSum());
    const { out } = await kernel.run({ x: tensor([3], [1, 2, 3]), y: tensor([3], [0.5, -2, 4]) });
    expect(out).toEqual({ shape: [3], data: floats(2.25, 0, 49) });
  });

  test("takes a snapshot of its inputs: what the caller does to them afterwards changes nothing", async () => {
    const kernel = await prepareProgram(device(), scaled());
    const x = floats(1, 2, 3);
    const running = kernel.run({ x: tensor([3], x) });
    x.fill(100);
    expect((await running)["out"]?.data).toEqual(floats(2, 4, 6));
  });

  test("runs of one kernel overlap without disturbing each other", async () => {
    const kernel = await prepareProgram(device(), squaredSum());
    const runs = Array.from({ length: 24 }, (_, run) => ({ n: 1 + ((run * 37) % 200), value: run }));
    const results = await Promise.all(runs.map(({ n, value }) => kernel.run({ x: tensor([n], new Float32Array(n).fill(value)), y: tensor([n], new Float32Array(n).fill(1)) })));
    results.forEach(({ out }, at) => {
      const { n = 0, value = 0 } = runs[at] ?? {};
      expect(out).toEqual({ shape: [n], data: new Float32Array(n).fill((value + 1) ** 2) });
    });
  });

  test("gives every buffer back, whether a run succeeds or fails", async () => {
    const own = await opened();
    const kernel = await prepareProgram(own, squaredSum());
    const inputs = { x: tensor([5], floats(1, 2, 3, 4, 5)), y: tensor([5], floats(1, 1, 1, 1, 1)) };
    await kernel.run(inputs);
    const { idle } = own.pool.count;
    for (let i = 0; i < 10; i++) await kernel.run(inputs);
    expect(own.pool.count).toEqual({ leased: 0, idle });
    expect(await codesOf(kernel.run({ x: inputs.x }))).toEqual(["KV3001"]);
    const broken = await prepareProgram(own, { ...scaled(), dispatches: scaled().dispatches.map((dispatch) => ({ ...dispatch, workgroups: () => [70_000, 1, 1] as const })) });
    await expect(broken.run({ x: inputs.x })).rejects.toThrow(InternalError);
    expect(own.pool.count.leased).toBe(0);
    expect((await kernel.run(inputs))["out"]?.data).toEqual(floats(4, 9, 16, 25, 36));
    await own.close();
  });

  test.each<[string, Element, Float32Array | Int32Array | Uint32Array | Uint8Array | Uint16Array]>([
    ["f32", { kind: "f32" }, floats(1.5, -2, 3e38, 1e-30, 0, 7)],
    ["f16", { kind: "f16" }, floats(1.5, -2, 65504, 2 ** -24, 0, 7)],
    ["i32", { kind: "i32" }, Int32Array.of(-(2 ** 31), -1, 0, 1, 2 ** 31 - 1, 5)],
    ["u32", { kind: "u32" }, Uint32Array.of(0, 1, 2 ** 32 - 1, 2 ** 31, 5, 6)],
    ["uint(1)", { kind: "uint", bits: 1 }, Uint8Array.of(1, 0, 1, 1, 0, 1)],
    ["uint(5)", { kind: "uint", bits: 5 }, Uint8Array.of(31, 0, 17, 1, 30, 9)],
    ["uint(8)", { kind: "uint", bits: 8 }, Uint8Array.of(255, 0, 17, 1, 30, 9)],
    ["uint(11)", { kind: "uint", bits: 11 }, Uint16Array.of(2047, 0, 17, 1024, 30, 9)],
    ["uint(16)", { kind: "uint", bits: 16 }, Uint16Array.of(65535, 0, 17, 1024, 30, 9)],
  ])("carries %s through storage unchanged", async (_, element, data) => {
    const shape = [2, 3];
    const kernel = await prepareProgram(device(), copied(element, () => storageWords(element, shape)));
    const { out } = await kernel.run({ x: tensor(shape, Array.from(data)) });
    expect(out).toEqual({ shape, data });
  });

  test("stores an admitted infinity as the largest number of its sign, and reads that back as infinity", async () => {
    const program = copied({ kind: "f32" }, () => 4);
    const admitting = await prepareProgram(device(), program, { admitsInfinity: () => true });
    const x = tensor([1, 4], floats(-Infinity, 0, Infinity, 1));
    expect((await admitting.run({ x }))["out"]?.data).toEqual(x.data);
    expect(await codesOf(admitting.run({ x: tensor([1, 1], [INFINITY_SENTINEL]) }))).toEqual(["KV3005"]);

    const refusing = await prepareProgram(device(), program);
    expect(await codesOf(refusing.run({ x }))).toEqual(["KV3006"]);
  });

  test("reports every fault of the inputs, by name", async () => {
    const kernel = await prepareProgram(device(), squaredSum());
    const x = tensor([2], floats(1, 2));
    expect(await codesOf(kernel.run({ x, z: x }))).toEqual(["KV3001", "KV3002"]);
    expect(await codesOf(kernel.run({ x, y: tensor([3], floats(1, 2, 3)) }))).toEqual(["KV2103"]);
    expect(await codesOf(kernel.run({ x, y: tensor([1, 2], floats(1, 2)) }))).toEqual(["KV3003"]);
    expect(await codesOf(kernel.run({ x, y: tensor([2], Uint8Array.of(1, 2)) }))).toEqual(["KV3004"]);
    expect(await codesOf(kernel.run({ x, y: { shape: [2], data: floats(1) } }))).toEqual(["KV3003"]);
    expect(await codesOf(kernel.run({ x, y: tensor([2], floats(1, NaN)) }))).toEqual(["KV3006"]);
    expect(await codesOf(kernel.run({ x, y: tensor([2], [1, 1e39]) }))).toEqual(["KV3005"]);
    expect(await codesOf(kernel.run({ x, y: null as never }))).toEqual(["KV3003"]);
    expect(await codesOf(kernel.run({ x, y: undefined as never }))).toEqual(["KV3001"]);
    expect(await codesOf(kernel.run(undefined as never))).toEqual(["KV3001", "KV3001"]);
    expect(await codesOf(kernel.run({ x, y: x }, { set: { n: 3 } }))).toEqual(["KV2103", "KV2103"]);
    expect(await codesOf(kernel.run({ x, y: x }, { keep: ["result"] }))).toEqual(["KV4009"]);
  });

  test("asks about sizes that only a run knows, once for each", async () => {
    const asked: number[] = [];
    const kernel = await prepareProgram(device(), scaled(), { discharge: ({ n = -1 }) => void asked.push(n) });
    for (const n of [2, 2, 3]) await kernel.run({ x: tensor([n], new Float32Array(n)) });
    expect(asked).toEqual([2, 3]);
  });
});

describeOnDevice("tensors that stay on the device", () => {
  test("an output feeds the next run without a copy, and is read when asked", async () => {
    const kernel = await prepareProgram(device(), scaled());
    let { out } = await kernel.run({ x: tensor([70], new Float32Array(70).fill(1)) }, { device: true });
    for (let i = 0; i < 5; i++) {
      const before = out;
      ({ out } = await kernel.run({ x: before as DeviceTensor }, { keep: ["out"] }));
      before?.destroy();
    }
    expect(await out?.read()).toEqual({ shape: [70], data: new Float32Array(70).fill(64) });
    out?.destroy();
  });

  test("an uploaded tensor serves many runs", async () => {
    const kernel = await prepareProgram(device(), squaredSum());
    const x = await device().upload({ kind: "f32" }, tensor([2], floats(1, 2)));
    for (const y of [3, 4]) expect((await kernel.run({ x, y: tensor([2], floats(y, y)) }))["out"]?.data).toEqual(floats((1 + y) ** 2, (2 + y) ** 2));
    expect(await x.read()).toEqual({ shape: [2], data: floats(1, 2) });
    x.destroy();
  });

  test("codes are uploaded packed and come back unpacked", async () => {
    const element: Element = { kind: "uint", bits: 3 };
    const codes = tensor([2, 11], Uint8Array.from({ length: 22 }, (_, i) => i % 8));
    const uploaded = await device().upload({ element }, codes);
    expect(await uploaded.read()).toEqual(codes);
    const kernel = await prepareProgram(device(), copied(element, () => storageWords(element, codes.shape)));
    expect((await kernel.run({ x: uploaded }))["out"]).toEqual(codes);
    uploaded.destroy();
  });

  test("what cannot be used is refused: destroyed, of another type, of another device, with infinities not asked for", async () => {
    const kernel = await prepareProgram(device(), scaled());
    const x = await device().upload({ kind: "f32" }, tensor([2], floats(1, 2)));
    x.destroy();
    x.destroy();
    expect(await codesOf(kernel.run({ x }))).toEqual(["KV4008"]);
    expect(await codesOf(x.read())).toEqual(["KV4008"]);

    const integers = await device().upload({ kind: "i32" }, tensor([2], Int32Array.of(1, 2)));
    expect(await codesOf(kernel.run({ x: integers }))).toEqual(["KV3004"]);
    const infinite = await device().upload({ kind: "f32" }, tensor([2], floats(-Infinity, 2)));
    expect(await codesOf(kernel.run({ x: infinite }))).toEqual(["KV3006"]);
    expect((await infinite.read()).data).toEqual(floats(-Infinity, 2));

    const other = await opened();
    const elsewhere = await other.upload({ kind: "f32" }, tensor([2], floats(1, 2)));
    expect(await codesOf(kernel.run({ x: elsewhere }))).toEqual(["KV4008"]);
    await other.close();
    for (const each of [integers, infinite]) each.destroy();
    expect(await codesOf(device().upload({ kind: "uint", bits: 17 }, tensor([1], [0])))).toEqual(["KV3004"]);
    expect(await codesOf(device().upload({ kind: "uint", bits: 2 }, tensor([1], [4])))).toEqual(["KV3005"]);
  });

  test("a buffer of the caller's is taken as it is, or refused with what would fit", async () => {
    const kernel = await prepareProgram(device(), scaled());
    const { gpuDevice } = device();
    const STORAGE = 128, COPY_DST = 8;
    const buffer = gpuDevice.createBuffer({ size: 512, usage: STORAGE | COPY_DST });
    gpuDevice.queue.writeBuffer(buffer, 256, floats(1, 2, 3));
    const x: BufferTensor = { shape: [3], buffer, offset: 256 };
    expect((await kernel.run({ x }))["out"]?.data).toEqual(floats(2, 4, 6));
    expect(await codesOf(kernel.run({ x: { ...x, offset: 4 } }))).toEqual(["KV4008"]);
    expect(await codesOf(kernel.run({ x: { ...x, shape: [129] } }))).toEqual(["KV4008"]);
    const unfit = gpuDevice.createBuffer({ size: 512, usage: COPY_DST });
    expect(await codesOf(kernel.run({ x: { shape: [3], buffer: unfit } }))).toEqual(["KV4008"]);
    buffer.destroy();
    expect(await codesOf(kernel.run({ x }))).toEqual(["KV4008"]);
    expect(device().pool.count.leased).toBe(0);
    unfit.destroy();
  });
});

describeOnDevice("what tests ask of buffers", () => {
  const onlyFirst = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
struct Sizes { n: u32 }
@group(0) @binding(2) var<uniform> sizes: Sizes;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x + 1 < sizes.n) { result[id.x] = x[id.x]; }
}`;

  test("an element that a kernel leaves out is found", async () => {
    const kernel = await prepareProgram(device(), faulty(onlyFirst));
    await expect(kernel.run({ x: tensor([5], floats(1, 2, 3, 4, 5)) })).rejects.toThrow("internal: `scale` left word 4 of `out` unwritten");
  });

  test("without them the same kernel passes for one that gives a number", async () => {
    const own = await opened({ debug: {} });
    const kernel = await prepareProgram(own, faulty(onlyFirst));
    const { out } = await kernel.run({ x: tensor([5], floats(1, 2, 3, 4, 5)) });
    expect(out?.data).toEqual(floats(1, 2, 3, 4, 0));
    await own.close();
  });
});

describeOnDevice("a text that the device refuses", () => {
  test("is an internal fault that carries the text and the reason", async () => {
    const fault: unknown = await prepareProgram(device(), faulty("fn main() { nonsense }")).then(() => undefined, (thrown: unknown) => thrown);
    expect(fault).toBeInstanceOf(InternalError);
    expect(String(fault)).toContain("compiling scale");
    expect(String(fault)).toContain("   1  fn main() { nonsense }");
    expect(String(fault)).toMatch(/1:\d+ error/);
  });

  test("has more storage buffers than the device", async () => {
    const inputs = Array.from({ length: 40 }, (_, at) => ({ name: `x${at}`, element: { kind: "f32" } as const, axes: ["n"] }));
    const program = programOf({
      name: "wide",
      inputs,
      outputs: [],
      dispatches: [{ name: "wide", code: "@compute @workgroup_size(1) fn main() {}", bindings: inputs.map(({ name }) => ({ array: name, access: "read" as const })), uniforms: [], threads: () => 1 }],
    });
    await expect(prepareProgram(device(), program)).rejects.toThrow(/internal: compiling wide.*storage buffers/is);
  });

  test("each text is compiled once", async () => {
    const own = await opened();
    await Promise.all([prepareProgram(own, scaled(3)), prepareProgram(own, scaled(3)), prepareProgram(own, scaled(4))]);
    expect(own.pipelineCount).toBe(2);
    await own.close();
  });
});

describeOnDevice("limits", () => {
  test("are the adapter's, or less where less is asked for", async () => {
    const own = await opened({ limits: { maxStorageBufferBindingSize: 2 ** 20, maxStorageBuffersPerShaderStage: 4 } });
    expect(own.limits.maxStorageBufferBindingSize).toBe(2 ** 20);
    expect(own.limits.maxStorageBuffersPerShaderStage).toBe(4);
    expect(own.limits.maxComputeWorkgroupStorageSize).toBe(device().limits.maxComputeWorkgroupStorageSize);
    const kernel = await prepareProgram(own, scaled());
    const most = 2 ** 18;
    expect((await kernel.run({ x: tensor([most], new Float32Array(most).fill(1)) }))["out"]?.data.every((value) => value === 2)).toBe(true);
    expect(await codesOf(kernel.run({ x: tensor([most + 1], new Float32Array(most + 1)) }))).toEqual(["KV4007"]);
    expect(await codesOf(own.upload({ kind: "f32" }, tensor([most + 1], new Float32Array(most + 1))))).toEqual(["KV4007"]);
    await own.close();
  });
});

describeOnDevice("a device", () => {
  test("says what it is and why", async () => {
    const own = await openDevice({ backend: "wgsl" });
    expect(["hardware", "software"]).toContain(own.info.kind);
    expect(own.describe()).toBe(`wgsl: ${own.info.name} (${own.info.kind}); ${own.info.why}`);
    await own.close();
  });

  test("closes once what runs on it is done, and then refuses", async () => {
    const own = await opened();
    const kernel = await prepareProgram(own, scaled());
    const kept = await own.upload({ kind: "f32" }, tensor([1], [1]));
    const running = kernel.run({ x: tensor([3], floats(1, 2, 3)) });
    const closed = own.close();
    expect((await running)["out"]?.data).toEqual(floats(2, 4, 6));
    await closed;
    await own.close();
    expect(await codesOf(kernel.run({ x: tensor([1], [1]) }))).toEqual(["KV4005"]);
    expect(await codesOf(kept.read())).toEqual(["KV4005"]);
    expect(await codesOf(own.upload({ kind: "f32" }, tensor([1], [1])))).toEqual(["KV4005"]);
    expect(await codesOf(own.prepare({}))).toEqual(["KV4005"]);
    kept.destroy();
  });

  test("that is lost says so, in what was running and in everything after", async () => {
    const own = await opened();
    const kernel = await prepareProgram(own, scaled());
    const kept = await own.upload({ kind: "f32" }, tensor([1], [1]));
    const running = codesOf(kernel.run({ x: tensor([3], floats(1, 2, 3)) }));
    own.gpuDevice.destroy();
    expect(await running).toEqual(["KV4004"]);
    expect(await codesOf(kernel.run({ x: tensor([1], [1]) }))).toEqual(["KV4004"]);
    expect(await codesOf(kept.read())).toEqual(["KV4004"]);
    const fault: unknown = await kernel.run({ x: tensor([1], [1]) }).catch((thrown: unknown) => thrown);
    expect(String(fault)).toContain(own.info.name);
    expect(String(fault)).toContain("running `scale`");
    await own.close();
  });
});

test("backends and modes that do not exist are refused with those that do", async () => {
  expect(await codesOf(openDevice({ backend: "cuda" as never }))).toEqual(["KV4002"]);
  expect(await codesOf(openDevice({ backend: "constructor" as never }))).toEqual(["KV4002"]);
  expect(await codesOf(openDevice({ backend: "wgsl", mode: "cpu" }))).toEqual(["KV4003"]);
});
