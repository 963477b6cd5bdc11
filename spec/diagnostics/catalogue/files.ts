import type { Entry } from "./entry";

/** KV50nn: files of tensors. */
export const FILES = {
  KV5001: {
    title: "a file that cannot be read",
    example: 'readSafetensorsFile("cash.safetensors") // there is no such file',
    mend: 'readSafetensorsFile("cache.safetensors")',
  },
  KV5002: {
    title: "a file that is not safetensors, or is damaged",
    example: "a download that stopped half-way: the header promises more bytes than there are",
    mend: "fetch or write the file again",
  },
  KV5003: {
    title: "elements of a type that cannot be read",
    example: 'a tensor of dtype "F8_E4M3", or of I64 with elements beyond 2^53',
    mend: "write the file with F64, F32, F16, BF16, I64, I32, U32, I16, U16, I8, U8 or BOOL",
  },
  KV5004: {
    title: "a file that cannot be written",
    example: 'writeSafetensorsFile("missing/folder/out.safetensors", tensors)',
    mend: "make the folder first",
  },
  KV5005: {
    title: "tensors that cannot be written to a file",
    example: 'writeSafetensors({ codes: { shape: [4], data: new Uint8Array(3) } })',
    mend: 'writeSafetensors({ codes: { shape: [3], data: new Uint8Array(3) } })',
  },
} as const satisfies Record<string, Entry>;
