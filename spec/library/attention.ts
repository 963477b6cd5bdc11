/** @file Attention of queries over keys and values, wherever they are read from: a cache, its segments, rotated or not. */

import { extent, groupOf, sum, type Axis } from "../language";
import { softCap as capped } from "./activations";
import { masked } from "./masks";
import { logSumExp, softmax } from "./softmax";

export interface AttentionAxes {
  readonly token: Axis;
  /** Query heads. */
  readonly head: Axis;
  /** Key and value heads. */
  readonly kvHead: Axis;
  readonly channel: Axis;
}

export interface Attending {
  /** Whether query `i` of head `h` sees token `t`; every one unless given. */
  readonly live?: (i: number, h: number, t: number) => boolean;
  /** The key and value head of query head `h`; `groupOf` unless given. An index read from data is put through `clamp`. */
  readonly kvHeadOf?: (h: number) => number;
  /** What scores are multiplied by; 1/√channels unless given. */
  readonly scale?: number;
  /** Scores are forced smoothly into (−softCap, softCap), where given. */
  readonly softCap?: number;
}

/** Reads an element: of queries (query, head, channel), of keys and values (token, kvHead, channel). */
type Read = (first: number, head: number, channel: number) => number;

/**
 * softmax(q·k · scale)·v along `token`: `out(i, h, c)`, and `logSumExp(i, h)`, by which results over parts of the tokens are
 * merged. A query that sees no token gives 0 and −∞. Vaswani and others, "Attention Is All You Need", 2017.
 */
export const attention = ({ token, head, kvHead, channel }: AttentionAxes, q: Read, keys: Read, values: Read, options: Attending) => {
  const { live, kvHeadOf, scale, softCap } = options;
  const kvOf = (h: number): number => (kvHeadOf === undefined ? groupOf(h, head, kvHead) : kvHeadOf(h));
  const scores = (i: number, h: number) => {
    const score = (t: number): number => {
      const product = sum(channel, (c) => q(i, h, c) * keys(t, kvOf(h), c));
      const scaled = scale === undefined ? product / Math.sqrt(extent(channel)) : product * scale;
      return softCap === undefined ? scaled : capped(scaled, softCap);
    };
    return live === undefined ? score : masked(token, (t) => live(i, h, t), score);
  };
  return {
    out: (i: number, h: number, c: number): number => {
      const weight = softmax(token, scores(i, h));
      return sum(token, (t) => weight(t) * values(t, kvOf(h), c));
    },
    logSumExp: (i: number, h: number): number => logSumExp(token, scores(i, h)),
  };
};
