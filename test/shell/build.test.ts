import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Folder, ROOT } from "./kvern";
import { ATTENTION, DOUBLE } from "./programs";

const folder = new Folder();
folder.write("double.ts", DOUBLE);
folder.write("attention.ts", ATTENTION);
folder.write("package.json", '{ "type": "module" }');
mkdirSync(join(folder.path, "node_modules"));
symlinkSync(ROOT, join(folder.path, "node_modules/kvern"));
const text = (name: string): string => readFileSync(join(folder.path, name), "utf8");

describe("build", () => {
  test("writes a graph, WGSL, a gpu.js module and a launcher for every kernel, and says so", () => {
    const { code, stdout, stderr } = folder.kvern("build", "double.ts", "attention.ts", "--out", "out");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const files = ["attend", "both", "double"].flatMap((name) => [`${name}.gpu.js`, `${name}.graph.json`, `${name}.ts`, `${name}.wgsl`]);
    expect(folder.list("out")).toEqual(files);
    expect(stdout.trim().split("\n").sort()).toEqual(files.map((name) => `out/${name}`));
    expect(JSON.parse(text("out/double.graph.json"))).toMatchObject({ format: "kvern-graph", name: "double" });
    expect(text("out/double.wgsl")).toMatch(/^\/\/ 1 of 1: .*\n\/\/ @binding\(0\) x, read\n/);
  });

  test("makes sizes that are set part of the WGSL and of the launcher", () => {
    expect(folder.kvern("build", "double.ts", "--out", "fixed", "--set", "n=100").code).toBe(0);
    expect(text("fixed/double.wgsl")).not.toContain("sizes");
    expect(text("fixed/double.ts")).toContain('set: DoubleSizes = {"n":100}');
  });

  test("writes WGSL for devices with the features that are named, and else for all", () => {
    expect(folder.kvern("build", "attention.ts", "--out", "any").code).toBe(0);
    expect(text("any/attend.wgsl")).not.toMatch(/^enable /m);
    expect(folder.kvern("build", "attention.ts", "--out", "halves", "--features", "shader-f16").code).toBe(0);
    expect(text("halves/attend.wgsl")).toMatch(/^enable f16;$/m);
    expect(text("halves/attend.wgsl")).toMatch(/array<(f16|vec4h)>; \/\/ keys\.book: f16, input/);
  });

  test("a launcher imports the runtime only, type-checks, and runs", () => {
    expect(folder.kvern("build", "double.ts", "attention.ts", "--out", "src").code).toBe(0);
    for (const name of ["double", "both", "attend"]) {
      expect(text(`src/${name}.ts`).match(/^import .*$/gm)).toEqual(['import type * as runtime from "kvern/runtime";']);
    }
    folder.write("src/main.ts", `import { openDevice, tensor } from "kvern/runtime";
import { prepareAttend } from "./attend.js";
import { prepareBoth } from "./both.js";

const device = await openDevice({ backend: "interpreter" });
const both = await prepareBoth(device, { n: 3 });
const { total, low } = await both.run({ x: tensor([3], [1, 2, 3.5]), codes: tensor([3], Uint8Array.of(5, 6, 7)) });
const attend = await prepareAttend(device);
const book = tensor([1, 1, 256, 8], new Float32Array(2048).fill(0.5));
const codes = tensor([2, 1, 1], Uint8Array.of(1, 2));
const { out } = await attend.run({ q: tensor([2, 8], new Float32Array(16)), "keys.codes": codes, "keys.book": book, "values.codes": codes, "values.book": book });
console.log(JSON.stringify([Array.from(total.data), Array.from(low.data), out.shape, out.data[0]]));
await device.close();
`);
    const places = { rootDir: join(folder.path, "src"), outDir: join(folder.path, "js") };
    expect(folder.tsc({ module: "NodeNext", exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, ...places }, "src")).toBe("");
    expect(folder.node("js/main.js")).toEqual({ code: 0, stdout: "[[6.5],[1,2,3],[2,8],0.5]\n", stderr: "" });
  });

  test("a gpu.js module runs without kvern, and fails where gpu.js takes another mode", () => {
    expect(folder.kvern("build", "double.ts", "--out", "plain").code).toBe(0);
    expect(text("plain/double.gpu.js")).not.toMatch(/^import/m);
    folder.write("plain/main.mjs", `import { createRequire } from "node:module";
import { createDouble } from "./double.gpu.js";
const { GPU } = createRequire(${JSON.stringify(join(ROOT, "package.json"))})("gpu.js");
for (const mode of ["cpu", "webasm"]) {
  const gpu = new GPU({ mode });
  const double = createDouble(gpu, { n: 4 }, mode);
  const { out } = await double({ x: Float32Array.of(1, 2, 3.5) }, { n: 3 });
  const { out: full } = await double({ x: Float32Array.of(1, 2, 3.5, 4) });
  console.log(mode, Array.from(out).join(" "), Array.from(full).join(" "));
  await createDouble(gpu, { n: 3 }, "webgpu")({ x: Float32Array.of(1, 2, 3.5) }).catch((fault) => console.log(fault.message.split(":")[0]));
  await gpu.destroy();
}
`);
    expect(folder.node("plain/main.mjs")).toEqual({ code: 0, stdout: "cpu 2 4 7 2 4 7 8\ngpu.js ran double in mode cpu, not webgpu\nwebasm 2 4 7 2 4 7 8\ngpu.js ran double in mode webasm, not webgpu\n", stderr: "" });
  });

  test("a launcher whose inputs are not the kernel's does not type-check", () => {
    folder.kvern("build", "double.ts", "--out", "src");
    folder.write("wrong/main.ts", `import type { BothInputs } from "../src/both.js";\nexport const inputs: BothInputs = { x: { shape: [1], data: [1] } };\n`);
    expect(folder.tsc({ module: "NodeNext", noEmit: true }, "wrong")).toMatch(/^wrong\/main\.ts\(2,14\): error TS2741: Property 'codes' is missing/);
  });
});

