/**
 * @file Attention over a cache of which the first tokens and the newest ones are kept in full precision, and those between
 * them as codes. The kernels are those for any cache; only what `cache` is differs. Sinks, codes and tail have as many
 * tokens as their tensors, from none to all, in every run anew.
 */

import { axis, causal, extent, f32, groupOf, joined, kernel, masked, softmax, sum, type Index } from "kvern";
import { coupled, segmented } from "kvern/formats";

const query = axis("query"), head = axis("head"), kvHead = axis("kvHead"), channel = axis("channel");
const sink = axis("sink"), coded = axis("coded"), recent = axis("recent");
const token = joined("token", sink, coded, recent);

const cache = segmented([token, kvHead, channel], {
  sinks: f32(sink, kvHead, channel),
  coded: coupled([coded, kvHead, channel], { couple: 8, bits: 8 }),
  tail: f32(recent, kvHead, channel),
});

/** One new token, which attends to the whole cache. */
export const decode = kernel({ q: f32(head, channel), keys: cache, values: cache }, f32(head, channel), ({ q, keys, values }) => (h, c) => {
  const kv = groupOf(h, head, kvHead);
  const score = (t: Index<"token">) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
  const weight = softmax(token, score);
  return sum(token, (t) => weight(t) * values(t, kv, c));
});

/** The queries are the newest tokens of the cache; each attends to the tokens up to its own. */
export const prefill = kernel({ q: f32(query, head, channel), keys: cache, values: cache }, f32(query, head, channel), ({ q, keys, values }) => (i, h, c) => {
  const kv = groupOf(h, head, kvHead);
  const now = extent(token) - extent(query) + i;
  const score = (t: Index<"token">) => sum(channel, (c) => q(i, h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
  const weight = softmax(token, masked(token, (t) => causal(now, t), score));
  return sum(token, (t) => weight(t) * values(t, kv, c));
});
