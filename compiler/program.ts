/**
 * @file What the compiler's back half hands to a runtime: dispatches with their text, the arrays they touch and the
 * sizes they still wait for. Everything that needs deciding has been decided.
 */

import type { Element, Tensor } from "../spec/graph/node";

/** Sizes of axes by name. */
export type Sizes = Readonly<Record<string, number>>;

/** An array in device memory: an input, an output, or a temporary of the program. */
export interface ProgramArray {
  readonly name: string;
  readonly element: Element;
  /** Of an f32 output: whether the largest finite number of either sign, as stored, means an infinity. */
  readonly infinite?: boolean;
  /** The sizes along its axes, in memory order. */
  shape(sizes: Sizes): readonly number[];
}

export interface Dispatch {
  readonly name: string;
  /** The whole WGSL module; its entry point is `main`. */
  readonly code: string;
  readonly workgroupSize: number;
  /** Buffers in order of `@binding` in `@group(0)`, by array name. The uniform of sizes, if any, is the last binding. */
  readonly bindings: readonly { readonly array: string; readonly access: "read" | "read_write" }[];
  /** Axis names, in order of the `u32` members of the uniform; empty when every size is fixed. */
  readonly uniforms: readonly string[];
  /** Workgroups along x, y, z; any of them 0: nothing to do. */
  workgroups(sizes: Sizes): readonly [number, number, number];
  /** Workgroup memory in bytes, each variable rounded up to 16. */
  readonly workgroupBytes: number;
}

export interface Program {
  readonly kernel: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Sizes that are part of the text; the others are read at launch. */
  readonly fixed: Sizes;
  /** All arrays by name: inputs, outputs, temporaries. */
  readonly arrays: ReadonlyMap<string, ProgramArray>;
  readonly temporaries: readonly string[];
  readonly dispatches: readonly Dispatch[];
}

/** What a device may have beyond its limits, as far as kernels use it. */
export interface DeviceFeatures {
  /** WebGPU's feature `subgroups`; absent: not. */
  readonly subgroups?: boolean;
  /** WebGPU's feature `shader-f16`; absent: not. */
  readonly f16?: boolean;
}

/** WebGPU's names of them. */
export const FEATURES = { subgroups: "subgroups", f16: "shader-f16" } as const satisfies Readonly<Record<keyof DeviceFeatures, string>>;

/** Of what has WebGPU's features `names`, those that kernels may use: all that `wanted` does not switch off. */
export function featuresOf(names: ReadonlySet<string>, wanted: DeviceFeatures = {}): DeviceFeatures {
  const has = (feature: keyof DeviceFeatures): boolean => wanted[feature] !== false && names.has(FEATURES[feature]);
  return { subgroups: has("subgroups"), f16: has("f16") };
}

/** What the planner may use. All in the units of WebGPU's limits of the same names. */
export interface DeviceLimits {
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBufferBindingSize: number;
}
