import type { Entry } from "./entry";

/** KV51nn: serialised graphs. */
export const GRAPHS = {
  KV5101: {
    title: "something that is not a kernel graph, or is a damaged one",
    example: 'device.prepare({ format: "kvern-graph", version: 1 })',
    mend: "device.prepare((await compileFile(\"attention.ts\")).kernels.attend)",
  },
} as const satisfies Record<string, Entry>;
