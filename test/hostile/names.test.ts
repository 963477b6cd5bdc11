import { describe, expect, test } from "vitest";
import ts from "typescript";

import { filesOf } from "../../bin/built/kernel";
import { compileSource } from "kvern/compiler";
import { openDevice, tensor } from "../../runtime/index";
import { describeOnDevice } from "../device/harness";

/** Names that mean something to WGSL, GLSL, JavaScript, a terminal or a reader of left to right. */
const AXES = ["fn", "main", "f32", "vec4<f32>", "gl_Position", "workgroup", "length", "sizes", "out", "x", "_", "1", "a.b", "a-b", "a/b", "a'b", 'a"b', "a\\b", "*/", "//", "${x}", "<script>", "\u{1d4d0}", "ünïcödé", "**//", "*/evil()/*", "-->", "</script>"];
const INPUTS = ["fn", "var", "let", "loop", "array", "f32", "main", "sizes", "out_", "gl_Position", "constructor", "hasOwnProperty", "toString", "thread", "constants", "ñ", "\u{1d4d0}", "$", "_", "__"];

const program = (axis: string, input: string): string => `import { axis, f32, kernel, softmax, sum } from "kvern";
const n = axis(${JSON.stringify(axis)}), m = axis("m");
export const k = kernel({ ${JSON.stringify(input)}: f32(m, n) }, f32(m, n), (t) => (i, j) => {
  const x = t[${JSON.stringify(input)}];
  const weight = softmax(n, (a) => x(i, a));
  return x(i, j) + sum(n, (a) => weight(a) * sum(n, (b) => x(i, b) * x(i, a)) * sum(n, (c) => sum(n, (d) => x(i, c) * x(i, d))));
});
`;

const X = tensor([2, 3], [1, 2, -1, 0.5, 0.25, 0]);

async function results(text: string, input: string): Promise<readonly (readonly number[])[]> {
  const { kernels } = await compileSource({ "k.ts": text }, "k.ts");
  const found: number[][] = [];
  for (const options of [{ backend: "interpreter" }, { backend: "wgsl" }, { backend: "gpujs", mode: "cpu" }] as const) {
    const on = await openDevice(options);
    const kernel = await on.prepare(JSON.parse(JSON.stringify(kernels["k"])));
    const { out } = await kernel.run({ [input]: X });
    found.push(Array.from(out?.data ?? [], Math.fround));
    await on.close();
  }
  return found;
}

describeOnDevice("whatever things are called, every backend means the same by them", () => {
  test.each(AXES)("an axis called %j", async (axis) => {
    const plain = await results(program("n", "x"), "x");
    expect(await results(program(axis, "x"), "x")).toEqual(plain);
  });

  test.each(INPUTS)("an input called %j", async (input) => {
    const plain = await results(program("n", "x"), "x");
    expect(await results(program("n", input), input)).toEqual(plain);
  });
});

test.each(["", "a b", "a\nb", "\u202e", "a\u0000b", "a\u0085evil", "a\u2028evil", "\u001b[31m", "a\u009fb", "a\ud800", "a#b", "a@b", "a=b", "a,b", "__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"])("an axis cannot be called %j", async (axis) => {
  await expect(compileSource({ "k.ts": program(axis, "x") }, "k.ts")).rejects.toThrow("KV2104");
});

test.each(["", "a b", "a;b", "a.b", "1", "a\u0000", "\u202e", "*/", "a-b"])("an input cannot be called %j", async (input) => {
  await expect(compileSource({ "k.ts": program("n", input) }, "k.ts")).rejects.toThrow("KV3008");
});

describe("what is built of a kernel holds its names and nothing that they say", () => {
  /** The identifiers of a module, which no name of an axis or file may become. */
  const identifiers = (text: string): readonly string[] => {
    const found: string[] = [];
    const { diagnostics = [] } = ts.transpileModule(text, { reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.ES2022 } });
    expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) found.push(node.text);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile("m.ts", text, ts.ScriptTarget.ES2022));
    return found;
  };

  test.each([["*/evil()/*", "k.ts"], ["**//evil()/*", "k.ts"], ["`${evil()}", "k.ts"], ['"]}evil()', "k.ts"], ["n", "**//evil();/*.ts"], ["n", "a\u2028evil.ts"]])("the name of an axis, %s, or of a file, %s", async (axis, file) => {
    const { kernels: { k } } = await compileSource({ "k.ts": program(axis, "x") }, "k.ts");
    if (k === undefined) return expect.fail("no kernel");
    for (const [name, text] of filesOf(file, k, {})) {
      if (/\.(ts|js)$/.test(name)) expect(identifiers(text), name).not.toContain("evil");
      if (name.endsWith(".wgsl")) expect(text.split(/[\n\v\f\r\u0085\u2028\u2029]/).filter((line) => /^\W*evil/.test(line.replace(/^\s*\/\/.*/, "")))).toEqual([]);
    }
  });
});
