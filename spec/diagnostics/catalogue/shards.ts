import type { Entry } from "./entry";

/** KV53nn: kernels cut into shards. */
export const SHARDS = {
  KV5301: {
    title: "a kernel that has no sound merge",
    example: "kvern build minp.ts --partial --out out // keeps the tokens whose weight is above a share of the largest",
    mend: "the kernel cut in two: one gives the largest weight, the other takes it as an input",
  },
  KV5302: {
    title: "an axis to shard that is not there, or one of several",
    example: "kvern build attention.ts --partial --shard tokens --out out",
    mend: "kvern build attention.ts --partial --shard token --out out",
  },
} as const satisfies Record<string, Entry>;
