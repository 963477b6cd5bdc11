/** @file What one pass cannot do: a guard that reads the maximum, and a bell around it. */

import { axis, f32, kernel, max, softmax, sum } from "kvern";

const row = axis("row"), token = axis("token"), channel = axis("channel");
const inputs = { logits: f32(row, token), values: f32(token, channel) };

/** Of the tokens whose weight is at least a share of the best one's, the weighted mean. */
export const minP = kernel({ ...inputs, share: f32() }, f32(row, channel), ({ logits, values, share }) => (r, c) => {
  const weight = softmax(token, (t) => logits(r, t));
  const best = max(token, weight);
  const kept = (t: number) => (weight(t) >= share() * best ? weight(t) : 0);
  return sum(token, (t) => kept(t) * values(t, c)) / sum(token, kept);
});

/** Weights that fall with the squared distance from the best score. */
export const bell = kernel(inputs, f32(row, channel), ({ logits, values }) => (r, c) => {
  const best = max(token, (t) => logits(r, t));
  const weight = (t: number) => Math.exp(-((logits(r, t) - best) ** 2));
  return sum(token, (t) => weight(t) * values(t, c)) / sum(token, weight);
});
