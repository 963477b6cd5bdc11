import { refuse } from "../../spec/diagnostics/diagnostic";
import type { AttentionBackend } from "./backend";
import { hiddenStates, logits, type Llama } from "./model";

/**
 * Continues a prompt by the likeliest token (the first of equals), up to `count` tokens; an end-of-text token, or the end
 * of the model's context, ends it early. The end-of-text token is not part of the result.
 * @throws KvernError KV6005 for an empty prompt or one the model cannot take
 */
export async function generate(
  model: Llama,
  backend: AttentionBackend,
  prompt: readonly number[],
  count: number,
  onToken?: (id: number) => void,
): Promise<readonly number[]> {
  if (prompt.length === 0) refuse({ code: "KV6005", message: "the prompt is empty", expected: "at least one token", got: "none" });
  const { hidden: width, endOfText, positions } = model.config;
  backend.reset();
  let states = await hiddenStates(model, backend, prompt);
  let seen = prompt.length;
  const ids: number[] = [];
  while (ids.length < count) {
    const id = likeliest(logits(model, states.subarray(states.length - width)));
    if (endOfText.includes(id)) break;
    ids.push(id);
    onToken?.(id);
    if (seen === positions || ids.length === count) break;
    states = await hiddenStates(model, backend, [id], seen);
    seen++;
  }
  return ids;
}

function likeliest(scores: Float32Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if ((scores[id] ?? 0) > (scores[best] ?? 0)) best = id;
  return best;
}
