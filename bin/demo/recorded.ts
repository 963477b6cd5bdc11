/** @file A device that remembers what was prepared on it, to tell what was compiled. */

import type { Device, PreparedKernel, PrepareOptions } from "../../runtime/device";

export interface Recorded {
  readonly device: Device;
  /** Dispatches of each kernel that was prepared, by its name. */
  readonly dispatches: ReadonlyMap<string, number>;
}

export function recorded(device: Device): Recorded {
  const dispatches = new Map<string, number>();
  const prepare = async (graph: unknown, options?: PrepareOptions): Promise<PreparedKernel> => {
    const prepared = await device.prepare(graph, options);
    const { length } = prepared.explain().dispatches;
    // A backend that has no dispatches of its own, gpu.js say, tells of none.
    if (length > 0) dispatches.set(prepared.name, length);
    return prepared;
  };
  const { gpuDevice } = device;
  return {
    dispatches,
    device: {
      backend: device.backend,
      info: device.info,
      limits: device.limits,
      features: device.features,
      ...(gpuDevice === undefined ? {} : { gpuDevice }),
      prepare,
      describe: () => device.describe(),
      upload: (element, tensor) => device.upload(element, tensor),
      allocate: (element, shape) => device.allocate(element, shape),
      copy: (copies) => device.copy(copies),
      close: () => device.close(),
    },
  };
}
