import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { KvernError } from "../../spec/diagnostics/diagnostic";
import type { Element } from "../../spec/graph/node";
import { bindSizes, checkElements, fixedSizes, type Signature } from "../../spec/tensor/check";
import { fromBrains, fromHalves, toHalves } from "../../spec/tensor/half";
import { packCodes, packedWords, unpackCodes } from "../../spec/tensor/packing";
import { fromStorage, storageWords, storedValues, toStorage } from "../../spec/tensor/storage";
import { tensor } from "../../spec/tensor/tensor";
import { guardFault, POISON } from "../../runtime/webgpu/pool";
import { tarFiles } from "../../runtime/webgpu/tar";

const f32: Element = { kind: "f32" };

function codesOf(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (fault) {
    if (fault instanceof KvernError) return fault.diagnostics.map(({ code }) => code);
    throw fault;
  }
  return [];
}

describe("packed codes", () => {
  const anything = fc.integer({ min: 1, max: 16 }).chain((bits) =>
    fc.tuple(fc.constant(bits), fc.array(fc.nat(4), { maxLength: 3 }), fc.nat(40)).chain(([, outer, last]) => {
      const shape = [...outer, last];
      const count = shape.reduce((a, b) => a * b, 1);
      return fc.record({ bits: fc.constant(bits), shape: fc.constant(shape), codes: fc.array(fc.nat(2 ** bits - 1), { minLength: count, maxLength: count }) });
    }),
  );

  test("come back as they went, and lie where the format says", () => {
    fc.assert(
      fc.property(anything, ({ bits, shape, codes }) => {
        const words = packCodes(shape, codes, bits);
        expect(words.length).toBe(packedWords(shape, bits));
        expect(Array.from(unpackCodes(shape, words, bits))).toEqual(codes);
        // The definition, bit by bit: code i of a row holds the row's bits i·b to i·b + b − 1.
        const length = shape.at(-1) ?? 1;
        const rowBits = Math.ceil((length * bits) / 32) * 32;
        const set = new Set(codes.flatMap((code, at) => Array.from({ length: bits }, (_, bit) => ((code >> bit) & 1 ? Math.floor(at / length) * rowBits + (at % length) * bits + bit : -1))));
        for (let bit = 0; bit < words.length * 32; bit++) expect(((words[bit >> 5] ?? 0) >>> (bit & 31)) & 1).toBe(set.has(bit) ? 1 : 0);
      }),
    );
  });

  test("of a scalar take one word", () => {
    expect(packCodes([], [5], 4)).toEqual(Uint32Array.of(5));
    expect(Array.from(unpackCodes([], Uint32Array.of(0xfffffff5), 4))).toEqual([5]);
  });
});

describe("half precision", () => {
  test("every finite half goes there and back", () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, at) => at).filter((pattern) => (pattern & 0x7c00) !== 0x7c00);
    expect(toHalves(fromHalves(patterns))).toEqual(patterns);
  });

  test("rounds to nearest, ties to even, straight from f64", () => {
    expect(Array.from(fromHalves(toHalves([1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 1 + 3 * 2 ** -11, 65519.9, 2 ** -25, 2 ** -25 * 1.001])))).toEqual([
      1, 1 + 2 ** -10, 1 + 2 ** -9, 65504, 0, 2 ** -24,
    ]);
    expect(fromHalves(Uint16Array.of(0x7c00, 0xfc00, 0x8000))).toEqual(Float32Array.of(Infinity, -Infinity, -0));
  });

  test("bfloat16 is the upper half of an f32", () => {
    expect(fromBrains(Uint16Array.of(0x3f80, 0xc0a0, 0x0001))).toEqual(Float32Array.of(1, -5, 2 ** -133));
  });
});

describe("storage", () => {
  test("holds what a kernel is to see", () => {
    const elements: Element[] = [f32, { kind: "f16" }, { kind: "i32" }, { kind: "u32" }, { kind: "uint", bits: 7 }];
    for (const element of elements) {
      const given = tensor([3, 5], Array.from({ length: 15 }, (_, at) => (element.kind === "f32" || element.kind === "f16" ? at / 10 : at)));
      const stored = toStorage(element, given);
      expect(stored.length).toBe(storageWords(element, given.shape));
      const words = new Uint32Array(stored.slice().buffer);
      expect(Array.from(fromStorage(element, given.shape, words, false))).toEqual(Array.from(storedValues(element, given)));
    }
  });

  test("puts two halves in a word, the even one low, without regard to rows", () => {
    expect(toStorage({ kind: "f16" }, tensor([3, 1], [1, 2, 0.5]))).toEqual(Uint32Array.of(0x40003c00, 0x3800));
  });
});

