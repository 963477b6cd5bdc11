/**
 * @file What a `tokenizer.json` must be before it is given to the package that runs it: the parts that every kind has, of
 * the right types, and elsewhere nothing that would be taken for a list of any length.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";

/** No vocabulary comes near. */
const LARGEST_ID = 2 ** 24;

/** More than steps in steps of any tokenizer. */
const DEEPEST = 32;

type Fields = Readonly<Record<string, unknown>>;
type Malformed = (what: string, expected: string, got: unknown) => never;

/** @throws KvernError KV6002 for a part that is missing or malformed */
export function requireTokenizer(json: unknown, file: string): asserts json is object {
  const malformed: Malformed = (what, expected, got) => refuse({ code: "KV6002", file, message: `${what} of the tokenizer is malformed`, expected, got: shown(got) });
  if (!isFields(json)) return malformed("the whole", "a record", json);
  const { added_tokens: added = [], model, ...steps } = json;
  if (!isFields(model)) return malformed("`model`", "a record", model);
  requireModel(model, malformed);
  if (!Array.isArray(added)) return malformed("`added_tokens`", "a list of { id, content }", added);
  for (const token of added as readonly unknown[]) {
    if (!isFields(token) || !isId(token["id"]) || typeof token["content"] !== "string") malformed("an added token", "{ id, content }, a token id and a text", token);
  }
  for (const [name, step] of Object.entries(steps)) requirePlain(step, `\`${name}\``, malformed, DEEPEST);
}

function requireModel({ vocab, merges, ...options }: Fields, malformed: Malformed): void {
  // A list of pieces with scores, or ids by piece.
  if (Array.isArray(vocab)) {
    for (const piece of vocab as readonly unknown[]) if (!Array.isArray(piece) || piece.length !== 2 || typeof piece[0] !== "string" || typeof piece[1] !== "number") malformed("a piece of the vocabulary", "[text, score]", piece);
  } else if (isFields(vocab)) {
    for (const [piece, id] of Object.entries(vocab)) if (!isId(id)) malformed(`the piece ${shown(piece)} of the vocabulary`, `a token id, from 0 to ${LARGEST_ID}`, id);
  } else malformed("the vocabulary", "ids by text, or a list of [text, score]", vocab);
  if (merges !== undefined && !Array.isArray(merges)) malformed("`merges`", "a list", merges);
  const pairs = (merges ?? []) as readonly unknown[];
  for (const pair of pairs) {
    const isPair = Array.isArray(pair) ? pair.length === 2 && pair.every((part) => typeof part === "string") : typeof pair === "string";
    if (!isPair || Array.isArray(pair) !== Array.isArray(pairs[0])) malformed("a merge", 'two texts: "a b", or ["a", "b"], all alike', pair);
  }
  for (const [name, option] of Object.entries(options)) {
    if (typeof option === "object" && option !== null) malformed(`\`${name}\` of the model`, "a text, a number or a truth", option);
  }
}

/** @throws KvernError KV6002 where a record says how long it is, or where steps nest too deep */
function requirePlain(json: unknown, what: string, malformed: Malformed, depth: number): void {
  if (typeof json !== "object" || json === null) return;
  if (depth === 0) malformed(what, `at most ${DEEPEST} steps within one another`, json);
  if (!Array.isArray(json) && typeof (json as Fields)["length"] === "number") malformed(what, "a list where something has a length", json);
  for (const part of Object.values(json) as readonly unknown[]) requirePlain(part, what, malformed, depth - 1);
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LARGEST_ID;
