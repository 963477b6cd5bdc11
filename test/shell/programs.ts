/** @file Programs that the tests of the command line are about. */

/** Twice an input, and its sum. */
export const DOUBLE = `import { axis, f32, kernel, sum, uint } from "kvern";

const n = axis("n");

export const double = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => 2 * x(i));

export const both = kernel(
  { x: f32(n), codes: uint(4)(n) },
  { total: f32(), low: uint(2)(n) },
  ({ x, codes }) => ({ total: () => sum(n, (i) => x(i)), low: (i) => codes(i) % 4 }),
);
`;

export const ATTENTION = `import { axis, extent, f32, groupOf, kernel, softmax, sum } from "kvern";
import { coupled } from "kvern/formats";

const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel");
const cache = coupled([token, kvHead, channel], { couple: 8, bits: 8 });

export const attend = kernel(
  { q: f32(head, channel), keys: cache, values: cache },
  f32(head, channel),
  ({ q, keys, values }) => (h, c) => {
    const kv = groupOf(h, head, kvHead);
    const score = (t: number) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
    const weight = softmax(token, score);
    return sum(token, (t) => weight(t) * values(t, kv, c));
  },
);
`;
