/**
 * @file The interpreter as a backend: f64, no compiled kernel, nothing that a machine must have. Slow, exact, and the same
 * to its users as a GPU: tensors can be uploaded and kept here too.
 */

import { explain } from "../compiler/explain/explain";
import type { Element, Graph } from "../spec/graph/node";
import { InternalError, refuse } from "../spec/diagnostics/diagnostic";
import { interpret, WGSL } from "../spec/interpreter";
import { checkElements, own } from "../spec/tensor/check";
import { checkElement } from "../spec/tensor/element";
import { codeArray } from "../spec/tensor/packing";
import { checkedShape, tensor as checkedTensor, type TensorData } from "../spec/tensor/tensor";
import { describe, type Device, type DeviceInfo, type DeviceTensor, type PreparedKernel, type PrepareOptions, type RowCopy, type RunInputs, type RunOptions } from "./device";
import { copyHostRows, heldBy, hostArray, HostMemory, hostMemory, HostTensor, hostTensor, type HostArray } from "./host";
import { isBufferTensor, isDeviceTensor, RunCheck } from "./kernel";
import type { Loaded } from "./lowering";
import { DEFAULT_LIMITS } from "./webgpu/gpu";

export class InterpreterDevice implements Device {
  readonly backend = "interpreter";
  readonly info: DeviceInfo;
  readonly limits = DEFAULT_LIMITS;
  readonly features: ReadonlySet<string> = new Set();
  /** More than f64 needs: a result is held to a bound here as anywhere. */
  readonly accuracy = WGSL;
  readonly #load: (graph: unknown) => Loaded;
  #closed = false;

  constructor(why: string, load: (graph: unknown) => Loaded) {
    this.info = { name: "the reference interpreter (f64, on the CPU)", kind: "interpreter", why };
    this.#load = load;
  }

  describe(): string {
    return describe(this.backend, this.info);
  }

  prepare(json: unknown, { set = {} }: PrepareOptions = {}): Promise<PreparedKernel> {
    return promised(() => {
      this.#ensureOpen("preparing a kernel");
      const { builder, graph, kernel } = this.#load(json);
      const check = new RunCheck(kernel, set);
      const run = (inputs: RunInputs, options: RunOptions = {}): Promise<Record<string, TensorData | DeviceTensor>> =>
        promised(() => {
          this.#ensureOpen(`running \`${kernel.name}\``);
          return this.#run(graph, check, inputs, options);
        });
      const program = { kernel: kernel.name, inputs: graph.inputs, outputs: graph.outputs, fixed: set, arrays: new Map(), temporaries: [], dispatches: [] };
      const explained = { program, axes: graph.axes, kernels: [], builder, rewrites: [], refused: [] };
      return { name: kernel.name, inputs: graph.inputs, outputs: graph.outputs, run: run as PreparedKernel["run"], explain: (sizes = {}) => explain(explained, sizes) };
    });
  }

  #run(graph: Graph, check: RunCheck, inputs: RunInputs, options: RunOptions): Record<string, TensorData | DeviceTensor> {
    const { sizes, kept, into } = check.check(inputs, options);
    for (const [name, { tensor }] of into) hostTensor(this, `the tensor that \`${name}\` is written to`, tensor);
    const given: Record<string, TensorData> = {};
    for (const { name, element } of graph.inputs) {
      const input = own(inputs, name);
      if (input === undefined) throw new InternalError(`the input ${name} was checked and is missing`);
      if (isBufferTensor(input)) refuse({ code: "KV4008", message: `the input \`${name}\` of \`${graph.name}\` lies in a GPU buffer, which the interpreter cannot read`, expected: "a record { shape, data }" });
      given[name] = isDeviceTensor(input) ? heldBy(this, `the input \`${name}\` of \`${graph.name}\``, element, input).contents(name) : input;
    }
    const results = interpret(graph, given, { set: sizes });
    const outputs: Record<string, TensorData | DeviceTensor> = {};
    for (const { name, element } of graph.outputs) {
      const result = own(results, name);
      if (result === undefined) throw new InternalError(`the interpreter gives no ${name}`);
      const output = { shape: result.shape, data: typed(element, result.data) };
      const place = into.get(name);
      if (place !== undefined) hostTensor(this, `the tensor that \`${name}\` is written to`, place.tensor).write(name, place.at, output);
      else outputs[name] = kept.has(name) ? new HostTensor(this, element, output.shape, new HostMemory(output.data)) : output;
    }
    return outputs;
  }

  upload(of: Element | { readonly element: Element }, tensor: TensorData): Promise<DeviceTensor> {
    return promised(() => {
      this.#ensureOpen("uploading a tensor");
      const element = "element" in of ? of.element : of;
      checkElement(element);
      const { shape, data } = checkedTensor(tensor.shape, tensor.data);
      checkElements({ name: "tensor", element, axes: [] }, { shape, data }, element.kind === "f32");
      return new HostTensor(this, element, shape, hostMemory(element, { shape, data }));
    });
  }

  allocate(of: Element | { readonly element: Element }, shape: readonly number[]): Promise<DeviceTensor> {
    return promised(() => {
      this.#ensureOpen("allocating a tensor");
      const element = "element" in of ? of.element : of;
      checkElement(element);
      return new HostTensor(this, element, checkedShape(shape), new HostMemory(hostArray(element, shape)));
    });
  }

  copy(copies: readonly RowCopy[]): Promise<void> {
    return promised(() => {
      this.#ensureOpen("copying rows");
      copyHostRows(this, copies);
    });
  }

  close(): Promise<void> {
    return promised(() => {
      this.#closed = true;
    });
  }

  #ensureOpen(what: string): void {
    if (this.#closed) refuse({ code: "KV4005", message: `${what}: the device has been closed`, mend: "Close a device after its last use." });
  }
}

/** Does `work` at once; what it throws is the promise's. */
function promised<Result>(work: () => Result): Promise<Result> {
  return new Promise((resolve) => resolve(work()));
}

/** Codes and integers in the arrays that a GPU gives them in; reals stay as exact as they were computed. */
function typed(element: Element, values: Float64Array): HostArray {
  switch (element.kind) {
    case "f32":
    case "f16":
      return values;
    case "i32":
      return Int32Array.from(values);
    case "u32":
      return Uint32Array.from(values);
    case "uint": {
      const codes = codeArray(values.length, element.bits);
      codes.set(values);
      return codes;
    }
  }
}
