/** @file What a device allows, counted before anything is printed. */

import type { Bounder } from "../../kernel/bounds";
import { crossesSubgroups } from "../../kernel/access";
import { holdsHalves, usesHalves } from "../../kernel/halves";
import type { Kernel, KernelArray, Node } from "../../kernel/kernel";
import type { DeviceFeatures, DeviceLimits } from "../../program";

/** Bytes that an invocation may keep in arrays and registers: the least that WGSL promises. */
const PRIVATE_BYTES = 8192;
/** Registers that a text may name: beyond, a pipeline takes long to compile and spills. */
const MOST_REGISTERS = 256;

/** Workgroup memory by which lanes agree on the width of their subgroups: two numbers. */
const WIDTH_BYTES = 32;

const round16 = (bytes: number): number => 16 * Math.ceil(bytes / 16);

function elements(array: KernelArray, measure: Bounder): number {
  return array.shape.reduce((count, size, at) => (array.roles?.[at] === "own" ? count : count * measure.of(size)[1]), 1);
}

/** Workgroup memory of a kernel, with what lanes exchange registers through; each variable rounded up to 16. */
export function workgroupBytes({ arrays, lanes, body }: Kernel, measure: Bounder): number {
  const byName = new Map(arrays.map((array) => [array.name, array]));
  let exchanged = 0;
  let agreed = 0;
  const visit = (node: Node): void => {
    if (node.kind === "loop") node.body.forEach(visit);
    if (node.kind !== "cross") return;
    if (node.method === "subgroup") agreed = WIDTH_BYTES;
    const registers = node.registers.reduce((count, name) => {
      const array = byName.get(name);
      return count + (array === undefined ? 0 : elements(array, measure));
    }, 0);
    exchanged = Math.max(exchanged, lanes * registers);
  };
  body.forEach(visit);
  const shared = arrays.filter(({ space, arena }) => space === "workgroup" && arena === undefined);
  return shared.reduce((sum, array) => sum + round16((holdsHalves(array) ? 2 : 4) * elements(array, measure)), round16(4 * exchanged)) + agreed;
}

/** Storage buffers that a kernel binds; the uniform of sizes is none. */
export const storageBuffers = ({ arrays }: Kernel): number => arrays.filter(({ space, arena }) => (space === "input" || space === "buffer") && arena === undefined).length;

/** Why a device cannot run a kernel, with the count; undefined where it can. `measure` knows the sizes that are fixed. */
export function refusalOf(kernel: Kernel, limits: DeviceLimits, measure: Bounder, { subgroups = false, f16 = false }: DeviceFeatures = {}): string | undefined {
  if (!subgroups && crossesSubgroups(kernel.body)) return `${kernel.name}: subgroup operations, which the device does not have, or which are switched off`;
  if (!f16 && usesHalves(kernel)) return `${kernel.name}: f16, which the device does not have, or which is switched off`;
  const shared = workgroupBytes(kernel, measure);
  if (shared > limits.maxComputeWorkgroupStorageSize) return `${kernel.name}: ${shared} bytes of workgroup memory, of ${limits.maxComputeWorkgroupStorageSize}`;
  if (kernel.lanes > limits.maxComputeInvocationsPerWorkgroup) return `${kernel.name}: ${kernel.lanes} invocations in a workgroup, of ${limits.maxComputeInvocationsPerWorkgroup}`;
  const buffers = storageBuffers(kernel);
  if (buffers > limits.maxStorageBuffersPerShaderStage) return `${kernel.name}: ${buffers} storage buffers, of ${limits.maxStorageBuffersPerShaderStage}`;
  const kept = kernel.arrays.filter(({ space }) => space === "private" || space === "register").reduce((sum, array) => sum + elements(array, measure), 0);
  if (4 * kept > PRIVATE_BYTES || kept > MOST_REGISTERS) return `${kernel.name}: ${kept} numbers kept by an invocation, of ${Math.min(PRIVATE_BYTES / 4, MOST_REGISTERS)}`;
  for (const array of kernel.arrays) {
    if (array.space !== "buffer" || array.shape.some((size) => size.kind !== "constant")) continue;
    const bytes = 4 * elements(array, measure);
    if (bytes > limits.maxStorageBufferBindingSize) return `${kernel.name}: ${array.name} takes ${bytes} bytes, of ${limits.maxStorageBufferBindingSize}`;
  }
  return undefined;
}
