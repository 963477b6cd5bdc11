/** @file One decode step with more than a softmax: what goes beside it, and what scores may be. */

import { alibi, axis, extent, f32, groupOf, kernel, logSumExp, max, softCap, softmax, sum, type Index, type Reader } from "kvern";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel");
const cache = f32(token, kvHead, channel);
const inputs = { q: f32(head, channel), keys: cache, values: cache };
const out = f32(head, channel);

type Query = Reader<[typeof head, typeof channel]>;
type Cache = Reader<[typeof token, typeof kvHead, typeof channel]>;

const scores = (q: Query, keys: Cache, h: Index<"head">) => (t: Index<"token">) =>
  sum(channel, (c) => q(h, c) * keys(t, groupOf(h, head, kvHead), c)) / Math.sqrt(extent(channel));

const weighted = (weight: (t: Index<"token">) => number, values: Cache, h: Index<"head">, c: Index<"channel">) => sum(token, (t) => weight(t) * values(t, groupOf(h, head, kvHead), c));

export const totalBeside = kernel(inputs, { out, total: f32(head) }, ({ q, keys, values }) => ({
  out: (h, c) => weighted(softmax(token, scores(q, keys, h)), values, h, c),
  total: (h) => logSumExp(token, scores(q, keys, h)),
}));

/** A score per head that takes weight and has no value. */
export const sinks = kernel({ ...inputs, sink: f32(head) }, out, ({ q, keys, values, sink }) => (h, c) => {
  const score = scores(q, keys, h);
  const peak = Math.max(sink(h), max(token, score));
  const total = Math.exp(sink(h) - peak) + sum(token, (t) => Math.exp(score(t) - peak));
  return weighted((t) => Math.exp(score(t) - peak) / total, values, h, c);
});

export const capped = kernel(inputs, out, ({ q, keys, values }) => (h, c) => {
  const score = scores(q, keys, h);
  return weighted(softmax(token, (t) => softCap(score(t), 30)), values, h, c);
});

export const sloped = kernel(inputs, out, ({ q, keys, values }) => (h, c) => {
  const score = scores(q, keys, h);
  return weighted(softmax(token, (t) => score(t) + alibi(h, head, extent(token) - 1, t)), values, h, c);
});

/** Weights in proportion to the squares of the scores. */
export const squared = kernel(inputs, out, ({ q, keys, values }) => (h, c) => {
  const score = scores(q, keys, h);
  const total = sum(token, (t) => score(t) * score(t));
  return weighted((t) => (score(t) * score(t)) / (total + 1e-6), values, h, c);
});