describe("build --partial", () => {
  test("writes kernels by which shards on several devices give what the whole kernel gives", () => {
    const { code, stderr } = folder.kvern("build", "attention.ts", "--out", "shards", "--partial");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(folder.list("shards").filter((name) => name.endsWith(".wgsl"))).toEqual(["attend.wgsl", "attendJoin.wgsl", "attendMerge.wgsl", "attendPartial.wgsl"]);
    // Powers of two all over, so that the shards and the whole round nothing and are equal.
    folder.write("shards/main.ts", `import { openDevice, tensor, type TensorData } from "kvern/runtime";
import { prepareAttend } from "./attend.js";
import { prepareAttendJoin } from "./attendJoin.js";
import { prepareAttendMerge } from "./attendMerge.js";
import { prepareAttendPartial, type AttendPartialOutputs } from "./attendPartial.js";

const q = tensor([2, 8], new Float32Array(16));
const book = tensor([1, 1, 256, 8], Float32Array.from({ length: 2048 }, (_, at) => Math.floor(at / 8) + (at % 8) / 8));
const codes = (from: number, to: number) => tensor([to - from, 1, 1], Uint8Array.of(1, 2, 8, 16, 32, 64, 128, 5).slice(from, to));
const inputs = (from: number, to: number) => ({ q, "keys.codes": codes(from, to), "keys.book": book, "values.codes": codes(from, to), "values.book": book });
const stacked = (tensors: readonly TensorData[]): TensorData => tensor([tensors.length, ...(tensors[0]?.shape ?? [])], Float32Array.from(tensors.flatMap(({ data }) => Array.from(data))));
const states = (all: readonly AttendPartialOutputs[]) => ({
  "states.max": stacked(all.map((state) => state["state.max"])), "states.sum": stacked(all.map((state) => state["state.sum"])), "states.sum2": stacked(all.map((state) => state["state.sum2"])),
});

const machines = await Promise.all([0, 1].map(() => openDevice({ backend: "interpreter" })));
const [here, there] = machines as [typeof machines[0], typeof machines[0]];
if (!here || !there) throw new Error("no device");
const whole = await (await prepareAttend(here)).run(inputs(0, 8));
const [first, second] = [await prepareAttendPartial(here), await prepareAttendPartial(there)];
const parts = [await second.run(inputs(3, 8)), await first.run(inputs(0, 3)), await second.run(inputs(4, 4))];
const join = await prepareAttendJoin(there), merge = await prepareAttendMerge(here);
const joined = await join.run(states(parts));
for (const { out } of [await merge.run(states(parts)), await merge.run(states([joined]))]) console.log(out.shape, String(out.data) === String(whole.out.data));
const none = await merge.run(states([await first.run(inputs(0, 0))]));
console.log(String(none.out.data) === String(new Float32Array(16)));
for (const machine of machines) await machine.close();
`);
    const places = { rootDir: join(folder.path, "shards"), outDir: join(folder.path, "shards-js") };
    expect(folder.tsc({ module: "NodeNext", exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, ...places }, "shards")).toBe("");
    expect(folder.node("shards-js/main.js")).toEqual({ code: 0, stdout: "[ 2, 8 ] true\n[ 2, 8 ] true\ntrue\n", stderr: "" });
  });

  test("says where a launcher needs to know where its shard lies", () => {
    folder.write("mean.ts", `import { axis, f32, kernel, mean } from "kvern";\nconst n = axis("n");\nexport const middle = kernel({ x: f32(n) }, f32(), ({ x }) => () => mean(n, x));\n`);
    expect(folder.kvern("build", "mean.ts", "--out", "mean", "--partial").code).toBe(0);
    expect(text("mean/middleMerge.ts")).toContain('set?: Pick<MiddleMergeSizes, "n.whole">');
    expect(text("mean/middlePartial.ts")).not.toContain("n.whole");
  });

  test("refuses a kernel that needs two passes, with the reason, and an axis that is not there", () => {
    folder.write("minp.ts", `import { axis, f32, kernel, max, sum } from "kvern";\nconst n = axis("n");\nexport const kept = kernel({ p: f32(n) }, f32(), ({ p }) => () => { const top = max(n, p); return sum(n, (i) => (p(i) > 0.25 * top ? p(i) : 0)); });\n`);
    const refused = folder.kvern("build", "minp.ts", "--out", "none", "--partial");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^minp\.ts - error KV5301: `kept` cannot be cut into shards[^]*it takes a further pass over `n`/);
    expect(folder.kvern("build", "attention.ts", "--out", "none", "--partial", "--shard", "tokens").stderr).toMatch(/^attention\.ts - error KV5302: [^]*`token`/);
    expect(folder.kvern("build", "attention.ts", "--out", "none", "--shard", "token")).toMatchObject({ code: 2, stderr: expect.stringContaining("goes with '--partial'") as unknown });
    expect(folder.list()).not.toContain("none");
  });
});

