import { describe, expect, test } from "vitest";
import { Folder } from "./kvern";
import { ATTENTION, DOUBLE } from "./programs";

const folder = new Folder();
folder.write("double.ts", DOUBLE);
folder.write("attention.ts", ATTENTION);

describe("explain", () => {
  test("prints the dispatches, what they move and their loops", () => {
    const { code, stdout, stderr } = folder.kvern("explain", "double.ts", "--kernel", "double", "--set", "n=100");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.slice(0, stdout.indexOf("\nno rewrites"))).toMatchInlineSnapshot(`
      "double: 1 dispatch
      sizes       n 100
      bytes       800 moved, 1.00 × the 800 of every input and output once
      operations  100 planned, 100 as written

      1. double: out
         2 workgroups of 64 lanes, 0 bytes of workgroup memory, 2 storage buffers
         reads       400 bytes: x 400
         writes      400 bytes: out 400
         operations  100
         where       64·group + lane < 100 holds at 78.1 % of positions; of the workgroups it is live in
                     1, mixed in 1, dead in 0
         grid group 2
           lanes lane 64; where 64·group + lane < 100
             n = 64·group + lane
             out[n] = 2·x[n]
      "
    `);
  });

  test("says which sizes the numbers wait for", () => {
    const { stdout } = folder.kvern("explain", "double.ts", "--kernel", "double");
    expect(stdout).toContain("? depends on sizes: give --set n=n");
    expect(stdout).toContain("? workgroups of 64 lanes");
  });

  test("refuses sizes that do not fit one another, though the number of groups was not given", () => {
    const { code, stderr } = folder.kvern("explain", "attention.ts", "--kernel", "attend", "--set", "token=64", "--set", "head=32", "--set", "kvHead=7", "--set", "channel=128");
    expect(stderr).toContain("KV2102: axis `head` cannot be divided evenly among axis `kvHead`");
    expect(code).toBe(1);
  });

  test("takes the size of an axis of groups from the axis that is grouped", () => {
    const { stdout } = folder.kvern("explain", "attention.ts", "--kernel", "attend", "--set", "head=4,kvHead=2", "--set", "token=10", "--set", "channel=16");
    expect(stdout).toContain("taken from the other sizes: channel/8 2");
    expect(stdout).not.toMatch(/\? (workgroups|bytes|operations)/);
  });

  test("gives the same as JSON", () => {
    const { code, stdout } = folder.kvern("explain", "double.ts", "--kernel", "double", "--set", "n=100", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kernel: "double",
      dispatches: [{ workgroups: 2, workgroupSize: 64, bytesRead: 400, bytesWritten: 400, workgroupBytes: 0 }],
      bytesMoved: 800,
      compulsoryBytes: 800,
      rewrites: [],
    });
    const { refused } = JSON.parse(stdout) as { readonly refused: readonly object[] };
    for (const refusal of refused) expect(Object.keys(refusal)).toEqual(["rule", "at", "why", "what"]);
  });

  test("counts a tensor that every workgroup reads once for each of them", () => {
    const { stdout } = folder.kvern("explain", "attention.ts", "--kernel", "attend", "--set", "head=4,kvHead=2,token=64,channel=16", "--json");
    const { bytesMoved, compulsoryBytes } = JSON.parse(stdout) as { readonly bytesMoved: number; readonly compulsoryBytes: number };
    // q and out of 4 × 16 f32; twice codes of 64 × 2 rows of a word and books of 2 × 2 × 256 × 8 halves.
    expect(compulsoryBytes).toBe(2 * 4 * 16 * 4 + 2 * (64 * 2 * 4 + 2 * 2 * 256 * 8 * 2));
    expect(bytesMoved).toBeGreaterThan(0);
  });

  test("refuses sizes that do not divide, where the kernel needs it", () => {
    const { code, stderr } = folder.kvern("explain", "attention.ts", "--kernel", "attend", "--set", "head=4,kvHead=3,token=64,channel=16,channel/8=2");
    expect(code).toBe(1);
    expect(stderr).toContain("error KV2102");
  });
});
