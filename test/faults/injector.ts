/**
 * @file Makes one WebGPU call of the process fail: the N-th, counted over every method that can fail. The methods of
 * Dawn's classes are replaced for the time of an action, so that the runtime under test is the one that ships.
 */

import { globals } from "webgpu";

/**
 * How a call fails. `throws`: the binding throws, or its promise rejects. `validation`: the device finds the call invalid,
 * which only an error scope tells. `memory`: likewise, out of memory. `lost`: the device is gone just before the call.
 */
export type Fault = "throws" | "validation" | "memory" | "lost";

export const FAULTS: readonly Fault[] = ["throws", "validation", "memory", "lost"];

/** The methods the runtime may use that can fail, by class. */
export const FALLIBLE = {
  GPU: ["requestAdapter"],
  GPUAdapter: ["requestDevice"],
  GPUDevice: ["createBuffer", "createBindGroupLayout", "createPipelineLayout", "createBindGroup", "createShaderModule", "createComputePipeline", "createComputePipelineAsync", "createCommandEncoder"],
  GPUQueue: ["submit", "writeBuffer", "onSubmittedWorkDone"],
  GPUCommandEncoder: ["beginComputePass", "copyBufferToBuffer", "finish"],
  GPUComputePassEncoder: ["setPipeline", "setBindGroup", "dispatchWorkgroups", "end"],
  GPUBuffer: ["mapAsync", "getMappedRange", "unmap"],
} as const;

/** Those that fail only with the whole device, and one that is asked only what was wrong. */
export const INFALLIBLE = ["destroy", "pushErrorScope", "popErrorScope", "getCompilationInfo"] as const;

const ASYNC: ReadonlySet<string> = new Set(["requestAdapter", "requestDevice", "createComputePipelineAsync", "mapAsync", "onSubmittedWorkDone"]);

/** Calls whose failure is a promise's and never an error scope's. */
const OUTSIDE_SCOPES: ReadonlySet<string> = new Set([...ASYNC, "getMappedRange", "unmap"]);

type Method = (this: object, ...operands: unknown[]) => unknown;

interface Scope {
  readonly filter: string;
  injected: string | undefined;
}

/** What an action did to WebGPU. */
export interface Witness {
  /** The calls made, as `Class.method`, in order. */
  readonly calls: readonly string[];
  /** Buffers created and not yet destroyed. */
  readonly buffers: ReadonlySet<object>;
  /** Calls that were made to fail where no error scope would have told. */
  readonly unscoped: readonly string[];
}

/**
 * Runs `action` with the `at`-th fallible call failing; none fails when `at` is past the last.
 * @param at counted from 0
 */
export async function withFault<Result>(fault: Fault, at: number, action: (witness: Witness) => Promise<Result>): Promise<Result> {
  const calls: string[] = [];
  const buffers = new Set<object>();
  const unscoped: string[] = [];
  const scopes = new WeakMap<object, Scope[]>();
  const devices = new Set<GPUDevice>();
  const undo: (() => void)[] = [];

  const replace = (className: string, method: string, make: (original: Method) => Method): void => {
    const prototype = (globals as Readonly<Record<string, { readonly prototype: Record<string, Method> }>>)[className]?.prototype;
    const original = prototype?.[method];
    if (prototype === undefined || original === undefined) throw new Error(`Dawn has no ${className}.${method}`);
    prototype[method] = make(original);
    undo.push(() => void (prototype[method] = original));
  };

  const scopesOf = (device: object): Scope[] => {
    const open = scopes.get(device) ?? [];
    scopes.set(device, open);
    return open;
  };

  /** Tells the innermost scope that listens, of whichever device: the tests use one at a time. */
  const report = (filter: string, message: string): boolean => {
    for (const device of devices) {
      const scope = scopesOf(device).findLast((open) => open.filter === filter);
      if (scope === undefined) continue;
      scope.injected = message;
      return true;
    }
    return false;
  };

  const failing = (name: string, method: string, original: Method): Method =>
    function (...operands) {
      const index = calls.push(name) - 1;
      const message = `injected into call ${index}, ${name}`;
      if (index === at && fault === "lost") for (const device of devices) device.destroy();
      else if (index === at && (fault === "throws" || OUTSIDE_SCOPES.has(method))) {
        if (fault === "memory" && method !== "requestDevice") return original.apply(this, operands);
        if (ASYNC.has(method)) return Promise.reject(new Error(message));
        throw new Error(message);
      } else if (index === at && (fault === "validation" || method === "createBuffer") && !report(fault === "memory" ? "out-of-memory" : "validation", message)) {
        unscoped.push(name);
      }
      return original.apply(this, operands);
    };

  for (const [className, methods] of Object.entries(FALLIBLE)) {
    for (const method of methods) replace(className, method, (original) => failing(`${className}.${method}`, method, original));
  }
  replace("GPUAdapter", "requestDevice", (original) =>
    async function (...operands) {
      const device = (await original.apply(this, operands)) as GPUDevice;
      devices.add(device);
      return device;
    });
  replace("GPUDevice", "pushErrorScope", (original) =>
    function (...operands) {
      const outcome = original.apply(this, operands);
      scopesOf(this).push({ filter: String(operands[0]), injected: undefined });
      return outcome;
    });
  replace("GPUDevice", "popErrorScope", (original) =>
    function (...operands) {
      const popped = original.apply(this, operands) as Promise<GPUError | null>;
      const scope = scopesOf(this).pop();
      return popped.then((real) => (scope?.injected === undefined ? real : { message: scope.injected }));
    });
  replace("GPUDevice", "createBuffer", (original) =>
    function (...operands) {
      const buffer = original.apply(this, operands) as object;
      buffers.add(buffer);
      return buffer;
    });
  replace("GPUBuffer", "destroy", (original) =>
    function (...operands) {
      buffers.delete(this);
      return original.apply(this, operands);
    });
  try {
    return await action({ calls, buffers, unscoped });
  } finally {
    for (const restore of undo.reverse()) restore();
  }
}
