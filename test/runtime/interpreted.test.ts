import { describe, expect, test } from "vitest";

import { openDevice, tensor } from "../../runtime/index";
import { codesOf } from "./faults";
import { masked } from "./graphs";

const inputs = { x: tensor([3], Float32Array.of(1.5, -Infinity, 0.1)), codes: tensor([3], Uint8Array.of(15, 4, 3)) };
const out = Float64Array.of(18, 0, 2 * Math.fround(0.1) + 3);
const nearest = Uint8Array.of(3, 1, 0);

describe("the interpreter as a backend", () => {
  test("runs a graph as it was serialised, codes in the arrays that a GPU gives", async () => {
    const device = await openDevice({ backend: "interpreter" });
    expect(device.describe()).toBe("interpreter: the reference interpreter (f64, on the CPU); it was asked for");
    const kernel = await device.prepare(JSON.parse(JSON.stringify(masked())), { set: { n: 3 } });
    expect([kernel.name, kernel.inputs.map(({ name }) => name), kernel.outputs.map(({ name }) => name)]).toEqual(["masked", ["x", "codes"], ["out", "nearest"]]);
    expect(await kernel.run(inputs)).toEqual({ out: { shape: [3], data: out }, nearest: { shape: [3], data: nearest } });
    await device.close();
  });

  test("keeps tensors as a device does", async () => {
    const device = await openDevice({ backend: "interpreter" });
    const kernel = await device.prepare(masked());
    const x = await device.upload({ kind: "f32" }, inputs.x);
    const results = await kernel.run({ ...inputs, x }, { keep: ["nearest"] });
    expect(results["out"]).toEqual({ shape: [3], data: out });
    expect(await results.nearest.read()).toEqual({ shape: [3], data: nearest });
    expect(await codesOf(kernel.run({ ...inputs, codes: results.nearest }))).toEqual(["KV3004"]);
    x.destroy();
    expect(await codesOf(kernel.run({ ...inputs, x }))).toEqual(["KV4008"]);
    const other = await openDevice({ backend: "interpreter" });
    expect(await codesOf(kernel.run({ ...inputs, x: await other.upload({ kind: "f32" }, inputs.x) }))).toEqual(["KV4008"]);
  });

  test("refuses what any backend refuses", async () => {
    const device = await openDevice({ backend: "interpreter" });
    expect(await codesOf(device.prepare({ format: "other" }))).toEqual(["KV5101"]);
    expect(await codesOf(device.prepare(masked(), { set: { m: 1 } }))).toEqual(["KV2106"]);
    const kernel = await device.prepare(masked(), { set: { n: 3 } });
    expect(await codesOf(kernel.run({ x: inputs.x }))).toEqual(["KV3001"]);
    expect(await codesOf(kernel.run({ ...inputs, x: tensor([2], [1, 2]) }))).toEqual(["KV2103"]);
    expect(await codesOf(kernel.run({ ...inputs, codes: tensor([3], [1, 2, 16]) }))).toEqual(["KV3005"]);
    expect(await codesOf(kernel.run({ ...inputs, x: { shape: [3], buffer: {} as GPUBuffer } }))).toEqual(["KV4008"]);
    expect(await codesOf(kernel.run(inputs, { set: { n: 4 } }))).toEqual(["KV2103"]);
    await device.close();
    expect(await codesOf(kernel.run(inputs))).toEqual(["KV4005"]);
    expect(await codesOf(device.prepare(masked()))).toEqual(["KV4005"]);
  });
});
