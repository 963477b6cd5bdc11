/** @file One decode step over a cache of codes, several channels to a code; keys coded as they are, or before their rotation. */

import { axis, extent, f32, groupOf, kernel, rope, ropeInterleaved, softmax, sum, type Index, type Reader } from "kvern";
import { coupled } from "kvern/formats";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel"), half = axis("half");
const axes = [token, kvHead, channel] as const;
const eight = coupled(axes, { couple: 8, bits: 8 });
const four = coupled(axes, { couple: 4, bits: 8 });

type Query = Reader<[typeof head, typeof channel]>;
type Cache = Reader<typeof axes>;

const attend = (q: Query, keys: Cache, values: Cache) => (h: Index<"head">, c: Index<"channel">) => {
  const kv = groupOf(h, head, kvHead);
  const score = (t: number) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
  const weight = softmax(token, score);
  return sum(token, (t) => weight(t) * values(t, kv, c));
};

export const positionFree = kernel({ q: f32(head, channel), keys: eight, values: eight }, f32(head, channel), ({ q, keys, values }) => attend(q, keys, values));

const turns = { cos: f32(token, half), sin: f32(token, half) };

export const halfSplit = kernel({ q: f32(head, channel), keys: four, values: four, ...turns }, f32(head, channel), ({ q, keys, values, cos, sin }) =>
  attend(q, (t, h, c) => rope(channel, (c) => keys(t, h, c), (p) => cos(t, p), (p) => sin(t, p))(c), values),
);

export const interleaved = kernel({ q: f32(head, channel), keys: four, values: four, ...turns }, f32(head, channel), ({ q, keys, values, cos, sin }) =>
  attend(q, (t, h, c) => ropeInterleaved(channel, (c) => keys(t, h, c), (p) => cos(t, p), (p) => sin(t, p))(c), values),
);
