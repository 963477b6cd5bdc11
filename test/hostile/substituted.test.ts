/**
 * @file Files of which one value was replaced by something that nobody expects there: lists that nest twenty thousand
 * deep, records that pretend to be texts or lists, numbers beyond all numbers, very long texts. Every reader refuses them
 * with a diagnostic of bounded length, or reads them for what they say.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

import { Resumed } from "../../bin/calibrate/records";
import { compileSource } from "../../compiler";
import { readPlan } from "../../compiler/plan/stored";
import { codebooksFrom } from "../../examples/llama/codebooks";
import { parseConfig } from "../../examples/llama/config";
import { loadContexts, loadModel } from "../../examples/llama/load.node";
import { mergeParts } from "../../examples/llama/part";
import { fileTokenizer } from "../../examples/llama/tokenizer";
import { assembleModel } from "../../examples/llama/weights";
import { openDevice, planFile, readSafetensors, writeSafetensors } from "../../runtime";
import { createCache } from "../../runtime/cache/cache";
import { checksumOf } from "../../runtime/cache/file";
import { loadCache } from "../../runtime/cache/load";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";
import { loadGraph } from "../../spec/graph/json";
import { onGrid, specOf } from "../cache/samples";

const DEEP = 20_000;
const STRANGE = [
  "[".repeat(DEEP) + "]".repeat(DEEP), '{"a":'.repeat(DEEP) + "1" + "}".repeat(DEEP), JSON.stringify("x".repeat(100_000)),
  '{"toString":1,"valueOf":1}', '{"length":4294967295}', '{"__proto__":{"polluted":1}}', "1e400", "-1", "0.5", "4294967296", "9007199254740991", "null", "true", '""', "[]", "{}", "[null]",
];

/** The texts of `json` in which one value, at any depth, is another. */
function* substituted(json: unknown): Generator<string> {
  const whole = JSON.stringify(json);
  const mark = (path: readonly (string | number)[]): string => {
    const copy = JSON.parse(`{"whole":${whole}}`) as Record<string | number, unknown>;
    let at = copy;
    for (const key of ["whole", ...path.slice(0, -1)]) if (path.length > 0) at = at[key] as Record<string | number, unknown>;
    at[path.at(-1) ?? "whole"] = MARK;
    return JSON.stringify(copy["whole"]);
  };
  const paths: (readonly (string | number)[])[] = [[]];
  for (const path of paths) {
    const value = path.reduce<unknown>((of, key) => (of as Record<string | number, unknown>)[key], json);
    if (typeof value === "object" && value !== null) for (const key of Object.keys(value)) paths.push([...path, key]);
    for (const strange of STRANGE) yield mark(path).replace(JSON.stringify(MARK), () => strange);
  }
}
const MARK = "the value that is replaced";

/** Reads every substitution; what it throws is a diagnostic that a terminal can show. @returns how many it refused */
async function refusals(json: unknown, read: (text: string) => unknown): Promise<number> {
  let refused = 0;
  for (const text of substituted(json)) {
    try {
      await read(text);
    } catch (fault) {
      if (!(fault instanceof KvernError)) throw new Error(`${text.slice(0, 300)}: ${String(fault)}`, { cause: fault });
      expect(fault.message.length).toBeLessThan(10_000);
      refused++;
    }
  }
  expect("polluted" in {}).toBe(false);
  return refused;
}

/** The file with another header. */
function withHeader(file: Uint8Array<ArrayBuffer>, header: string): Uint8Array<ArrayBuffer> {
  const end = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const text = new TextEncoder().encode(header);
  const made = new Uint8Array(8 + text.length + file.length - end);
  new DataView(made.buffer).setBigUint64(0, BigInt(text.length), true);
  made.set(text, 8);
  made.set(file.subarray(end), 8 + text.length);
  return made;
}
const headerOf = (file: Uint8Array<ArrayBuffer>): unknown =>
  JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)))));

const halves = (shape: readonly number[]) => ({ shape, data: new Float32Array(shape.reduce((all, size) => all * size, 1)).fill(0.5), dtype: "F16" as const });

