/** @file What a device is to its users, whatever computes behind it. */

import type { Explanation } from "../compiler/explain/explain";
import type { Plans } from "../compiler/lower";
import type { Element, Tensor } from "../spec/graph/node";
import type { Accuracy } from "../spec/interpreter";
import type { Sizes } from "../spec/tensor/check";
import type { TensorData } from "../spec/tensor/tensor";
import type { RowPlace } from "./rows";
import type { TuneOptions } from "./tuning/store";
import type { Limits } from "./webgpu/gpu";

/** What a device is, and why it was chosen. */
export interface DeviceInfo {
  /** The adapter's own name, such as `SwiftShader driver 5.0.0`. */
  readonly name: string;
  /** `hardware` and `software` are WebGPU adapters; `interpreter` computes in f64 without a compiled kernel. */
  readonly kind: "hardware" | "software" | "interpreter";
  /** Why this one: what was preferred to it, and why that did not do. */
  readonly why: string;
}

/** A tensor that stays on its device until it is destroyed. */
export interface DeviceTensor {
  readonly shape: readonly number[];
  readonly element: Element;
  /** The buffer it lies in, on WebGPU, and the byte at which it begins. */
  readonly buffer?: GPUBuffer;
  readonly offset?: number;
  /** Bytes of device memory that it holds, with what was rounded up when it was allocated; a view holds none. */
  readonly heldBytes: number;
  /** A view of rows begins at a multiple of this many: GPU bindings begin at multiples of 256 bytes. */
  readonly rowAlignment: number;
  /**
   * Rows `first` to `first + count` along the first axis, in the same memory: a tensor like any other, as long as this
   * one is not destroyed. It shows what is written to the memory later; destroying it does nothing.
   * @throws KvernError KV4010 for rows that are not there, that do not fill whole words, or that begin elsewhere than at a
   * multiple of `rowAlignment`
   */
  rows(first: number, count: number): DeviceTensor;
  /**
   * Its elements in the same order and memory under another shape: a view as of `rows`.
   * @throws KvernError KV3003 for a shape of another number of elements, or, of packed codes, of other rows
   */
  reshaped(shape: readonly number[]): DeviceTensor;
  /** Its elements, copied back. @throws KvernError KV4008 after `destroy`, KV4004 when the device is lost */
  read(): Promise<TensorData>;
  /** Gives its memory back. What already runs with it is not disturbed. A second call does nothing. */
  destroy(): void;
}

/** Rows to copy along the first axis: `count` of `from`, from row `first` on, to row `at` and those behind it of `to`. */
export interface RowCopy {
  readonly from: TensorData | DeviceTensor;
  /** Default 0. */
  readonly first?: number;
  readonly count: number;
  readonly to: DeviceTensor;
  readonly at: number;
}

/**
 * A buffer of the caller's own on the same WebGPU device, in the layout of `spec/tensor/storage.ts`, beginning at byte
 * `offset` (0 unless given; a multiple of 256). Its elements are taken on trust.
 */
export interface BufferTensor {
  readonly shape: readonly number[];
  readonly buffer: GPUBuffer;
  readonly offset?: number;
}

export type RunInput = TensorData | DeviceTensor | BufferTensor;
export type RunInputs = Readonly<Record<string, RunInput>>;

export interface RunOptions {
  /** Sizes of axes for this run, of those that no input has and `prepare` did not fix. */
  readonly set?: Sizes;
  /** Outputs to leave on the device. */
  readonly keep?: readonly string[];
  /** Leave all outputs on the device. */
  readonly device?: boolean;
  /**
   * Outputs to write into tensors that are there, by name: their rows become the rows of `tensor` from row `at` on, and
   * its other rows stay as they are. These outputs are not returned.
   */
  readonly into?: Readonly<Record<string, RowPlace>>;
}

