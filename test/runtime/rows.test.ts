/** @file Memory that stays on a device: allocated, written by rows, seen through views, written into by runs. */

import { afterAll, describe, expect, test } from "vitest";

import type { Device, DeviceTensor, RowCopy } from "../../runtime/device";
import { openDevice, tensor } from "../../runtime";
import type { Element } from "../../spec/graph/node";
import { openInspected } from "../device/harness";
import { compileSource } from "kvern/compiler";
import { PRELUDE } from "../source/compiling";
import { codesOf } from "./faults";

const { kernels } = await compileSource({
  "k.ts": `${PRELUDE}
export const twice = kernel({ x: f32(token, channel) }, f32(token, channel), ({ x }) => (t, c) => 2 * x(t, c));
export const nearest = kernel({ x: f32(token, channel) }, uint(5)(token, channel), ({ x }) => (t, c) => Math.min(Math.max(Math.round(x(t, c)), 0), 31));
export const halves = kernel({ x: f32(token, channel) }, f16(token, channel), ({ x }) => (t, c) => x(t, c));
export const peaks = kernel({ x: f32(token, channel) }, f32(token), ({ x }) => (t) => max(channel, (c) => x(t, c)));
`,
}, "k.ts");

const f32: Element = { kind: "f32" };
const rising = (rows: number, width: number, from = 0): Float32Array => Float32Array.from({ length: rows * width }, (_, i) => from + i);

const viewed = async (of: DeviceTensor, first: number, count: number): Promise<DeviceTensor> => Promise.resolve().then(() => of.rows(first, count));

const webgpu = await openInspected();
const devices: readonly (readonly [string, Device])[] = [
  ...(webgpu === undefined ? [] : [["wgsl", webgpu] as const]),
  ["interpreter", await openDevice({ backend: "interpreter" })],
  ["gpujs", await openDevice({ backend: "gpujs", mode: "cpu" })],
];
afterAll(async () => {
  for (const [, device] of devices) await device.close();
});

