/** @file Passes over a vector that end in a product, a loss or a position. */

import { argmax, axis, clamp, crossEntropy, f32, kernel, layerNorm, linear, max, rmsNorm, u32 } from "kvern";

const channel = axis("channel"), output = axis("output"), token = axis("token"), row = axis("row");
const inputs = { x: f32(channel), gain: f32(channel), weight: f32(output, channel) };

export const rms = kernel(inputs, f32(output), ({ x, gain, weight }) => {
  const normal = rmsNorm(channel, (c) => x(c), 1e-5);
  return linear(channel, (c) => normal(c) * gain(c), weight);
});

export const layer = kernel(inputs, f32(output), ({ x, gain, weight }) => {
  const normal = layerNorm(channel, (c) => x(c), 1e-5);
  return linear(channel, (c) => normal(c) * gain(c), weight);
});

export const loss = kernel({ logits: f32(row, token), target: u32(row) }, f32(row), ({ logits, target }) => (r) => crossEntropy(token, (t) => logits(r, t), clamp(target(r), token)));

/** The most likely token of each row, and its score. */
export const best = kernel({ logits: f32(row, token) }, { at: u32(row), score: f32(row) }, ({ logits }) => ({
  at: (r) => argmax(token, (t) => logits(r, t)),
  score: (r) => max(token, (t) => logits(r, t)),
}));
