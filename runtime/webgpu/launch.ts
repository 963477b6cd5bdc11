/** @file One run of a program: buffers in, dispatches, buffers out, in a single submission. */

import type { Dispatch, Program, Sizes } from "../../compiler/program";
import { InternalError, refuse } from "../../spec/diagnostics/diagnostic";
import { elementName, sameElement } from "../../spec/tensor/element";
import { fromStorage } from "../../spec/tensor/storage";
import { elementCount, shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { BufferTensor, DeviceTensor } from "../device";
import { isBufferTensor, isDeviceTensor, type CheckedRun, type Kernel } from "../kernel";
import { rowBytes, type RowPlace } from "../rows";
import type { Gpu } from "./gpu";
import type { Pipeline, Pipelines } from "./pipelines";
import { guardFault, POISON, type BufferPool, type Debug, type Lease } from "./pool";
import { checkBinding, copyBack, GpuTensor, startReading, storageBytes, usable, write, type Layout } from "./tensors";

/** A stretch of device memory, as a binding. */
interface Binding {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** WebGPU's `GPUBufferUsage.STORAGE`, which Node has no global of. */
const STORAGE = 128;

export class Launcher {
  readonly name: string;
  readonly program: Program;
  readonly #gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #made: Pipelines;
  readonly #kernel: Kernel;
  readonly #debug: Debug;
  /** One per dispatch of the program, in its order, once they have been found valid. */
  #pipelines: readonly Pipeline[] | undefined;

  constructor(gpu: Gpu, pool: BufferPool, pipelines: Pipelines, program: Program, kernel: Kernel, debug: Debug) {
    this.name = kernel.name;
    this.program = program;
    this.#gpu = gpu;
    this.#pool = pool;
    this.#made = pipelines;
    this.#kernel = kernel;
    this.#debug = debug;
  }

  /** Compiles what the first run would otherwise compile. */
  async compile(): Promise<void> {
    this.#pipelines = await Promise.all(this.program.dispatches.map((dispatch) => this.#made.get(dispatch)));
  }

  async run(checked: CheckedRun): Promise<Record<string, TensorData | DeviceTensor>> {
    const what = `running \`${this.name}\``;
    const leases: Lease[] = [];
    try {
      const layouts = this.#layouts(checked.sizes);
      for (const { name } of this.program.inputs) this.#checkDeviceInput(name, checked, of(layouts, name));
      for (const [name, { tensor }] of checked.into) this.#checkTarget(name, tensor, of(layouts, name));
      const outcome = await this.#launch(what, checked, layouts, leases);
      for (const lease of leases) this.#pool.release(lease);
      return outcome;
    } catch (fault) {
      for (const lease of leases) this.#pool.discard(lease);
      const foreign = [...checked.inputs].filter(([, input]) => isBufferTensor(input)).map(([name]) => `\`${name}\``);
      if (fault instanceof InternalError && foreign.length > 0) {
        refuse({ code: "KV4008", message: `${what}: the device refuses, with buffers of the caller's for ${foreign.join(", ")}`, got: fault.message, mend: "A buffer must be alive, unmapped, and of this device." });
      }
      throw fault;
    }
  }

  /** The storage of every array, checked against the device. */
  #layouts(sizes: Sizes): ReadonlyMap<string, Layout> {
    const layouts = new Map<string, Layout>();
    for (const array of this.program.arrays.values()) {
      const infinite = array.infinite ?? this.#kernel.admitsInfinity(array.name);
      const layout = { element: array.element, shape: array.shape(sizes), infinite };
      checkBinding(this.#gpu, `\`${array.name}\` of \`${this.name}\``, layout);
      layouts.set(array.name, layout);
    }
    return layouts;
  }

  /** @throws KvernError KV4008 for a tensor on a device that cannot be used, KV3004, KV3006 for one that does not fit */
  #checkDeviceInput(name: string, { inputs }: CheckedRun, layout: Layout): void {
    const input = inputs.get(name);
    if (input === undefined) return;
    const what = `the input \`${name}\` of \`${this.name}\``;
    if (isDeviceTensor(input)) {
      const { infinite } = usable(this.#gpu, what, input).layout;
      if (!sameElement(input.element, layout.element)) {
        refuse({ code: "KV3004", message: `${what} has the wrong element type`, expected: elementName(layout.element), got: elementName(input.element) });
      }
      if (infinite && !layout.infinite) {
        refuse({ code: "KV3006", message: `${what} may hold infinities, which the kernel does not ask for`, expected: "finite numbers", mend: "An input admits -Infinity where the kernel asks for it: `x(…) === -Infinity`." });
      }
      return;
    }
    if (!isBufferTensor(input)) return;
    const { buffer, offset = 0 } = input;
    const bytes = bindingBytes(layout);
    const stretch = `${bytes} bytes from a multiple of 256, for ${elementName(layout.element)} ${shapeText(layout.shape)}`;
    if (typeof buffer !== "object" || (buffer.usage & STORAGE) === 0) {
      refuse({ code: "KV4008", message: `${what} is no storage buffer`, expected: "a GPUBuffer with GPUBufferUsage.STORAGE" });
    }
    if (!(offset >= 0) || offset % 256 !== 0 || buffer.size - offset < bytes) {
      refuse({ code: "KV4008", message: `${what} does not fit its buffer`, expected: stretch, got: `${buffer.size} bytes, offset ${offset}` });
    }
  }

  /** @throws KvernError KV4008 for a tensor that cannot be written to, KV3006 for one that must not hold what is written */
  #checkTarget(name: string, tensor: DeviceTensor, layout: Layout): void {
    const what = `the tensor that the output \`${name}\` of \`${this.name}\` is written to`;
    const target = usable(this.#gpu, what, tensor);
    if (layout.infinite && !target.layout.infinite) {
      refuse({ code: "KV3006", message: `${what} is for finite numbers, and the output may be infinite`, expected: "an output that is never infinite", mend: "Keep the output on the device: keep: […]." });
    }
  }

  async #launch(what: string, checked: CheckedRun, layouts: ReadonlyMap<string, Layout>, leases: Lease[]): Promise<Record<string, TensorData | DeviceTensor>> {
    const gpu = this.#gpu;
    const pool = this.#pool;
    const own = new Map<string, Lease>();
    const issued = await gpu.scoped(what, () => {
      const lend = (lease: Lease): Lease => (leases.push(lease), lease);
      const bindings = this.#bind(checked, layouts, own, lend);
      const encoder = gpu.device.createCommandEncoder({ label: this.name });
      const pipelines = this.#pipelines ?? this.program.dispatches.map((dispatch) => this.#made.now(dispatch));
      this.#encode(encoder, pipelines, checked.sizes, bindings, lend);
      for (const [name, place] of checked.into) copyInto(encoder, of(bindings, name), of(layouts, name), place);
      const back = this.program.outputs
        .filter(({ name }) => !checked.kept.has(name) && !checked.into.has(name))
        .map(({ name }) => ({ name, lease: lend(copyBack(encoder, pool, of(bindings, name), storageBytes(of(layouts, name)))) }));
      const inspected = this.#inspects ? [...own].map(([name, { buffer }]) => ({ name, lease: lend(copyBack(encoder, pool, { buffer, offset: 0 }, buffer.size)) })) : [];
      gpu.device.queue.submit([encoder.finish()]);
      return {
        pipelines,
        back: back.map(({ name, lease }) => ({ name, ...startReading(lease, storageBytes(of(layouts, name)) / 4) })),
        inspected: inspected.map(({ name, lease }) => ({ name, ...startReading(lease, lease.buffer.size / 4) })),
      };
    });
    if (this.#pipelines === undefined) {
      this.#pipelines = issued.pipelines;
      this.program.dispatches.forEach((dispatch, at) => {
        const pipeline = issued.pipelines[at];
        if (pipeline !== undefined) this.#made.keep(dispatch, pipeline);
      });
    }
    const read = async (readbacks: typeof issued.back): Promise<ReadonlyMap<string, Uint32Array<ArrayBuffer>>> =>
      new Map(await gpu.alive(what, Promise.all(readbacks.map(async ({ name, words }): Promise<[string, Uint32Array<ArrayBuffer>]> => [name, await words]))));

    this.#inspect(await read(issued.inspected), own, layouts);
    const outputs: Record<string, TensorData | DeviceTensor> = {};
    for (const [name, words] of await read(issued.back)) {
      const { element, shape, infinite } = of(layouts, name);
      outputs[name] = { shape, data: fromStorage(element, shape, words, infinite) };
    }
    // Last, since from here on nobody takes these buffers back when something fails.
    for (const name of checked.kept) {
      const lease = of(own, name);
      leases.splice(leases.indexOf(lease), 1);
      outputs[name] = new GpuTensor(gpu, pool, lease, of(layouts, name));
    }
    return outputs;
  }

  /** A binding for every array; those of `own` are this run's. */
  #bind({ inputs }: CheckedRun, layouts: ReadonlyMap<string, Layout>, own: Map<string, Lease>, lend: (lease: Lease) => Lease): ReadonlyMap<string, Binding> {
    const bindings = new Map<string, Binding>();
    for (const [name, layout] of layouts) {
      const input = inputs.get(name);
      if (input !== undefined && (isDeviceTensor(input) || isBufferTensor(input))) {
        bindings.set(name, placed(input, layout));
        continue;
      }
      const lease = lend(input === undefined ? this.#pool.acquire("storage", storageBytes(layout)) : write(this.#gpu, this.#pool, layout.element, input));
      own.set(name, lease);
      bindings.set(name, { buffer: lease.buffer, offset: lease.offset, size: lease.bytes });
    }
    return bindings;
  }

  #encode(encoder: GPUCommandEncoder, pipelines: readonly Pipeline[], sizes: Sizes, bindings: ReadonlyMap<string, Binding>, lend: (lease: Lease) => Lease): void {
    const { device, limits } = this.#gpu;
    const uniforms = new Map<string, Binding>();
    const pass = encoder.beginComputePass({ label: this.name });
    this.program.dispatches.forEach((dispatch, at) => {
      const workgroups = dispatch.workgroups(sizes);
      if (workgroups.some((count) => count === 0)) return;
      if (!workgroups.every((count) => Number.isInteger(count) && count > 0 && count <= limits.maxComputeWorkgroupsPerDimension)) {
        throw new InternalError(`${dispatch.name} asks for ${shapeText(workgroups)} workgroups`);
      }
      const pipeline = pipelines[at];
      if (pipeline === undefined) throw new InternalError(`${dispatch.name} has no pipeline`);
      const resources = dispatch.bindings.map(({ array }) => of(bindings, array));
      if (dispatch.uniforms.length > 0) resources.push(this.#uniform(dispatch, sizes, uniforms, lend));
      pass.setPipeline(pipeline.pipeline);
      pass.setBindGroup(0, device.createBindGroup({ label: dispatch.name, layout: pipeline.layout, entries: resources.map((resource, binding) => ({ binding, resource })) }));
      pass.dispatchWorkgroups(...workgroups);
    });
    pass.end();
  }

  /** The sizes that a dispatch reads, as `u32`s; dispatches that read the same ones share them. */
  #uniform({ uniforms: axes }: Dispatch, sizes: Sizes, made: Map<string, Binding>, lend: (lease: Lease) => Lease): Binding {
    const key = JSON.stringify(axes);
    let binding = made.get(key);
    if (binding === undefined) {
      const values = Uint32Array.from(axes, (axis) => sizes[axis] ?? missing(`the size of ${axis}`));
      const { buffer, offset, bytes } = lend(this.#pool.acquire("uniform", values.byteLength));
      this.#gpu.device.queue.writeBuffer(buffer, offset, values);
      binding = { buffer, offset, size: bytes };
      made.set(key, binding);
    }
    return binding;
  }

  get #inspects(): boolean {
    return this.#debug.poison === true || (this.#debug.guard ?? 0) > 0;
  }

  /** @throws InternalError where a kernel wrote outside an array, or left an element of an output unwritten */
  #inspect(inspected: ReadonlyMap<string, Uint32Array<ArrayBuffer>>, own: ReadonlyMap<string, Lease>, layouts: ReadonlyMap<string, Layout>): void {
    const outputs = new Set(this.program.outputs.map(({ name }) => name));
    for (const [name, words] of inspected) {
      const lease = of(own, name);
      const layout = of(layouts, name);
      const outside = (this.#debug.guard ?? 0) > 0 ? guardFault(words, lease) : undefined;
      if (outside !== undefined) throw new InternalError(`\`${this.name}\` wrote outside \`${name}\`, at byte ${outside} of ${storageBytes(layout)}`);
      if (this.#debug.poison === true && outputs.has(name)) {
        const from = lease.offset / 4;
        const unwritten = words.subarray(from, from + storageBytes(layout) / 4).findIndex((word, at) => isPoisoned(word, at, layout));
        if (unwritten >= 0) throw new InternalError(`\`${this.name}\` left word ${unwritten} of \`${name}\` unwritten`);
      }
    }
  }
}

