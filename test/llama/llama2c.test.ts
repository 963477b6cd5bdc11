import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { textContexts } from "../../examples/llama/contexts";
import { generate } from "../../examples/llama/generate";
import { HEADER_BYTES, llama2cBytes, llama2cConfig, parseLlama2c } from "../../examples/llama/llama2c/model";
import { llama2cTokenizer } from "../../examples/llama/llama2c/tokenizer";
import { loadModel } from "../../examples/llama/load.node";
import { hiddenStates } from "../../examples/llama/model";
import { plainModel } from "../../examples/llama/language-model";
import { perplexity } from "../../examples/llama/perplexity";
import { exactAttention } from "../../examples/llama/plain/exact";
import { KvernError, type Diagnostic } from "../../spec/diagnostics/diagnostic";
import { lossesOf } from "./one-token";
import { BEGINNING, hasStories, stories, STORIES, storiesFile } from "./stories";
import { LOGIT_ACCURACY } from "./tales";

/** hidden, intermediate, layers, heads, kvHeads, vocabulary, positions. */
type Sizes = readonly [number, number, number, number, number, number, number];
const SMALL: Sizes = [8, 12, 2, 2, 1, 260, 16];

function header(sizes: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * sizes.length));
  sizes.forEach((size, at) => bytes.setInt32(4 * at, size, true));
  return new Uint8Array(bytes.buffer);
}

/** A file whose n-th weight is n / 4096. */
function file(sizes: Sizes): Uint8Array {
  const head = header(sizes);
  const content = new Uint8Array(llama2cBytes(llama2cConfig(head, "small.bin")));
  content.set(head);
  const view = new DataView(content.buffer);
  for (let at = 0; HEADER_BYTES + 4 * at < content.length; at++) view.setFloat32(HEADER_BYTES + 4 * at, at / 4096, true);
  return content;
}

function pieces(list: readonly (readonly [string | Uint8Array, number])[]): Uint8Array {
  const encoded = list.map(([text, score]) => ({ bytes: typeof text === "string" ? new TextEncoder().encode(text) : text, score }));
  const content = new Uint8Array(4 + encoded.reduce((sum, { bytes }) => sum + 8 + bytes.length, 0));
  const view = new DataView(content.buffer);
  let at = 4;
  for (const { bytes, score } of encoded) {
    view.setFloat32(at, score, true);
    view.setInt32(at + 4, bytes.length, true);
    content.set(bytes, at + 8);
    at += 8 + bytes.length;
  }
  return content;
}

const BASE = [["<unk>", 0], ["\n<s>\n", 0], ["\n</s>\n", 0], ...Array.from({ length: 256 }, (_, byte): [string, number] => [`<0x${byte.toString(16)}>`, 0])] as const;
const LETTERS = [[" ", -5], ["a", -6], ["b", -7], ["ab", -1], [" a", -2], ["ba", -3]] as const;
const small = () => llama2cTokenizer(pieces([...BASE, ...LETTERS]), BASE.length + LETTERS.length, "tok.bin");

function faultOf(action: () => unknown): Diagnostic | undefined {
  try {
    action();
  } catch (fault) {
    if (fault instanceof KvernError) return fault.diagnostics[0];
    throw fault;
  }
  return undefined;
}

