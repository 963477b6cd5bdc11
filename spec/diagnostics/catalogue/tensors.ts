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
    title: "an element that is not finite",
    example: "an f32 input that holds NaN",
    mend: "give finite numbers; -Infinity is admitted where the kernel asks for it (`x === -Infinity`)",
  },
} as const satisfies Record<string, Entry>;
