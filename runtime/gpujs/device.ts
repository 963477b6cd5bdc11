/**
 * @file gpu.js as a backend: the same kernels where there is no WebGPU, as WebAssembly or JavaScript. The mode that
 * really ran is read back after every run: gpu.js takes another one silently where one fails.
 */

import { explainScript } from "../../compiler/explain/script";
import type { ScriptProgram } from "../../compiler/lower-gpujs";
import { InternalError, KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import type { Element } from "../../spec/graph/node";
import { GPUJS, type Accuracy } from "../../spec/interpreter";
import { checkElements } from "../../spec/tensor/check";
import { checkElement } from "../../spec/tensor/element";
import { checkedShape, elementCount, tensor as checkedTensor, type TensorData } from "../../spec/tensor/tensor";
import { describe, type Device, type DeviceInfo, type DeviceTensor, type PreparedKernel, type PrepareOptions, type RowCopy, type RunInput, type RunInputs, type RunOptions } from "../device";
import { copyHostRows, heldBy, hostArray, HostMemory, hostMemory, hostTensor } from "../host";
import { isBufferTensor, isDeviceTensor, RunCheck } from "../kernel";
import type { Loaded } from "../lowering";
import { DEFAULT_LIMITS } from "../webgpu/gpu";
import { Chain, isDrawing } from "./chain";
import { GPUJS_MODES, loadGpuJs, type GpuJs, type GpuJsLibrary, type GpuJsMode } from "./library";
import { capacityOf, Programs } from "./programs";
import { platformOf, type Platform } from "./platform";
import { probe } from "./probe";
import { decode, encode, type Encoded } from "./storage";
import { GpuJsTensor } from "./tensor";

export interface GpuJsOptions {
  /** The mode; without one the first of `GPUJS_MODES` that works, but no GPU that is software: `webasm` is faster. */
  readonly mode?: string | undefined;
  /** Whether kernels may run in another mode where gpu.js cannot run them in this one; `describe` then says which did. */
  readonly fallback?: boolean;
  /** The module gpu.js, for pages, whose bundler must see the import. */
  readonly library?: unknown;
  /** Why this backend, where it was not asked for. */
  readonly why?: string;
}

export class GpuJsDevice implements Device {
  readonly backend = "gpujs";
  readonly info: DeviceInfo;
  readonly limits = DEFAULT_LIMITS;
  readonly features: ReadonlySet<string> = new Set();
  readonly mode: GpuJsMode;
  /** Of its mode; where kernels may run in another, theirs is that one's. */
  readonly accuracy: Accuracy;
  readonly #gpu: GpuJs;
  readonly #platform: Platform;
  readonly #fallback: boolean;
  readonly #load: (graph: unknown) => Loaded;
  readonly #running = new Set<Promise<unknown>>();
  readonly #chains = new Set<Chain>();
  /** Kernels that ran in another mode. */
  readonly #strayed = new Map<string, string>();
  #closed = false;

  private constructor(gpu: GpuJs, platform: Platform, mode: GpuJsMode, { fallback = false, why }: GpuJsOptions, load: (graph: unknown) => Loaded) {
    this.#gpu = gpu;
    this.#platform = platform;
    this.#fallback = fallback;
    this.#load = load;
    this.mode = mode;
    this.accuracy = GPUJS[mode];
    this.info = { name: `gpu.js, mode ${mode}`, kind: platform.kind, why: why ?? "it was asked for" };
  }

  /** @throws KvernError KV4001 gpu.js is not there; KV4204 no mode, or not the one asked for, works here; KV4206 it is less accurate than is assumed */
  static async open(options: GpuJsOptions, load: (graph: unknown) => Loaded): Promise<GpuJsDevice> {
    const library = await loadGpuJs(options.library);
    const { mode } = options;
    const tried: string[] = [];
    for (const candidate of GPUJS_MODES) {
      if (mode !== undefined && mode !== candidate) continue;
      const opened = await attempt(library, candidate, mode !== undefined);
      if (typeof opened !== "string") return new GpuJsDevice(opened.gpu, opened.platform, candidate, options, load);
      tried.push(`${candidate}: ${opened}`);
    }
    return refuse({
      code: "KV4204",
      message: mode === undefined ? "gpu.js works in no mode here" : `gpu.js does not work in mode \`${mode}\` here`,
      expected: "a mode in which a kernel runs",
      got: tried.join("; "),
      mend: 'Open { backend: "gpujs", mode: "cpu" }, which needs `new Function`, or "webasm", which needs WebAssembly; { backend: "interpreter" } works anywhere.',
    });
  }

  describe(): string {
    const strayed = [...this.#strayed].map(([kernel, how]) => `; \`${kernel}\` ran in ${how}`);
    return `${describe(this.backend, this.info)}${strayed.join("")}`;
  }

  async prepare(json: unknown, { set = {} }: PrepareOptions = {}): Promise<PreparedKernel> {
    await Promise.resolve();
    this.#ensureOpen("preparing a kernel");
    const { graph, kernel } = this.#load(json);
    const check = new RunCheck(kernel, set);
    const programs = new Programs(graph, set, (chain) => { this.#retire(chain); });
    const { program } = programs;
    if (program.open.length === 0 && graph.inputs.every(({ element: { kind } }) => kind !== "i32" && kind !== "u32")) program.check({}, new Map());
    const run = (inputs: RunInputs, options: RunOptions = {}): Promise<Record<string, TensorData | DeviceTensor>> => this.#busy(this.#run(programs, check, inputs, options));
    return { name: kernel.name, inputs: graph.inputs, outputs: graph.outputs, run: run as PreparedKernel["run"], explain: (sizes = {}) => explainScript(graph, { ...sizes, ...set }) };
  }

  async #run(programs: Programs, check: RunCheck, inputs: RunInputs, options: RunOptions): Promise<Record<string, TensorData | DeviceTensor>> {
    const { name: kernel } = programs;
    this.#ensureOpen(`running \`${kernel}\``);
    const { sizes, kept, into, inputs: given } = check.check(inputs, options);
    for (const [name, { tensor }] of into) hostTensor(this, `the tensor that \`${name}\` is written to`, tensor);
    const program = programs.for(sizes);
    const capacity = capacityOf(program, sizes);
    const encoded = new Map(program.inputs.map(({ name, element }) => [name, this.#encode(`the input \`${name}\` of \`${kernel}\``, element, given.get(name), program.arrays.get(name)?.elements(capacity) ?? 0)]));
    programs.check(program, sizes, new Map([...encoded].flatMap(([name, { range }]) => (range === undefined ? [] : [[name, range] as const]))));
    const resident = new Map([...given].flatMap(([name, input]) => (input instanceof GpuJsTensor && input.given() ? [[name, input] as const] : [])));
    const chain = programs.chain(program, capacity, resident, (held) => {
      const made = new Chain(this.#gpu, program, capacity, new Map([...encoded].flatMap(([name, { values }]) => (held.has(name) ? [[name, values] as const] : []))));
      this.#chains.add(made);
      return made;
    });
    const filled = await chain.run(new Map([...encoded].map(([name, { values }]) => [name, values])), sizes).finally(() => { this.#ensureDrawing(`running \`${kernel}\``); });
    this.#verify(kernel, chain);
    const outputs: Record<string, TensorData | DeviceTensor> = {};
    for (const { name, element } of program.outputs) {
      const array = program.arrays.get(name);
      if (array === undefined) throw new InternalError(`a gpu.js program lacks its output ${name}`);
      const shape = array.shape(sizes);
      const values = filled.get(name) ?? new Float32Array(0);
      const count = elementCount(shape);
      if (values.length < count) throw new InternalError(`gpu.js filled ${values.length} elements of ${name}, which has ${count}`);
      const output = { shape, data: decode(element, values.length === count ? values : values.slice(0, count), array.infinite) };
      const place = into.get(name);
      if (place !== undefined) hostTensor(this, `the tensor that \`${name}\` is written to`, place.tensor).write(name, place.at, output);
      else outputs[name] = kept.has(name) ? new GpuJsTensor(this, element, shape, new HostMemory(output.data)) : output;
    }
    return outputs;
  }

  /**
   * Once a context for drawing is lost, gpu.js reads zeros from it and says nothing.
   * @throws KvernError KV4004 when that has happened
   */
  #ensureDrawing(what: string): void {
    const { context } = this.#gpu;
    if (!isDrawing(context) || !context.isContextLost()) return;
    refuse({
      code: "KV4004",
      message: `${what}: the device ${this.info.name} was lost with everything on it`,
      got: "its WebGL2 context is lost",
      mend: "Open a device again, prepare the kernels again, and give the inputs again.",
    });
  }

  /** Lets go of a chain when no run can be under way in it. */
  #retire(chain: Chain): void {
    void Promise.allSettled([...this.#running]).then(() => {
      if (this.#chains.delete(chain)) chain.destroy();
    });
  }

  /** @throws KvernError KV4205 when gpu.js took another mode than this device's */
  #verify(kernel: string, { ran }: Chain): void {
    if (ran === undefined || ran.mode === this.mode) return;
    this.#strayed.set(kernel, `mode ${ran.mode} (${ran.why})`);
    if (this.#fallback) return;
    refuse({
      code: "KV4205",
      message: `gpu.js ran \`${kernel}\` in mode \`${ran.mode}\`, unasked`,
      expected: `the mode \`${this.mode}\``,
      got: ran.why,
      mend: `Open { mode: "${ran.mode}" }, or { fallback: true } to let it.`,
    });
  }

  #encode(what: string, element: Element, input: RunInput | undefined, room: number): Encoded {
    if (input === undefined) throw new InternalError(`${what} was checked and is missing`);
    if (isBufferTensor(input)) return refuse({ code: "KV4008", message: `${what} lies in a GPU buffer, which gpu.js cannot read`, expected: "a record { shape, data }" });
    if (!isDeviceTensor(input)) return encode(what, element, input, room);
    const held = heldBy(this, what, element, input);
    return held instanceof GpuJsTensor ? held.encoded(what, room) : encode(what, element, held.contents(what), room);
  }

  async upload(of: Element | { readonly element: Element }, tensor: TensorData): Promise<DeviceTensor> {
    await Promise.resolve();
    this.#ensureOpen("uploading a tensor");
    const element = "element" in of ? of.element : of;
    checkElement(element);
    const { shape, data } = checkedTensor(tensor.shape, tensor.data);
    checkElements({ name: "tensor", element, axes: [] }, { shape, data }, element.kind === "f32");
    const resident = new GpuJsTensor(this, element, shape, hostMemory(element, { shape, data }));
    resident.encoded("uploading a tensor");
    return resident;
  }

  async allocate(of: Element | { readonly element: Element }, shape: readonly number[]): Promise<DeviceTensor> {
    await Promise.resolve();
    this.#ensureOpen("allocating a tensor");
    const element = "element" in of ? of.element : of;
    checkElement(element);
    return new GpuJsTensor(this, element, checkedShape(shape), new HostMemory(hostArray(element, shape)));
  }

  async copy(copies: readonly RowCopy[]): Promise<void> {
    await Promise.resolve();
    this.#ensureOpen("copying rows");
    copyHostRows(this, copies);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#running]);
    for (const chain of this.#chains) chain.destroy();
    this.#chains.clear();
    await this.#gpu.destroy();
    this.#platform.close();
  }

  #ensureOpen(what: string): void {
    if (this.#closed) refuse({ code: "KV4005", message: `${what}: the device has been closed`, mend: "Close a device after its last use." });
  }

  #busy<Result>(work: Promise<Result>): Promise<Result> {
    const settled = work.then(() => undefined, () => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return work;
  }
}

/** Modes whose accuracy is assumed: no specification promises it. */
const ASSUMED: ReadonlySet<GpuJsMode> = new Set<GpuJsMode>(["webgl2"]);

/**
 * Opens gpu.js in a mode and runs one kernel in it; says why where that fails.
 * @throws KvernError KV4206 where the mode was asked for and its device is less accurate than is assumed
 */
async function attempt(library: GpuJsLibrary, mode: GpuJsMode, asked: boolean): Promise<{ readonly gpu: GpuJs; readonly platform: Platform } | string> {
  let platform: Platform | undefined;
  let gpu: GpuJs | undefined;
  try {
    platform = await platformOf(mode);
    if (!asked && platform.kind === "software" && mode !== "webasm" && mode !== "cpu") {
      platform.close();
      return "its only GPU is software";
    }
    gpu = new library.GPU({ mode });
    const chain = new Chain(gpu, PROBE, {});
    const out = (await chain.run(new Map([["x", Float32Array.of(2)]]), {})).get("out");
    const { ran } = chain;
    chain.destroy();
    if (ran?.mode === mode && out?.[0] === 4) {
      if (ASSUMED.has(mode)) await probe(gpu, GPUJS[mode]);
      return { gpu, platform };
    }
    await gpu.destroy();
    platform.close();
    return ran?.mode === mode ? `2 + 2 was ${out?.[0]}` : `it ran in mode ${ran?.mode}: ${ran?.why}`;
  } catch (fault) {
    await gpu?.destroy();
    platform?.close();
    if (asked && fault instanceof KvernError && fault.diagnostics.some(({ code }) => code === "KV4206")) throw fault;
    return fault instanceof KvernError ? fault.diagnostics.map(({ message, got }) => (got === undefined ? message : `${message} (${got})`)).join("; ") : fault instanceof Error ? fault.message : String(fault);
  }
}

const PROBE: ScriptProgram = {
  kernel: "probe",
  inputs: [{ name: "x", element: { kind: "f32" }, axes: [] }],
  outputs: [{ name: "out", element: { kind: "f32" }, axes: [] }],
  fixed: {},
  arrays: new Map(),
  temporaries: [],
  open: [],
  steps: [{ array: "out", source: "function (b0) {\n  return b0[this.thread.x] + 2;\n}", reads: ["x"], sized: false, each: 1, threads: () => 1, threadsText: "function (sizes) { return 1; }", rounds: () => 1 }],
  record: { fired: [], refused: [] },
  fits: () => true,
  check: () => undefined,
};