/** Whether word `at` of an array still holds the pattern; of f16 also in the half of one element. */
function isPoisoned(word: number, at: number, { element, shape }: Layout): boolean {
  if (element.kind !== "f16") return word === POISON;
  const [low, high] = [POISON & 0xffff, POISON >>> 16];
  return (word & 0xffff) === low || (word >>> 16 === high && 2 * at + 1 < elementCount(shape));
}

/** Bytes that a kernel may touch of an array: whole vectors of four words, and never none. */
function bindingBytes(layout: Layout): number {
  return Math.max(16, Math.ceil(storageBytes(layout) / 16) * 16);
}

/**
 * Records the copy of an output to its rows in a tensor that is there. Bindings begin at multiples of 256 bytes and may be
 * written in whole vectors, rows do neither: so the rows of one run are computed beside and copied, and nothing else is.
 */
function copyInto(encoder: GPUCommandEncoder, from: Binding, layout: Layout, { tensor, at }: RowPlace): void {
  const { buffer, offset } = placed(tensor, layout);
  const bytes = storageBytes(layout);
  if (bytes > 0) encoder.copyBufferToBuffer(from.buffer, from.offset, buffer, offset + at * rowBytes("an output", layout), bytes);
}

function placed({ buffer, offset = 0 }: BufferTensor | DeviceTensor, layout: Layout): Binding {
  if (buffer === undefined) throw new InternalError("a tensor on a WebGPU device has no buffer");
  return { buffer, offset, size: bindingBytes(layout) };
}

function of<Key, Member>(map: ReadonlyMap<Key, Member>, key: Key): Member {
  return map.get(key) ?? missing(String(key));
}

function missing(what: string): never {
  throw new InternalError(`a program lacks ${what}`);
}
