/** @file Attention of many queries under masks: of position, of a length that comes as data, and read from data. */

import { addMask, axis, causal, extent, f32, i32, kernel, masked, prefix, slidingWindow, softmax, sum, uint, type Index, type Reader } from "kvern";

const query = axis("query"), token = axis("token"), channel = axis("channel");
const inputs = { q: f32(query, channel), keys: f32(token, channel), values: f32(token, channel) };

type Rows<Name extends string> = Reader<[ReturnType<typeof axis<Name>>, typeof channel]>;
type Tensors = { readonly q: Rows<"query">; readonly keys: Rows<"token">; readonly values: Rows<"token"> };

const attend =
  ({ q, keys, values }: Tensors, live: (i: Index<"query">, t: Index<"token">) => boolean, bias: (i: Index<"query">, t: Index<"token">) => number = () => 0) =>
  (i: Index<"query">, c: Index<"channel">) => {
    const score = (t: Index<"token">) => sum(channel, (c) => q(i, c) * keys(t, c)) / Math.sqrt(extent(channel));
    const weight = softmax(token, masked(token, (t) => live(i, t), (t) => addMask(score(t), bias(i, t))));
    return sum(token, (t) => weight(t) * values(t, c));
  };

export const causally = kernel(inputs, f32(query, channel), (tensors) => attend(tensors, (i, t) => causal(i, t)));

export const windowed = kernel(inputs, f32(query, channel), (tensors) => attend(tensors, (i, t) => causal(i, t) && slidingWindow(i, t, 512)));

export const prefixed = kernel({ ...inputs, length: i32() }, f32(query, channel), ({ length, ...tensors }) => attend(tensors, (_, t) => prefix(t, length())));

/** Blocks of 64 positions: a query sees its own block and every fourth. */
export const blocks = kernel(inputs, f32(query, channel), (tensors) =>
  attend(tensors, (i, t) => Math.floor(t / 64) === Math.floor(i / 64) || Math.floor(t / 64) % 4 === 0),
);

export const fromData = kernel({ ...inputs, live: uint(1)(query, token) }, f32(query, channel), ({ live, ...tensors }) => attend(tensors, (i, t) => live(i, t) === 1));

export const biased = kernel({ ...inputs, bias: f32(query, token) }, f32(query, channel), ({ bias, ...tensors }) => attend(tensors, () => true, bias));
