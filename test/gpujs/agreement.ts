/** @file Runs a graph on gpu.js, with sizes open and with sizes fixed, and holds every element to the interpreter's bound. */

import { expect } from "vitest";
import { lowerScript } from "../../compiler/lower-gpujs";
import { GpuJsDevice } from "../../runtime/gpujs/device";
import type { PreparedKernel } from "../../runtime/device";
import { load } from "../../runtime/lowering";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { saveGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import { GPUJS, interpretWithBound } from "../../spec/interpreter";
import { bindSizes, type Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor";

export type Inputs = Readonly<Record<string, TensorData>>;

export interface Agreement {
  /** Elements whose bound was finite, so that they were compared. */
  readonly compared: number;
  /** The largest difference, as a share of its bound. */
  readonly worst: number;
  readonly outputs: Readonly<Record<string, TensorData>>;
}

/** The modes that work in this Node; says in one line why another does not. */
export async function modesHere(): Promise<readonly string[]> {
  const working: string[] = [];
  for (const mode of ["cpu", "webasm", "webgpu"]) {
    try {
      await (await openMode(mode)).close();
      working.push(mode);
    } catch (fault) {
      console.error(`\n*** gpu.js DOES NOT RUN HERE IN MODE ${mode}: its tests are skipped. ${String(fault)}\n`);
    }
  }
  return working;
}

export const openMode = (mode: string): Promise<GpuJsDevice> => GpuJsDevice.open({ mode }, load);

/**
 * Fails unless a device computes what the interpreter does, within the bound of its mode.
 * @returns what was compared, or the codes with which the program was refused
 */
export async function agree(device: GpuJsDevice, graph: Graph, inputs: Inputs, set: Sizes = {}): Promise<Agreement | readonly string[]> {
  const expected = interpretWithBound(graph, inputs, { set, accuracy: GPUJS[device.mode] });
  const bound = bindSizes(graph, inputs, set);
  let agreement: Agreement | undefined;
  let grown: PreparedKernel | undefined;
  for (const [how, fixed] of [["sizes of the first run", {}], ["open sizes", {}], ["fixed sizes", bound]] as const) {
    let outputs: Readonly<Record<string, TensorData>>;
    try {
      const prepared: PreparedKernel = (how === "open sizes" ? grown : undefined) ?? await device.prepare(saveGraph(graph), { set: fixed });
      outputs = await prepared.run(inputs, fixed === bound ? {} : { set });
      if (how === "sizes of the first run") grown = await growing(prepared, graph, bound, set);
    } catch (fault) {
      if (fault instanceof KvernError) return fault.diagnostics.map(({ code }) => code);
      throw new Error(`${sources(graph, fixed)}\n${String(fault)}`, { cause: fault });
    }
    let [compared, worst] = [0, 0];
    for (const [name, { data, bound: bounds, shape }] of Object.entries(expected)) {
      const got = outputs[name];
      expect(got?.shape).toEqual(shape);
      data.forEach((value, at) => {
        const least = bounds[at] ?? 0;
        if (least === Infinity) return;
        compared++;
        const is = got?.data[at] ?? NaN;
        if (Object.is(is + 0, value + 0)) return;
        worst = Math.max(worst, Math.abs(is - value) / least);
        if (Math.abs(is - value) <= least) return;
        expect.fail(`${name}[${at}] of ${shape.join("×")} is ${is} in mode ${device.mode}, and should be ${value} ± ${least}\n${sources(graph, fixed)}`);
      });
    }
    agreement = { compared, worst, outputs };
  }
  if (agreement === undefined) throw new Error("nothing was run");
  return agreement;
}

/** A kernel that has run at other sizes, where it can, so that it keeps its axes open from then on. */
async function growing(prepared: PreparedKernel, graph: Graph, sizes: Sizes, set: Sizes): Promise<PreparedKernel> {
  const declared = new Set(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [name])));
  const size = (axis: string): number => (sizes[axis] ?? 0) * (declared.has(axis) ? 1 : 2);
  const zeros = Object.fromEntries(graph.inputs.map(({ name, axes }) => {
    const shape = axes.map(size);
    return [name, { shape, data: new Float32Array(shape.reduce((count, length) => count * length, 1)) }] as const;
  }));
  try {
    await prepared.run(zeros, { set: Object.fromEntries(Object.keys(set).map((axis) => [axis, size(axis)])) });
  } catch (fault) {
    // A program may admit no such sizes, or no such values.
    if (!(fault instanceof KvernError)) throw fault;
  }
  return prepared;
}

const sources = (graph: Graph, set: Sizes): string => lowerScript(graph, { set }).steps.map(({ source }) => source).join("\n");

/** What was compared; fails where a program was refused. */
export function compared(agreement: Agreement | readonly string[]): Agreement {
  if (!("outputs" in agreement)) return expect.fail(`refused with ${agreement.join(", ")}`);
  return agreement;
}
