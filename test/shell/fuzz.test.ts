import { describe, expect, test } from "vitest";
import { Folder } from "./kvern";
import { ATTENTION, DOUBLE } from "./programs";

const folder = new Folder();
folder.write("double.ts", DOUBLE);
folder.write("attention.ts", ATTENTION);

describe("fuzz", () => {
  test("compares a kernel on random inputs, the same for the same seed", () => {
    const once = folder.kvern("fuzz", "attention.ts", "--kernel", "attend", "--runs", "3", "--seed", "5", "--backend", "source", "--json");
    expect(once).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(once.stdout) as Readonly<Record<string, unknown>>;
    expect(report).toMatchObject({ seed: 5, runs: 3, failures: [] });
    expect(report["compared"]).toBeGreaterThan(0);
    expect(folder.kvern("fuzz", "attention.ts", "--kernel", "attend", "--runs", "3", "--seed", "5", "--backend", "source", "--json").stdout).toBe(once.stdout);
  });

  test("compares random programs", () => {
    const { code, stdout, stderr } = folder.kvern("fuzz", "--runs", "5", "--seed", "1", "--backend", "source");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^5 runs from seed 1: 0 failures; [1-9]\d* elements within their bound/m);
    expect(folder.list().filter((name) => name.startsWith("kvern-fuzz"))).toEqual([]);
  });

  test("draws elements from where they are to lie", () => {
    folder.write("log.ts", `import { axis, f32, kernel, uint } from "kvern";
const n = axis("n");
export const k = kernel({ x: f32(n), codes: uint(4)(n) }, f32(n), ({ x, codes }) => (i) => Math.log(x(i)) * Math.sqrt(codes(i) - 3));
`);
    const of = (...values: readonly string[]) => folder.kvern("fuzz", "log.ts", "--kernel", "k", "--runs", "12", "--backend", "source", "--json", ...values.flatMap((value) => ["--values", value]));
    const counts = (...values: readonly string[]) => JSON.parse(of(...values).stdout) as { readonly compared: number; readonly unbounded: number };
    expect(counts().unbounded).toBeGreaterThan(10);
    const { compared, unbounded } = counts("x=0.5..8", "codes=4..15");
    expect(unbounded).toBe(0);
    expect(compared).toBeGreaterThan(10);
    const refused = (...values: readonly string[]) => of(...values).stderr.replace(/\x1b\[\d+m/g, "").replace(/\s+/g, " ").trim();
    expect(["y=0..1", "codes=0..16", "codes=3.2..3.8"].map((value) => refused(value))).toEqual([
      "error KV5202: the kernel has no input `y` expected: `x`, `codes` got: --values y=0..1",
      "error KV5202: `codes` cannot have those values expected: whole numbers from 0 to 15 got: 0..16",
      "error KV5202: `codes` cannot have those values expected: whole numbers from 0 to 15 got: 3.2..3.8",
    ]);
    for (const value of ["x", "x=1", "x=2..1", "x=..1", "x=NaN..1", "x=0..1e39", "x=0..Infinity", "x=0x1..2", "=0..1"]) expect(refused(value), value).toMatch(/^error KV5202: option '--values <input=low\.\.high>' argument '.*' is invalid/);
    expect(refused("x=0..1", "x=0..2")).toMatch(/given twice/);
  });

  test("says which kernel is not there", () => {
    expect(folder.kvern("fuzz", "double.ts", "--kernel", "duoble")).toMatchObject({ code: 1, stdout: "" });
  });
});
