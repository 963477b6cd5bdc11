/**
 * @file Causal grouped-query attention with rotary positions, as a Llama model runs it: over a cache at full precision,
 * and over caches of coupled-quantization codes. Keys are cached before rotation and rotated as they are read.
 */

import { axis, causal, clamp, extent, f32, groupOf, kernel, masked, rope, softmax, sum, type Index, type Reader } from "kvern";
import { coupled, encodeCoupled } from "kvern/formats";

const query = axis("query"), head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel"), half = axis("half");

const cacheAxes = [token, kvHead, channel] as const;

/** Cosines and sines of the angle by which each pair of channels turns at each token's position. */
const turns = { cos: f32(token, half), sin: f32(token, half) };

type Turns = Readonly<Record<keyof typeof turns, Reader<[typeof token, typeof half]>>>;

/** Keys or values, as attention sees them, however they are stored. */
type Cache = Reader<typeof cacheAxes>;

/** A vector over the channels of one head, rotated to the position of token `t`. */
const rotated = (x: (c: Index<"channel">) => number, t: Index<"token">, { cos, sin }: Turns) =>
  rope(channel, x, (p) => cos(t, p), (p) => sin(t, p));

/**
 * Scores of all tokens' keys against the query vector `q` of head `h`, which stands at token `now`. Summed over pairs of
 * channels that turn together, so that each channel is read once for both.
 */
const scores = (q: (c: Index<"channel">) => number, h: Index<"head">, now: Index<"token">, keys: Cache, turns: Turns) => {
  const kv = groupOf(h, head, kvHead);
  const turned = rotated(q, now, turns);
  return (t: Index<"token">) => {
    const key = rotated((c) => keys(t, kv, c), t, turns);
    const product = (c: number) => turned(c) * key(c);
    return sum(half, (p) => product(p) + product(p + Math.floor(extent(channel) / 2))) / Math.sqrt(extent(channel));
  };
};

/** The newest token attends to every token of the cache, itself included. */
const newest = (q: Reader<[typeof head, typeof channel]>, keys: Cache, values: Cache, turns: Turns) => (h: Index<"head">, c: Index<"channel">) => {
  const now = clamp(extent(token) - 1, token);
  const weight = softmax(token, scores((c) => q(h, c), h, now, keys, turns));
  return sum(token, (t) => weight(t) * values(t, groupOf(h, head, kvHead), c));
};

/** The queries are the newest tokens; each attends to the tokens up to its own. */
const newestMany =
  (q: Reader<[typeof query, typeof head, typeof channel]>, keys: Cache, values: Cache, turns: Turns) =>
  (i: Index<"query">, h: Index<"head">, c: Index<"channel">) => {
    const now = clamp(extent(token) - extent(query) + i, token);
    const weight = softmax(token, masked(token, (t) => causal(now, t), scores((c) => q(i, h, c), h, now, keys, turns)));
    return sum(token, (t) => weight(t) * values(t, groupOf(h, head, kvHead), c));
  };

const exact = f32(...cacheAxes);

/** One new token over a cache at full precision. */
export const decodeExact = kernel({ q: f32(head, channel), keys: exact, values: exact, ...turns }, f32(head, channel), ({ q, keys, values, cos, sin }) =>
  newest(q, keys, values, { cos, sin }),
);

/** Several new tokens over a cache at full precision. */
export const prefillExact = kernel({ q: f32(query, head, channel), keys: exact, values: exact, ...turns }, f32(query, head, channel), ({ q, keys, values, cos, sin }) =>
  newestMany(q, keys, values, { cos, sin }),
);

/** One new token over a cache held as codes of `bits` bits for `couple` channels each. */
const decodeCoupled = (couple: number, bits: number) => {
  const cache = coupled(cacheAxes, { couple, bits });
  return kernel({ q: f32(head, channel), keys: cache, values: cache, ...turns }, f32(head, channel), ({ q, keys, values, cos, sin }) =>
    newest(q, keys, values, { cos, sin }),
  );
};

/** Several new tokens over a cache held as codes. */
const prefillCoupled = (couple: number, bits: number) => {
  const cache = coupled(cacheAxes, { couple, bits });
  return kernel({ q: f32(query, head, channel), keys: cache, values: cache, ...turns }, f32(query, head, channel), ({ q, keys, values, cos, sin }) =>
    newestMany(q, keys, values, { cos, sin }),
  );
};

// CQ-2c8b: 4 bits per channel.
export const encode2c8b = encodeCoupled(cacheAxes, { couple: 2, bits: 8 });
export const decode2c8b = decodeCoupled(2, 8);
export const prefill2c8b = prefillCoupled(2, 8);

// CQ-4c8b: 2 bits per channel.
export const encode4c8b = encodeCoupled(cacheAxes, { couple: 4, bits: 8 });
export const decode4c8b = decodeCoupled(4, 8);
export const prefill4c8b = prefillCoupled(4, 8);

// CQ-8c8b: 1 bit per channel.
export const encode8c8b = encodeCoupled(cacheAxes, { couple: 8, bits: 8 });
export const decode8c8b = decodeCoupled(8, 8);
export const prefill8c8b = prefillCoupled(8, 8);
