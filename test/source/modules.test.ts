import { describe, expect, it } from "vitest";
import { compileSource } from "kvern/compiler";
import { compiled, diagnosticsOf, faultsOf, printed } from "./compiling";

/** The lines of a graph that say what is computed. */
const stores = async (text: string, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> =>
  (await printed(text, more)).split("\n").filter((line) => /^(%|out\[|a\[|b\[)/.test(line));

describe("names mean what they mean in TypeScript", () => {
  it("a renamed import is the primitive", async () => {
    expect(await stores('import { sum as total, axis as dimension, max as peak } from "kvern";\nconst n = dimension("n");\nexport const k = kernel({ x: f32(n) }, f32(), ({ x }) => () => total(n, x) + peak(n, x));')).toEqual([
      "out[] = (sum n < extent(n): x[n]) + (max n < extent(n): x[n])",
    ]);
  });

  it("a local namesake is not", async () => {
    expect(await stores("export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => { const sum = (a: number, b: number) => a - b; return sum(x(t), 1); });")).toEqual(["out[token] = x[token] - 1"]);
    expect(await stores("const softmax2 = (n: number) => n; const run = (softmax: (n: number) => number) => softmax; export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => run(softmax2)(x(t)));")).toEqual(["out[token] = x[token]"]);
  });

  it("primitives in a namespace, in a record and as values", async () => {
    expect(await stores('import * as kvern from "kvern";\nconst by = { total: kvern.sum, peak: max };\nconst reduce = (f: typeof sum) => f;\nexport const k = kernel({ x: f32(token) }, kvern.f32(), ({ x }) => () => by.total(token, x) + by.peak(token, x) + reduce(min as typeof sum)(token, x));')).toEqual([
      "out[] = (sum token < extent(token): x[token]) + (max token < extent(token): x[token]) + (min token < extent(token): x[token])",
    ]);
  });

  it("an inner name hides an outer one, and only there", async () => {
    expect(await stores("const n = 2;\nconst twice = (m: number) => m * n;\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => { const n = 10; return twice(x(t)) + n; });")).toEqual(["out[token] = 2 * x[token] + 10"]);
    expect(await stores("export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => { const f = (x: number) => { const t = x + 1; return t; }; return f(x(t)); });")).toEqual(["out[token] = x[token] + 1"]);
  });

  it("functions are hoisted", async () => {
    expect(await stores("export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => { return later(x(t)); function later(n: number) { return n + 1; } });")).toEqual(["out[token] = x[token] + 1"]);
    expect(await stores("export const k = make();\nfunction make() { return kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t)); }")).toEqual(["out[token] = x[token]"]);
  });

  it("closures keep what they were made among", async () => {
    expect(await stores("const add = (n: number) => (m: number) => m + n;\nconst one = add(1), two = add(2);\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => one(two(x(t))) * 2);")).toEqual(["out[token] = 2 * x[token] + 6"]);
  });

  it("one softmax inside the scores of another is no recursion", async () => {
    expect(await faultsOf("export const k = kernel({ x: f32(token, channel) }, f32(token), ({ x }) => (t) => softmax(token, (u) => sum(channel, (c) => softmax(channel, (d) => x(u, d))(c)))(t));")).toEqual([]);
  });
});

describe("modules", () => {
  const part = 'import { f32, sum, type Axis } from "kvern";\nexport const gain = 3;\nexport default (n: number) => n * gain;\nexport const total = <N extends string>(along: Axis<N>, f: (i: number) => number) => sum(along, f);\nexport { f32 as real };\nexport * as nested from "./deep/inner";\nexport * from "./deep/inner";\n';
  const inner = "export const { a, b: [, second] } = { a: 5, b: [6, 7] } as const;\nexport function shift(n: number): number;\nexport function shift(n: number, by?: number): number { return n + (by ?? a); }\n";

  it("imports, defaults, re-exports, namespaces, destructuring and overloads are followed", async () => {
    const text = 'import scale, { gain, total, real, nested, second, shift } from "./part";\nimport * as whole from "./part";\nexport const k = kernel({ x: real(token) }, f32(token), ({ x }) => (t) => scale(x(t)) + total(token, x) * gain + nested.a + second + whole.gain + shift(1));';
    expect(await stores(text, { "part.ts": part, "deep/inner.ts": inner })).toEqual(["out[token] = 3 * x[token] + 3 * (sum token < extent(token): x[token]) + 21"]);
  });

  it("kernels may come from elsewhere, under other names, and as the default", async () => {
    const kernels = await compileSource(
      {
        "main.ts": 'export { k as copy, k as default } from "./k";\nexport * from "./k";\nexport const n = 1;\nexport const list = [1];\nexport type T = number;\nexport const helper = (x: number) => x;',
        "k.ts": 'import { axis, f32, kernel } from "kvern";\nconst a = axis("a");\nexport const k = kernel({ x: f32(a) }, f32(a), ({ x }) => (i) => x(i));',
      },
      "main.ts",
    );
    expect(Object.keys(kernels.kernels).sort()).toEqual(["copy", "default", "k"]);
  });

  it("JSON is data", async () => {
    expect(await stores('import sizes from "./sizes.json";\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t) * sizes.heads.length * sizes.dim);', { "sizes.json": '{ "heads": [1, 2], "dim": -4 }' })).toEqual(["out[token] = -8 * x[token]"]);
  });

  it("what no kernel needs is not looked into", async () => {
    expect(await faultsOf("export class Unused { run() { for (;;) { break; } } }\nexport let counter = 0;\ncounter++;\nconsole.log(counter);\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t));")).toEqual([]);
  });

  it("ordinary TypeScript beyond the small library is checked with the full one", async () => {
    const text = 'const when = new Intl.DateTimeFormat("en").format(new Date(0));\nconst map = new Map([[1, "a"]]).values();\nexport const page = () => document.title + when + [...map].join() + structuredClone(1) + "x".normalize() + Object.groupBy;\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t));';
    expect(await diagnosticsOf(text.replace(" + Object.groupBy", ""))).toEqual([]);
    expect(await faultsOf(text)).toEqual(["KV1001 6:115"]);
  });

  it("the other halves of kvern may be imported, values and types", async () => {
    expect(await faultsOf('import { openDevice, tensor, type Device } from "kvern/runtime";\nimport { compileFile } from "kvern/compiler";\nexport const run = async (device: Device) => { await compileFile("x"); await openDevice(device); return tensor([1], [2]); };\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t));')).toEqual([]);
  });
});

describe("signatures", () => {
  it("nested encodings are flattened with dots", async () => {
    const text = `const scaled = <T extends string>(n: Axis<T>) => encoded([n], { raw: encoded([n], { bits: uint(3)(n) }, ({ bits }) => (i) => bits(i) - 4), scale: f16() }, ({ raw, scale }) => (i) => raw(i) * scale());
export const k = kernel({ a: scaled(token), b: { ...scaled(channel) } }, f32(token), ({ a }) => (t) => a(t));`;
    expect(await diagnosticsOf(text)).toMatchObject([{ code: "KV1121" }]);
    expect(await printed(text.replace("{ ...scaled(channel) }", "scaled(channel)"))).toMatchInlineSnapshot(`
      "kernel k
      axes token, channel
      input a.raw.bits: uint3[token]
      input a.scale: f16[]
      input b.raw.bits: uint3[channel]
      input b.scale: f16[]
      output out: f32[token]
      out[token] = (a.raw.bits[token] - 4) * a.scale[]"
    `);
  });

  it("several outputs, a repeated axis, a scalar, and sizes declared here and there", async () => {
    const text = `const n = axis("n"), six = axis("n", 6);
export const k = kernel({ x: f32(n, n), s: f32() }, { a: f32(n, n), b: u32(), c: f32(six) }, ({ x, s }) => ({ a: (i, j) => x(j, i) * s(), b: () => extent(n), c: (i) => sum(six, (j) => x(i, j)) }));`;
    expect(await printed(text)).toMatchInlineSnapshot(`
      "kernel k
      axes n = 6
      input x: f32[n, n]
      input s: f32[]
      output a: f32[n, n]
      output b: u32[]
      output c: f32[n]
      a[n, n'] = x[n', n] * s[]
      b[] = 6
      c[n] = (sum n' < 6: x[n, n'])"
    `);
  });

  it("an axis whose size is found in the body is fixed everywhere", async () => {
    expect(await printed('export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => sum(axis("token", 4), (u) => x(u)) + x(t));')).toMatchInlineSnapshot(`
      "kernel k
      axes token = 4
      input x: f32[token]
      output out: f32[token]
      out[token] = (sum token < 4: x[token]) + x[token]"
    `);
  });

  it("names may be whatever identifiers may be", async () => {
    const { k } = await compiled("export const k = kernel({ größe: f32(token), $: f32(token), constructor: f32(token) }, { ['toString']: f32(token) } as never, ((r: Record<string, (t: number) => number>) => ({ toString: (t: number) => r['größe']!(t) })) as never);");
    expect(k?.graph.inputs.map(({ name }) => name)).toEqual(["größe", "$", "constructor"]);
  });

  it("every node that was written has a place in the user's own text", async () => {
    const { k } = await compiled("export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) =>\n  softmax(token, (u) => x(u) * 2)(t));");
    const spans = [...(k?.graph.spans ?? [])].map(([node, span]) => `${node.kind} ${span.file} ${span.line}:${span.column}`);
    expect(new Set(spans.map((span) => span.split(" ")[1]))).toEqual(new Set(["program.ts"]));
    expect(spans.filter((span) => span.startsWith("load"))).toEqual(["load program.ts 5:25", "load program.ts 5:25", "load program.ts 5:25"]);
  });

  it("is plain data: the same through JSON", async () => {
    const { kernels } = await compileSource({ "a.ts": 'import { axis, f32, kernel, max } from "kvern";\nconst a = axis("a");\nexport const k = kernel({ x: f32(a) }, f32(), ({ x }) => () => max(a, x));' }, "a.ts");
    expect(JSON.parse(JSON.stringify(kernels))).toEqual(kernels);
  });
});
