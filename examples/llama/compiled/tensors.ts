/** @file The tensors that kernels give. */

import type { DeviceTensor, TensorData } from "kvern/runtime";
import { InternalError } from "../../../spec/diagnostics/diagnostic";

/** The output of that name. */
export function output<Tensor extends TensorData | DeviceTensor>(outputs: Readonly<Record<string, Tensor>>, name = "out"): Tensor {
  const found = outputs[name];
  if (found === undefined) throw new InternalError(`a kernel has no output ${name}`);
  return found;
}
