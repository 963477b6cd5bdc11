/**
 * @file The attention operator of ONNX (opsets 23 to 25) in the language: scale, soft cap, mask or bias, causal alignment,
 * windows, a cache of past keys, shared key heads, padded keys, and its scores at any of four stages as a further output.
 */

import { addMask, axis, causal, encoded, extent, f16, f32, groupOf, i32, kernel, masked, prefix, softCap, softmax, sum, uint } from "kvern";

const batch = axis("batch");
const head = axis("head");
const kvHead = axis("kvHead");
const query = axis("query");
/** The keys of the cache, then those of this call. */
const key = axis("key");
const past = axis("past");
const current = axis("current");
const channel = axis("channel");
const wide = axis("wide");
/** The keys that the mask has; keys beyond are masked. */
const maskKey = axis("maskKey");

/** Which axes a mask has; it is the same along the others. */
export type MaskShape = "k" | "qk" | "hqk" | "bqk" | "bhqk";

export interface AttentionOptions {
  readonly half: boolean;
  /** 1/√(number of channels), if absent. */
  readonly scale?: number;
  /** 0 for none. */
  readonly softcap: number;
  readonly mask: "none" | "bool" | "float";
  readonly maskShape: MaskShape;
  readonly isCausal: boolean;
  /** Where the first query stands: after the past, after the keys that are not padding, or at 0. */
  readonly aligned: "past" | "nonpad" | "start";
  /** Keys before and after the query's own position that it sees; −1 for all. */
  readonly window: readonly [left: number, right: number];
  /** What `scores` holds: 0 raw, 1 after the soft cap, 2 after mask or bias, 3 weights. */
  readonly stage: number;
}

const maskAxes = [batch, head, query, maskKey] as const;

const masks = (mask: "none" | "bool" | "float") => {
  const element = mask === "float" ? f32 : uint(1);
  return {
    k: encoded(maskAxes, { data: element(maskKey) }, ({ data }) => (_b, _h, _q, k) => data(k)),
    qk: encoded(maskAxes, { data: element(query, maskKey) }, ({ data }) => (_b, _h, q, k) => data(q, k)),
    hqk: encoded(maskAxes, { data: element(head, query, maskKey) }, ({ data }) => (_b, h, q, k) => data(h, q, k)),
    bqk: encoded(maskAxes, { data: element(batch, query, maskKey) }, ({ data }) => (b, _h, q, k) => data(b, q, k)),
    bhqk: encoded(maskAxes, { data: element(batch, head, query, maskKey) }, ({ data }) => (b, h, q, k) => data(b, h, q, k)),
  };
};

export const attention = ({ half, scale, softcap, mask: kind, maskShape, isCausal, aligned, window, stage }: AttentionOptions) => {
  const real = half ? f16 : f32;
  const [left, right] = window;
  return kernel(
    {
      q: real(batch, head, query, channel), k: real(batch, kvHead, current, channel), v: real(batch, kvHead, current, wide),
      pastKey: real(batch, kvHead, past, channel), pastValue: real(batch, kvHead, past, wide),
      mask: masks(kind)[maskShape], nonpad: i32(batch),
    },
    {
      y: real(batch, head, query, wide), presentKey: real(batch, kvHead, key, channel), presentValue: real(batch, kvHead, key, wide),
      scores: real(batch, head, query, key),
    },
    ({ q, k, v, pastKey, pastValue, mask, nonpad }) => {
      const before = extent(past);
      /** One sequence of the past and the current one. */
      const joined = (t: number, old: (t: number) => number, now: (t: number) => number): number =>
        t < before ? old(t) : t - before < extent(current) ? now(t - before) : 0;
      const keyAt = (b: number, g: number, t: number, c: number): number => joined(t, (t) => pastKey(b, g, t, c), (t) => k(b, g, t, c));
      const valueAt = (b: number, g: number, t: number, w: number): number => joined(t, (t) => pastValue(b, g, t, w), (t) => v(b, g, t, w));

      const raw = (b: number, h: number, i: number, t: number): number => {
        const g = groupOf(h, head, kvHead);
        return sum(channel, (c) => q(b, h, i, c) * keyAt(b, g, t, c)) * (scale === undefined ? 1 / Math.sqrt(extent(channel)) : scale);
      };
      const capped = (b: number, h: number, i: number, t: number): number => (softcap === 0 ? raw(b, h, i, t) : softCap(raw(b, h, i, t), softcap));

      const live = (b: number, h: number, i: number, t: number): boolean => {
        const here = i + (aligned === "past" ? before : aligned === "nonpad" ? nonpad(b) - extent(query) : 0);
        const allowed = kind !== "bool" || mask(b, h, i, t) === 1;
        return prefix(t, nonpad(b)) && (kind === "none" || t < extent(maskKey)) && (!isCausal || causal(here, t)) &&
          (left < 0 || here - t <= left) && (right < 0 || t - here <= right) && allowed;
      };
      const bias = (b: number, h: number, i: number, t: number): number =>
        kind === "float" ? addMask(capped(b, h, i, t), mask(b, h, i, t)) : capped(b, h, i, t);
      const biased = (b: number, h: number, i: number) => masked(key, (t) => live(b, h, i, t), (t) => bias(b, h, i, t));

      return {
        y: (b, h, i, w) => {
          const weight = softmax(key, biased(b, h, i));
          return sum(key, (t) => weight(t) * valueAt(b, groupOf(h, head, kvHead), t, w));
        },
        presentKey: keyAt,
        presentValue: valueAt,
        scores: (b, h, i, t) => (stage === 0 ? raw(b, h, i, t) : stage === 1 ? capped(b, h, i, t) : stage === 2 ? biased(b, h, i)(t) : softmax(key, biased(b, h, i))(t)),
      };
    },
  );
};
