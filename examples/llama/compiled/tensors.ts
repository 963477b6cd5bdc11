/** @file Tensors that pass from one kernel to the next without leaving their device. */

import { tensor, type DeviceTensor, type RunInput, type TensorData } from "kvern/runtime";
import { InternalError } from "../../../spec/diagnostics/diagnostic";

/** The same elements under another shape, in the same order. Without a GPU they are copied. */
export async function reshaped(of: DeviceTensor, shape: readonly number[]): Promise<RunInput> {
  if (of.buffer === undefined) return tensor(shape, (await of.read()).data);
  return { shape, buffer: of.buffer, ...(of.offset === undefined ? {} : { offset: of.offset }) };
}

/** The output of that name. */
export function output<Tensor extends TensorData | DeviceTensor>(outputs: Readonly<Record<string, Tensor>>, name = "out"): Tensor {
  const found = outputs[name];
  if (found === undefined) throw new InternalError(`a kernel has no output ${name}`);
  return found;
}
