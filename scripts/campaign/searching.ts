/** @file The search inside a page: one random program at a time on gpu.js, held to the bound of its mode. */

import { deviceWays } from "../../bin/fuzz/device";
import { fuzzPrograms, type Prepare, type Report } from "../../bin/fuzz/fuzz";
import { openDevice, type Device } from "../../runtime/index";
import type { GpuJsMode } from "../../runtime/gpujs/library";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { GraphBuilder } from "../../spec/graph/builder";
import { saveGraph } from "../../spec/graph/json";

export type Asked =
  /** To open the mode; the answer says what was opened. */
  | { readonly kind: "open"; readonly mode: GpuJsMode }
  /** To try the program of a seed; `again` is the command that does so. */
  | { readonly kind: "try"; readonly seed: number; readonly again: string };

export type Answer =
  | { readonly kind: "opened"; readonly how: string }
  /** `refusals`: sizes and inputs that were drawn and refused, by code. */
  | { readonly kind: "tried"; readonly report: Report; readonly refusals: Readonly<Record<string, number>> }
  /** The device computes nothing any more. */
  | { readonly kind: "lost"; readonly why: string };

/** Tells who asked that the page still does something: put in place from outside. */
const beat = (): void => (globalThis as { readonly beat?: () => void }).beat?.();

/**
 * What a page answers with.
 * @param plant changes what makes the kernels of a seed ready
 */
export function searching(plant: (prepare: Prepare, seed: number) => Prepare): (asked: Asked) => Promise<Answer> {
  let device: (Device & { readonly accuracy: Parameters<typeof deviceWays>[0]["accuracy"] }) | undefined;
  return async (asked) => {
    // What calls this from outside is let off the policy for scripts until it returns.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (asked.kind === "open") {
      device = await openDevice({ backend: "gpujs", mode: asked.mode });
      return { kind: "opened", how: device.describe() };
    }
    if (device === undefined) return { kind: "lost", why: "the page was asked for a program before a mode" };
    const refusals: Record<string, number> = {};
    const { seed, again } = asked;
    const prepare = counting(plant(deviceWays(device, [undefined]), seed), refusals);
    const report = await fuzzPrograms({ runs: 1, seed, backend: device.info.name, again: () => again, prepare, progress: () => undefined });
    if (report.failures.length > 0) {
      const why = await lossOf(device);
      if (why !== undefined) return { kind: "lost", why };
    }
    return { kind: "tried", report, refusals };
  };
}

const counting = (prepare: Prepare, refusals: Record<string, number>): Prepare => async (file, graph) => {
  beat();
  const prepared = await prepare(file, graph);
  return {
    ...prepared,
    run: async (inputs, set) => {
      beat();
      try {
        return await prepared.run(inputs, set);
      } catch (fault) {
        if (fault instanceof KvernError) for (const { code } of fault.diagnostics) refusals[code] = (refusals[code] ?? 0) + 1;
        throw fault;
      }
    },
  };
};

/** Why a device no longer doubles a number; undefined where it does. */
async function lossOf(device: Device): Promise<string | undefined> {
  const [x, out] = ["x", "out"].map((name) => ({ name, element: { kind: "f32" as const }, axes: [] }));
  if (x === undefined || out === undefined) return undefined;
  const builder = new GraphBuilder();
  const value = builder.scale(2, builder.load(x, []));
  try {
    const kernel = await device.prepare(saveGraph({ name: "double", axes: [], inputs: [x], outputs: [out], stores: [{ output: out, indices: [], value }], obligations: [], spans: new Map() }));
    const got = (await kernel.run({ x: { shape: [], data: [21] } }))["out"]?.data[0];
    return got === 42 ? undefined : `twice 21 is ${got}`;
  } catch (fault) {
    return String(fault);
  }
}
