/** @file Outputs as a file has them: in the element type of the kernel's signature, whatever computed them. */

import type { Element, Tensor } from "../spec/graph/node";
import { codeArray } from "../spec/tensor/packing";
import type { TensorData } from "../spec/tensor/tensor";
import type { WritableTensor } from "../runtime/safetensors/write";

/** The outputs of a signature, by name. */
export function inTheirTypes(signature: readonly Tensor[], outputs: Readonly<Record<string, TensorData>>): Readonly<Record<string, WritableTensor>> {
  const typed: Record<string, WritableTensor> = {};
  for (const { name, element } of signature) {
    const output = outputs[name];
    if (output !== undefined) typed[name] = inType(element, output);
  }
  return typed;
}

function inType(element: Element, { shape, data }: TensorData): WritableTensor {
  switch (element.kind) {
    case "f32": return { shape, data: Float32Array.from(data) };
    case "f16": return { shape, data: Float32Array.from(data), dtype: "F16" };
    case "i32": return { shape, data: Int32Array.from(data) };
    case "u32": return { shape, data: Uint32Array.from(data) };
    case "uint": {
      const codes = codeArray(data.length, element.bits);
      codes.set(data);
      return { shape, data: codes };
    }
  }
}
