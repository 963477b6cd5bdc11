/** @file A device that remembers what ran on it, to tell what was compiled and what its kernels move. */

import type { Device, PreparedKernel, PrepareOptions, RunInputs, RunOptions } from "../../runtime/device";
import type { Sizes } from "../../spec/tensor/check";

/** A kernel as it ran over the longest axes. */
export interface KernelReport {
  readonly runs: number;
  /** Of the longest run: the axes that were not of one size in all runs. */
  readonly sizes: Sizes;
  readonly dispatches: number;
  /** Bytes that its dispatches load and store; null where nothing is compiled. */
  readonly bytesMoved: number | null;
  /** Bytes of its inputs and outputs, each once. */
  readonly compulsoryBytes: number | null;
}

export interface Recorded {
  readonly device: Device;
  /** What ran, by the name of the kernel, where it has dispatches, or kernels of gpu.js: the interpreter tells of none. */
  readonly kernels: () => Readonly<Record<string, KernelReport>>;
}

interface Ran {
  readonly prepared: PreparedKernel;
  readonly runs: number;
  readonly elements: number;
  readonly sizes: Sizes;
  /** Axes that were not of one size in all runs. */
  readonly varied: ReadonlySet<string>;
}

export function recorded(device: Device): Recorded {
  const ran = new Map<string, Ran>();
  const prepare = async (graph: unknown, options?: PrepareOptions): Promise<PreparedKernel> => {
    const prepared = await device.prepare(graph, options);
    const note = (inputs: RunInputs): void => {
      const before = ran.get(prepared.name);
      const sizes: Record<string, number> = {};
      for (const { name, axes } of prepared.inputs) {
        axes.forEach((axis, at) => {
          const size = inputs[name]?.shape[at];
          if (size !== undefined) sizes[axis] = size;
        });
      }
      const elements = Object.values(inputs).reduce((sum, { shape }) => sum + shape.reduce((all, size) => all * size, 1), 0);
      const runs = (before?.runs ?? 0) + 1;
      const varied = new Set([...(before?.varied ?? []), ...Object.keys(sizes).filter((axis) => before !== undefined && before.sizes[axis] !== sizes[axis])]);
      ran.set(prepared.name, before !== undefined && before.elements >= elements ? { ...before, runs, varied } : { prepared, runs, elements, sizes, varied });
    };
    const run = (inputs: RunInputs, more: RunOptions = {}): ReturnType<PreparedKernel["run"]> => {
      note(inputs);
      return prepared.run(inputs, more as RunOptions & { readonly keep?: never; readonly device?: false });
    };
    return { ...prepared, run: run as PreparedKernel["run"] };
  };
  const { gpuDevice } = device;
  return {
    kernels: () => Object.fromEntries([...ran].map(([name, each]) => [name, reportOf(each)] as const).filter(([, { dispatches }]) => dispatches > 0)),
    device: {
      backend: device.backend,
      info: device.info,
      limits: device.limits,
      features: device.features,
      accuracy: device.accuracy,
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

function reportOf({ prepared, runs, sizes, varied }: Ran): KernelReport {
  const { dispatches, bytesMoved, compulsoryBytes } = prepared.explain(sizes);
  const shown = Object.fromEntries(Object.entries(sizes).filter(([axis]) => varied.has(axis)));
  return { runs, sizes: shown, dispatches: dispatches.length, bytesMoved: dispatches.length === 0 ? null : bytesMoved, compulsoryBytes };
}
