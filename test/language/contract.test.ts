/** @file The example of the public contract, word for word, evaluated and compared with the same in plain loops. */

import { expect, test } from "vitest";
import { axis, evaluate, extent, f32, groupOf, kernel, softmax, sum } from "kvern";
import { coupled } from "kvern/formats";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel");
const cache = coupled([token, kvHead, channel], { couple: 8, bits: 8 });      // CQ-8c8b: 1 bit per channel

/** One decode step of grouped-query attention over a CQ cache. */
export const attend = kernel(
  { q: f32(head, channel), keys: cache, values: cache },
  f32(head, channel),
  ({ q, keys, values }) => (h, c) => {
    const kv = groupOf(h, head, kvHead);
    const score = (t: number) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
    const weight = softmax(token, score);
    return sum(token, (t) => weight(t) * values(t, kv, c));
  },
);

const numbers = (length: number, at: (i: number) => number) => Array.from({ length }, (_, i) => at(i));

test("the example computes attention over decoded keys and values", () => {
  const [heads, kvHeads, tokens, channels] = [4, 2, 5, 16];
  const groups = channels / 8;
  const q = numbers(heads * channels, (i) => Math.fround(Math.sin(i)));
  // Quarters and eighths are exact in f16, so the stored centroids are the given ones.
  const book = (shift: number) => numbers(kvHeads * groups * 256 * 8, (i) => (((i * 37 + shift) % 64) - 32) / 8);
  const codes = (shift: number) => numbers(tokens * kvHeads * groups, (i) => (i * 101 + shift) % 256);
  const [keyBook, valueBook, keyCodes, valueCodes] = [book(0), book(11), codes(3), codes(7)];

  const { out } = evaluate(attend, {
    q: { shape: [heads, channels], data: q },
    "keys.codes": { shape: [tokens, kvHeads, groups], data: keyCodes },
    "keys.book": { shape: [kvHeads, groups, 256, 8], data: keyBook },
    "values.codes": { shape: [tokens, kvHeads, groups], data: Uint8Array.from(valueCodes) },
    "values.book": { shape: [kvHeads, groups, 256, 8], data: Float32Array.from(valueBook) },
  });

  const decoded = (codes: number[], book: number[], t: number, kv: number, c: number): number => {
    const g = Math.floor(c / 8);
    const code = codes[(t * kvHeads + kv) * groups + g] ?? NaN;
    return book[((kv * groups + g) * 256 + code) * 8 + (c % 8)] ?? NaN;
  };
  const expected: number[] = [];
  for (let h = 0; h < heads; h++) {
    const kv = Math.floor(h / (heads / kvHeads));
    const scores = numbers(tokens, (t) => {
      let score = 0;
      for (let c = 0; c < channels; c++) score += (q[h * channels + c] ?? NaN) * decoded(keyCodes, keyBook, t, kv, c);
      return score / Math.sqrt(channels);
    });
    const peak = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - peak), 0);
    for (let c = 0; c < channels; c++) {
      let element = 0;
      scores.forEach((score, t) => (element += (Math.exp(score - peak) / total) * decoded(valueCodes, valueBook, t, kv, c)));
      expected.push(element);
    }
  }
  // The same operations in the same order: the same bits.
  expect(out.shape).toEqual([heads, channels]);
  expect([...out.data]).toEqual(expected);
});
