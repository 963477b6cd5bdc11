/** @file Attention over caches in other formats: sums of look-ups, evenly spaced integers, signs, tables of levels. */

import { axis, encoded, extent, f16, f32, groupOf, kernel, softmax, sum, uint, type Index, type Reader } from "kvern";
import { perChannel, perToken } from "kvern/formats";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel");
const axes = [token, kvHead, channel] as const;
const group = axis("group", 16), lane = axis("lane", 8), code = axis("code", 256), level = axis("level", 16);

type Cache = Reader<typeof axes>;

const attend = (q: Reader<[typeof head, typeof channel]>, keys: Cache, values: Cache) => (h: Index<"head">, c: Index<"channel">) => {
  const kv = groupOf(h, head, kvHead);
  const weight = softmax(token, (t) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel)));
  return sum(token, (t) => weight(t) * values(t, kv, c));
};

const book = f16(kvHead, group, code, lane);

/** A vector of 8 channels is the sum of two centroids, of a book and of a book of what the first leaves. */
const residual = encoded(
  axes,
  { coarse: uint(8)(token, kvHead, group), coarseBook: book, fine: uint(8)(token, kvHead, group), fineBook: book },
  ({ coarse, coarseBook, fine, fineBook }) => (t, h, c) => {
    const g = Math.floor(c / 8);
    return coarseBook(h, g, coarse(t, h, g), c % 8) + fineBook(h, g, fine(t, h, g), c % 8);
  },
);
export const residuals = kernel({ q: f32(head, channel), keys: residual, values: residual }, f32(head, channel), ({ q, keys, values }) => attend(q, keys, values));

export const integers = kernel({ q: f32(head, channel), keys: perChannel(axes, { bits: 4, group: 32 }), values: perToken(axes, { bits: 4, group: 32 }) }, f32(head, channel), ({ q, keys, values }) =>
  attend(q, keys, values),
);

/** The sign of each channel, and the mean magnitude of the vector. */
const sketch = encoded(axes, { signs: uint(1)(token, kvHead, channel), scale: f16(token, kvHead) }, ({ signs, scale }) => (t, h, c) => (signs(t, h, c) === 1 ? scale(t, h) : -scale(t, h)));
export const signs = kernel({ q: f32(head, channel), keys: sketch, values: f32(...axes) }, f32(head, channel), ({ q, keys, values }) => attend(q, keys, values));

/** Each channel one of 16 levels that are its own. */
const levelled = encoded(axes, { codes: uint(4)(token, kvHead, channel), levels: f16(kvHead, channel, level) }, ({ codes, levels }) => (t, h, c) => levels(h, c, codes(t, h, c)));
export const levels = kernel({ q: f32(head, channel), keys: levelled, values: levelled }, f32(head, channel), ({ q, keys, values }) => attend(q, keys, values));
