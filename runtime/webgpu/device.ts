/** @file The WebGPU backend: kernels lowered to WGSL for the device at hand. */

import { featuresOf, type DeviceFeatures, type Program } from "../../compiler/program";
import type { Element } from "../../spec/graph/node";
import { WGSL } from "../../spec/interpreter";
import { checkElements, type Sizes } from "../../spec/tensor/check";
import { checkElement } from "../../spec/tensor/element";
import { hasInfinity } from "../../spec/tensor/storage";
import { checkedShape, tensor as checkedTensor, type TensorData } from "../../spec/tensor/tensor";
import { describe, type Device, type DeviceInfo, type DeviceTensor, type PreparedKernel, type PrepareOptions, type RowCopy, type Runnable, type RunInputs, type RunOptions } from "../device";
import type { Kernel, RunCheck } from "../kernel";
import type { LoweredKernel } from "../lowering";
import type { TuneOptions } from "../tuning/store";
import { findAdapter } from "./adapter";
import { copyRows } from "./copies";
import { isSoftware, type AdapterChoice } from "./found";
import { Gpu, type Limits } from "./gpu";
import { Launcher } from "./launch";
import { Pipelines } from "./pipelines";
import { BufferPool, type Debug, type Lease } from "./pool";
import { checkBinding, GpuTensor, storageBytes, write } from "./tensors";

export interface WebGpuOptions {
  readonly adapter?: AdapterChoice;
  /** Limits to stay below, of those the adapter offers. */
  readonly limits?: Partial<Limits>;
  /** What tests ask of every buffer. */
  readonly debug?: Debug;
}

/** Reads a graph and lowers it. */
export type Lower = (graph: unknown, options: Pick<PrepareOptions, "set" | "plans"> & { readonly features: DeviceFeatures }, limits: Limits, kind: "hardware" | "software") => LoweredKernel;

export class WebGpuDevice implements Device {
  readonly backend = "wgsl";
  readonly info: DeviceInfo;
  readonly limits: Limits;
  readonly features: ReadonlySet<string>;
  readonly accuracy = WGSL;
  readonly gpuDevice: GPUDevice;
  readonly pool: BufferPool;
  readonly #gpu: Gpu;
  readonly #pipelines: Pipelines;
  readonly #debug: Debug;
  readonly #lower: Lower;
  /** Plans that were measured here, for as long as the device is open. */
  readonly #plans = new Map<string, unknown>();

  private constructor(gpu: Gpu, info: DeviceInfo, debug: Debug, lower: Lower) {
    this.#gpu = gpu;
    this.info = info;
    this.limits = gpu.limits;
    this.features = gpu.features;
    this.gpuDevice = gpu.device;
    this.pool = new BufferPool(gpu.device, gpu.limits.maxBufferSize, debug);
    this.#pipelines = new Pipelines(gpu);
    this.#debug = debug;
    this.#lower = lower;
  }

  /** @throws KvernError KV4001 when there is no such device */
  static async open({ adapter: choice = "any", limits = {}, debug = {} }: WebGpuOptions, lower: Lower): Promise<WebGpuDevice> {
    const found = await findAdapter(choice);
    const gpu = await Gpu.open(found, limits);
    const info: DeviceInfo = { name: gpu.name, kind: isSoftware(found.adapter) ? "software" : "hardware", why: found.why };
    return new WebGpuDevice(gpu, info, debug, lower);
  }

  /** How many texts have been compiled. */
  get pipelineCount(): number {
    return this.#pipelines.count;
  }

  describe(): string {
    return describe(this.backend, this.info);
  }

  prepare(graph: unknown, options: PrepareOptions = {}): Promise<PreparedKernel> {
    return this.#gpu.busy(this.#prepare(graph, options));
  }

