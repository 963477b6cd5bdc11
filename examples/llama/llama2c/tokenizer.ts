/**
 * @file llama2.c's tokenizers: a file of scored pieces, and the merging of neighbours by the best score that
 * SentencePiece's byte-pair encoding does. Little endian: the longest piece's bytes, then for each piece its score (f32),
 * its bytes' number, and its bytes.
 */

import { refuse } from "../../../spec/diagnostics/diagnostic";
import type { TextTokenizer } from "../tokenizer";

/** Pieces 0, 1 and 2 are unknown, begin and end; the 256 after them are single bytes. */
const FIRST_BYTE = 3;
const BEGIN = 1;

/** The blank as a byte. */
const BLANK = 0x20;

interface Piece {
  readonly score: number;
  readonly text: string;
  readonly bytes: Uint8Array;
}

/**
 * @param vocabulary how many pieces the model knows
 * @throws KvernError KV6002 for a file that is cut off, has other than `vocabulary` pieces, or holds a length or score that cannot be
 */
export function llama2cTokenizer(content: Uint8Array, vocabulary: number, file: string): TextTokenizer {
  const pieces = readPieces(content, vocabulary, file);
  const ids = new Map<string, number>();
  for (const [id, { text }] of pieces.entries()) if (id >= FIRST_BYTE + 256) ids.set(text, id);
  const blanksInside = pieces.some(({ text }, id) => id >= FIRST_BYTE + 256 && text.lastIndexOf(" ") > 0);
  const spans = (given: readonly number[]): readonly (readonly number[])[] => (blanksInside ? [given] : cutBeforeBlanks(given, pieces));
  return {
    encode: (text) => spans(text === "" ? [] : symbols(` ${text}`, ids)).flatMap((span) => merge(span, pieces, ids)),
    decode: (given) => decode(given, pieces),
  };
}

function readPieces(content: Uint8Array, vocabulary: number, file: string): readonly Piece[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const decoder = new TextDecoder();
  const short = (piece: number): never => refuse({ code: "KV6002", file, message: `the tokenizer ends within piece ${piece}`, expected: `${vocabulary} pieces`, got: `${content.byteLength} bytes` });
  if (content.byteLength < 4) short(0);
  const pieces: Piece[] = [];
  let at = 4;
  while (pieces.length < vocabulary) {
    if (at + 8 > content.byteLength) short(pieces.length);
    const score = view.getFloat32(at, true);
    const length = view.getInt32(at + 4, true);
    at += 8;
    if (Number.isNaN(score)) refuse({ code: "KV6002", file, message: `the score of piece ${pieces.length} is not a number` });
    if (length < 0) refuse({ code: "KV6002", file, message: `the length of piece ${pieces.length} is malformed`, expected: "a number of bytes", got: `${length}` });
    if (at + length > content.byteLength) short(pieces.length);
    const bytes = content.subarray(at, (at += length));
    pieces.push({ score, text: decoder.decode(bytes), bytes });
  }
  if (at !== content.byteLength) refuse({ code: "KV6002", file, message: "the tokenizer has more pieces than the model knows", expected: `${vocabulary} pieces`, got: `${content.byteLength - at} bytes after them` });
  return pieces;
}

/** One piece for each character that is one, else the pieces of its bytes. */
function symbols(text: string, ids: ReadonlyMap<string, number>): readonly number[] {
  const encoder = new TextEncoder();
  return Array.from(text).flatMap((character) => {
    const id = ids.get(character);
    return id === undefined ? Array.from(encoder.encode(character), (byte) => byte + FIRST_BYTE) : [id];
  });
}

/**
 * Cut before blanks where no piece holds one but as its first character: no merge reaches over such a cut, and merging
 * takes time that grows with the square of what is merged.
 */
function cutBeforeBlanks(given: readonly number[], pieces: readonly Piece[]): readonly (readonly number[])[] {
  const spans: number[][] = [];
  for (const id of given) {
    const last = spans.at(-1);
    if (last === undefined || pieces[id]?.text === " ") spans.push([id]);
    else last.push(id);
  }
  return spans;
}

/** Merges the two neighbours whose piece scores best, the first of equals, until no two make a piece. */
function merge(given: readonly number[], pieces: readonly Piece[], ids: ReadonlyMap<string, number>): readonly number[] {
  const merged = [...given];
  for (;;) {
    let best: { readonly at: number; readonly id: number; readonly score: number } | undefined;
    for (let at = 0; at + 1 < merged.length; at++) {
      const id = ids.get((pieces[merged[at] ?? 0]?.text ?? "") + (pieces[merged[at + 1] ?? 0]?.text ?? ""));
      const score = id === undefined ? -Infinity : (pieces[id]?.score ?? -Infinity);
      if (id !== undefined && (best === undefined || score > best.score)) best = { at, id, score };
    }
    if (best === undefined) return merged;
    merged.splice(best.at, 2, best.id);
  }
}

/** The text of pieces without marks; after a begin also without the blank that encoding puts before a text. */
function decode(ids: readonly number[], pieces: readonly Piece[]): string {
  const bytes = ids.flatMap((id, at) => {
    if (id >= FIRST_BYTE && id < FIRST_BYTE + 256) return [id - FIRST_BYTE];
    const piece = id < FIRST_BYTE ? [] : [...(pieces[id]?.bytes ?? [])];
    return ids[at - 1] === BEGIN && piece[0] === BLANK ? piece.slice(1) : piece;
  });
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