describe("a value that nobody expects is refused with a diagnostic, or read for what it says", { timeout: 120_000 }, () => {
  test("in the header of safetensors, as tensors, codebooks and parts of them", async () => {
    const file = writeSafetensors({ "layers.0.keys": halves([2, 2, 4, 2]), "layers.0.values": halves([2, 2, 4, 2]) }, { metadata: { layers: "0..0 of 1" } });
    const shape = { layers: 1, heads: 2, kvHeads: 2, headDim: 4, positions: 8, ropeTheta: 100, ropeLayout: "half-split" } as const;
    expect(await refusals(headerOf(file), (text) => readSafetensors(withHeader(file, text)))).toBeGreaterThan(100);
    await refusals(headerOf(file), (text) => codebooksFrom(readSafetensors(withHeader(file, text)).tensors, shape, "books"));
    await refusals(headerOf(file), (text) => mergeParts([{ file: "part", content: readSafetensors(withHeader(file, text)) }]));
    for (const layers of ["0..4294967295 of 4294967296", "0..9007199254740990 of 9007199254740991", "0..99999999999999999 of 999999999999999999"]) {
      expect(() => mergeParts([{ file: "part", content: { ...readSafetensors(file), metadata: { layers } } }])).toThrow("KV6022");
    }
  });

  test("in the description of a cache, whose writer knew the checksum", async () => {
    const device = await openDevice({ backend: "interpreter" });
    const cache = await createCache(specOf({ heads: 1, channels: 4, window: 1, sinks: 1, kinds: [[[2, 1], "f16"]] }), device);
    await cache.append(0, onGrid([4, 1, 4], 1), onGrid([4, 1, 4], 2));
    const { tensors, metadata } = await cache.save();
    await cache.close();
    const read = readSafetensors(writeSafetensors(tensors, { metadata })).tensors;
    expect(await refusals(JSON.parse(metadata["cache"] ?? ""), async (text) => {
      await (await loadCache({ tensors: read, metadata: { ...metadata, cache: text, checksum: checksumOf(text, read) } }, device)).close();
    })).toBeGreaterThan(100);
    for (const none of [undefined, null, 1, "x", [], {}, { tensors: {} }, { tensors: { a: 1 }, metadata: {} }]) await expect(loadCache(none as never, device)).rejects.toThrow("KV6104");
    for (const none of [undefined, null, 1, "x", {}, { heads: 1, channels: 4, layers: [null] }, { heads: {}, channels: 4, layers: [{ keys: null, values: { book: null } }] }]) await expect(createCache(none as never, device)).rejects.toThrow("KV6101");
    await device.close();
  });

  test("in the configuration and the weights of a model", async () => {
    const config = { model_type: "llama", hidden_size: 8, intermediate_size: 12, num_hidden_layers: 1, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 2, vocab_size: 16, rope_scaling: null, rope_parameters: { rope_type: "default", rope_theta: 5 }, rms_norm_eps: 1e-5, bos_token_id: 0, eos_token_id: [1, 2] };
    expect(await refusals(config, (text) => assembleModel(parseConfig(JSON.parse(text), "config.json"), {}, "weights"))).toBeGreaterThan(100);
  });

  test("in a tokenizer", async () => {
    const tales = JSON.parse(readFileSync(fileURLToPath(new URL("../../examples/tales/tokenizer.json", import.meta.url)), "utf8")) as { readonly model: { readonly vocab: object; readonly merges: readonly unknown[] } };
    const small = { ...tales, model: { ...tales.model, vocab: Object.fromEntries(Object.entries(tales.model.vocab).slice(0, 4)), merges: tales.model.merges.slice(0, 2) } };
    expect(await refusals(small, (text) => {
      const tokenizer = fileTokenizer(JSON.parse(text), {}, "tokenizer.json");
      tokenizer.decode(tokenizer.encode("Once upon a time"));
    })).toBeGreaterThan(100);
  });

  test("in a plan, a file of plans, and a graph", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kvern-plans-"));
    const file = join(folder, "plans.json");
    const plan = { format: "kvern-plan", version: 1, kernel: "k", graph: "0", set: { n: 3 }, upTo: {}, device: "d", plan: { choices: [{ rule: "pair", site: "s", parameters: { a: "b" } }], folds: { f: { kind: "stream", lanes: 64, tile: 1, shares: { n: { lane: 1, block: 1, vector: 1 } }, roles: { m: { kind: "serial", step: 1 } }, cross: "tree" } } } };
    expect(readPlan(plan, "it")).toBe(plan);
    expect(await refusals(plan, (text) => readPlan(JSON.parse(text), "it"))).toBeGreaterThan(100);
    expect(await refusals({ format: "kvern-plans", version: 1, plans: {} }, (text) => {
      writeFileSync(file, text);
      return planFile(file);
    })).toBeGreaterThan(30);
    const { kernels } = await compileSource({ "k.ts": 'import { axis, f32, kernel, sum } from "kvern"; const n = axis("n"); export const k = kernel({ x: f32(n) }, f32(), ({ x }) => () => sum(n, (i) => 2 * x(i) * x(i) + 1));' }, "k.ts");
    expect(await refusals(kernels["k"], (text) => loadGraph(JSON.parse(text)))).toBeGreaterThan(100);
    rmSync(folder, { recursive: true });
  });

  test("in a record of a calibration, whose writer knew the sum", async () => {
    const resumed = new Resumed("journal", { layers: 1, row: 4, weights: undefined, tokens: [2], centroids: 8 });
    const floats = (length: number) => ({ shape: [length], data: new Float32Array(length).fill(1) });
    const record = (tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>, metadata: Readonly<Record<string, string>>) => readSafetensors(writeSafetensors(tensors, { metadata }));
    const context = { "0.keys": floats(8), "0.values": floats(8) };
    resumed.take(record(context, { record: "context", index: "0", layers: "1" }));
    for (const index of ["1", "-1", "0.5", "NaN", "length", "__proto__"]) expect(() => resumed.take(record(context, { record: "context", index, layers: "1" }))).toThrow("KV6021");
    for (const layers of ["0", "2", "4294967296"]) expect(() => resumed.take(record(context, { record: "context", index: "0", layers }))).toThrow("KV6021");
    expect(() => resumed.take(record({ ...context, "0.values": floats(9) }, { record: "context", index: "0", layers: "1" }))).toThrow("8 finite numbers as 0.values");
    expect(() => resumed.take(record({}, { record: "other" }))).toThrow("KV6021");
    expect(await refusals({ inertia: [1], stored: 1, energy: 2, converged: true }, (report) => resumed.take(record({ centroids: floats(8) }, { record: "group", place: "0.keys.0.0", report })))).toBeGreaterThan(30);
  });
});