describe("a signature", () => {
  const signature: Signature = {
    axes: [{ name: "head" }, { name: "channel", extent: 4 }, { name: "token" }],
    inputs: [
      { name: "q", element: f32, axes: ["head", "channel"] },
      { name: "k", element: f32, axes: ["head", "head"] },
    ],
    outputs: [{ name: "out", element: f32, axes: ["head", "token"] }],
  };
  const q = { shape: [2, 4] };
  const k = { shape: [2, 2] };

  test("binds every axis, from declarations, inputs and `set`", () => {
    expect({ ...bindSizes(signature, { q, k }, { token: 7 }) }).toEqual({ head: 2, channel: 4, token: 7 });
    expect({ ...fixedSizes(signature, { token: 7 }) }).toEqual({ channel: 4, token: 7 });
  });

  test("refuses what does not fit it, each fault by name", () => {
    expect(codesOf(() => bindSizes(signature, { q, k }))).toEqual(["KV2101"]);
    expect(codesOf(() => bindSizes(signature, { q, k: { shape: [2, 3] } }, { token: 1 }))).toEqual(["KV2103"]);
    expect(codesOf(() => bindSizes(signature, { q: { shape: [2, 5] }, k }, { token: 1 }))).toEqual(["KV2103"]);
    expect(codesOf(() => bindSizes(signature, { q: { shape: [2, 4, 1] }, k }, { token: 1 }))).toEqual(["KV3003"]);
    expect(codesOf(() => bindSizes(signature, { q: { shape: [2.5, 4] }, k }, { token: 1 }))).toEqual(["KV3003"]);
    expect(codesOf(() => bindSizes(signature, { q, constructor: k }, { token: 1 }))).toEqual(["KV3001", "KV3002"]);
    expect(codesOf(() => bindSizes(signature, { q, k }, { token: -1 }))).toEqual(["KV2105"]);
    expect(codesOf(() => bindSizes(signature, { q, k }, { token: 1, tokens: 2 }))).toEqual(["KV2106"]);
    expect(codesOf(() => fixedSizes(signature, { channel: 5 }))).toEqual(["KV2103"]);
  });

  test("says which tensors disagree", () => {
    expect(() => bindSizes(signature, { q, k: { shape: [3, 3] } }, { token: 1 })).toThrow(
      "the axis `head` is bound to two sizes (expected 2 (from the shape [2, 4] of `q`), got 3 (from the shape [3, 3] of `k`))",
    );
  });

  test("says where an element does not fit, and what would", () => {
    const x = { name: "x", element: { kind: "uint", bits: 4 }, axes: ["a", "b"] } as const;
    expect(() => checkElements(x, tensor([2, 3], [0, 1, 2, 3, 16, 5]), false)).toThrow("the input `x` holds 16 at [1, 1] (expected whole numbers from 0 to 15, got 16)");
    expect(codesOf(() => checkElements(x, tensor([1, 2], [0.5, 0]), false))).toEqual(["KV3005"]);
    expect(codesOf(() => checkElements(x, tensor([1, 2], Uint8Array.of(16, 0)), false))).toEqual(["KV3005"]);
    expect(codesOf(() => checkElements(x, { shape: [2, 9], data: new Uint32Array(4) }, false))).toEqual([]);
    expect(codesOf(() => checkElements(x, { shape: [2, 9], data: new Uint32Array(18) }, false))).toEqual(["KV3003"]);
    expect(codesOf(() => checkElements(x, { shape: [1, 1], data: ["1"] as never }, false))).toEqual(["KV3006"]);
    expect(codesOf(() => checkElements(x, { shape: [1, 1], data: new BigInt64Array(1) as never }, false))).toEqual(["KV3004"]);
    const half = { name: "h", element: { kind: "f16" }, axes: ["a"] } as const;
    expect(codesOf(() => checkElements(half, tensor([1], [65519.9]), false))).toEqual([]);
    expect(codesOf(() => checkElements(half, tensor([1], [65520]), false))).toEqual(["KV3005"]);
    expect(codesOf(() => checkElements(half, tensor([1], [-Infinity]), true))).toEqual(["KV3006"]);
  });
});

test("a tensor's shape and elements must fit each other", () => {
  expect(tensor([2], [1, 2])).toEqual({ shape: [2], data: [1, 2] });
  expect(codesOf(() => tensor([2], [1]))).toEqual(["KV3003"]);
  expect(codesOf(() => tensor([-1], []))).toEqual(["KV3003"]);
  expect(codesOf(() => tensor("2" as never, [1]))).toEqual(["KV3003"]);
  expect(codesOf(() => tensor([1], new DataView(new ArrayBuffer(1)) as never))).toEqual(["KV3004"]);
});

test("a write into a guard band is found on either side", () => {
  const lease = { use: "storage", buffer: {} as GPUBuffer, offset: 256, bytes: 16 } as const;
  const words = new Uint32Array(256).fill(POISON);
  words.fill(7, 64, 68);
  expect(guardFault(words, lease)).toBeUndefined();
  words[68] = 0;
  expect(guardFault(words, lease)).toBe(16);
  words[63] = 0;
  expect(guardFault(words, lease)).toBe(-4);
});

test("a tar archive gives its files, and a truncated one is refused", () => {
  const header = (name: string, size: number, type = "0"): Uint8Array => {
    const block = new Uint8Array(512);
    const write = (text: string, at: number): void => block.set(new TextEncoder().encode(text), at);
    write(name, 0);
    write(`${size.toString(8).padStart(11, "0")} `, 124);
    write(type, 156);
    write("ustar", 257);
    return block;
  };
  const content = new Uint8Array(512).fill(65, 0, 3);
  const archive = new Uint8Array([...header("folder", 0, "5"), ...header("a.txt", 3), ...content, ...header("b.txt", 0), ...new Uint8Array(1024)]);
  expect([...tarFiles(archive)].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)])).toEqual([["a.txt", "AAA"], ["b.txt", ""]]);
  expect(() => tarFiles(archive.subarray(0, 1025))).toThrow("internal: a tar archive ends in the middle of a file");
});
