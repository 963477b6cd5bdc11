import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { calibrate, CALIBRATION_VECTORS, FORMATS } from "../../examples/llama/calibrate";
import { collectActivations } from "../../examples/llama/calibration";
import { codebooksFrom, codebookTensors, formatName, requireFit, type Codebooks } from "../../examples/llama/codebooks";
import { generate } from "../../examples/llama/generate";
import { loadCodebooks, saveCodebooks, type LoadedModel } from "../../examples/llama/load.node";
import { plainModel } from "../../examples/llama/language-model";
import { perplexity } from "../../examples/llama/perplexity";
import { coupledAttention } from "../../examples/llama/plain/coupled";
import { exactAttention } from "../../examples/llama/plain/exact";
import { learnCodebook } from "../../runtime/codebook/coupled";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { contextsOf, expected, tales, TALES } from "./tales";

const fileOf = (name: string): string => `${TALES}codebooks/${name.toLowerCase()}.safetensors`;

/** Held-out stories that are scored here; `kvern demo --full` scores all of them. */
const STORIES = 6;

/**
 * expected.json asks for "a tolerance of a few percent", since seeding and vector order differ: other seeds of its own
 * CQ-8c8b row lie up to 1.5 % apart, and so may ours from it, once more by the choice of stories.
 */
const TOLERANCE = 0.03;

describe("a cache of CQ codes", () => {
  let loaded: LoadedModel;
  beforeAll(async () => {
    loaded = await tales();
  });

  it("costs as much perplexity as an independent implementation found, in the same order", { timeout: 240_000 }, async () => {
    const { model } = loaded;
    const stories = (await contextsOf("heldout.txt")).slice(0, STORIES);
    const figure = (name: string): number => expected.kvCache.table.find((row) => row.name.split(" (")[0] === name)?.perplexity ?? NaN;
    const exact = await perplexity(plainModel(model, exactAttention(model.config)), stories);
    const ratios: number[] = [];
    for (const format of FORMATS) {
      const name = formatName(format);
      const backend = coupledAttention(model.config, await loadCodebooks(loaded, fileOf(name)));
      const ratio = (await perplexity(plainModel(model, backend), stories)).perplexity / exact.perplexity;
      expect(Math.abs(ratio / (figure(name) / figure("full precision")) - 1)).toBeLessThan(TOLERANCE);
      ratios.push(ratio);
    }
    expect(ratios).toEqual([...ratios].sort((a, b) => a - b));
  });

  it("takes 4, 2 and 1 bit per channel, and nothing else but its codebooks", async () => {
    const { model } = loaded;
    const { layers, kvHeads, headDim } = model.config;
    const prompt = expected.greedy[0]?.promptIds ?? [];
    for (const [format, bits] of FORMATS.map((format, at) => [format, [4, 2, 1][at] ?? NaN] as const)) {
      const backend = coupledAttention(model.config, await loadCodebooks(loaded, fileOf(formatName(format))));
      const ids = await generate(plainModel(model, backend), prompt, { count: 5 });
      const tokens = prompt.length + ids.length - 1;
      const numbers = 2 * layers * kvHeads * headDim;
      expect(backend.bytes()).toEqual({ codes: (tokens * numbers * bits) / 8, codebooks: 2 * numbers * 256, tail: 0 });
      await backend.reset();
      expect(backend.bytes().codes).toBe(0);
    }
  });
});

describe("codebooks", () => {
  let loaded: LoadedModel;
  let small: Codebooks;
  const learn = async (signal?: AbortSignal) =>
    calibrate(loaded.model, await contextsOf("calibration.txt"), [{ couple: 8, bits: 3 }], { vectors: 64, ...(signal === undefined ? {} : { signal }) });
  beforeAll(async () => {
    loaded = await tales();
    small = (await learn())[0] ?? { format: { couple: 0, bits: 0 }, layers: [] };
  });

  it("are learned anew from the model, the same each time", async () => {
    expect(small.format).toEqual({ couple: 8, bits: 3 });
    requireFit(small, loaded.model.config);
    expect((await learn())[0]).toEqual(small);
    const result = await perplexity(plainModel(loaded.model, coupledAttention(loaded.model.config, small)), [(await contextsOf("heldout.txt"))[0]?.slice(0, 40) ?? []]);
    expect(result.perplexity).toBeLessThan(loaded.model.config.vocabulary);
  });

  it("of examples/tales are what calibration learns, bit for bit", async () => {
    const committed = await loadCodebooks(loaded, fileOf("CQ-8c8b"));
    const activations = await collectActivations(loaded.model, await contextsOf("calibration.txt"), { vectors: CALIBRATION_VECTORS, layers: { from: 1, to: 1 } });
    const { keys } = activations[0] ?? expect.fail();
    const { book } = await learnCodebook(keys, committed.format);
    expect(book).toEqual(committed.layers[1]?.keys);
  });

  it("say how far they are, and stop when asked to", async () => {
    const seen: string[] = [];
    await calibrate(loaded.model, await contextsOf("calibration.txt"), [{ couple: 32, bits: 1 }], { vectors: 16, onProgress: (what, done, total) => seen.push(`${what} ${done}/${total}`) });
    expect(seen).toEqual(["calibration vectors 16/16", ...Array.from({ length: 8 }, (_, at) => `CQ-32c1b codebooks ${at + 1}/8`)]);
    await expect(learn(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });

  it("survive being saved", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kvern-codebooks-"));
    try {
      await saveCodebooks(small, join(directory, "small.safetensors"));
      expect(await loadCodebooks(loaded, join(directory, "small.safetensors"))).toEqual(small);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("are refused where they do not fit the model", () => {
    const { config } = loaded.model;
    const codeOf = (action: () => unknown): string | undefined => {
      try {
        action();
      } catch (fault) {
        if (fault instanceof KvernError) return fault.diagnostics[0]?.code;
        throw fault;
      }
      return undefined;
    };
    const tensors = Object.fromEntries(Object.entries(codebookTensors(small)).map(([name, tensor]) => [name, { ...tensor, dtype: "F16" as const }]));
    expect(codeOf(() => codebooksFrom(tensors, config, "f"))).toBeUndefined();
    expect(codeOf(() => codebooksFrom({}, config, "f"))).toBe("KV6006");
    expect(codeOf(() => codebooksFrom({ ...tensors, "layers.1.keys": { dtype: "F32", shape: [2, 8, 8, 8], data: new Float32Array(1024) } }, config, "f"))).toBe("KV6006");
    expect(codeOf(() => codebooksFrom({ ...tensors, "layers.1.keys": { dtype: "F16", shape: [2, 4, 8, 16], data: new Float32Array(1024) } }, config, "f"))).toBe("KV6006");
    expect(codeOf(() => codebooksFrom({ ...tensors, "layers.1.keys": { dtype: "F16", shape: [2, 8, 8, 8], data: new Float32Array(1024).fill(NaN) } }, config, "f"))).toBe("KV6006");
    expect(codeOf(() => requireFit(small, { ...config, layers: 3 }))).toBe("KV6006");
    expect(codeOf(() => requireFit(small, { ...config, headDim: 32 }))).toBe("KV6006");
    expect(codeOf(() => requireFit({ ...small, format: { couple: 8, bits: Math.log2(9) } }, config))).toBe("KV6006");
  });
});