describe.each(devices)("%s", (_, device) => {
  test("rows are copied from arrays and tensors, and nothing beside them changes", async () => {
    const memory = await device.allocate(f32, [6, 3]);
    await device.copy([{ from: tensor([6, 3], rising(6, 3)), count: 6, to: memory, at: 0 }]);
    const other = await device.upload(f32, tensor([2, 3], rising(2, 3, 100)));
    await device.copy([
      { from: other, first: 1, count: 1, to: memory, at: 2 },
      { from: tensor([4, 3], rising(4, 3, 200)), first: 2, count: 2, to: memory, at: 4 },
      { from: other, count: 0, to: memory, at: 6 },
    ]);
    expect((await memory.read()).data).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5, 103, 104, 105, 9, 10, 11, 206, 207, 208, 209, 210, 211));
    for (const each of [memory, other]) each.destroy();
  });

  test("a run writes its output into rows of a tensor, of reals, halves and codes", async () => {
    for (const [name, element] of [["twice", f32], ["nearest", { kind: "uint", bits: 5 }], ["halves", { kind: "f16" }]] as const) {
      const kernel = await device.prepare(kernels[name]);
      const memory = await device.allocate(element, [7, 2]);
      await device.copy([{ from: { shape: [7, 2], data: Array<number>(14).fill(1) }, count: 7, to: memory, at: 0 }]);
      for (const [at, x] of [[2, rising(1, 2, 3)], [5, rising(2, 2, 8)]] as const) {
        expect(await kernel.run({ x: tensor([x.length / 2, 2], x) }, { into: { out: { tensor: memory, at } } })).toEqual({});
      }
      const of = (x: number): number => (name === "twice" ? 2 * x : x);
      expect([...(await memory.read()).data], name).toEqual([1, 1, 1, 1, of(3), of(4), 1, 1, 1, 1, of(8), of(9), of(10), of(11)]);
      memory.destroy();
    }
  });

  test("a view of rows is an input like any other, and shows what is written later", async () => {
    const memory = await device.allocate(f32, [128, 2]);
    await device.copy([{ from: tensor([128, 2], rising(128, 2)), count: 128, to: memory, at: 0 }]);
    const view = memory.rows(64, 3);
    expect(view.heldBytes).toBe(0);
    expect(memory.heldBytes).toBeGreaterThanOrEqual(1024);
    const kernel = await device.prepare(kernels["peaks"]);
    const peaks = async (): Promise<number[]> => [...((await kernel.run({ x: view }))["out"]?.data ?? [])];
    expect(await peaks()).toEqual([129, 131, 133]);
    expect((await view.read()).data).toEqual(rising(3, 2, 128));
    expect((await view.rows(0, 1).read()).data).toEqual(rising(1, 2, 128));
    await device.copy([{ from: tensor([1, 2], [7, 8]), count: 1, to: memory, at: 65 }]);
    expect(await peaks()).toEqual([129, 8, 133]);
    view.destroy();
    expect(await peaks()).toEqual([129, 8, 133]);
    memory.destroy();
    expect(await codesOf(kernel.run({ x: view }))).toEqual(["KV4008"]);
    expect(memory.heldBytes).toBe(0);
  });

  test("a tensor is seen under another shape in its own memory, of as many elements, and codes in their own rows", async () => {
    const memory = await device.upload(f32, tensor([4, 6], rising(4, 6)));
    const view = memory.reshaped([8, 3]);
    expect(view.heldBytes).toBe(0);
    expect(await view.read()).toEqual(tensor([8, 3], rising(8, 3)));
    const kernel = await device.prepare(kernels["peaks"]);
    expect([...((await kernel.run({ x: view }))["out"]?.data ?? [])]).toEqual([2, 5, 8, 11, 14, 17, 20, 23]);
    await device.copy([{ from: tensor([1, 6], Array<number>(6).fill(9)), count: 1, to: memory, at: 1 }]);
    expect([...(await memory.rows(0, 2).reshaped([12]).read()).data]).toEqual([0, 1, 2, 3, 4, 5, 9, 9, 9, 9, 9, 9]);
    const codes = await device.upload({ kind: "uint", bits: 5 }, { shape: [2, 2, 3], data: Uint8Array.from(rising(4, 3)) });
    expect([...(await codes.reshaped([4, 3]).read()).data]).toEqual([...rising(4, 3)]);
    const refused = (of: DeviceTensor, shape: readonly number[]): Promise<readonly string[]> => codesOf(Promise.resolve().then(() => of.reshaped(shape)));
    expect(await refused(memory, [5, 5])).toEqual(["KV3003"]);
    expect(await refused(codes, [2, 6])).toEqual(["KV3003"]);
    view.destroy();
    expect((await view.read()).shape).toEqual([8, 3]);
    memory.destroy();
    expect(await codesOf(view.read())).toEqual(["KV4008"]);
    expect(await refused(memory, [24])).toEqual(["KV4008"]);
    codes.destroy();
  });

  test("an empty view is an input of no rows", async () => {
    const memory = await device.allocate(f32, [4, 2]);
    const kernel = await device.prepare(kernels["peaks"]);
    for (const first of [0, 1, 4]) expect((await kernel.run({ x: memory.rows(first, 0) }))["out"]?.shape).toEqual([0]);
    memory.destroy();
  });

  test("rows that are not there, or do not fit each other, are refused", async () => {
    const memory = await device.allocate(f32, [4, 2]);
    const narrow = await device.allocate(f32, [4, 3]);
    const codes = await device.allocate({ kind: "uint", bits: 5 }, [4, 2]);
    const refused = async (copy: RowCopy): Promise<readonly string[]> => codesOf(device.copy([copy]));
    const x = tensor([2, 2], rising(2, 2));
    expect(await codesOf(viewed(memory, 3, 2))).toEqual(["KV4010"]);
    expect(await codesOf(viewed(memory, -1, 2))).toEqual(["KV4010"]);
    expect(await refused({ from: x, count: 3, to: memory, at: 0 })).toEqual(["KV4010"]);
    expect(await refused({ from: x, count: 2, to: memory, at: 3 })).toEqual(["KV4010"]);
    expect(await refused({ from: x, count: 2, to: narrow, at: 0 })).toEqual(["KV3003"]);
    expect(await refused({ from: memory, count: 2, to: codes, at: 0 })).toEqual(["KV3004"]);
    expect(await refused({ from: memory, count: 2, to: memory, at: 2 })).toEqual(["KV4010"]);
    expect(await refused({ from: tensor([1, 2], [1, NaN]), count: 1, to: memory, at: 0 })).toEqual(["KV3006"]);
    expect(await refused({ from: tensor([1, 2], [1, 32]), count: 1, to: codes, at: 0 })).toEqual(["KV3005"]);
    const kernel = await device.prepare(kernels["twice"]);
    expect(await codesOf(kernel.run({ x }, { into: { out: { tensor: memory, at: 3 } } }))).toEqual(["KV4010"]);
    expect(await codesOf(kernel.run({ x }, { into: { out: { tensor: narrow, at: 0 } } }))).toEqual(["KV3003"]);
    expect(await codesOf(kernel.run({ x }, { into: { out: { tensor: codes, at: 0 } } }))).toEqual(["KV3004"]);
    expect(await codesOf(kernel.run({ x }, { into: { result: { tensor: memory, at: 0 } } }))).toEqual(["KV4009"]);
    for (const each of [memory, narrow, codes]) each.destroy();
    expect(await codesOf(kernel.run({ x }, { into: { out: { tensor: memory, at: 0 } } }))).toEqual(["KV4008"]);
    expect(await refused({ from: x, count: 1, to: memory, at: 0 })).toEqual(["KV4008"]);
    // Three halves do not fill words, nor do codes packed along the only axis.
    expect(await codesOf(device.allocate({ kind: "f16" }, [4, 3]).then((odd) => device.copy([{ from: odd, count: 1, to: odd, at: 1 }])))).toEqual(["KV4010"]);
    expect(await codesOf(device.allocate({ kind: "uint", bits: 5 }, [4]).then((row) => viewed(row, 0, 1)))).toEqual(["KV4010"]);
  });

  test("tensors of another device are refused", async () => {
    const other = await openDevice({ backend: "interpreter" });
    const foreign = await other.allocate(f32, [4, 2]);
    const memory = await device.allocate(f32, [4, 2]);
    expect(await codesOf(device.copy([{ from: foreign, count: 1, to: memory, at: 0 }]))).toEqual(["KV4008"]);
    expect(await codesOf(device.copy([{ from: memory, count: 1, to: foreign, at: 0 }]))).toEqual(["KV4008"]);
    const kernel = await device.prepare(kernels["twice"]);
    expect(await codesOf(kernel.run({ x: tensor([1, 2], [1, 2]) }, { into: { out: { tensor: foreign, at: 0 } } }))).toEqual(["KV4008"]);
    memory.destroy();
    await other.close();
  });
});

test.skipIf(webgpu === undefined)("on a GPU a view begins where a binding can", async () => {
  if (webgpu === undefined) return;
  const { leased } = webgpu.pool.count;
  for (const [width, alignment] of [[2, 32], [64, 1], [3, 64], [96, 2]] as const) {
    const memory = await webgpu.allocate(f32, [128, width]);
    expect(memory.rowAlignment).toBe(alignment);
    expect(memory.rows(alignment, 1).shape).toEqual([1, width]);
    if (alignment > 1) expect(await codesOf(viewed(memory, 1, 1))).toEqual(["KV4010"]);
    memory.destroy();
  }
  expect(webgpu.pool.count.leased).toBe(leased);
});
