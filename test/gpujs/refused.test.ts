/** @file What gpu.js cannot do: each refused with what was expected, what came, and the backend that can. */

import { expect, test } from "vitest";
import { lowerScript } from "../../compiler/lower-gpujs";
import { loadGpuJs } from "../../runtime/gpujs/library";
import { platformOf } from "../../runtime/gpujs/platform";
import { openDevice, tensor, type Device } from "../../runtime/index";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { saveGraph } from "../../spec/graph/json";
import { draw, f32, i32, tensorOf } from "../emit/programs";

/** The fields of the one diagnostic that work is refused with. */
async function refusal(work: () => Promise<unknown>): Promise<object> {
  try {
    await work();
  } catch (fault) {
    if (!(fault instanceof KvernError)) throw fault;
    expect(fault.diagnostics.length).toBe(1);
    return { ...fault.diagnostics[0] };
  }
  return expect.fail("nothing was refused");
}

async function withDevice(use: (device: Device) => Promise<object>): Promise<object> {
  const device = await openDevice({ backend: "gpujs", mode: "cpu" });
  try {
    return await use(device);
  } finally {
    await device.close();
  }
}

const [x, ids] = [tensorOf("x", f32, "n"), tensorOf("ids", i32, "n")];
const scaled = saveGraph(draw([ids], [[tensorOf("out", i32, "n"), ({ b, load }, n) => b.scale(1000, load(ids, n))]]));

test("an integer on the way that f32 may not hold", async () => {
  expect(await withDevice(async (device) => refusal(async () => (await device.prepare(scaled)).run({ ids: tensor([1], [16778]) })))).toMatchObject({
    code: "KV4201",
    message: "an integer on the way to `out` of `sample` may leave what gpu.js computes exactly",
    expected: "integers from -16777216 to 16777216, as every number is an f32; bitwise operands of 24 bits",
    got: "up to 16778000",
    mend: 'Open { backend: "wgsl" } or { backend: "interpreter" }, which have integers of 32 bits.',
  });
});

test("an integer of an input that f32 does not hold", async () => {
  expect(await withDevice(async (device) => refusal(async () => (await device.prepare(scaled)).run({ ids: tensor([1], [-(2 ** 24) - 1]) })))).toMatchObject({
    code: "KV4202",
    message: "the input `ids` of `sample`, i32, has an integer that gpu.js does not hold exactly",
    expected: "integers from -16777216 to 16777216, as every number is an f32",
    got: "-16777217",
    mend: 'Open { backend: "wgsl" } or { backend: "interpreter" }.',
  });
});

test("more elements than f32 can number", async () => {
  const graph = draw([x], [[tensorOf("out", f32, "n", "m"), ({ load }, n) => load(x, n)]]);
  expect(await withDevice(async (device) => refusal(() => device.prepare(saveGraph(graph), { set: { n: 4097, m: 4096 } })))).toMatchObject({
    code: "KV4203",
    message: "`out` of `sample` has more elements than gpu.js can number",
    expected: "at most 16777216, as a position is an f32",
    got: "16781312",
    mend: 'Open { backend: "wgsl" }, or compute a part of an axis at a time.',
  });
});

test("an expression that reads more tensors than a kernel may", async () => {
  const places = Array.from({ length: 9 }, (_, at) => tensorOf(`at${at}`, i32, "n"));
  const axes = places.map((_, at) => `a${at}`);
  const big = tensorOf("big", f32, ...axes);
  const graph = draw([big, ...places], [[tensorOf("out", f32, "n"), ({ b, load, extent }, n) => load(big, ...places.map((place, at) => b.clamp(load(place, n), extent(axes[at] ?? ""))))]]);
  expect(await refusal(async () => Promise.resolve(lowerScript(graph)))).toMatchObject({
    code: "KV4101",
    message: "`sample` reads too many tensors in one expression",
    expected: "at most 7 tensors besides the one that is written, which is what the device binds at a time",
    mend: 'Read fewer tensors in it, or open { backend: "interpreter" }, which reads any number.',
  });
});

test("an input and an output of one name", async () => {
  const out = tensorOf("out", f32, "n");
  const graph = draw([out], [[out, ({ load }, n) => load(out, n)]]);
  expect(await refusal(async () => Promise.resolve(lowerScript(graph)))).toMatchObject({
    code: "KV4103", message: "`sample` has an input and an output called `out`", expected: "names that differ", mend: "Rename the input; a single output is called `out`.",
  });
});

test("a mode that does not work here", async () => {
  expect(await refusal(() => openDevice({ backend: "gpujs", mode: "webgl2" }))).toMatchObject({
    code: "KV4204",
    message: "gpu.js does not work in mode `webgl2` here",
    expected: "a mode in which a kernel runs",
    got: "webgl2: there is no WebGL2 here",
    mend: 'Open { backend: "gpujs", mode: "cpu" }, which needs `new Function`, or "webasm", which needs WebAssembly; { backend: "interpreter" } works anywhere.',
  });
  expect(await refusal(() => platformOf("webgl2"))).toMatchObject({ code: "KV4204", message: "there is no WebGL2 here", expected: "a page of a browser that has it" });
});

test("a mode that gpu.js does not have", async () => {
  expect(await refusal(() => openDevice({ backend: "gpujs", mode: "metal" }))).toMatchObject({ code: "KV4003", message: "the backend `gpujs` has no mode `metal`", got: "`metal`" });
});

test("a mode of gpu.js for a backend that has none", async () => {
  expect(await refusal(() => openDevice({ mode: "cpu" }))).toMatchObject({ code: "KV4003", message: "the backend `auto` has no mode `cpu`", expected: "no `mode`", mend: 'Open { backend: "gpujs", mode: "cpu" }.' });
});

test("a module that is not gpu.js is passed over for the one that is installed", async () => {
  expect(typeof (await loadGpuJs({ default: {} })).GPU).toBe("function");
});

test("a closed device", async () => {
  const device = await openDevice({ backend: "gpujs", mode: "cpu" });
  await device.close();
  expect(await refusal(() => device.prepare(scaled))).toMatchObject({ code: "KV4005", message: "preparing a kernel: the device has been closed", mend: "Close a device after its last use." });
});
