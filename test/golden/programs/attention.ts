/** @file One decode step of grouped-query attention over keys and values at full precision. */

import { axis, extent, f32, groupOf, kernel, softmax, sum } from "kvern";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel");
const cache = f32(token, kvHead, channel);

export const decode = kernel({ q: f32(head, channel), keys: cache, values: cache }, f32(head, channel), ({ q, keys, values }) => (h, c) => {
  const kv = groupOf(h, head, kvHead);
  const score = (t: number) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
  const weight = softmax(token, score);
  return sum(token, (t) => weight(t) * values(t, kv, c));
});
