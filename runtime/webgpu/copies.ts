/** @file Rows copied into tensors on a WebGPU device, from its own memory and from arrays. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { checkElements } from "../../spec/tensor/check";
import { toStorage } from "../../spec/tensor/storage";
import { tensor as checkedTensor, type TensorData } from "../../spec/tensor/tensor";
import type { RowCopy } from "../device";
import { isDeviceTensor } from "../kernel";
import { checkRowPlace, checkRows, hostRows, rowBytes, rowsShape } from "../rows";
import type { Gpu } from "./gpu";
import { usable, type GpuTensor } from "./tensors";

/** A copy that has been checked: what it does, without what it was asked in. */
interface Stretch {
  readonly from: GpuTensor | ArrayBufferView<ArrayBuffer>;
  readonly fromByte: number;
  readonly to: GpuTensor;
  readonly toByte: number;
  readonly bytes: number;
}

/** @throws KvernError as `Device.copy` */
export async function copyRows(gpu: Gpu, copies: readonly RowCopy[]): Promise<void> {
  const what = "copying rows";
  gpu.ensureUsable(what);
  const stretches = copies.map((copy) => checkedCopy(gpu, copy)).filter(({ bytes }) => bytes > 0);
  if (stretches.length === 0) return;
  await gpu.scoped(what, () => {
    const encoder = gpu.device.createCommandEncoder({ label: what });
    for (const { from, fromByte, to, toByte, bytes } of stretches) {
      if ("buffer" in from && "gpu" in from) encoder.copyBufferToBuffer(from.buffer, fromByte, to.buffer, toByte, bytes);
      else gpu.device.queue.writeBuffer(to.buffer, toByte, from.buffer, from.byteOffset, bytes);
    }
    gpu.device.queue.submit([encoder.finish()]);
  });
}

function checkedCopy(gpu: Gpu, { from, first = 0, count, to, at }: RowCopy): Stretch {
  const target = usable(gpu, "the tensor to copy to", to);
  const toByte = target.offset + at * rowBytes("the tensor to copy to", target);
  if (!isDeviceTensor(from)) {
    const rows = hostRows(target.element, checkedTensor(from.shape, from.data), first, count);
    return { from: storageOf(target, rows, at), fromByte: 0, to: target, toByte, bytes: count * rowBytes("the rows", target) };
  }
  const source = usable(gpu, "the tensor to copy from", from);
  checkRows("the tensor to copy from", source, first, count);
  checkRowPlace("what is copied", { element: source.element, shape: rowsShape(source, count) }, { tensor: target, at });
  if (source.buffer === target.buffer) refuse({ code: "KV4010", message: "rows are copied within one memory", expected: "two tensors", mend: "Copy to a tensor of its own first." });
  if (source.layout.infinite && !target.layout.infinite) refuse({ code: "KV3006", message: "rows that may hold infinities are copied to a tensor for finite numbers", expected: "finite numbers" });
  const bytes = rowBytes("the rows", source);
  return { from: source, fromByte: source.offset + first * bytes, to: target, toByte, bytes: count * bytes };
}

function storageOf(target: GpuTensor, rows: TensorData, at: number): ArrayBufferView<ArrayBuffer> {
  const { element } = target;
  checkRowPlace("what is copied", { element, shape: rows.shape }, { tensor: target, at });
  checkElements({ name: "rows", element, axes: [] }, rows, target.layout.infinite);
  return toStorage(element, rows) as ArrayBufferView<ArrayBuffer>;
}
