/**
 * @file What a cache runs when tokens leave its window, written in the language. The runtime has no compiler of it:
 * `scripts/cache-kernels.mjs` compiles these to `graphs.json`, which the cache prepares for its sizes.
 *
 * One kernel codes for every coupling of a width of codes: the channels of a code are the axis `lane`, and its centroids
 * the axis `code`, whose sizes come with the codebook.
 */

import { axis, f16, f32, kernel, uint } from "kvern";
import { nearestCode } from "kvern/formats";

const token = axis("token"), head = axis("head"), channel = axis("channel");
const group = axis("group"), code = axis("code"), lane = axis("lane");

const encode = (bits: number) =>
  kernel({ x: f32(token, head, channel), book: f16(head, group, code, lane) }, uint(bits)(token, head, group), ({ x, book }) => nearestCode({ channel, code, lane }, x, book));

export const encode1 = encode(1);
export const encode2 = encode(2);
export const encode3 = encode(3);
export const encode4 = encode(4);
export const encode5 = encode(5);
export const encode6 = encode(6);
export const encode7 = encode(7);
export const encode8 = encode(8);
export const encode9 = encode(9);
export const encode10 = encode(10);
export const encode11 = encode(11);
export const encode12 = encode(12);
export const encode13 = encode(13);
export const encode14 = encode(14);
export const encode15 = encode(15);
export const encode16 = encode(16);

/** From f32 to the nearest f16. */
export const halve = kernel({ x: f32(token, head, channel) }, f16(token, head, channel), ({ x }) => (t, h, c) => x(t, h, c));
