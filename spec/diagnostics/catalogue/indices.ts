import type { Entry } from "./entry";

/** KV20nn: indices outside their axis. KV21nn: sizes of axes. */
export const INDICES = {
  KV2001: {
    title: "an index that is not proved to lie inside its axis",
    example: "sum(token, (t) => x(t + 1))",
    mend: "sum(token, (t) => x(clamp(t + 1, token)))",
  },
  KV2002: {
    title: "an index that is not an integer",
    example: "x(t / 2)",
    mend: "x(Math.floor(t / 2))",
  },
  KV2101: {
    title: "an axis without a size",
    example: "evaluate(k, {}) // the output axis `n` is bound by no input",
    mend: "evaluate(k, {}, { set: { n: 8 } })",
  },
  KV2102: {
    title: "sizes that do not divide",
    example: "groupOf(h, head, kvHead) with 6 heads and 4 kvHeads",
    mend: "give `head` a size that is a multiple of kvHead's",
  },
  KV2103: {
    title: "an axis bound to two sizes",
    example: "{ q: tensor([4, 8], q), keys: tensor([5, 9], k) } where both last axes are `channel`",
    mend: "{ q: tensor([4, 8], q), keys: tensor([5, 8], k) }",
  },
  KV2104: {
    title: "a name that an axis cannot have",
    example: 'axis("key head")',
    mend: 'axis("keyHead")',
  },
  KV2105: {
    title: "a size that an axis cannot have",
    example: 'axis("channel", 12 / 8)',
    mend: 'axis("channel", 16 / 8)',
  },
  KV2106: {
    title: "a size for an axis that the kernel does not have",
    example: "evaluate(k, inputs, { set: { tokens: 8 } }) // the axis is called `token`",
    mend: "evaluate(k, inputs, { set: { token: 8 } })",
  },
  KV2107: {
    title: "an axis that cannot be joined of others",
    example: 'joined("token", axis("token"), axis("tail"))',
    mend: 'joined("token", axis("past"), axis("tail"))',
  },
} as const satisfies Record<string, Entry>;
