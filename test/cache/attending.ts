/** @file Kernels that attend over caches of the shapes of the tests, whatever of sinks, codes and tail these have. */

import { attention, axis, causal, clamp, extent, f16, f32, joined, kernel, slidingWindow, u32, type Axis } from "kvern";
import { coupled, segmented } from "kvern/formats";

const query = axis("query"), head = axis("head"), kvHead = axis("kvHead"), channel = axis("channel");
const sink = axis("sink"), coded = axis("coded"), recent = axis("recent");
const sinks = f32(sink, kvHead, channel), tail = f32(recent, kvHead, channel);

/** The format of a coded segment: a coupling, or an element type. */
type Kind = readonly [couple: number, bits: number] | "f32" | "f16";

const formatOf = (kind: Kind) => (kind === "f32" ? f32(coded, kvHead, channel) : kind === "f16" ? f16(coded, kvHead, channel) : coupled([coded, kvHead, channel], { couple: kind[0], bits: kind[1] }));

const axes = (token: Axis) => ({ token, head, kvHead, channel });

/** Which of the segments there are. */
type Segments = "coded" | "coded tail" | "sinks coded" | "sinks coded tail";

const tokenOf = (segments: Segments) =>
  segments === "coded" ? coded : segments === "coded tail" ? joined("token", coded, recent) : segments === "sinks coded" ? joined("token", sink, coded) : joined("token", sink, coded, recent);

const cacheOf = (kind: Kind, segments: Segments) => {
  const token = tokenOf(segments);
  const format = formatOf(kind);
  return segments === "coded" ? format
    : segments === "coded tail" ? segmented([token, kvHead, channel], { coded: format, tail })
    : segments === "sinks coded" ? segmented([token, kvHead, channel], { sinks, coded: format })
    : segmented([token, kvHead, channel], { sinks, coded: format, tail });
};

/** The queries are the newest tokens; each sees the tokens up to its own, of the last 24, under a soft cap. */
const causally = (keyKind: Kind, valueKind: Kind, segments: Segments) => {
  const token = tokenOf(segments);
  return kernel(
    { q: f32(query, head, channel), keys: cacheOf(keyKind, segments), values: cacheOf(valueKind, segments) },
    { out: f32(query, head, channel), total: f32(query, head) },
    ({ q, keys, values }) => {
      const now = (i: number): number => extent(token) - extent(query) + i;
      const attended = attention(axes(token), q, keys, values, { live: (i, _h, t) => causal(now(i), t) && slidingWindow(now(i), t, 24), softCap: 5 });
      return { out: attended.out, total: attended.logSumExp };
    },
  );
};

export const noWindow = causally([4, 3], [2, 5], "coded");
export const windowOf1 = causally([3, 4], "f16", "coded tail");
export const windowAndSinks = causally([8, 4], [16, 3], "sinks coded tail");
export const sinksAlone = causally("f32", [8, 4], "sinks coded");
export const halves = causally("f16", [4, 4], "sinks coded tail");

/** One query that sees every token; its heads read the key and value heads that `map` names. */
export const mapped = kernel(
  { q: f32(query, head, channel), map: u32(head), keys: cacheOf([8, 4], "sinks coded tail"), values: cacheOf([16, 3], "sinks coded tail") },
  f32(query, head, channel),
  ({ q, map, keys, values }) => attention(axes(tokenOf("sinks coded tail")), q, keys, values, { kvHeadOf: (h) => clamp(map(h), kvHead), scale: 0.25 }).out,
);
