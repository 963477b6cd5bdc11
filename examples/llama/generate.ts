import { refuse } from "../../spec/diagnostics/diagnostic";
import type { LanguageModel } from "./language-model";
import { likeliest, type Sampler } from "./sample";

export interface GenerateOptions {
  /** Tokens to continue by, at most. */
  readonly count: number;
  /** The likeliest token unless given. */
  readonly sample?: Sampler;
  readonly onToken?: (id: number) => void;
}

/**
 * Continues a prompt; an end-of-text token, or the end of the model's context, ends it early. The end-of-text token is
 * not part of the result.
 * @throws KvernError KV6005 for an empty prompt or one the model cannot take
 */
export async function generate(model: LanguageModel, prompt: readonly number[], { count, sample = likeliest, onToken }: GenerateOptions): Promise<readonly number[]> {
  if (prompt.length === 0) refuse({ code: "KV6005", message: "the prompt is empty", expected: "at least one token", got: "none" });
  const { endOfText, positions } = model.config;
  await model.reset();
  let logits = await model.next(prompt);
  let seen = prompt.length;
  const ids: number[] = [];
  while (ids.length < count) {
    const id = sample(logits);
    if (endOfText.includes(id)) break;
    ids.push(id);
    onToken?.(id);
    if (seen === positions || ids.length === count) break;
    logits = await model.next([id]);
    seen++;
  }
  return ids;
}
