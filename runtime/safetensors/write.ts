/** @file Writes safetensors, see `read.ts` for the format. */

import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { HALF_OVERFLOW } from "../../spec/tensor/half";
import { elementCount, shapeText, tensor as checkedTensor, type TensorData } from "../../spec/tensor/tensor";
import { dtypeEntry, dtypeOf, toBytes, type Conversion, type Dtype } from "./dtype";

/** A tensor to write, in the type of its array unless `dtype` asks for f16. */
export type WritableTensor = TensorData & { readonly dtype?: Dtype };

export interface WriteOptions {
  /** Free text by key. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The data begins at a multiple of this, so that a reader need not copy. */
const ALIGNMENT = 64;

/**
 * A safetensors file of these tensors. Arrays are written in their own type (plain arrays as F64), and `Float32Array`s
 * that were read from an F16 file, or say `dtype: "F16"`, as F16.
 * @throws KvernError KV5005 when a tensor's elements do not fit its shape, or its name cannot be one
 */
export function writeSafetensors(tensors: Readonly<Record<string, WritableTensor>>, { metadata = {} }: WriteOptions = {}): Uint8Array<ArrayBuffer> {
  const parts = Object.entries(tensors).map(([name, tensor]) => partOf(name, tensor));
  // Widest elements first keeps every tensor aligned to its elements.
  parts.sort((a, b) => dtypeEntry(b.dtype).bytes - dtypeEntry(a.dtype).bytes);
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata };
  let at = 0;
  for (const { name, dtype, shape, bytes } of parts) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const begin = Math.ceil((8 + text.length) / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(begin + at);
  file.fill(" ".charCodeAt(0), 8, begin);
  new DataView(file.buffer).setBigUint64(0, BigInt(begin - 8), true);
  file.set(text, 8);
  let place = begin;
  for (const { bytes } of parts) {
    file.set(bytes, place);
    place += bytes.length;
  }
  return file;
}

interface Part {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

function partOf(name: string, { shape, data, dtype }: WritableTensor): Part {
  const what = `the tensor ${JSON.stringify(name)}`;
  if (name === "__proto__" || name === "__metadata__") refuse({ code: "KV5005", message: `a tensor cannot be called \`${name}\`` });
  const fits = checked(what, { shape, data });
  if (fits.data.length !== elementCount(fits.shape)) {
    refuse({ code: "KV5005", message: `${what} does not have as many elements as its shape ${shapeText(shape)} says`, expected: String(elementCount(shape)), got: String(data.length) });
  }
  const conversion: Conversion | undefined = dtype === "F16" ? "F16" : undefined;
  if (conversion !== undefined && !Array.prototype.every.call(data, (value: number) => !(Math.abs(value) >= HALF_OVERFLOW) || Math.abs(value) === Infinity)) {
    refuse({ code: "KV5005", message: `${what} holds numbers that F16 cannot`, expected: "magnitudes up to 65504" });
  }
  return { name, dtype: conversion ?? dtypeOf(data), shape, bytes: toBytes(data, conversion) };
}

function checked(what: string, tensor: TensorData): TensorData {
  try {
    return checkedTensor(tensor.shape, tensor.data);
  } catch (fault) {
    if (!(fault instanceof KvernError)) throw fault;
    const [first] = fault.diagnostics;
    return refuse({ ...first, code: "KV5005", message: `${what} cannot be written: ${first?.message ?? ""}` });
  }
}