describe("nothing is written where something is wrong", () => {
  test("with one of the files", () => {
    folder.write("bad.ts", `${DOUBLE}let y = x;`);
    const { code, stdout, stderr } = folder.kvern("build", "double.ts", "bad.ts", "--out", "none");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("bad.ts:12:9 - error KV1001");
    expect(folder.list()).not.toContain("none");
  });

  test("as a file exports no kernel", () => {
    folder.write("axes.ts", `import { axis } from "kvern";\nexport const n = axis("n");\n`);
    expect(folder.kvern("build", "axes.ts", "--out", "none")).toMatchInlineSnapshot(`
      {
        "code": 1,
        "stderr": "axes.ts - error KV5204: no kernel is exported

        mend:     Export one: export const double = kernel({ x: f32(i) }, f32(i), ({ x }) => (i) => 2 * x(i));
      ",
        "stdout": "",
      }
    `);
    expect(folder.list()).not.toContain("none");
  });

  test("as two files export kernels of one name", () => {
    folder.write("again.ts", DOUBLE);
    expect(folder.kvern("build", "double.ts", "again.ts", "--out", "none")).toMatchInlineSnapshot(`
      {
        "code": 1,
        "stderr": "again.ts - error KV5205: the kernel \`double\` would be written over that of double.ts

        mend:     Build the files into folders of their own.
      ",
        "stdout": "",
      }
    `);
    expect(folder.list()).not.toContain("none");
  });

  test("as a size is of an axis that no kernel has", () => {
    expect(folder.kvern("build", "double.ts", "--out", "none", "--set", "m=3")).toMatchInlineSnapshot(`
      {
        "code": 1,
        "stderr": "error KV2106: --set names \`m\`, which is no axis of the kernels

        expected: \`n\`
        got:      \`m\`
      ",
        "stdout": "",
      }
    `);
    expect(folder.list()).not.toContain("none");
  });

  test("as the folder is a file", () => {
    const { code, stderr } = folder.kvern("build", "double.ts", "--out", "double.ts");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^double\.ts - error KV5004: the folder cannot be written to\n\n  got: +EEXIST: /);
    expect(text("double.ts")).toBe(DOUBLE);
  });
});