describe("a llama2.c model", () => {
  it("takes its weights in the file's order, and rotates neighbouring channels", () => {
    const model = parseLlama2c(file(SMALL), "small.bin");
    expect(model.config).toEqual({
      hidden: 8, intermediate: 12, layers: 2, heads: 2, kvHeads: 1, headDim: 4, vocabulary: 260, positions: 16,
      ropeTheta: 10_000, ropeLayout: "interleaved", normEpsilon: 1e-5, tied: true, beginOfText: 1, endOfText: [1, 2],
    });
    // Where each tensor begins: embedding 260·8, then of both layers the norm 8, query 64, key 32, value 32, output 64, norm 8, gate, down, up 96.
    const first = (at: number): number => at / 4096;
    const [one, two] = model.layers;
    expect(model.embedding.data[0]).toBe(0);
    const begins = [one?.attentionNorm[0], two?.attentionNorm[0], one?.query.data[0], one?.key.data[0], one?.value.data[0], one?.output.data[0], one?.feedForwardNorm[0], one?.gate.data[0], one?.down.data[0], one?.up.data[0], two?.up.data[0], model.norm[0]];
    expect(begins).toEqual([2080, 2088, 2096, 2224, 2288, 2352, 2480, 2496, 2688, 2880, 2976, 3072].map(first));
    expect(model.layers[0]?.down).toMatchObject({ outputs: 8, inputs: 12 });
    expect(model.head).toBe(model.embedding);
  });

  it("with a negative vocabulary has an output projection of its own, the file's last tensor", () => {
    const untied = parseLlama2c(file([8, 12, 2, 2, 1, -260, 16]), "small.bin");
    expect(untied.config).toMatchObject({ vocabulary: 260, tied: false });
    expect(untied.head.data[0]).toBe((3072 + 8 + 16 * 4) / 4096);
    expect(untied.head.data.length).toBe(2080);
  });

  it("reads from any offset in memory", () => {
    const content = file(SMALL);
    const shifted = new Uint8Array(content.length + 3);
    shifted.set(content, 3);
    expect(parseLlama2c(shifted.subarray(3), "small.bin")).toEqual(parseLlama2c(content, "small.bin"));
  });

  it.each([
    ["no width", 0, 0],
    ["a negative number of layers", 2, -1],
    ["an absurd feed-forward width", 1, 2 ** 30],
    ["the least number there is as vocabulary", 5, -(2 ** 31)],
    ["no positions", 6, 0],
    ["heads of an odd number of channels", 3, 8],
    ["heads that do not divide the width", 3, 3],
    ["key/value heads that do not divide the heads", 4, 3],
  ])("with %s is refused before anything is allocated", (_, at, value) => {
    const sizes = [...SMALL];
    sizes[at] = value;
    expect(faultOf(() => llama2cConfig(header(sizes), "small.bin"))).toMatchObject({ code: "KV6002", file: "small.bin" });
  });

  it("cut off, too long, of a later version or with a weight that is not finite is refused", () => {
    const content = file(SMALL);
    expect(faultOf(() => parseLlama2c(content.subarray(0, 20), "f"))).toMatchObject({ code: "KV6002", got: "20 bytes" });
    expect(faultOf(() => parseLlama2c(content.subarray(0, content.length - 1), "f"))).toMatchObject({ code: "KV6004", expected: `${content.length} bytes` });
    expect(faultOf(() => parseLlama2c(Uint8Array.from([...content, 0]), "f"))).toMatchObject({ code: "KV6004" });
    expect(faultOf(() => parseLlama2c(header([0x616b3432, 1, 0, 0, 0, 0, 0]), "f"))).toMatchObject({ code: "KV6003", got: "version 1" });
    new DataView(content.buffer).setFloat32(HEADER_BYTES + 40, NaN, true);
    expect(faultOf(() => parseLlama2c(content, "f"))).toMatchObject({ code: "KV6004", message: "weight 10 is not finite" });
  });

  it("is loaded with the tokenizer beside it, and not read where its length is not what its sizes ask for", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kvern-llama2c-"));
    const model = join(directory, "small.bin");
    const refused = async (): Promise<Diagnostic | undefined> => loadModel(model).then(() => undefined, (fault: unknown) => (fault instanceof KvernError ? fault.diagnostics[0] : Promise.reject(fault as Error)));
    try {
      expect(await refused()).toMatchObject({ code: "KV6001", file: model });
      await writeFile(model, file([8, 12, 2, 2, 1, BASE.length + LETTERS.length, 16]));
      expect(await refused()).toMatchObject({ code: "KV6001" });
      await writeFile(join(directory, "tokenizer.bin"), pieces([...BASE, ...LETTERS]));
      const loaded = await loadModel(model);
      expect(loaded.tokenizer.encode("a")).toEqual([263]);
      expect((await hiddenStates(loaded.model, exactAttention(loaded.model.config), [1, 5])).every(Number.isFinite)).toBe(true);
      // Sizes that ask for two terabytes, in a file that a sparse gigabyte makes look large.
      await writeFile(model, header([131072, 131072, 8, 2, 2, 131072, 1]));
      await truncate(model, 2 ** 30);
      expect(await refused()).toMatchObject({ code: "KV6004", got: `${2 ** 30} bytes` });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("a llama2.c tokenizer", () => {
  it("merges the best scored neighbours first, after a blank of its own", () => {
    const tokenizer = small();
    // " abba" is " ", a, b, b, a; "ab" scores best, then "ba".
    expect(tokenizer.encode("abba")).toEqual([259, 262, 264]);
    expect(tokenizer.encode("a b")).toEqual([263, 259, 261]);
    expect(tokenizer.encode("")).toEqual([]);
  });

  it("writes what it has no piece for as bytes, and gives texts back", () => {
    const tokenizer = small();
    expect(tokenizer.encode("é")).toEqual([259, 3 + 0xc3, 3 + 0xa9]);
    for (const text of ["abba", "a é b\n", "ba  ab"]) expect(tokenizer.decode([1, ...tokenizer.encode(text)])).toBe(text);
    expect(tokenizer.decode(tokenizer.encode("ab"))).toBe(" ab");
  });

  it("that is cut off anywhere, too long, or holds lengths and scores that cannot be, is refused", () => {
    const content = pieces([...BASE.slice(0, 5)]);
    const read = (bytes: Uint8Array) => faultOf(() => llama2cTokenizer(bytes, 5, "tok.bin"));
    expect(read(content)).toBeUndefined();
    for (let length = 0; length < content.length; length++) expect(read(content.subarray(0, length))).toMatchObject({ code: "KV6002" });
    expect(read(Uint8Array.from([...content, 1]))).toMatchObject({ code: "KV6002" });
    for (const length of [-1, 2 ** 31 - 1]) {
      const bad = content.slice();
      new DataView(bad.buffer).setInt32(8, length, true);
      expect(read(bad)).toMatchObject({ code: "KV6002" });
    }
    const unscored = content.slice();
    new DataView(unscored.buffer).setFloat32(4, NaN, true);
    expect(read(unscored)).toMatchObject({ code: "KV6002", message: "the score of piece 0 is not a number" });
  });
});

describe.skipIf(!hasStories)("the published model stories260K", () => {
  it("writes what its publisher's program writes", async () => {
    const { model, tokenizer } = await stories();
    const ids = await generate(plainModel(model, exactAttention(model.config)), [1], { count: 70 });
    expect(tokenizer.decode([1, ...ids]).startsWith(BEGINNING)).toBe(true);
  });

  it("gives texts back, and predicts text of its own kind as an independent program does from its file", { timeout: 120_000 }, async () => {
    const { model, tokenizer } = await stories();
    const text = await readFile(`${STORIES}validation.txt`, "utf8");
    expect(tokenizer.decode([1, ...tokenizer.encode(text.slice(0, 5000))])).toBe(text.slice(0, 5000));
    const contexts = textContexts(text, tokenizer, model.config);
    expect(Math.max(...contexts.map((context) => context.length))).toBeLessThanOrEqual(model.config.positions);
    const file = Uint8Array.from(await readFile(storiesFile));
    for (const context of contexts.slice(2, 4)) {
      const losses = lossesOf(file, context);
      const { nll, tokens } = await perplexity(plainModel(model, exactAttention(model.config)), [context]);
      expect(tokens).toBe(losses.length);
      // −log p changes by at most twice what logits change by.
      expect(Math.abs(nll - losses.reduce((a, b) => a + b))).toBeLessThan(2 * LOGIT_ACCURACY * tokens);
    }
  });
});
