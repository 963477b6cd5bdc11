import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadContexts, loadModel, type LoadedModel } from "../../examples/llama/load.node";

/** Numbers computed by an independent implementation in f64; examples/tales/README.md says how. */
export interface Expected {
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  readonly tokens: Readonly<Record<string, { readonly stories: number; readonly textTokens: number; readonly scoredTokens: number; readonly longestContext: number }>>;
  readonly encode: { readonly text: string; readonly ids: readonly number[] };
  readonly perplexity: Readonly<Record<"heldout.txt", { readonly ppl: number; readonly tokens: number }>>;
  readonly greedy: readonly { readonly prompt: string; readonly promptIds: readonly number[]; readonly first40: readonly number[]; readonly text: string }[];
  readonly logits: Readonly<Record<"first" | "last", { readonly position: number; readonly sum: number; readonly sumOfSquares: number; readonly first8: readonly number[] }>>;
  readonly kvCache: { readonly table: readonly { readonly name: string; readonly perplexity: number }[] };
}

export const TALES = fileURLToPath(new URL("../../examples/tales/", import.meta.url));
export const expected = JSON.parse(readFileSync(`${TALES}expected.json`, "utf8")) as Expected;

let loading: Promise<LoadedModel> | undefined;
export const tales = (): Promise<LoadedModel> => (loading ??= loadModel(TALES));

export const contextsOf = async (file: string): Promise<readonly (readonly number[])[]> => loadContexts(await tales(), `${TALES}${file}`);

/** The accuracy that expected.json states for logits of an f32 implementation. */
export const LOGIT_ACCURACY = 1e-3;
