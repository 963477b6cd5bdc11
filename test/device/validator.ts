/**
 * @file Dawn's device that runs nothing: it has every feature there is, and makes pipelines as far as WGSL has a say in it. For
 * texts that take what the device of the other tests has not.
 */

import { create } from "webgpu";

/** What is wrong with a module as a compute pipeline; empty where nothing is. */
export type Validate = (code: string) => Promise<readonly string[]>;

const held = new Set<GPU>();

/** Undefined where Dawn has no such device, or it has not all of `features`. */
export async function openValidator(features: readonly GPUFeatureName[]): Promise<{ readonly validate: Validate; close(): void } | undefined> {
  const gpu = create(["backend=null"]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null || features.some((feature) => !adapter.features.has(feature))) return undefined;
  const device = await adapter.requestDevice({ requiredFeatures: [...features] });
  const validate: Validate = async (code) => {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    device.createComputePipeline({ layout: "auto", compute: { module } });
    const fault = await device.popErrorScope();
    return [...messages.map(({ lineNum, message }) => `${lineNum}: ${message}`), ...(fault === null ? [] : [fault.message])];
  };
  // Dawn's devices do not survive the collection of what they come from.
  held.add(gpu);
  return {
    validate,
    close: () => {
      device.destroy();
      held.delete(gpu);
    },
  };
}
