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

/**
 * A running text as contexts: as many whole paragraphs as the model has positions for, joined by one newline and led by
 * its begin mark. Blank lines separate paragraphs; one that is too long on its own is cut.
 */
export function textContexts(text: string, tokenizer: TextTokenizer, config: LlamaConfig): readonly (readonly number[])[] {
  const paragraphs = text.split(/\n\s*\n/).map((paragraph) => paragraph.trim()).filter((paragraph) => paragraph !== "");
  const begin = config.beginOfText === undefined ? [] : [config.beginOfText];
  const room = config.positions - begin.length;
  const contexts: number[][] = [];
  let taken: readonly string[] = [];
  let ids: readonly number[] = [];
  const finish = (): void => {
    if (ids.length > 0) contexts.push([...begin, ...ids.slice(0, room)]);
  };
  for (const paragraph of paragraphs) {
    const longer = [...taken, paragraph];
    const longerIds = tokenizer.encode(longer.join("\n"));
    if (longerIds.length > room && taken.length > 0) {
      finish();
      taken = [paragraph];
      ids = tokenizer.encode(paragraph);
    } else {
      taken = longer;
      ids = longerIds;
    }
  }
  finish();
  return contexts;
}
