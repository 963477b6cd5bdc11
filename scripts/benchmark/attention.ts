/** @file What the benchmark of fused plans times: one decode step of grouped-query attention over three kinds of cache. */

import { axis, clamp, extent, f32, groupOf, kernel, rope, softmax, sum, type Index, type Reader } from "kvern";
import { coupled } from "kvern/formats";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel"), half = axis("half");
const cacheAxes = [token, kvHead, channel] as const;
type Cache = Reader<typeof cacheAxes>;

const attend = (score: (h: Index<"head">) => (t: Index<"token">) => number, values: Cache) => (h: Index<"head">, c: Index<"channel">) => {
  const weight = softmax(token, score(h));
  return sum(token, (t) => weight(t) * values(t, groupOf(h, head, kvHead), c));
};

const plainScore = (q: Reader<[typeof head, typeof channel]>, keys: Cache) => (h: Index<"head">) => (t: Index<"token">) =>
  sum(channel, (c) => q(h, c) * keys(t, groupOf(h, head, kvHead), c)) / Math.sqrt(extent(channel));

const exact = f32(...cacheAxes);
/** Numbers, position-free. */
export const numbers = kernel({ q: f32(head, channel), keys: exact, values: exact }, f32(head, channel), ({ q, keys, values }) => attend(plainScore(q, keys), values));

const coded8 = coupled(cacheAxes, { couple: 8, bits: 8 });
/** CQ-8c8b, position-free. */
export const codes8 = kernel({ q: f32(head, channel), keys: coded8, values: coded8 }, f32(head, channel), ({ q, keys, values }) => attend(plainScore(q, keys), values));

const coded4 = coupled(cacheAxes, { couple: 4, bits: 8 });
/** CQ-4c8b of keys before rotation, which turn as they are read; the query comes rotated. */
export const rotated4 = kernel(
  { q: f32(head, channel), keys: coded4, values: coded4, cos: f32(token, half), sin: f32(token, half) },
  f32(head, channel),
  ({ q, keys, values, cos, sin }) =>
    attend((h) => (t) => {
      const at = clamp(t, token);
      const key = rope(channel, (c) => keys(t, groupOf(h, head, kvHead), c), (p) => cos(at, p), (p) => sin(at, p));
      return sum(channel, (c) => q(h, c) * key(c)) / Math.sqrt(extent(channel));
    }, values),
);
