import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { splitStories } from "../../examples/llama/contexts";
import { generate } from "../../examples/llama/generate";
import type { LoadedModel } from "../../examples/llama/load.node";
import { hiddenStates, logits } from "../../examples/llama/model";
import { plainModel } from "../../examples/llama/language-model";
import { perplexity } from "../../examples/llama/perplexity";
import { exactAttention } from "../../examples/llama/plain/exact";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { contextsOf, expected, tales, TALES } from "./tales";

/** The accuracies that expected.json states for an f32 implementation. */
const LOGIT_ACCURACY = 1e-3;
const PERPLEXITY_ACCURACY = 1e-4;

describe("the model at full precision, against figures of an independent f64 implementation", () => {
  let loaded: LoadedModel;
  beforeAll(async () => {
    loaded = await tales();
  });

  it("is the model those figures are of", () => {
    for (const [file, { bytes, sha256 }] of Object.entries(expected.files)) {
      const content = readFileSync(`${TALES}${file}`);
      expect([file, content.length, createHash("sha256").update(content).digest("hex")]).toEqual([file, bytes, sha256]);
    }
  });

  it("splits and tokenizes the texts into the same stories and counts", async () => {
    for (const [file, counts] of Object.entries(expected.tokens)) {
      const stories = splitStories(readFileSync(`${TALES}${file}`, "utf8"));
      const contexts = await contextsOf(file);
      const textTokens = stories.reduce((sum, story) => sum + loaded.tokenizer.encode(story).length, 0);
      const scoredTokens = contexts.reduce((sum, context) => sum + context.length - 1, 0);
      expect({ stories: contexts.length, textTokens, scoredTokens, longestContext: Math.max(...contexts.map((context) => context.length)) }).toEqual(counts);
    }
  });

  it("gives the same ids for a text, and the text for the ids", () => {
    expect(loaded.tokenizer.encode(expected.encode.text)).toEqual(expected.encode.ids);
    expect(loaded.tokenizer.decode(expected.encode.ids)).toBe(expected.encode.text);
  });

  it("computes the same logits", async () => {
    const [heldout = []] = await contextsOf("heldout.txt");
    for (const [name, ids] of [["first", [0]], ["last", heldout.slice(0, 64)]] as const) {
      const { first8, position, sum, sumOfSquares } = expected.logits[name];
      const hidden = await hiddenStates(loaded.model, exactAttention(loaded.model.config), ids);
      const width = loaded.model.config.hidden;
      const scores = logits(loaded.model, hidden.subarray(position * width, (position + 1) * width));
      for (const [id, logit] of first8.entries()) expect(Math.abs((scores[id] ?? NaN) - logit)).toBeLessThan(LOGIT_ACCURACY);
      const total = scores.reduce((a, b) => a + b, 0);
      const squares = scores.reduce((a, b) => a + b * b, 0);
      // What errors of LOGIT_ACCURACY in each logit can do to their sum and to the sum of their squares.
      expect(Math.abs(total - sum)).toBeLessThan(LOGIT_ACCURACY * scores.length);
      expect(Math.abs(squares - sumOfSquares)).toBeLessThan(2 * LOGIT_ACCURACY * Math.sqrt(scores.length * sumOfSquares));
    }
  });

  it("computes the same states token by token as all at once", async () => {
    const [heldout = []] = await contextsOf("heldout.txt");
    const ids = heldout.slice(0, 24);
    const whole = await hiddenStates(loaded.model, exactAttention(loaded.model.config), ids);
    const stepwise = exactAttention(loaded.model.config);
    const width = loaded.model.config.hidden;
    for (const [position, id] of ids.entries()) {
      // Rows are computed alike, in the same order of summation, however many there are.
      expect(await hiddenStates(loaded.model, stepwise, [id], position)).toEqual(whole.slice(position * width, (position + 1) * width));
    }
    expect(stepwise.bytes()).toEqual({ codes: 0, codebooks: 0, tail: 4 * 2 * 24 * 128 * 4 });
  });

  it("continues the prompts with the same 40 tokens", async () => {
    const backend = exactAttention(loaded.model.config);
    for (const { prompt, promptIds, first40, text } of expected.greedy) {
      expect([0, ...loaded.tokenizer.encode(prompt)]).toEqual(promptIds);
      const streamed: number[] = [];
      const ids = await generate(plainModel(loaded.model, backend), promptIds, { count: 40, onToken: (id) => streamed.push(id) });
      expect(ids).toEqual(first40);
      expect(streamed).toEqual(first40);
      expect(text.startsWith(prompt + loaded.tokenizer.decode(ids))).toBe(true);
    }
  });

  it("has the same perplexity on the held-out stories", async () => {
    const { ppl, tokens } = expected.perplexity["heldout.txt"];
    const result = await perplexity(plainModel(loaded.model, exactAttention(loaded.model.config)), await contextsOf("heldout.txt"));
    expect(result.tokens).toBe(tokens);
    expect(Math.abs(result.perplexity / ppl - 1)).toBeLessThan(PERPLEXITY_ACCURACY);
  });

  it("refuses tokens it does not have, contexts that are too long, empty prompts and nothing to score", async () => {
    const { model } = loaded;
    const backend = exactAttention(model.config);
    const refused = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(() => "nothing", (fault: unknown) => (fault instanceof KvernError ? fault.diagnostics[0]?.code : fault));
    expect(await refused(generate(plainModel(model, backend), [0, 1024], { count: 1 }))).toBe("KV6005");
    expect(await refused(generate(plainModel(model, backend), [0, 1.5], { count: 1 }))).toBe("KV6005");
    expect(await refused(generate(plainModel(model, backend), new Array<number>(513).fill(0), { count: 1 }))).toBe("KV6005");
    expect(await refused(generate(plainModel(model, backend), [], { count: 1 }))).toBe("KV6005");
    expect(await refused(perplexity(plainModel(model, backend), [[0]]))).toBe("KV6005");
  });

  it("stops at the end of the context", async () => {
    const backend = exactAttention(loaded.model.config);
    const ids = await generate(plainModel(loaded.model, backend), new Array<number>(510).fill(424), { count: 40 });
    expect(ids.length).toBeLessThanOrEqual(3);
    expect(ids.length).toBeGreaterThan(0);
  });
});
