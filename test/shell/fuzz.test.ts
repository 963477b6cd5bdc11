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

  test("says which kernel is not there", () => {
    expect(folder.kvern("fuzz", "double.ts", "--kernel", "duoble")).toMatchObject({ code: 1, stdout: "" });
  });
});
