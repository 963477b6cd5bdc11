/** @file What a mode of gpu.js stands on: hardware or software, and in Node the WebGPU of Dawn. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { isSoftware, SOFTWARE } from "../webgpu/found";
import { findAdapter } from "../webgpu/adapter";
import type { GpuJsMode } from "./library";

export interface Platform {
  readonly kind: "hardware" | "software";
  /** Takes away again what was put in place. */
  close(): void;
}

const CPU: Platform = { kind: "software", close: () => undefined };

/** @throws KvernError KV4001 there is no WebGPU adapter; KV4204 there is no WebGL2 */
export async function platformOf(mode: GpuJsMode): Promise<Platform> {
  switch (mode) {
    case "cpu": case "webasm": return CPU;
    case "webgpu": return webgpu();
    case "webgl2": return webgl2();
  }
}

/** What a page draws with; how its driver calls itself says whether that is hardware. */
function webgl2(): Platform {
  const canvas = typeof OffscreenCanvas === "undefined" ? undefined : new OffscreenCanvas(1, 1);
  const context = canvas?.getContext("webgl2");
  if (context === undefined || context === null) {
    return refuse({ code: "KV4204", message: "there is no WebGL2 here", expected: "a page of a browser that has it" });
  }
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(context.getParameter(names === null ? context.RENDERER : names.UNMASKED_RENDERER_WEBGL));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return { kind: SOFTWARE.test(renderer) ? "software" : "hardware", close: () => undefined };
}

/** WebGPU's flags, which Node has no globals of. */
const FLAGS = {
  GPUBufferUsage: { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, INDEX: 16, VERTEX: 32, UNIFORM: 64, STORAGE: 128, INDIRECT: 256, QUERY_RESOLVE: 512 },
  GPUMapMode: { READ: 1, WRITE: 2 },
  GPUShaderStage: { VERTEX: 1, FRAGMENT: 2, COMPUTE: 4 },
} as const;

/** Where a page has no `navigator.gpu`, gpu.js is shown the adapter of this runtime there, until it is closed. */
async function webgpu(): Promise<Platform> {
  const { adapter, gpu } = await findAdapter("any");
  const kind = isSoftware(adapter) ? "software" : "hardware";
  if ((globalThis as { navigator?: Partial<Navigator> }).navigator?.gpu !== undefined) return { kind, close: () => undefined };
  const devices: GPUDevice[] = [];
  const shown = new Proxy(adapter, {
    get: (target, key) => {
      if (key === "requestDevice") {
        return async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> => {
          const device = await target.requestDevice(descriptor);
          devices.push(device);
          return device;
        };
      }
      return Reflect.get(target, key, target) as unknown;
    },
  });
  const put = [
    ...Object.entries(FLAGS).map(([name, value]) => define(globalThis, name, value)),
    ...(typeof navigator === "undefined" ? [define(globalThis, "navigator", {})] : []),
  ];
  // Dawn stops working for an instance that nothing refers to.
  put.push(define(globalThis.navigator, "gpu", { instance: gpu, requestAdapter: () => Promise.resolve(shown) }));
  return {
    kind,
    close: () => {
      for (const device of devices) device.destroy();
      for (const remove of put.reverse()) remove();
    },
  };
}

function define(target: object, name: string, value: unknown): () => void {
  if (Object.hasOwn(target, name)) return () => undefined;
  Object.defineProperty(target, name, { value, configurable: true, enumerable: true, writable: true });
  return () => void Reflect.deleteProperty(target, name);
}