/** A kernel that can be run. */
export interface Runnable {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /**
   * Runs the kernel once. Inputs and outputs go by name; a single output is called `out`. Inputs are read before the call
   * returns, so their arrays may be used again at once. Runs of one kernel may overlap.
   * @throws KvernError KV20nn, KV21nn, KV30nn for inputs that do not fit, and outputs that do not fit where they are to be
   * written; KV40nn for what the device cannot do
   */
  run(inputs: RunInputs, options: RunOptions & { readonly device: true }): Promise<Record<string, DeviceTensor>>;
  run<Kept extends string>(inputs: RunInputs, options: RunOptions & { readonly keep: readonly Kept[] }): Promise<Record<Kept, DeviceTensor> & Record<string, TensorData | DeviceTensor>>;
  run(inputs: RunInputs, options?: RunOptions & { readonly keep?: never; readonly device?: false }): Promise<Record<string, TensorData>>;
  run(inputs: RunInputs, options?: RunOptions): Promise<Record<string, TensorData | DeviceTensor>>;
}

/** A kernel made ready for a device. */
export interface PreparedKernel extends Runnable {
  /**
   * The plan and what it costs, as `kvern explain --json` prints it. The interpreter has no dispatches.
   * @param sizes of the axes that `prepare` did not fix; what depends on one that is not given is null
   */
  explain(sizes?: Sizes): Explanation;
}

export interface PrepareOptions {
  /** Sizes to fix: known here, they are part of the compiled text. */
  readonly set?: Sizes;
  /** How WGSL kernels are planned: `folds` (the default) shares passes over an axis where that is sound and estimated to pay; `direct` does not. */
  readonly plans?: Plans;
  /**
   * Whether lanes may exchange numbers by subgroup operations where the device has the feature `subgroups` and a plan of folds
   * is estimated to gain by it: true unless given. Of WebGPU devices; others have none.
   */
  readonly subgroups?: boolean;
  /**
   * Whether what is a number of f16 anyway — the elements of f16 tensors, and what is picked from them — is read and kept as f16
   * where the device has the feature `shader-f16`: true unless given. Kernels compute in f32 either way, and give the same
   * numbers. Of WebGPU devices; others have none.
   */
  readonly f16?: boolean;
  /**
   * Measures the few best plans on the first inputs of each class of sizes and keeps the fastest, whatever `plans` says. Of
   * WebGPU devices; others have one plan.
   */
  readonly tune?: boolean | TuneOptions;
}

export interface Device {
  readonly backend: string;
  readonly info: DeviceInfo;
  /** What kernels may use; without meaning for the interpreter, where they are WebGPU's defaults. */
  readonly limits: Limits;
  readonly features: ReadonlySet<string>;
  /** What is promised of its arithmetic: `interpretWithBound` makes of it what results may differ from the exact ones by. */
  readonly accuracy: Accuracy;
  /** The WebGPU device, where there is one, to share buffers with. */
  readonly gpuDevice?: GPUDevice;
  /** One line: backend, adapter, hardware or software, and why. */
  describe(): string;
  /**
   * Makes a kernel ready: lowers the graph for this device and compiles it.
   * @param graph what `compileFile` returned or `kvern build` wrote
   * @throws KvernError KV5101 not a graph; KV21nn sizes that do not fit; KV2001 an index outside its axis; KV40nn the device
   */
  prepare(graph: unknown, options?: PrepareOptions): Promise<PreparedKernel>;
  /**
   * Copies a tensor to the device, to be given to any number of runs.
   * @throws KvernError KV30nn for elements that do not fit the type
   */
  upload(element: Element | { readonly element: Element }, tensor: TensorData): Promise<DeviceTensor>;
  /**
   * Memory for a tensor on the device. Its elements mean nothing until they are written, by `copy` or by a run.
   * @throws KvernError KV3003 for a shape that is none; KV4007, KV4006 where it does not fit the device
   */
  allocate(element: Element | { readonly element: Element }, shape: readonly number[]): Promise<DeviceTensor>;
  /**
   * Copies rows, all or, when it throws, an unknown part of them. No copy of one call reads or writes what another of
   * them writes.
   * @throws KvernError KV30nn for rows that do not fit each other; KV4010 for rows that are not there, or in one memory;
   * KV4008 for tensors that cannot be used
   */
  copy(copies: readonly RowCopy[]): Promise<void>;
  /** Waits for what is running and frees everything. A second call does nothing. */
  close(): Promise<void>;
}

/** The one line of `Device.describe`. */
export function describe(backend: string, { name, kind, why }: DeviceInfo): string {
  return kind === "interpreter" ? `${backend}: ${name}; ${why}` : `${backend}: ${name} (${kind}); ${why}`;
}
