import type { Entry } from "./entry";

/** KV10nn: TypeScript's own. KV11nn: outside the language. KV12nn: kernels and their signatures. */
export const SOURCE = {
  KV1001: {
    title: "a TypeScript error",
    example: "const n: number = 'four';",
    mend: "const n: number = 4;",
  },
} as const satisfies Record<string, Entry>;
