/**
 * @file Which plans are offered for a program, which are refused and why, in the order of their estimated times, on both
 * kinds of device; and how its kernels look without folds and as chains of threads.
 */

import { describe, expect, test } from "vitest";
import { show } from "../../compiler/algebra/show";
import { lowerPlain } from "../../compiler/lower";
import { lowerScript } from "../../compiler/lower-gpujs";
import type { Candidate } from "../../compiler/plan/fold/choose";
import type { DeviceFeatures, DeviceLimits, Sizes } from "../../compiler/program";
import type { Graph } from "../../spec/graph/node";
import { PROGRAMS, SMALL, type Config, type Program } from "../algebra/programs";
import { LIMITS } from "../plan/limits";
import { offered } from "./offered";

const MIDDLE: Config = { heads: 8, keyHeads: 2, channels: 64, couple: 8, bits: 6, queries: 32, window: 24, outputs: 48, pairs: "half" };

interface Planned {
  readonly name: string;
  readonly make: () => Program;
  readonly set?: Sizes;
  readonly limits?: Partial<DeviceLimits>;
  readonly features?: DeviceFeatures;
}

const PLANNED: readonly Planned[] = [
  { name: "plain", make: () => PROGRAMS.plain(MIDDLE), set: { token: 2048 } },
  { name: "plain, of open size, in subgroups", make: () => PROGRAMS.plain(SMALL), features: { subgroups: true } },
  { name: "plain, where little fits", make: () => PROGRAMS.plain(MIDDLE), set: { token: 512 }, limits: { maxStorageBuffersPerShaderStage: 4, maxComputeWorkgroupStorageSize: 2048, maxComputeInvocationsPerWorkgroup: 64 } },
  { name: "coded", make: () => PROGRAMS.coded({ ...MIDDLE, channels: 16 }), set: { token: 1024 } },
  { name: "rotated", make: () => PROGRAMS.rotated({ ...MIDDLE, channels: 16, couple: 4 }), set: { token: 300 } },
  { name: "window", make: () => PROGRAMS.window({ ...MIDDLE, channels: 16 }), set: { token: 96 } },
  { name: "layer", make: () => PROGRAMS.layer(MIDDLE) },
  { name: "tail", make: () => PROGRAMS.tail({ ...MIDDLE, channels: 16 }), set: { coded: 640, tail: 100 } },
];

describe("plans that are offered, and that are refused", () => {
  test.each(PLANNED)("$name", async ({ name, make, set = {}, limits = {}, features = {} }) => {
    await expect(`${offered(make().graph, set, { ...LIMITS, ...limits }, features)}\n`).toMatchFileSnapshot(`plans/${name.replaceAll(/[^a-z]+/g, "-")}.txt`);
  });
});

describe("every plan there is", () => {
  test.each([["plain", { token: 300 }], ["coded", {}], ["rotated", {}], ["tail", {}], ["softCap", { token: 64 }], ["layer", {}]] as const)("of %s", async (name, set) => {
    const brief = ({ scheduled: { kernels } }: Candidate): string => `${kernels.length} dispatches`;
    await expect(`${offered(PROGRAMS[name]({ ...SMALL, channels: 8 }).graph, set, LIMITS, {}, brief, true)}\n`).toMatchFileSnapshot(`plans/every-${name}.txt`);
  });
});

/** Arrays in the order in which they are filled, what of, and the axes that lanes are numbered over. */
function units(graph: Graph, set: Sizes, limits: DeviceLimits): string {
  const { plan, specialised: { builder } } = lowerPlain(graph, { set, limits });
  return plan.units.map(({ array, axes, indices, value }) => `${array.name}[${indices.map((index) => show(builder, index)).join(", ")}] over ${axes.map(({ name }) => name).join(", ")}: ${array.element.kind}${array.infinite ? ", may be infinite" : ""} = ${show(builder, value)}`).join("\n");
}

const chain = (graph: Graph, set: Sizes): string => {
  const { steps, temporaries, record, open } = lowerScript(graph, { set });
  return [
    `open: ${open.join(", ")}; temporaries: ${temporaries.join(", ")}`, ...record.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`),
    ...steps.map(({ array, each, reads, threadsText, source }) => `\n${array}, ${each} to a thread, of ${reads.join(", ")}; threads: ${threadsText}\n${source}`),
  ].join("\n");
};

const NAMES = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];

describe("without folds", () => {
  test.each(NAMES)("what is stored on the way, where all arrays can be bound and where four can: %s", async (name) => {
    const { graph } = PROGRAMS[name](SMALL);
    const some = [{}, { token: 40 }].flatMap((set) => [8, 4].map((most) => `of ${most} arrays${"token" in set ? ", 40 tokens" : ""}\n${units(graph, graph.axes.some(({ name: axis }) => axis === "token") ? set : {}, { ...LIMITS, maxStorageBuffersPerShaderStage: most })}`));
    await expect(`${[...new Set(some)].join("\n\n")}\n`).toMatchFileSnapshot(`units/${name}.txt`);
  });
});

describe("as a chain of threads", () => {
  test.each(["plain", "coded", "rotated", "window", "layer", "tail"] as const)("%s", async (name) => {
    const { graph } = PROGRAMS[name](SMALL);
    const set = graph.axes.some(({ name: axis, extent }) => axis === "token" && extent === undefined) && name !== "tail" ? { token: 40 } : {};
    await expect(`${chain(graph, set)}\n`).toMatchFileSnapshot(`chains/${name}.txt`);
  });
});
