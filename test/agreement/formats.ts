/** @file The cache formats: a kernel that reads each, one that attends over it, and those that encode for it. */

import { axis, f16, f32, groupOf, kernel, softmax, sum, type Reader } from "kvern";
import { coupled, encodeCoupled, encodePerChannel, encodePerToken, fullPrecision, perChannel, perToken, scalesPerChannel, scalesPerToken } from "kvern/formats";

const token = axis("token"), kvHead = axis("kvHead"), channel = axis("channel"), head = axis("head");
const axes = [token, kvHead, channel] as const;
const read = f32(...axes);

type Cache = Reader<typeof axes>;

const attending = (q: Reader<[typeof head, typeof channel]>, keys: Cache, values: Cache) => {
  const weight = (h: number) => softmax(token, (t) => sum(channel, (c) => q(h, c) * keys(t, groupOf(h, head, kvHead), c)) * 0.25);
  return (h: number, c: number): number => sum(token, (t) => weight(h)(t) * values(t, groupOf(h, head, kvHead), c));
};

const halves = fullPrecision(axes, f16);
export const readHalves = kernel({ cache: halves }, read, ({ cache }) => (t, h, c) => cache(t, h, c));
export const attendHalves = kernel({ q: f32(head, channel), keys: halves, values: halves }, f32(head, channel), ({ q, keys, values }) => attending(q, keys, values));
/** Packed at the digits of its heads, which are cut into those of each key head. */
export const attendIntoHalves = kernel({ q: f32(head, channel), keys: halves, values: halves }, f16(head, channel), ({ q, keys, values }) => attending(q, keys, values));

const coupling = { couple: 4, bits: 6 } as const;
const codes = coupled(axes, coupling);
export const readCoupled = kernel({ cache: codes }, read, ({ cache }) => (t, h, c) => cache(t, h, c));
export const attendCoupled = kernel({ q: f32(head, channel), keys: codes, values: codes }, f32(head, channel), ({ q, keys, values }) => attending(q, keys, values));
export const codeCoupled = encodeCoupled(axes, coupling);

const blocks = { bits: 3, group: 4 } as const;
const channelwise = perChannel(axes, blocks);
export const readPerChannel = kernel({ cache: channelwise }, read, ({ cache }) => (t, h, c) => cache(t, h, c));
export const scalePerChannel = scalesPerChannel(axes, blocks);
export const codePerChannel = encodePerChannel(axes, blocks);

const tokenwise = perToken(axes, blocks);
export const readPerToken = kernel({ cache: tokenwise }, read, ({ cache }) => (t, h, c) => cache(t, h, c));
export const scalePerToken = scalesPerToken(axes, blocks);
export const codePerToken = encodePerToken(axes, blocks);
export const attendUniform = kernel({ q: f32(head, channel), keys: channelwise, values: tokenwise }, f32(head, channel), ({ q, keys, values }) => attending(q, keys, values));
