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

  test("prints the chain of kernels for gpu.js", () => {
    const { code, stdout, stderr } = folder.kvern("explain", "attention.ts", "--kernel", "attend", "--backend", "gpujs", "--set", "head=4,kvHead=2,token=640,channel=16");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.slice(0, stdout.indexOf("\nrewrites"))).toMatchInlineSnapshot(`
      "attend: 6 kernels of gpu.js
      sizes       head 4, channel 16, token 640, kvHead 2, code8 256, lane8 8
                  taken from the other sizes: channel/8 2
      bytes       348,512 moved, 4.57 × the 76,288 of every input and output once
                  154,176, 2.02 × it, where a cache serves what several threads of a kernel share
      operations  135,296 planned, 179,332 as written

      1. attend: table 1
         2,048 threads, 3 arrays
         reads       131,072 bytes: keys.book 65,536, q 65,536
         writes      8,192 bytes: table 1 8,192
         operations  32,768
         threads channel/8 2, head%2 2, head/2 2, keys.codes.value 256
           unrolled channel%8 8: s1 = Σ keys.book[head/2, channel/8, keys.codes.value,
               channel%8]·q[2·head/2 + head%2, 8·channel/8 + channel%8]
           table 1[channel/8, head%2, head/2, keys.codes.value] = s1

      2. attend: token value 1
         2,560 threads, 3 arrays
         reads       27,307 bytes: table 1 20,480, keys.codes 6,827
         writes      10,240 bytes: token value 1 10,240
         operations  5,120
         threads head%2 2, head/2 2, token 640
           unrolled channel/8 2: s1 = Σ ‹table 1›[channel/8, head%2, head/2, keys.codes[token, head/2,
               channel/8]]
           token value 1[head%2, head/2, token] = s1

      3. attend: max.whole
         4 threads, 2 arrays
         reads       10,240 bytes: token value 1 10,240
         writes      16 bytes: max.whole 16
         operations  2,560
         threads head%2 2, head/2 2
           serial token 640: s1 = max ‹token value 1›[head%2, head/2, token]
           max.whole[head%2, head/2] = s1

      4. attend: token value 2
         2,560 threads, 3 arrays
         reads       20,480 bytes: max.whole 10,240, token value 1 10,240
         writes      10,240 bytes: token value 2 10,240
         operations  10,240
         threads head%2 2, head/2 2, token 640
           token value 2[head%2, head/2, token] = exp(0.25·‹token value 1›[head%2, head/2, token] −
               0.25·‹max.whole›[head%2, head/2])

      5. attend: sum.whole
         4 threads, 2 arrays
         reads       10,240 bytes: token value 2 10,240
         writes      16 bytes: sum.whole 16
         operations  2,560
         threads head%2 2, head/2 2
           serial token 640: s1 = Σ ‹token value 2›[head%2, head/2, token]
           sum.whole[head%2, head/2] = s1

      6. attend: out
         16 threads, 5 arrays
         reads       120,213 bytes: values.book 65,536, token value 2 40,960, values.codes 13,653,
                     sum.whole 64
         writes      256 bytes: out 256
         operations  82,048
         threads head/2 2, head%2 2, channel/8 2, channel%8 grid of 4 2
           block channel%8 4
             serial token 640: s1 = Σ values.book[head/2, channel/8, values.codes[token, head/2,
                 channel/8], 4·channel%8 grid of 4 + channel%8]·‹token value 2›[head%2, head/2, token]
             out[2·head/2 + head%2, 4·channel%8 grid of 4 + 8·channel/8 + channel%8] =
                 s1/‹sum.whole›[head%2, head/2]
      "
    `);
  });

  test("tells of a chain as JSON: threads, bytes of rows of f32, rewrites and refusals", () => {
    const { stdout } = folder.kvern("explain", "attention.ts", "--kernel", "attend", "--backend", "gpujs", "--set", "head=4,kvHead=2,token=640,channel=16", "--json");
    const { backend, dispatches, compulsoryBytes, rewrites, refused } = JSON.parse(stdout) as { readonly backend: string; readonly dispatches: readonly { readonly workgroupSize: number }[]; readonly compulsoryBytes: number; readonly rewrites: readonly object[]; readonly refused: readonly object[] };
    expect(backend).toBe("gpujs");
    expect(dispatches.length).toBeGreaterThan(1);
    expect(dispatches.every(({ workgroupSize }) => workgroupSize === 1)).toBe(true);
    // q and out of 4 × 16; codes of 640 × 2 rows of an element for their two; books of 2 × 2 × 256 × 8: all of four bytes.
    expect(compulsoryBytes).toBe(4 * (2 * 4 * 16 + 2 * (640 * 2 + 2 * 2 * 256 * 8)));
    expect(rewrites.length).toBeGreaterThan(0);
    expect(Array.isArray(refused)).toBe(true);
  });

  test("refuses what gpu.js cannot number, and options that are of WebGPU", () => {
    const long = folder.kvern("explain", "double.ts", "--kernel", "double", "--backend", "gpujs", "--set", "n=16777217");
    expect(long.code).toBe(1);
    expect(long.stderr).toContain("error KV4203");
    const mixed = folder.kvern("explain", "double.ts", "--kernel", "double", "--backend", "gpujs", "--features", "subgroups");
    expect(mixed.code).toBe(2);
    expect(mixed.stderr).toContain("option '--backend gpujs' goes without");
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
