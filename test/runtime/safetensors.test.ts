import fc from "fast-check";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

import { readSafetensors, readSafetensorsFile, tensor, writeSafetensors, writeSafetensorsFile } from "../../runtime/index";
import { KvernError } from "../../spec/diagnostics/diagnostic";

/** A file with this header and so many bytes of data. */
function file(header: unknown, data: Uint8Array | number = 0): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = typeof data === "number" ? new Uint8Array(data) : data;
  const whole = new Uint8Array(8 + text.length + bytes.length);
  new DataView(whole.buffer).setBigUint64(0, BigInt(text.length), true);
  whole.set(text, 8);
  whole.set(bytes, 8 + text.length);
  return whole;
}

function fault(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof KvernError) return thrown.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n");
    throw thrown;
  }
  return "nothing was refused";
}

const one = (dtype: string, shape: unknown, offsets: unknown): unknown => ({ x: { dtype, shape, data_offsets: offsets } });

describe("safetensors in memory", () => {
  test("come back as they were written, each array in its own type", () => {
    const tensors = {
      bytes: tensor([3], Uint8Array.of(1, 2, 255)),
      q: tensor([2, 2], Float32Array.of(1.5, -2, 3e38, 0)),
      exact: tensor([1], [0.1]),
      signed: tensor([2], Int8Array.of(-128, 127)),
      codes: tensor([2, 1], Uint16Array.of(65535, 1)),
      ints: tensor([], Int32Array.of(-5)),
      none: tensor([0, 4], new Float32Array(0)),
      words: tensor([1], Uint32Array.of(2 ** 32 - 1)),
    };
    const { tensors: read, metadata } = readSafetensors(writeSafetensors(tensors, { metadata: { format: "pt" } }));
    expect(metadata).toEqual({ format: "pt" });
    expect(Object.keys(read).sort()).toEqual(Object.keys(tensors).sort());
    expect(read["bytes"]).toEqual({ dtype: "U8", ...tensors.bytes });
    expect(read["q"]).toEqual({ dtype: "F32", ...tensors.q });
    expect(read["exact"]).toEqual({ dtype: "F64", shape: [1], data: Float64Array.of(0.1) });
    expect(read["signed"]).toEqual({ dtype: "I8", ...tensors.signed });
    expect(read["codes"]).toEqual({ dtype: "U16", ...tensors.codes });
    expect(read["ints"]).toEqual({ dtype: "I32", ...tensors.ints });
    expect(read["none"]).toEqual({ dtype: "F32", ...tensors.none });
    expect(read["words"]).toEqual({ dtype: "U32", ...tensors.words });
  });

  test("half precision is read as f32, and written back as it was", () => {
    const written = writeSafetensors({ h: { ...tensor([3], Float32Array.of(1, -0.5, 65504)), dtype: "F16" } });
    const { tensors } = readSafetensors(written);
    expect(tensors["h"]).toEqual({ dtype: "F16", shape: [3], data: Float32Array.of(1, -0.5, 65504) });
    expect(writeSafetensors(tensors)).toEqual(written);
  });

  test("reads what cannot be written here: BF16, I64, BOOL", () => {
    expect(readSafetensors(file(one("BF16", [2], [0, 4]), Uint8Array.of(0x80, 0x3f, 0xa0, 0xc0))).tensors["x"]?.data).toEqual(Float32Array.of(1, -5));
    expect(readSafetensors(file(one("BOOL", [2], [0, 2]), Uint8Array.of(0, 1))).tensors["x"]?.data).toEqual(Uint8Array.of(0, 1));
    const longs = (...values: bigint[]): Uint8Array => new Uint8Array(BigInt64Array.from(values).buffer);
    expect(readSafetensors(file(one("I64", [2], [0, 16]), longs(-1n, 5n))).tensors["x"]?.data).toEqual(Int32Array.of(-1, 5));
    expect(readSafetensors(file(one("I64", [1], [0, 8]), longs(2n ** 40n))).tensors["x"]?.data).toEqual(Float64Array.of(2 ** 40));
    expect(fault(() => readSafetensors(file(one("I64", [1], [0, 8]), longs(2n ** 60n))))).toMatch(/^KV5003 /);
    expect(fault(() => readSafetensors(file(one("BOOL", [1], [0, 1]), Uint8Array.of(2))))).toMatch(/^KV5003 /);
  });

  test("data that is not aligned is read all the same", () => {
    for (const pad of ["", " ", "  ", "   "]) {
      const header = JSON.stringify(one("F32", [2], [0, 8])) + pad;
      expect(readSafetensors(file(header, new Uint8Array(Float32Array.of(1, 2).buffer))).tensors["x"]?.data).toEqual(Float32Array.of(1, 2));
    }
  });

  test.each<[string, Uint8Array<ArrayBuffer>, string]>([
    ["nothing", new Uint8Array(0), "KV5002 a safetensors file begins with the length of its header"],
    ["text", new TextEncoder().encode("hello, this is text"), "KV5002 the header is too long, or this is no safetensors file"],
    ["a header cut short", file({}).subarray(0, 9), "KV5002 the file ends inside its header"],
    ["bad JSON", file('{"x": '), "KV5002 the header is not JSON"],
    ["bad UTF-8", file("{}").map((byte, at) => (at === 8 ? 0xff : byte)), "KV5002 the header is not JSON"],
    ["a list", file([]), "KV5002 the header is not a record"],
    ["null", file("null"), "KV5002 the header is not a record"],
    ["a tensor that is none", file({ x: 5 }), 'KV5002 the tensor "x" is not described by a record'],
    ["an unknown type", file(one("F8_E4M3", [1], [0, 1]), 1), 'KV5003 the tensor "x" is of a type that cannot be read'],
    ["a type out of a prototype", file(one("constructor", [1], [0, 1]), 1), 'KV5003 the tensor "x" is of a type that cannot be read'],
    ["a negative size", file(one("U8", [-1], [0, 1]), 1), 'KV5002 the tensor "x" has no shape'],
    ["sizes whose product overflows", file(one("U8", [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1], [0, 1]), 1), 'KV5002 the tensor "x" does not have the bytes that its shape takes'],
    ["no place", file(one("U8", [1], [0]), 1), 'KV5002 the tensor "x" has no place'],
    ["a place in text", file(one("U8", [1], ["0", "1"]), 1), 'KV5002 the tensor "x" has no place'],
    ["bytes that are not there", file(one("F32", [2], [0, 8]), 7), 'KV5002 the tensor "x" lies outside the file'],
    ["an end before its begin", file(one("U8", [1], [1, 0]), 1), 'KV5002 the tensor "x" lies outside the file'],
    ["a wrong number of bytes", file(one("F32", [2], [0, 4]), 4), 'KV5002 the tensor "x" does not have the bytes that its shape takes'],
    ["bytes of no tensor before", file(one("U8", [1], [1, 2]), 2), 'KV5002 there are bytes between the header and "x" that belong to no tensor'],
    ["bytes of no tensor after", file(one("U8", [1], [0, 1]), 2), 'KV5002 there are bytes after "x" that belong to no tensor'],
    ["tensors over each other", file({ a: { dtype: "U8", shape: [2], data_offsets: [0, 2] }, b: { dtype: "U8", shape: [2], data_offsets: [1, 3] } }, 3), 'KV5002 the tensors "a" and "b" overlap'],
    ["a name twice", file('{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0078":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1), 'KV5002 the header has the key "x" twice'],
    ["a field twice", file('{"x":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', 1), 'KV5002 the header has the key "shape" twice'],
    ["a prototype", file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1), "KV5002 a tensor cannot be called `__proto__`"],
    ["metadata that is no text", file({ __metadata__: { n: 1 } }), '`__metadata__` has a value that is no text at "n"'],
    ["a prototype in metadata", file('{"__metadata__":{"__proto__":"x"}}'), "KV5002 `__metadata__` has the key `__proto__`"],
  ])("refuses %s", (_, bytes, expected) => {
    expect(fault(() => readSafetensors(bytes, "f.safetensors"))).toContain(expected);
  });

  test("a key as long as a header may be is read in good time", () => {
    const name = "n".repeat(30_000_000);
    expect(Object.keys(readSafetensors(file({ [name]: { dtype: "U8", shape: [0], data_offsets: [0, 0] } })).tensors)).toEqual([name]);
  });

  test("whatever is changed in a file, it is read or refused", () => {
    const whole = writeSafetensors({ a: tensor([2, 3], new Float32Array(6)), b: tensor([5], new Uint8Array(5)) }, { metadata: { k: "v" } });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(whole.length), (changes, length) => {
        const bytes = whole.slice(0, length);
        for (const [at, byte] of changes) if (at < length) bytes[at] = byte;
        try {
          readSafetensors(bytes);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(KvernError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses to write what would not be read", () => {
    expect(fault(() => writeSafetensors({ x: { shape: [2], data: Uint32Array.of(1) } }))).toMatch(/^KV5005 /);
    expect(fault(() => writeSafetensors({ x: { shape: [2], data: [1] } }))).toMatch(/^KV5005 /);
    expect(fault(() => writeSafetensors({ __metadata__: tensor([1], [1]) }))).toMatch(/^KV5005 /);
    expect(fault(() => writeSafetensors({ x: { ...tensor([1], [70000]), dtype: "F16" } }))).toMatch(/^KV5005 /);
  });
});

describe("safetensors on disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "kvern-safetensors-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("are written whole, and read back", async () => {
    const path = join(folder, "a.safetensors");
    writeFileSync(path, "old");
    await writeSafetensorsFile(path, { x: tensor([2], Float32Array.of(1, 2)) });
    expect((await readSafetensorsFile(path)).tensors["x"]).toEqual({ dtype: "F32", shape: [2], data: Float32Array.of(1, 2) });
    expect(readdirSync(folder)).toEqual(["a.safetensors"]);
  });

  test("a write that fails leaves what was there", async () => {
    const path = join(folder, "a.safetensors");
    const before = readFileSync(path);
    await expect(writeSafetensorsFile(path, { x: { shape: [3], data: [1] } })).rejects.toThrow("KV5005");
    await expect(writeSafetensorsFile(join(folder, "missing", "b.safetensors"), { x: tensor([1], [1]) })).rejects.toThrow("KV5004");
    await expect(writeSafetensorsFile(folder, { x: tensor([1], [1]) })).rejects.toThrow("KV5004");
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toEqual(["a.safetensors"]);
  });

  test("a file that is not there, or not a file, is named", async () => {
    await expect(readSafetensorsFile(join(folder, "none.safetensors"))).rejects.toThrow(/none\.safetensors - error KV5001/);
    await expect(readSafetensorsFile(folder)).rejects.toThrow("KV5001");
  });
});
