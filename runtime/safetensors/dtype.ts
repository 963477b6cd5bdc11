/** @file The element types of safetensors files, and the arrays their elements come in. */

import { fromBrains, fromHalves, toHalves } from "../../spec/tensor/half";
import type { Numbers } from "../../spec/tensor/tensor";

interface DtypeEntry {
  /** Bytes of one element. */
  readonly bytes: 1 | 2 | 4 | 8;
  /** The elements of a tensor from its bytes, which begin at a multiple of `bytes`; a sentence if they cannot be had. */
  read(bytes: Uint8Array<ArrayBuffer>): Numbers | string;
}

/** Views of a type over all of some bytes, sharing their memory. */
const view = <View>(Class: new (buffer: ArrayBuffer, offset: number, length: number) => View, size: number) =>
  (bytes: Uint8Array<ArrayBuffer>): View => new Class(bytes.buffer, bytes.byteOffset, bytes.byteLength / size);

const halves = view(Uint16Array, 2);
const longs = view(BigInt64Array, 8);

/** Every dtype that can be read. Half precisions become `Float32Array`, which holds all of their values. */
export const DTYPES = {
  F64: { bytes: 8, read: view(Float64Array, 8) },
  F32: { bytes: 4, read: view(Float32Array, 4) },
  F16: { bytes: 2, read: (bytes) => fromHalves(halves(bytes)) },
  BF16: { bytes: 2, read: (bytes) => fromBrains(halves(bytes)) },
  I64: { bytes: 8, read: (bytes) => narrowed(longs(bytes)) },
  I32: { bytes: 4, read: view(Int32Array, 4) },
  U32: { bytes: 4, read: view(Uint32Array, 4) },
  I16: { bytes: 2, read: view(Int16Array, 2) },
  U16: { bytes: 2, read: halves },
  I8: { bytes: 1, read: view(Int8Array, 1) },
  U8: { bytes: 1, read: view(Uint8Array, 1) },
  BOOL: { bytes: 1, read: truths },
} as const satisfies Record<string, DtypeEntry>;

export type Dtype = keyof typeof DTYPES;

export function isDtype(name: unknown): name is Dtype {
  return typeof name === "string" && Object.hasOwn(DTYPES, name);
}

/** The entry of a dtype, whichever it is. */
export function dtypeEntry(dtype: Dtype): DtypeEntry {
  return DTYPES[dtype];
}

/** 64-bit integers as numbers: `Int32Array` if all fit, else `Float64Array` if all are exact there. */
function narrowed(longs: BigInt64Array): Int32Array | Float64Array | string {
  if (longs.every((value) => value === BigInt.asIntN(32, value))) return Int32Array.from(longs, Number);
  const at = longs.findIndex((value) => value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER));
  return at < 0 ? Float64Array.from(longs, Number) : `element ${at} is ${String(longs[at])}, beyond 2^53`;
}

function truths(bytes: Uint8Array<ArrayBuffer>): Uint8Array | string {
  const at = bytes.findIndex((value) => value > 1);
  return at < 0 ? bytes : `element ${at} is ${bytes[at] ?? ""}, neither 0 nor 1`;
}

/** The dtype that holds an array as it is; plain arrays are taken as reals. */
export function dtypeOf(data: Numbers): Dtype {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Int32Array) return "I32";
  if (data instanceof Uint32Array) return "U32";
  if (data instanceof Int16Array) return "I16";
  if (data instanceof Uint16Array) return "U16";
  if (data instanceof Int8Array) return "I8";
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return "U8";
  return "F64";
}

/** The dtypes that tensors can be converted to when written. */
export type Conversion = "F16";

/** The elements of a tensor as bytes of the dtype that `dtypeOf` says, or of another. */
export function toBytes(data: Numbers, conversion?: Conversion): Uint8Array {
  const elements = conversion === "F16" ? toHalves(data) : ArrayBuffer.isView(data) ? data : Float64Array.from(data);
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}
