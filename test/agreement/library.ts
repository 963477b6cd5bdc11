/** @file The library, a kernel for each of its functions. */

import {
  addMask, alibi, all, any, argmax, argmin, axis, causal, clamp, crossEntropy, dot, extent, f16, f32, gelu, i32, kernel, layerNorm, linear, logSumExp,
  masked, max, mean, min, prefix, rmsNorm, rope, ropeInterleaved, sigmoid, silu, slidingWindow, softCap, softmax, sum, u32, uint, variance,
} from "kvern";

const row = axis("row"), token = axis("token"), channel = axis("channel"), half = axis("half"), out = axis("out"), head = axis("head"), query = axis("query");

const table = f32(row, channel);

export const activations = kernel({ x: table }, { gelu: table, sigmoid: table, silu: table, capped: table, stored: f16(row, channel) }, ({ x }) => ({
  gelu: (r, c) => gelu(x(r, c)),
  sigmoid: (r, c) => sigmoid(x(r, c)),
  silu: (r, c) => silu(x(r, c)),
  capped: (r, c) => softCap(x(r, c), 50),
  stored: (r, c) => x(r, c) / 3,
}));

export const norms = kernel({ x: table }, { rms: table, layer: table, mean: f32(row), variance: f32(row) }, ({ x }) => ({
  rms: (r, c) => rmsNorm(channel, (c) => x(r, c), 1e-5)(c),
  layer: (r, c) => layerNorm(channel, (c) => x(r, c), 1e-5)(c),
  mean: (r) => mean(channel, (c) => x(r, c)),
  variance: (r) => variance(channel, (c) => x(r, c)),
}));

export const weights = kernel({ x: table, target: u32(row) }, { weight: table, total: f32(row), loss: f32(row) }, ({ x, target }) => ({
  weight: (r, c) => softmax(channel, (c) => x(r, c))(c),
  total: (r) => logSumExp(channel, (c) => x(r, c)),
  loss: (r) => crossEntropy(channel, (c) => x(r, c), Math.min(target(r), extent(channel) - 1)),
}));

export const products = kernel({ x: table, weight: f32(out, channel), y: table }, { product: f32(row, out), inner: f32(row) }, ({ x, weight, y }) => ({
  product: (r, o) => linear(channel, (c) => x(r, c), weight)(o),
  inner: (r) => dot(channel, (c) => x(r, c), (c) => y(r, c)),
}));

export const normThenLinear = kernel({ x: table, gain: f32(channel), weight: f32(out, channel) }, f32(row, out), ({ x, gain, weight }) => (r, o) => {
  const normal = rmsNorm(channel, (c) => x(r, c), 1e-5);
  return linear(channel, (c) => normal(c) * gain(c), weight)(o);
});

export const centredThenLinear = kernel({ x: table, gain: f32(channel), weight: f32(out, channel) }, f32(row, out), ({ x, gain, weight }) => (r, o) => {
  const normal = layerNorm(channel, (c) => x(r, c), 1e-5);
  return linear(channel, (c) => normal(c) * gain(c), weight)(o);
});

export const rotations = kernel({ x: table, cos: f32(row, half), sin: f32(row, half) }, { split: table, interleaved: table }, ({ x, cos, sin }) => ({
  split: (r, c) => rope(channel, (c) => x(r, c), (p) => cos(r, p), (p) => sin(r, p))(c),
  interleaved: (r, c) => ropeInterleaved(channel, (c) => x(r, c), (p) => cos(r, p), (p) => sin(r, p))(c),
}));

/** Softmax over the tokens that a mask leaves, for each mask of the library. */
export const masks = kernel({ x: f32(query, token), bias: f32(query, token), length: i32(query) }, {
  causal: f32(query, token), window: f32(query, token), prefix: f32(query, token), biased: f32(query, token), none: f32(query, token),
}, ({ x, bias, length }) => ({
  causal: (q, t) => softmax(token, masked(token, (t) => causal(q, t), (t) => x(q, t)))(t),
  window: (q, t) => softmax(token, masked(token, (t) => causal(q, t) && slidingWindow(q, t, 3), (t) => x(q, t)))(t),
  prefix: (q, t) => softmax(token, masked(token, (t) => prefix(t, length(q)), (t) => x(q, t)))(t),
  biased: (q, t) => softmax(token, (t) => addMask(x(q, t), bias(q, t)))(t),
  none: (q, t) => softmax(token, masked(token, (t) => t < 0 * q, (t) => x(q, t)))(t),
}));

export const slopes = kernel({ x: f32(head, query, token) }, f32(head, query, token), ({ x }) => (h, q, t) => x(h, q, t) + alibi(h, head, q, t));

export const reductions = kernel({ x: table, codes: uint(5)(row, channel) }, {
  sum: f32(row), max: f32(row), min: f32(row), first: u32(row), last: u32(row), any: uint(1)(row), all: uint(1)(row), count: u32(row), largest: uint(5)(row),
}, ({ x, codes }) => ({
  sum: (r) => sum(channel, (c) => x(r, c)),
  max: (r) => max(channel, (c) => x(r, c)),
  min: (r) => min(channel, (c) => x(r, c)),
  first: (r) => argmax(channel, (c) => x(r, c)),
  last: (r) => argmin(channel, (c) => x(r, c)),
  any: (r) => (any(channel, (c) => x(r, c) > 1) ? 1 : 0),
  all: (r) => (all(channel, (c) => x(r, c) > -1) ? 1 : 0),
  count: (r) => sum(channel, (c) => codes(r, c)),
  largest: (r) => Math.max(0, max(channel, (c) => codes(r, c))),
}));

/** Attention of several queries, its logits as they come. */
export const attention = kernel({ q: f32(query, channel), k: f32(token, channel), v: f32(token, channel) }, f32(query, channel), ({ q, k, v }) => (i, c) => {
  const weight = softmax(token, masked(token, (t) => t <= clamp(i, query) + 1, (t) => sum(channel, (c) => q(i, c) * k(t, c))));
  return sum(token, (t) => weight(t) * v(t, c));
});
