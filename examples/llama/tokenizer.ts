import { Tokenizer } from "@huggingface/tokenizers";

/** Text to token ids and back, without the tokens that mark the begin and end of a text. */
export interface TextTokenizer {
  encode(text: string): readonly number[];
  decode(ids: readonly number[]): string;
}

/** A tokenizer from the parsed `tokenizer.json` and, where there is one, `tokenizer_config.json`. */
export function textTokenizer(json: object, config: object = {}): TextTokenizer {
  const tokenizer = new Tokenizer(json, config);
  return {
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
  };
}
