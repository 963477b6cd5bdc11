/** @file Opening a device: the table of backends, and which of them `auto` means. */

import { KvernError, refuse, type Diagnostic } from "../spec/diagnostics/diagnostic";
import { list } from "../spec/tensor/check";
import type { Device } from "./device";
import { GpuJsDevice, type GpuJsOptions } from "./gpujs/device";
import { GPUJS_MODES } from "./gpujs/library";
import { InterpreterDevice } from "./interpreted";
import { load, lowered } from "./lowering";
import { WebGpuDevice, type WebGpuOptions } from "./webgpu/device";

export interface OpenOptions extends WebGpuOptions, Pick<GpuJsOptions, "fallback" | "library"> {
  /** `auto`, the default, takes a GPU, else a software WebGPU device, else gpu.js, else the interpreter. */
  readonly backend?: "auto" | BackendName;
  /** Of backends that run in more than one way: which. Of gpu.js `webgpu`, `webgl2`, `webasm` or `cpu`. */
  readonly mode?: string;
}

type BackendOptions = WebGpuOptions & GpuJsOptions;

interface Backend {
  /** The modes it can run in; none for a backend with one way to run. */
  readonly modes: readonly string[];
  open(options: BackendOptions): Promise<Device>;
}

/** Every backend by name, in the order in which `auto` prefers them. */
const BACKENDS = {
  wgsl: { modes: [], open: (options) => WebGpuDevice.open(options, lowered) },
  gpujs: { modes: GPUJS_MODES, open: (options) => GpuJsDevice.open(options, load) },
  interpreter: { modes: [], open: () => Promise.resolve(new InterpreterDevice("it was asked for", load)) },
} as const satisfies Record<string, Backend>;

export type BackendName = keyof typeof BACKENDS;

/** The backends that `openDevice` knows, besides `auto`. */
export const BACKEND_NAMES: readonly BackendName[] = Object.keys(BACKENDS) as BackendName[];

/**
 * Opens a device. `auto` prefers a hardware adapter, then a software one, then gpu.js, then the interpreter; `device.describe()`
 * says in one line which it is and why.
 * @throws KvernError KV4001 there is no device of that kind; KV4002 no such backend; KV4003 an option it does not have; KV4204
 * a mode that does not work here
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
  return found.open(mode === undefined ? options : { ...options, mode });
}

async function openBest(options: BackendOptions): Promise<Device> {
  let why = "";
  for (const [what, backend] of [["WebGPU device", BACKENDS.wgsl], ["gpu.js", BACKENDS.gpujs]] as const) {
    try {
      return await backend.open(why === "" ? options : { ...options, why });
    } catch (fault) {
      if (!(fault instanceof KvernError)) throw fault;
      why += `${why === "" ? "" : "; "}there is no ${what}: ${fault.diagnostics.map(inOneLine).join("; ")}`;
    }
  }
  return new InterpreterDevice(why, load);
}

/** What was wrong, and what was tried. */
const inOneLine = ({ message, got }: Diagnostic): string => (got === undefined ? message : `${message} (${got.replaceAll("\n", " ")})`);

function refuseMode(backend: string, modes: readonly string[], mode: string | undefined): void {
  if (mode === undefined || modes.includes(mode)) return;
  const expected = modes.length === 0 ? "no `mode`" : list(modes);
  const [other] = BACKEND_NAMES.filter((name) => (BACKENDS[name].modes as readonly string[]).includes(mode));
  const mend = other === undefined ? {} : { mend: `Open { backend: "${other}", mode: "${mode}" }.` };
  refuse({ code: "KV4003", message: `the backend \`${backend}\` has no mode \`${mode}\``, expected, got: `\`${mode}\``, ...mend });
}
