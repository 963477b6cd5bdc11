/**
 * @file Causal grouped-query attention with rotary positions, as a Llama model runs it: over a cache at full precision,
 * and over caches of coupled-quantization codes. Keys are cached before rotation and rotated as they are read.
 */

import { axis, causal, clamp, extent, f32, groupOf, kernel, masked, rope, ropeInterleaved, softmax, sum, type Index, type Reader } from "kvern";
import { coupled, encodeCoupled } from "kvern/formats";

const query = axis("query"), head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel"), half = axis("half");

const cacheAxes = [token, kvHead, channel] as const;

/** Cosines and sines of the angle by which each pair of channels turns at each token's position. */
const turns = { cos: f32(token, half), sin: f32(token, half) };

type Turns = Readonly<Record<keyof typeof turns, Reader<[typeof token, typeof half]>>>;

/** Which channels turn together: p and p + half of a head's (`half-split`), or 2p and 2p + 1 (`interleaved`). */
export type RopeLayout = "half-split" | "interleaved";

/** Keys or values, as attention sees them, however they are stored. */
type Cache = Reader<typeof cacheAxes>;

/** A vector over the channels of one head, rotated to the position of token `t`. */
const rotated = (layout: RopeLayout, x: (c: Index<"channel">) => number, t: Index<"token">, { cos, sin }: Turns) =>
  layout === "half-split" ? rope(channel, x, (p) => cos(t, p), (p) => sin(t, p)) : ropeInterleaved(channel, x, (p) => cos(t, p), (p) => sin(t, p));

/**
 * Scores of all tokens' keys against the query vector `q` of head `h`, which stands at token `now`. Summed over pairs of
 * channels that turn together, so that each channel is read once for both.
 */
const scores = (layout: RopeLayout, q: (c: Index<"channel">) => number, h: Index<"head">, now: Index<"token">, keys: Cache, turns: Turns) => {
  const kv = groupOf(h, head, kvHead);
  const turned = rotated(layout, q, now, turns);
  return (t: Index<"token">) => {
    const key = rotated(layout, (c) => keys(t, kv, c), t, turns);
    const product = (c: number) => turned(c) * key(c);
    const pair = (p: number) => (layout === "half-split" ? product(p) + product(p + Math.floor(extent(channel) / 2)) : product(2 * p) + product(2 * p + 1));
    return sum(half, pair) / Math.sqrt(extent(channel));
  };
};

/** The newest token attends to every token of the cache, itself included. */
const newest = (layout: RopeLayout, q: Reader<[typeof head, typeof channel]>, keys: Cache, values: Cache, turns: Turns) => (h: Index<"head">, c: Index<"channel">) => {
  const now = clamp(extent(token) - 1, token);
  const weight = softmax(token, scores(layout, (c) => q(h, c), h, now, keys, turns));
  return sum(token, (t) => weight(t) * values(t, groupOf(h, head, kvHead), c));
};

/** The queries are the newest tokens; each attends to the tokens up to its own. */
const newestMany =
  (layout: RopeLayout, q: Reader<[typeof query, typeof head, typeof channel]>, keys: Cache, values: Cache, turns: Turns) =>
  (i: Index<"query">, h: Index<"head">, c: Index<"channel">) => {
    const now = clamp(extent(token) - extent(query) + i, token);
    const weight = softmax(token, masked(token, (t) => causal(now, t), scores(layout, (c) => q(i, h, c), h, now, keys, turns)));
    return sum(token, (t) => weight(t) * values(t, groupOf(h, head, kvHead), c));
  };

const exact = f32(...cacheAxes);

/** One new token over a cache at full precision. */
export const decodingExact = (layout: RopeLayout) =>
  kernel({ q: f32(head, channel), keys: exact, values: exact, ...turns }, f32(head, channel), ({ q, keys, values, cos, sin }) => newest(layout, q, keys, values, { cos, sin }));

/** Several new tokens over a cache at full precision. */
export const prefillingExact = (layout: RopeLayout) =>
  kernel({ q: f32(query, head, channel), keys: exact, values: exact, ...turns }, f32(query, head, channel), ({ q, keys, values, cos, sin }) =>
    newestMany(layout, q, keys, values, { cos, sin }),
  );

/** One new token over a cache held as codes of `bits` bits for `couple` channels each. */
export const decodingCoupled = (layout: RopeLayout, couple: number, bits: number) => {
  const cache = coupled(cacheAxes, { couple, bits });
  return kernel({ q: f32(head, channel), keys: cache, values: cache, ...turns }, f32(head, channel), ({ q, keys, values, cos, sin }) => newest(layout, q, keys, values, { cos, sin }));
};

/** Several new tokens over a cache held as codes. */
export const prefillingCoupled = (layout: RopeLayout, couple: number, bits: number) => {
  const cache = coupled(cacheAxes, { couple, bits });
  return kernel({ q: f32(query, head, channel), keys: cache, values: cache, ...turns }, f32(query, head, channel), ({ q, keys, values, cos, sin }) =>
    newestMany(layout, q, keys, values, { cos, sin }),
  );
};

/** The kernel that codes new keys, before rotation, or values. */
export const encoding = (couple: number, bits: number) => encodeCoupled(cacheAxes, { couple, bits });

export const decodeExact = decodingExact("half-split");
export const prefillExact = prefillingExact("half-split");

// CQ-2c8b: 4 bits per channel.
export const encode2c8b = encoding(2, 8);
export const decode2c8b = decodingCoupled("half-split", 2, 8);
export const prefill2c8b = prefillingCoupled("half-split", 2, 8);

// CQ-4c8b: 2 bits per channel.
export const encode4c8b = encoding(4, 8);
export const decode4c8b = decodingCoupled("half-split", 4, 8);
export const prefill4c8b = prefillingCoupled("half-split", 4, 8);

// CQ-8c8b: 1 bit per channel.
export const encode8c8b = encoding(8, 8);
export const decode8c8b = decodingCoupled("half-split", 8, 8);
export const prefill8c8b = prefillingCoupled("half-split", 8, 8);
