import { Tokenizer } from "@huggingface/tokenizers";
import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { requireTokenizer } from "./tokenizer-file";

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

/**
 * The same from a file of anyone's. What the package does not look at before it uses it is looked at here, and what it
 * then throws, when it is built or later, is a fault of the file.
 * @throws KvernError KV6002 for a part that is not as it must be, KV6003 for a kind that the package does not know
 */
export function fileTokenizer(json: unknown, config: object, file: string): TextTokenizer {
  requireTokenizer(json, file);
  const guarded = <Result>(what: string, action: () => Result): Result => {
    try {
      return action();
    } catch (cause) {
      if (cause instanceof KvernError) throw cause;
      return refuse({ code: "KV6003", file, message: `the tokenizer cannot ${what}`, expected: "one of the kinds @huggingface/tokenizers knows", got: cause instanceof Error ? cause.message : String(cause) });
    }
  };
  const tokenizer = guarded("be built", () => textTokenizer(json, config));
  return {
    encode: (text) => guarded("encode a text", () => tokenizer.encode(text)),
    decode: (ids) => guarded("decode tokens", () => tokenizer.decode(ids)),
  };
}
