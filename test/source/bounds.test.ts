import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileFile } from "kvern/compiler";
import { diagnosticsOf, faultsOf, inBody, meaning } from "./compiling";

const times = (count: number, text: (n: number) => string, between = ""): string => Array.from({ length: count }, (_, n) => text(n)).join(between);

/** Programs that are large, deep or would never end; each is compiled or refused, soon. */
const STRESS: readonly (readonly [what: string, body: string, faults: readonly string[]])[] = [
  ["a sum of 800 terms", `return ${times(800, (n) => `x(t) * ${n + 1}`, " + ")};`, []],
  ["a sum of 20000 terms, too many for TypeScript itself", `return ${times(20_000, (n) => `x(t) * ${n + 1}`, " + ")};`, ["KV1123"]],
  ["brackets 400 deep", `return ${"(".repeat(400)}x(t)${")".repeat(400)};`, []],
  ["brackets 3000 deep", `return ${"(".repeat(3000)}x(t)${")".repeat(3000)};`, ["KV1123"]],
  ["brackets beyond the parser", `return ${"(".repeat(60_000)}x(t)${")".repeat(60_000)};`, ["KV1123"]],
  ["a sum that nests to the right", `return ${times(300, () => "(x(t) + ")}0${")".repeat(300)};`, []],
  ["a hundred ways", `${times(100, (n) => `if (x(t) > ${n}) return ${n * n};\n`)} return 0;`, []],
  ["three hundred constants", `${times(300, (n) => `const v${n} = ${n === 0 ? "x(t)" : `v${n - 1}`} + ${n};\n`)} return v299;`, []],
  ["a hundred functions, one inside the other", `const f0 = (n: number) => n; ${times(99, (n) => `const f${n + 1} = (n: number) => f${n}(n) + 1;\n`)} return f99(x(t));`, []],
  ["two hundred functions, one inside the other", `const f0 = (n: number) => n; ${times(199, (n) => `const f${n + 1} = (n: number) => f${n}(n) + 1;\n`)} return f199(x(t));`, ["KV1123"]],
  ["a doubling at every call", `const f0 = (n: number) => n; ${times(30, (n) => `const f${n + 1} = (n: number) => f${n}(n) + f${n}(n + 1);\n`)} return f30(x(t));`, []],
  ["a doubling of what is never the same", `const f0 = (n: number) => Math.sin(n * x(t)); ${times(30, (n) => `const f${n + 1} = (n: number) => f${n}(n * 2) + f${n}(n * 2 + 1);\n`)} return f30(1);`, ["KV1123"]],
  ["arrays that double", `const a0 = [x(t)]; ${times(30, (n) => `const a${n + 1} = [...a${n}, ...a${n}];\n`)} return a30.length;`, ["KV1123"]],
  ["texts that double", `const a0 = "ab"; ${times(60, (n) => `const a${n + 1} = a${n} + a${n};\n`)} return a60.length;`, ["KV1123"]],
  ["a text that is long at once", 'return "a".repeat(1e9).length;', ["KV1123"]],
  ["a length beyond all arrays", "return Array.from({ length: 1e12 }, () => 1).length;", ["KV1123"]],
  ["a length that is none", "return Array.from({ length: -1 }, () => 1).length + Array.from({ length: NaN }, () => 1).length;", ["KV1115"]],
  ["twenty reductions, one inside the other", `return ${times(20, (n) => `sum(token, (u${n}) => `)}x(u0) * x(u19)${")".repeat(20)};`, []],
  ["twelve softmaxes, one inside the other", `${times(12, (n) => `const f${n} = (i: number): number => ${n === 0 ? "x(clamp(i, token))" : `softmax(token, f${n - 1})(clamp(i, token))`};\n`)} return f11(t);`, []],
  ["six hundred roots, one upon the other", `${times(600, (n) => `const v${n} = Math.sqrt(${n === 0 ? "x(t) * x(t)" : `v${n - 1} + 1`});\n`)} return v599;`, ["KV1123"]],
  ["a coefficient beyond all numbers", "return x(t) * 1e308 * 10 + (x(t) * 1e308 + x(t) * 1e308) - (x(t) + 1) * 1e308 * 1e308;", []],
  ["a hundred guards around a read", `return ${times(100, (n) => `x(t) > ${n} ? `)}x(clamp(t + 1, token))${" : 0".repeat(100)};`, []],
];

describe("work is bounded", () => {
  it.each(STRESS)("%s", async (_, body, faults) => {
    const found = await faultsOf(inBody(body));
    expect(found.map((fault) => fault.split(" ")[0])).toEqual(faults);
  }, 60_000);

  it("all kernels of a file together may not evaluate more than a few may alone", async () => {
    const doubling = (k: number): string => `export const k${k} = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => {
      const f0 = (n: number) => Math.sin(n * x(t) * ${k + 2}); ${times(30, (n) => `const f${n + 1} = (n: number) => f${n}(n * 2) + f${n}(n * 2 + 1);\n`)} return f30(1); });\n`;
    const found = await diagnosticsOf(times(20, doubling));
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(["KV1123"]));
    // The others are not begun.
    expect(found.length).toBeLessThan(10);
    expect(found.at(-1)?.expected).toBe("at most 1000000 expressions in all kernels of a file");
  }, 120_000);

  it("kernels may be a thousand", async () => {
    const named = (count: number): string => `const q = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t)); export { ${times(count, (n) => `q as k${n}`, ", ")} };`;
    expect(await diagnosticsOf(named(1001))).toMatchObject([{ code: "KV1123", expected: "at most 1000 kernels in a file", got: "1001" }]);
    expect(await diagnosticsOf(named(20))).toEqual([]);
  });

  const SMALL = "export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t));\n";
  it.each<[what: string, long: string]>([
    ["a comment", `// ${"a".repeat(10_000_000)}`],
    ["a text", `const s = "${"a".repeat(10_000_000)}";`],
    ["450,000 constants", times(450_000, (n) => `const v${n} = ${n};\n`)],
    ["180,000 functions", times(180_000, (n) => `export const f${n} = (v: number): number => v * ${n};\n`)],
  ])("ten megabytes of source are refused: %s", async (_, long) => {
    expect(await diagnosticsOf(SMALL + long)).toMatchObject([{ code: "KV1123", file: "program.ts", expected: "at most 2097152 characters of source text in all its files" }]);
  });

  it("files count together, and as far as they are imported", async () => {
    const half = `export const half = 0.5; // ${"a".repeat(1_500_000)}`;
    const text = 'import { half } from "./half"; import { more } from "./more";\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t) * half * more);';
    expect(await diagnosticsOf(text, { "half.ts": half, "more.ts": "export const more = 2;" })).toEqual([]);
    expect(await diagnosticsOf(text, { "half.ts": half, "more.ts": half.replace("half", "more") })).toMatchObject([{ code: "KV1123", file: "more.ts" }]);
    expect(await diagnosticsOf(SMALL, { "unread.ts": `${half}${half}` })).toEqual([]);
  });

  it("a file on disk that is too long is not read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kvern-long-"));
    try {
      const path = join(folder, "long.ts");
      writeFileSync(path, "");
      // It takes no room on disk, and would take as much memory as it says.
      truncateSync(path, 2 ** 33);
      await expect(compileFile(path)).rejects.toMatchObject({ diagnostics: [{ code: "KV1123", got: String(2 ** 33) }] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("what is large and simple stays simple", async () => {
    expect(await meaning(`return ${times(800, (n) => `x(t) * ${n + 1}`, " + ")};`)).toBe(`out[token] = ${(800 * 801) / 2} * x[token]`);
  });
});
