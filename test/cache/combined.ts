/** @file Attention over a cache, whatever its formats, its segments and what is asked of the scores: one kernel a combination. */

import { attention, axis, causal, clamp, extent, f16, f32, joined, kernel, slidingWindow, u32 } from "kvern";
import { coupled, segmented } from "kvern/formats";

const query = axis("query"), head = axis("head"), kvHead = axis("kvHead"), channel = axis("channel");
const sink = axis("sink"), coded = axis("coded"), recent = axis("recent");

/** A coupling, or an element type. */
type Kind = readonly [couple: number, bits: number] | "f32" | "f16";

export interface Combination {
  readonly keys: Kind;
  readonly values: Kind;
  readonly sinks: boolean;
  readonly tail: boolean;
  readonly mask: "none" | "causal" | "window";
  readonly softCap: boolean;
  readonly logSumExp: boolean;
  readonly map: boolean;
}

/** Tokens that a query of the mask `window` sees. */
const SEEN = 4;

const formatOf = (kind: Kind) => (kind === "f32" ? f32(coded, kvHead, channel) : kind === "f16" ? f16(coded, kvHead, channel) : coupled([coded, kvHead, channel], { couple: kind[0], bits: kind[1] }));

const tokenOf = (sinks: boolean, tail: boolean) => (sinks ? (tail ? joined("token", sink, coded, recent) : joined("token", sink, coded)) : tail ? joined("token", coded, recent) : coded);

const cacheOf = (kind: Kind, sinks: boolean, tail: boolean) => {
  const axes = [tokenOf(sinks, tail), kvHead, channel] as const;
  const format = formatOf(kind);
  const full = { sinks: f32(sink, kvHead, channel), tail: f32(recent, kvHead, channel) };
  return sinks ? (tail ? segmented(axes, { sinks: full.sinks, coded: format, tail: full.tail }) : segmented(axes, { sinks: full.sinks, coded: format })) : tail ? segmented(axes, { coded: format, tail: full.tail }) : format;
};

/** The queries are the newest tokens. */
export const combined = ({ keys: keyKind, values: valueKind, sinks, tail, mask, softCap, logSumExp, map: mapped }: Combination) => {
  const token = tokenOf(sinks, tail);
  const now = (i: number): number => extent(token) - extent(query) + i;
  const live = (i: number, _h: number, t: number): boolean => (mask === "none" ? true : mask === "causal" ? causal(now(i), t) : causal(now(i), t) && slidingWindow(now(i), t, SEEN));
  return kernel(
    { q: f32(query, head, channel), map: u32(head), keys: cacheOf(keyKind, sinks, tail), values: cacheOf(valueKind, sinks, tail) },
    { out: f32(query, head, channel), total: f32(query, head) },
    ({ q, map, keys, values }) => {
      const attended = attention({ token, head, kvHead, channel }, q, keys, values, {
        live,
        ...(softCap ? { softCap: 5 } : {}),
        ...(mapped ? { kvHeadOf: (h: number) => clamp(map(h), kvHead) } : {}),
      });
      return { out: attended.out, total: logSumExp ? attended.logSumExp : (_i: number, _h: number) => 0 };
    },
  );
};
