import type { Entry } from "./entry";

/** KV54nn: plans that were stored. */
export const PLANS = {
  KV5401: {
    title: "something that is not a stored plan, or is a damaged one",
    example: "kvern explain attention.ts --kernel attend --plan attention.safetensors",
    mend: "kvern run attention.ts --kernel attend --in in.safetensors --out out.safetensors --tune --plan plans.json",
  },
  KV5402: {
    title: "a stored plan that cannot be replayed",
    example: "a plan that tabulates keys, for a kernel whose keys now depend on their position",
    mend: "kvern run attention.ts --kernel attend --in in.safetensors --out out.safetensors --tune --plan plans.json",
  },
  KV5403: {
    title: "a file of plans without one for this kernel",
    example: "kvern explain attention.ts --kernel encode --plan plans.json // measured for `attend` only",
    mend: "kvern explain attention.ts --kernel attend --plan plans.json",
  },
} as const satisfies Record<string, Entry>;
