/**
 * @file What a Llama model computes outside attention: embedding, normalised projections, the gated feed-forward layer,
 * residual sums, logits. A row is a token: one of them is a step of decoding, several are a prompt. Weights are stored in
 * f32, in f16, or in groups of 8-bit integers, and read by the same operators.
 */

import { axis, clamp, encoded, extent, f16, f32, kernel, linear, rmsNorm, silu, u32, uint, type Axis, type EncodedSpec, type Index, type Inputs } from "kvern";

const row = axis("row"), hidden = axis("hidden"), inner = axis("inner"), query = axis("query"), keyValue = axis("keyValue");
const input = axis("input"), output = axis("output"), vocabulary = axis("vocabulary");

export type Stored = "f32" | "f16" | "int8";

/** Inputs that share a scale. */
const GROUP = 32;

/**
 * A weight matrix [output, input]. As `int8`, element (o, i) is (codes(o, i) − 128) · scale(o, ⌊i / 32⌋): integers from
 * −127 to 127, a scale in f16 for every 32 inputs of an output.
 */
const matrix = <const O extends string, const I extends string>(stored: Stored, out: Axis<O>, along: Axis<I>): EncodedSpec<readonly [Axis<O>, Axis<I>], Inputs> => {
  const axes = [out, along] as const;
  if (stored === "f32") return encoded(axes, { data: f32(out, along) }, ({ data }) => data);
  if (stored === "f16") return encoded(axes, { data: f16(out, along) }, ({ data }) => data);
  const group = axis(`${along.name}/${GROUP}`);
  return encoded(axes, { codes: uint(8)(out, along), scale: f16(out, group) }, ({ codes, scale }) => (o, i) => (codes(o, i) - 128) * scale(o, Math.floor(i / GROUP)));
};

/** What a normalised projection takes beside its matrices: the residual stream, the norm's gain and ε. */
const normInputs = { x: f32(row, hidden), gain: f32(hidden), epsilon: f32() };

/** A row after its norm. */
const normed = (x: (i: Index<"hidden">) => number, gain: (i: Index<"hidden">) => number, epsilon: number) => {
  const unit = rmsNorm(hidden, x, epsilon);
  return (i: Index<"hidden">) => unit(i) * gain(i);
};

/** The rows of the embedding for ids; an id beyond the vocabulary reads its last row. */
export const embedding = (stored: Stored) =>
  kernel({ ids: u32(row), table: matrix(stored, vocabulary, hidden) }, f32(row, hidden), ({ ids, table }) => (r, i) => table(clamp(ids(r), vocabulary), i));

/** Queries, keys and values of the normalised rows, before rotation; heads lie one after the other. */
export const attentionInputs = (stored: Stored) =>
  kernel(
    { ...normInputs, query: matrix(stored, query, hidden), key: matrix(stored, keyValue, hidden), value: matrix(stored, keyValue, hidden) },
    { queries: f32(row, query), keys: f32(row, keyValue), values: f32(row, keyValue) },
    ({ x, gain, epsilon, query, key, value }) => {
      const of = (r: Index<"row">) => normed((i) => x(r, i), gain, epsilon());
      return {
        queries: (r, o) => linear(hidden, of(r), query)(o),
        keys: (r, o) => linear(hidden, of(r), key)(o),
        values: (r, o) => linear(hidden, of(r), value)(o),
      };
    },
  );

/** The product with a matrix, added to the residual stream. */
export const residual = (stored: Stored) =>
  kernel({ x: f32(row, output), y: f32(row, input), weight: matrix(stored, output, input) }, f32(row, output), ({ x, y, weight }) => (r, o) =>
    x(r, o) + linear(input, (i) => y(r, i), weight)(o),
  );

/** The gated half of the feed-forward layer (SwiGLU): silu of one projection times another. */
export const feedForward = (stored: Stored) =>
  kernel({ ...normInputs, gate: matrix(stored, inner, hidden), up: matrix(stored, inner, hidden) }, f32(row, inner), ({ x, gain, epsilon, gate, up }) => (r, o) => {
    const of = normed((i) => x(r, i), gain, epsilon());
    return silu(linear(hidden, of, gate)(o)) * linear(hidden, of, up)(o);
  });

/** The logits of the newest row. */
export const newestLogits = (stored: Stored) =>
  kernel({ ...normInputs, head: matrix(stored, vocabulary, hidden) }, f32(vocabulary), ({ x, gain, epsilon, head }) => (v) => {
    const newest = clamp(extent(row) - 1, row);
    return linear(hidden, normed((i) => x(newest, i), gain, epsilon()), head)(v);
  });

/** The logits of every row. */
export const allLogits = (stored: Stored) =>
  kernel({ ...normInputs, head: matrix(stored, vocabulary, hidden) }, f32(row, vocabulary), ({ x, gain, epsilon, head }) => (r, v) =>
    linear(hidden, normed((i) => x(r, i), gain, epsilon()), head)(v),
  );
