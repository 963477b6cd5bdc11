import type { Entry } from "./entry";

/** KV52nn: the command line. */
export const SHELL = {
  KV5201: {
    title: "a command line that is not understood",
    example: "kvern chekc attention.ts",
    mend: "kvern check attention.ts",
  },
  KV5202: {
    title: "an option with a value it cannot have",
    example: "kvern run attention.ts --kernel attend --set token=many",
    mend: "kvern run attention.ts --kernel attend --set token=4096",
  },
  KV5203: {
    title: "a kernel that the file does not export",
    example: "kvern explain attention.ts --kernel atend",
    mend: "kvern explain attention.ts --kernel attend",
  },
  KV5204: {
    title: "a file that exports no kernel",
    example: "kvern build axes.ts --out out",
    mend: "kvern build attention.ts --out out",
  },
  KV5205: {
    title: "two kernels that would be written to the same file",
    example: "kvern build old/attention.ts new/attention.ts --out out",
    mend: "kvern build old/attention.ts --out out/old; kvern build new/attention.ts --out out/new",
  },
  KV5206: {
    title: "results that differ by more than their bound",
    example: "kvern fuzz attention.ts --kernel attend --seed 7",
    mend: "report it: the difference is a fault of kvern or of the device's driver",
  },
  KV5207: {
    title: "a module that cannot be run",
    example: "kvern run attention.ts --backend source, where attention.ts throws when it is loaded",
    mend: "keep what is not pure out of the files of kernels",
  },
} as const satisfies Record<string, Entry>;
