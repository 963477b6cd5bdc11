/**
 * @file What a Llama model computes outside attention: embedding, normalised projections, the gated feed-forward layer,
 * residual sums, logits. `row` is a token of the context; one row is a step of decoding, several are a prompt. Each
 * operator comes for weights in f32, in f16, and in groups of 8-bit integers.
 */

import { axis, clamp, dot, encoded, extent, f16, f32, groupOf, kernel, linear, rmsNorm, silu, u32, uint, type Axis, type Index, type Reader } from "kvern";

const row = axis("row"), hidden = axis("hidden"), inner = axis("inner"), input = axis("input"), output = axis("output"), vocabulary = axis("vocabulary");
const head = axis("head"), kvHead = axis("kvHead"), channel = axis("channel");