  async #prepare(graph: unknown, options: PrepareOptions): Promise<PreparedKernel> {
    this.#gpu.ensureUsable("preparing a kernel");
    const features = featuresOf(this.features, options);
    if (options.tune !== undefined && options.tune !== false) return this.#tuned(graph, options.set ?? {}, features, options.tune === true ? {} : options.tune);
    const lowered = this.#lower(graph, { ...options, features }, this.limits, this.info.kind === "software" ? "software" : "hardware");
    const launchers = new Map<Program, Launcher>();
    const launcherOf = (program: Program): Launcher => {
      let launcher = launchers.get(program);
      if (launcher === undefined) launchers.set(program, (launcher = this.#launcher(program, lowered.kernel)));
      return launcher;
    };
    await launcherOf(lowered.first).compile();
    return { ...this.#runnable(lowered.first, lowered, (sizes) => launcherOf(lowered.program(sizes))), explain: (sizes = {}) => lowered.explain(sizes) };
  }

  async #tuned(graph: unknown, set: Sizes, features: DeviceFeatures, { plans = this.#plans, ...options }: TuneOptions): Promise<PreparedKernel> {
    const kind = this.info.kind === "software" ? "software" : "hardware";
    const [{ Contest }, { Tuned }] = await Promise.all([import("../tuning/contest"), import("../tuning/tuned")]);
    const contest = new Contest(graph, set, { name: this.info.name, kind, limits: this.limits, features });
    const bench = {
      compile: (program: Program, kernel: Kernel, check: RunCheck) => this.compile({ program, kernel, check }),
      upload: (element: Element, tensor: TensorData) => this.upload(element, tensor),
      idle: () => this.#gpu.alive("measuring", this.gpuDevice.queue.onSubmittedWorkDone()),
    };
    return new Tuned(contest, bench, { ...options, plans }).prepared;
  }

  /** Compiles what has been lowered already. */
  async compile({ program, kernel, check }: { readonly program: Program; readonly kernel: Kernel; readonly check: RunCheck }): Promise<Runnable> {
    const launcher = this.#launcher(program, kernel);
    await launcher.compile();
    return this.#runnable(program, { kernel, check }, () => launcher);
  }

  #launcher(program: Program, kernel: Kernel): Launcher {
    return new Launcher(this.#gpu, this.pool, this.#pipelines, program, kernel, this.#debug);
  }

  #runnable({ inputs, outputs }: Program, { kernel, check }: { readonly kernel: Kernel; readonly check: RunCheck }, launcher: (sizes: Sizes) => Launcher): Runnable {
    const { name } = kernel;
    const run = async (given: RunInputs, options: RunOptions): Promise<Record<string, TensorData | DeviceTensor>> => {
      this.#gpu.ensureUsable(`running \`${name}\``);
      const checked = check.check(given, options);
      return launcher(checked.sizes).run(checked);
    };
    return { name, inputs, outputs, run: ((given: RunInputs, options: RunOptions = {}) => this.#gpu.busy(run(given, options))) as Runnable["run"] };
  }

  upload(of: Element | { readonly element: Element }, tensor: TensorData): Promise<DeviceTensor> {
    return this.#gpu.busy(this.#upload("element" in of ? of.element : of, tensor));
  }

  async #upload(element: Element, tensor: TensorData): Promise<DeviceTensor> {
    const what = "uploading a tensor";
    this.#gpu.ensureUsable(what);
    checkElement(element);
    const { shape, data } = checkedTensor(tensor.shape, tensor.data);
    const infinite = element.kind === "f32" && hasInfinity(data);
    checkElements({ name: "tensor", element, axes: [] }, { shape, data }, infinite);
    const layout = { element, shape, infinite };
    checkBinding(this.#gpu, "the tensor", layout);
    let lease: Lease | undefined;
    try {
      const written = await this.#gpu.scoped(what, () => (lease = write(this.#gpu, this.pool, element, { shape, data })));
      return new GpuTensor(this.#gpu, this.pool, written, layout);
    } catch (fault) {
      if (lease !== undefined) this.pool.discard(lease);
      throw fault;
    }
  }

  allocate(of: Element | { readonly element: Element }, shape: readonly number[]): Promise<DeviceTensor> {
    return this.#gpu.busy(this.#allocate("element" in of ? of.element : of, shape));
  }

  async #allocate(element: Element, shape: readonly number[]): Promise<DeviceTensor> {
    const what = "allocating a tensor";
    this.#gpu.ensureUsable(what);
    checkElement(element);
    const layout = { element, shape: checkedShape(shape), infinite: false };
    checkBinding(this.#gpu, "the tensor", layout);
    let lease: Lease | undefined;
    try {
      const held = await this.#gpu.scoped(what, () => (lease = this.pool.acquire("storage", storageBytes(layout))));
      return new GpuTensor(this.#gpu, this.pool, held, layout);
    } catch (fault) {
      if (lease !== undefined) this.pool.discard(lease);
      throw fault;
    }
  }

  copy(copies: readonly RowCopy[]): Promise<void> {
    return this.#gpu.busy(copyRows(this.#gpu, copies));
  }

  async close(): Promise<void> {
    await this.#gpu.close(() => this.pool.destroy());
  }
}
