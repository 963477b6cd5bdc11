/**
 * @file Files that were damaged by chance: bytes flipped, cut off, moved; numbers, keys and lists of their JSON changed.
 * Each is refused with a diagnostic, or read for what it says; nothing else is thrown, nothing reaches a prototype, and
 * no more memory is asked for than the file has.
 */

import { afterAll, afterEach, describe, expect, test } from "vitest";

import { Random } from "../../bin/fuzz/random";
import { compileSource } from "../../compiler";
import { lowerAll } from "../../compiler/lower";
import { graphKey, lowerStored, PLAN_FORMAT, PLAN_VERSION, readPlan, type StoredPlan } from "../../compiler/plan/stored";
import { openDevice, readSafetensors, writeSafetensors } from "../../runtime";
import { createCache } from "../../runtime/cache/cache";
import { loadCache } from "../../runtime/cache/load";
import { DEFAULT_LIMITS as limits } from "../../runtime/webgpu/gpu";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { loadGraph, saveGraph } from "../../spec/graph/json";
import { interpret } from "../../spec/interpreter";
import { tensor } from "../../spec/tensor";
import { onGrid, specOf } from "../cache/samples";

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect("polluted" in {}).toBe(false);
});

const device = await openDevice({ backend: "interpreter" });
afterAll(() => device.close());

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Numbers that a reader may trip over. */
const NUMBERS = [0, -0, -1, 1, 2, 7, 0.5, 255, 65536, 65537, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, -1e308, 5e-324] as const;
const KEYS = ["__proto__", "constructor", "prototype", "toString", "length", "", "shape", "data_offsets", "kind"] as const;

/** JSON with one part changed: another value, another key, an entry less, more, twice, or elsewhere. */
function changed(json: Json, random: Random): Json {
  const copy = structuredClone(json);
  const places: { readonly of: Json[] | Record<string, Json>; readonly key: string | number }[] = [];
  const walk = (value: Json): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) value.forEach((part, key) => { places.push({ of: value, key }); walk(part); });
    else for (const [key, part] of Object.entries(value)) { places.push({ of: value, key }); walk(part); }
  };
  walk(copy);
  const [first, ...others] = places;
  if (first === undefined) return copy;
  const { of, key } = random.pick([first, ...others]);
  const other = random.pick([first, ...others]);
  const elsewhere = (other.of as Record<string | number, Json>)[other.key] ?? null;
  const put = (value: Json): void => void Object.defineProperty(of, key, { value, enumerable: true, configurable: true, writable: true });
  const had = (of as Record<string | number, Json>)[key] ?? null;
  switch (random.whole(0, 7)) {
    case 0: case 1: put(random.pick(NUMBERS)); break;
    case 2: put(typeof had === "number" ? had + random.pick([-1, 1, 8, 1024]) : random.pick([null, true, "", "x".repeat(5000), [], {}])); break;
    case 3: put(structuredClone(elsewhere)); break;
    case 4: if (Array.isArray(of)) of.splice(Number(key), 1); else Reflect.deleteProperty(of, key); break;
    case 5:
      if (Array.isArray(of)) of.splice(Number(key), 0, structuredClone(had));
      else Object.defineProperty(of, random.pick(KEYS), { value: structuredClone(had), enumerable: true, configurable: true, writable: true });
      break;
    case 6: put(JSON.parse(`${"[".repeat(3000)}${"]".repeat(3000)}`) as Json); break;
    default: put(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as Json);
  }
  return copy;
}

/** Bytes with one to three changes: some flipped, a piece cut out, moved, doubled or overwritten, the end cut off. */
function torn(whole: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  let bytes = whole.slice();
  for (let changes = random.whole(1, 3); changes > 0; changes--) {
    const at = random.whole(0, bytes.length);
    const piece = bytes.slice(at, at + random.whole(1, 24));
    const spliced = (to: number, remove: number, put: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from([...bytes.subarray(0, to), ...put, ...bytes.subarray(to + remove)]);
    switch (random.whole(0, 5)) {
      case 0: bytes = bytes.slice(0, at); break;
      case 1: bytes[at] = (bytes[at] ?? 0) ^ (1 << random.whole(0, 7)); break;
      case 2: bytes = spliced(at, piece.length, new Uint8Array()); break;
      case 3: bytes = spliced(random.whole(0, bytes.length), 0, piece); break;
      case 4: bytes = spliced(random.whole(0, bytes.length), piece.length, piece); break;
      default: piece.forEach((_, k) => (bytes[at + k] = random.whole(0, 255)));
    }
  }
  return bytes;
}

/** A safetensors file with another header, of the right length or a wrong one. */
function withHeader(file: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const end = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, end))) as Json;
  const text = new TextEncoder().encode(JSON.stringify(changed(header, random)));
  const made = new Uint8Array(8 + text.length + file.length - end);
  const length = random.oneIn(10) ? random.pick([0n, 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]) : BigInt(text.length);
  new DataView(made.buffer).setBigUint64(0, length, true);
  made.set(text, 8);
  made.set(file.subarray(end), 8 + text.length);
  return made;
}