describe("what stands where a file should", () => {
  const folder = mkdtempSync(join(tmpdir(), "kvern-model-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(["config.json", "model.safetensors", "heldout.txt", "model.bin"])("%s as a folder, or links in a ring, cannot be read", async (name) => {
    const tales = fileURLToPath(new URL("../../examples/tales", import.meta.url));
    const kinds = [(path: string) => mkdirSync(path), (path: string) => symlinkSync(path, path)];
    for (const [at, make] of kinds.entries()) {
      const model = join(folder, `${name}-${at}`);
      mkdirSync(model);
      for (const file of ["config.json", "model.safetensors", "tokenizer.json", "heldout.txt"]) if (file !== name) symlinkSync(join(tales, file), join(model, file));
      make(join(model, name));
      const loading = name === "model.bin" ? loadModel(join(model, name)) : loadModel(model).then((loaded) => loadContexts(loaded, join(model, "heldout.txt")));
      await expect(loading).rejects.toThrow(/KV5001|KV6001/);
    }
  });
});

test("a value is shown short, and none of its functions is called", () => {
  expect(shown({ a: [1, "b", null], c: { d: { e: { f: 1 } } } })).toBe('{"a":[1,"b",null],"c":{"d":{"e":{…}}}}');
  expect(shown([1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe("[1,2,3,4,5,6,7,8,…]");
  expect(shown("x".repeat(100))).toBe(`"${"x".repeat(80)}"…`);
  expect([shown(undefined), shown(() => 1), shown(10n), shown(Symbol("s")), shown(NaN), shown(Object.create(null))]).toEqual(["nothing", "a function", "10", "Symbol(s)", "NaN", "{}"]);
});
