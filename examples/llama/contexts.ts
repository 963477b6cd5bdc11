/** @file Files of stories as contexts for the model: begin-of-text, the story, end-of-text. */

import type { LlamaConfig } from "./config";
import type { TextTokenizer } from "./tokenizer";

/** The line that separates stories in a file; no token stands for it. */
const SEPARATOR = "<|endoftext|>";

/** The stories of a file, trimmed; empty ones are dropped. */
export function splitStories(text: string): readonly string[] {
  return text.split(SEPARATOR).map((story) => story.trim()).filter((story) => story !== "");
}

/**
 * The ids of one story between the model's marks, cut to one more than the model has positions: the last id is only
 * ever predicted, never fed.
 */
export function storyContext(story: string, tokenizer: TextTokenizer, config: LlamaConfig): readonly number[] {
  const begin = config.beginOfText === undefined ? [] : [config.beginOfText];
  return [...begin, ...tokenizer.encode(story), ...config.endOfText.slice(0, 1)].slice(0, config.positions + 1);
}
