import type { Entry } from "./entry";

/** KV30nn: a tensor that does not fit its specification. */
export const TENSORS = {
  KV3001: {
    title: "a missing input",
    example: "attend.run({})",
    mend: "attend.run({ q: tensor([4, 8], q) })",
  },
  KV3002: {
    title: "an unknown input",
    example: "attend.run({ q, kyes })",
    mend: "attend.run({ q, keys })",
  },
  KV3003: {
    title: "a tensor of the wrong shape",
    example: "attend.run({ q: tensor([4], q) }) // q has the axes head, channel",
    mend: "attend.run({ q: tensor([4, 8], q) })",
  },
  KV3004: {
    title: "a tensor of the wrong element type",
    example: "codes given as a Float32Array for uint(8)",
    mend: "codes given as a Uint8Array",
  },
  KV3005: {
    title: "an element outside the range of its type",
    example: "uint(4) given the code 16",
    mend: "codes from 0 to 15",
  },
  KV3006: {
    title: "an element that is not a number",
    example: "an f32 input that holds NaN",
    mend: "give finite numbers; -Infinity is admitted where the kernel asks for it (`x === -Infinity`)",
  },
  KV3007: {
    title: "a width that packed integers cannot have",
    example: "uint(17)(token)",
    mend: "uint(16)(token)",
  },
  KV3008: {
    title: "a name that an input, an output or a storage tensor cannot have",
    example: 'kernel({ "keys.codes": u32(token) }, …)',
    mend: "kernel({ keys: encoded([token], { codes: u32(token) }, …) }, …)",
  },
  KV3009: {
    title: "an integer output whose value is not an integer",
    example: "kernel({ x: f32(token) }, uint(4)(token), ({ x }) => (t) => x(t) / 2)",
    mend: "kernel({ x: f32(token) }, uint(4)(token), ({ x }) => (t) => Math.round(x(t) / 2))",
  },
  KV3010: {
    title: "an output that the body does not compute",
    example: "kernel({ x }, { sum: f32(), largest: f32() }, ({ x }) => ({ sum: () => sum(token, x) }))",
    mend: "return a function of its indices for every output",
  },
} as const satisfies Record<string, Entry>;