/** What `read` makes of a damaged file, or undefined where it refuses it. */
function attempt<Read>(read: () => Read): Read | undefined {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof KvernError) return undefined;
    throw fault;
  }
}

describe("a damaged file is refused, or says what it says", { timeout: 120_000 }, () => {
  test("of codebooks", () => {
    const random = new Random(1);
    const whole = writeSafetensors({ "layer.0.keys.book": tensor([2, 3, 4], Float32Array.from({ length: 24 }, (_, at) => at)), "layer.0.keys.codes": tensor([5], Uint8Array.from([1, 2, 3, 4, 5])) }, { metadata: { format: "kvern-codebooks", bits: "2" } });
    let [read, refused] = [0, 0];
    for (let round = 0; round < 4000; round++) {
      const bytes = random.oneIn(2) ? torn(whole, random) : withHeader(whole, random);
      const file = attempt(() => readSafetensors(bytes));
      if (file === undefined) refused++;
      else {
        read++;
        for (const { shape, data } of Object.values(file.tensors)) {
          expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
          expect(data.length).toBeLessThanOrEqual(bytes.length);
        }
        // Written again, it reads the same.
        expect(readSafetensors(writeSafetensors(file.tensors, { metadata: file.metadata })).metadata).toEqual(file.metadata);
      }
    }
    expect(Math.min(read, refused)).toBeGreaterThan(200);
  });

  test("of a cache", async () => {
    const random = new Random(2);
    const cache = await createCache(specOf({ heads: 1, channels: 4, window: 1, sinks: 1, kinds: [[[2, 1], "f16"]] }), device);
    await cache.append(0, onGrid([4, 1, 4], 1), onGrid([4, 1, 4], 2));
    const saved = await cache.save();
    await cache.close();
    const whole = writeSafetensors(saved.tensors, { metadata: saved.metadata });
    const meant = JSON.stringify(saved, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value));
    let refused = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = random.oneIn(2) ? torn(whole, random) : withHeader(whole, random);
      try {
        const again = await loadCache(bytes, device);
        const found = await again.save();
        await again.close();
        expect(JSON.stringify(found, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value))).toBe(meant);
      } catch (fault) {
        if (!(fault instanceof KvernError)) throw fault;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  const SOURCE = `import { axis, f32, kernel, softmax, sum, uint } from "kvern";
    const token = axis("token"), channel = axis("channel", 4), code = axis("code", 4);
    export const k = kernel({ s: f32(token), codes: uint(2)(token), book: f32(code, channel) }, f32(channel), ({ s, codes, book }) => (c) =>
      sum(token, (t) => softmax(token, (i) => s(i))(t) * book(codes(t), c)));`;

  test("of a graph", async () => {
    const random = new Random(3);
    const { kernels: { k } } = await compileSource({ "k.ts": SOURCE }, "k.ts");
    const json = JSON.parse(JSON.stringify(k)) as Json;
    const inputs = { s: tensor([3], Float32Array.from([1, 2, 3])), codes: { shape: [3], data: Uint8Array.from([0, 1, 3]) }, book: tensor([4, 4], new Float32Array(16).fill(1)) };
    let [read, refused] = [0, 0];
    for (let round = 0; round < 4000; round++) {
      const damaged = changed(json, random);
      const loaded = attempt(() => loadGraph(damaged));
      if (loaded === undefined) {
        refused++;
        continue;
      }
      read++;
      const again = JSON.stringify(saveGraph(loaded.graph));
      expect(JSON.stringify(saveGraph(loadGraph(JSON.parse(again)).graph))).toBe(again);
      // What it says may be run, or asks for other inputs.
      attempt(() => interpret(loaded.graph, inputs));
    }
    expect(Math.min(read, refused)).toBeGreaterThan(200);
  });

  test("of a plan", async () => {
    const random = new Random(4);
    const { kernels: { k } } = await compileSource({ "k.ts": SOURCE }, "k.ts");
    if (k === undefined) return expect.fail("no kernel");
    const { graph } = loadGraph(k);
    const { fused } = lowerAll(graph, { limits, expected: { token: 65536 } });
    if (fused === undefined) return expect.fail("no plan of folds");
    const stored: StoredPlan = { format: PLAN_FORMAT, version: PLAN_VERSION, kernel: "k", graph: graphKey(k), set: {}, upTo: { token: 65536 }, device: "a device", plan: fused };
    const json = JSON.parse(JSON.stringify(stored)) as Json;
    let [read, refused] = [0, 0];
    for (let round = 0; round < 3000; round++) {
      const damaged = changed(json, random);
      const plan = attempt(() => readPlan(damaged, "a plan"));
      if (plan === undefined) refused++;
      else if (read++ < 60) attempt(() => lowerStored(graph, plan, { limits }));
    }
    expect(Math.min(read, refused)).toBeGreaterThan(100);
  });
});
