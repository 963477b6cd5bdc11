/** @file Opening a device: the table of backends, and which of them `auto` means. */

import { KvernError, refuse, summary } from "../spec/diagnostics/diagnostic";
import { list } from "../spec/tensor/check";
import type { Device } from "./device";
import { InterpreterDevice } from "./interpreted";
import { load, lowered } from "./lowering";
import { WebGpuDevice, type WebGpuOptions } from "./webgpu/device";

export interface OpenOptions extends WebGpuOptions {
  /** `auto`, the default, takes a GPU, else a software WebGPU device, else the interpreter. */
  readonly backend?: "auto" | BackendName;
  /** Of backends that run in more than one way: which. */
  readonly mode?: string;
}

interface Backend {
  /** The modes it can run in; none for a backend with one way to run. */
  readonly modes: readonly string[];
  open(options: WebGpuOptions): Promise<Device>;
}

/** Every backend by name, in the order in which `auto` prefers them. */
const BACKENDS = {
  wgsl: { modes: [], open: (options) => WebGpuDevice.open(options, lowered) },
  interpreter: { modes: [], open: () => Promise.resolve(new InterpreterDevice("it was asked for", load)) },
} as const satisfies Record<string, Backend>;

export type BackendName = keyof typeof BACKENDS;

/** The backends that `openDevice` knows, besides `auto`. */
export const BACKEND_NAMES: readonly BackendName[] = Object.keys(BACKENDS) as BackendName[];

/**
 * Opens a device. `auto` prefers a hardware adapter, then a software one, then the interpreter; `device.info` says which
 * it is and why.
 * @throws KvernError KV4001 there is no device of that kind; KV4002 no such backend; KV4003 an option it does not have
 */
export async function openDevice({ backend = "auto", mode, ...options }: OpenOptions = {}): Promise<Device> {
  if (backend === "auto") {
    refuseMode(backend, [], mode);
    return openBest(options);
  }
  const found: Backend | undefined = Object.hasOwn(BACKENDS, backend) ? BACKENDS[backend] : undefined;
  if (found === undefined) {
    return refuse({ code: "KV4002", message: `there is no backend \`${backend}\``, expected: `\`auto\`, ${list(BACKEND_NAMES)}`, got: `\`${backend}\`` });
  }
  refuseMode(backend, found.modes, mode);
  return found.open(options);
}

async function openBest(options: WebGpuOptions): Promise<Device> {
  try {
    return await BACKENDS.wgsl.open(options);
  } catch (fault) {
    if (!(fault instanceof KvernError)) throw fault;
    return new InterpreterDevice(`there is no WebGPU device: ${fault.diagnostics.map(summary).join("; ")}`, load);
  }
}

function refuseMode(backend: string, modes: readonly string[], mode: string | undefined): void {
  if (mode === undefined || modes.includes(mode)) return;
  const expected = modes.length === 0 ? "no `mode`" : list(modes);
  refuse({ code: "KV4003", message: `the backend \`${backend}\` has no mode \`${mode}\``, expected, got: `\`${mode}\`` });
}
