/** @file The rotary embedding operator of ONNX (opset 23) in the language. */

import { axis, clamp, f32, i32, kernel, rope, ropeInterleaved } from "kvern";

const batch = axis("batch");
const head = axis("head");
const sequence = axis("sequence");
const channel = axis("channel");
const position = axis("position");

export interface RotaryOptions {
  /** How many of the channels turn: the first ones. */
  readonly turned: number;
  readonly interleaved: boolean;
}

const x = f32(batch, head, sequence, channel);

/** Channels from 0 to `turned` − 1 turned, by angles along the axis of pairs; the others as they are. */
const rotation = ({ turned, interleaved }: RotaryOptions) => {
  const turning = axis("turning", turned);
  const turn = interleaved ? ropeInterleaved : rope;
  return (c: number, of: (c: number) => number, cos: (p: number) => number, sin: (p: number) => number): number =>
    c < turned ? turn(turning, (i: number) => of(i), cos, sin)(c) : of(c);
};

/** With tables that have a row for each position, and the position of every token. */
export const rotaryAt = (options: RotaryOptions) => {
  const pair = axis("pair", options.turned / 2);
  const turned = rotation(options);
  return kernel({ x, cos: f32(position, pair), sin: f32(position, pair), at: i32(batch, sequence) }, x, ({ x, cos, sin, at }) => (b, h, s, c) => {
    const p = clamp(at(b, s), position);
    return turned(c, (i) => x(b, h, s, i), (i) => cos(p, i), (i) => sin(p, i));
  });
};

/** With tables that have a row for each token. */
export const rotary = (options: RotaryOptions) => {
  const pair = axis("pair", options.turned / 2);
  const turned = rotation(options);
  return kernel({ x, cos: f32(batch, sequence, pair), sin: f32(batch, sequence, pair) }, x, ({ x, cos, sin }) => (b, h, s, c) =>
    turned(c, (i) => x(b, h, s, i), (i) => cos(b, s, i), (i) => sin(b, s, i)));
};
