/**
 * Every shape of plan, in the simulator, on programs that fold in different ways: at no length, at one position, and
 * around the edges of tiles and parts. No fault, and every element within the interpreter's bound.
 */

import { describe, expect, it } from "vitest";
import { listChoices, StaleChoice } from "../../compiler/algebra/choices";
import { canonical, derive } from "../../compiler/algebra/passes";
import type { Derived, Fold } from "../../compiler/algebra/derived";
import type { Kernel, Node } from "../../compiler/kernel/kernel";
import { kernelFaults } from "../../compiler/kernel/validate";
import { unrolled } from "../../compiler/kernel/unroll";
import { sharesOf, rolesOf, isWide } from "../../compiler/plan/fold/candidates";
import { replayPlan } from "../../compiler/plan/fold/choose";
import { HARDWARE } from "../../compiler/plan/fold/cost";
import { packed } from "../../compiler/plan/fold/pack";
import type { FoldPlan, FusedPlan } from "../../compiler/plan/fold/plan";
import { schedule, type Scheduled } from "../../compiler/plan/fold/schedule";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { interpretWithBound } from "../../spec/interpreter/interpret";
import { PROGRAMS, randomTensors, SMALL, stream, type Config } from "../algebra/programs";
import { LIMITS } from "./limits";
import { simulateProgram } from "../../compiler/simulator/program";

type Made = Parameters<typeof derive>[2];
type Shape = (builder: GraphBuilder, derived: Derived, fold: Fold) => FoldPlan;

const LANES = 16;
const SHAPES: Readonly<Record<string, Shape>> = {
  "each component by itself": () => ({ kind: "whole" }),
  "one dispatch": (builder, _, fold) => ({ kind: "stream", lanes: LANES, tile: 16, shares: sharesOf(builder, fold, LANES), cross: "gather", roles: {} }),
  "one dispatch, wide tiles, unrolled": (builder, derived, fold) => ({ kind: "stream", lanes: LANES, tile: 32, shares: sharesOf(builder, fold, LANES), cross: "tree", roles: rolesOf(builder, derived, 2) }),
  "parts and a merge": (builder, derived, fold) => ({ kind: "stream", lanes: LANES, tile: 16, part: 32, shares: sharesOf(builder, fold, LANES), cross: "tree", roles: rolesOf(builder, derived, 1) }),
  "parts of one tile": (builder, _, fold) => ({ kind: "stream", lanes: 8, tile: 16, part: 16, shares: sharesOf(builder, fold, 8), cross: "gather", roles: {} }),
  "one dispatch, in subgroups": (builder, _, fold) => ({ kind: "stream", lanes: LANES, tile: 32, shares: sharesOf(builder, fold, LANES), cross: "subgroup", roles: {} }),
  "a chain": (builder, derived, fold) => ({ kind: "chain", lanes: LANES, tile: 4, part: 16, copies: 2, shares: sharesOf(builder, fold, LANES), roles: rolesOf(builder, derived, 2) }),
  "a chain, one position at a time": (builder, _, fold) => ({ kind: "chain", lanes: LANES, tile: 8, part: 8, copies: 1, shares: sharesOf(builder, fold, LANES), roles: {} }),
};

/** No position, one, and around the edges of tiles of 4, 8, 16 and 32 and parts of 16 and 32. */
const LENGTHS = [0, 1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 49];
const FEW = [0, 1, 16, 17, 33];

function planned(builder: GraphBuilder, graph: Graph, choices: NonNullable<Made>, shape: Shape): { readonly derived: Derived; readonly plan: FusedPlan; readonly scheduled: Scheduled } {
  const derived = derive(builder, graph, choices);
  const plan: FusedPlan = { choices, folds: Object.fromEntries(derived.folds.map((fold) => [fold.name, isWide(fold) ? shape(builder, derived, fold) : { kind: "whole" }])) };
  return { derived, plan, scheduled: packed(builder, schedule(builder, derived, plan), LIMITS.maxStorageBuffersPerShaderStage) };
}

function choicesOf(builder: GraphBuilder, graph: Graph, rules: readonly string[]): NonNullable<Made> {
  const made: NonNullable<Made>[number][] = [];
  for (const rule of rules) {
    const current = derive(builder, graph, made).graph;
    for (const { rule: name, site, parameters } of listChoices(builder, current, { token: 4096, coded: 4000, tail: 96 }).choices) if (name === rule) made.push({ rule: name, site, parameters });
  }
  return made;
}

interface Sized { readonly graph: Graph; readonly sizes: Readonly<Record<string, number>> }

function sized(graph: Graph, length: number): Sized {
  const coded = Math.floor(length / 2);
  const sizes: Record<string, number> = { token: length, coded, tail: length - coded };
  for (const { name, extent } of graph.axes) if (extent !== undefined) sizes[name] = extent;
  return { graph, sizes };
}

/** Runs a plan at a length, and says how far the worst element is from the interpreter's, as a share of its bound. */
function worst(builder: GraphBuilder, { graph, sizes }: Sized, scheduled: Scheduled, amplitude: number, warp: 4 | 32 | 64): { readonly share: number; readonly faults: readonly string[] } {
  const drawn = randomTensors(graph, sizes, stream(), amplitude);
  const inputs = Object.fromEntries(Object.entries(drawn).map(([name, { shape, data }]) => [name, { shape, data: data.map(Math.fround) }]));
  const bound = new Set(graph.inputs.flatMap(({ axes }) => axes));
  const set = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined && !bound.has(name) ? [[name, sizes[name] ?? 0]] : [])));
  // A reference is replaced at most once for every tile and once for every part.
  const want = interpretWithBound(graph, inputs, { set, rescalings: 2 * Math.ceil((sizes["token"] ?? 0) / 4) });
  const got = simulateProgram(builder, graph, scheduled, inputs, sizes, warp);
  let share = 0;
  for (const [name, { data, bound: most }] of Object.entries(want)) {
    data.forEach((value, at) => {
      const seen = got.outputs[name]?.[at] ?? NaN;
      if (seen === value) return;
      share = Math.max(share, most[at] === Infinity ? 0 : Number.isNaN(seen) ? Infinity : Math.abs(seen - value) / (most[at] ?? 0));
    });
  }
  return { share, faults: got.faults.map(({ kind, text }) => `${kind}: ${text}`) };
}

type Name = keyof typeof PROGRAMS;
const CASES: readonly (readonly [title: string, name: Name, rules: readonly string[], config?: Partial<Config>])[] = [
  ["plain", "plain", []],
  ["coded", "coded", []],
  ["coded, tabulated", "coded", ["tabulate"]],
  ["coded, tabulated and grouped", "coded", ["tabulate", "group"]],
  ["rotated halves, unrolled", "rotated", ["unroll"]],
  ["rotated neighbours, unrolled", "rotated", ["unroll"], { pairs: "interleaved" }],
  ["rotated halves, unrolled and grouped", "rotated", ["unroll", "group"]],
  ["a window", "window", []],
  ["a total beside it", "logTotal", []],
  ["a sink and a mask of data", "sink", []],
  ["a norm before a product", "rms", []],
  ["a centred norm before a product", "layer", []],
  ["two segments", "tail", []],
  ["a sum of look-ups", "residual", ["tabulate"]],
  ["a soft cap", "softCap", []],
];

for (const [title, name, rules, config = {}] of CASES) describe(title, () => {
  it.each(Object.entries(SHAPES))("as %s", (shapeName, shape) => {
    const { b, graph } = PROGRAMS[name]({ ...SMALL, ...config });
    const { scheduled } = planned(b, graph, choicesOf(b, graph, rules), shape);
    for (const kernel of scheduled.kernels) {
      expect(kernelFaults(kernel)).toEqual([]);
      expect(kernelFaults(unrolled(b, kernel))).toEqual([]);
    }
    const all = name === "plain" || name === "logTotal";
    const open = graph.axes.some(({ extent }) => extent === undefined);
    for (const length of !open ? [1] : all ? LENGTHS : FEW) {
      const { share, faults } = worst(b, sized(graph, length), scheduled, 1.5, 32);
      expect(faults, `${shapeName} at ${length}`).toEqual([]);
      expect(share, `${shapeName} at ${length}`).toBeLessThanOrEqual(1);
    }
  });
});

describe("in subgroups", () => {
  it.each([4, 32, 64] as const)("of %i lanes", (warp) => {
    for (const lanes of [2, 64]) {
      const { b, graph } = PROGRAMS.logTotal(SMALL);
      const { scheduled } = planned(b, graph, [], (builder, _, fold) => ({ kind: "stream", lanes, tile: 64, part: 64, shares: sharesOf(builder, fold, lanes), cross: "subgroup", roles: {} }));
      for (const length of [0, 65]) {
        const { share, faults } = worst(b, sized(graph, length), scheduled, 1.5, warp);
        expect(faults, `${lanes} lanes at ${length}`).toEqual([]);
        expect(share, `${lanes} lanes at ${length}`).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe("scores near ±800", () => {
  it.each(Object.entries(SHAPES))("as %s", (_, shape) => {
    const { b, graph } = PROGRAMS.logTotal(SMALL);
    const { scheduled } = planned(b, graph, [], shape);
    const { share, faults } = worst(b, sized(graph, 33), scheduled, 15, 4);
    expect(faults).toEqual([]);
    expect(share).toBeLessThanOrEqual(1);
  });
});

describe("what the plan decides", () => {
  const program = (): { readonly b: GraphBuilder; readonly graph: Graph } => PROGRAMS.plain(SMALL);

  it("is one dispatch where nothing is split, two where it is", () => {
    const kernels = (name: string): number => {
      const { b, graph } = program();
      const shape = SHAPES[name];
      return shape === undefined ? 0 : planned(b, graph, [], shape).scheduled.kernels.length;
    };
    expect(kernels("one dispatch")).toBe(1);
    expect(kernels("parts and a merge")).toBe(2);
  });

  it("stores unrolled roles as the same values", () => {
    const { b, graph } = program();
    const shape = SHAPES["one dispatch, wide tiles, unrolled"];
    if (shape === undefined) throw new Error("the shape is gone");
    const { scheduled } = planned(b, graph, [], shape);
    const carried = { ...scheduled, kernels: scheduled.kernels.map((kernel) => unrolled(b, kernel)) };
    const { share, faults } = worst(b, sized(graph, 33), carried, 1.5, 64);
    expect(faults).toEqual([]);
    expect(share).toBeLessThanOrEqual(1);
  });

  it("is replayed from JSON, and refused where its site is gone", () => {
    const { b, graph } = PROGRAMS.coded(SMALL);
    const shape = SHAPES["a chain"];
    if (shape === undefined) throw new Error("the shape is gone");
    const { plan, scheduled } = planned(b, graph, choicesOf(b, graph, ["tabulate", "group"]), shape);
    const stored = JSON.parse(JSON.stringify(plan)) as FusedPlan;
    const options = { limits: LIMITS, profile: HARDWARE, fixed: {} };
    const again = replayPlan(b, graph, stored, options);
    if (typeof again === "string") throw new Error(again);
    expect(again.scheduled.kernels).toEqual(scheduled.kernels);
    const other = PROGRAMS.plain(SMALL);
    expect(() => replayPlan(other.b, other.graph, stored, options)).toThrow(StaleChoice);
  });

  it("is refused with the count where a device has no room for it", () => {
    const { b, graph } = program();
    const shape = SHAPES["one dispatch"];
    if (shape === undefined) throw new Error("the shape is gone");
    const { plan } = planned(b, graph, [], shape);
    expect(replayPlan(b, graph, plan, { limits: { ...LIMITS, maxComputeWorkgroupStorageSize: 64 }, profile: HARDWARE, fixed: {} })).toMatch(/\d+ bytes of workgroup memory, of 64/);
    expect(replayPlan(b, graph, plan, { limits: { ...LIMITS, maxComputeInvocationsPerWorkgroup: 8 }, profile: HARDWARE, fixed: {} })).toMatch(/16 invocations in a workgroup, of 8/);
    expect(replayPlan(b, graph, plan, { limits: { ...LIMITS, maxStorageBuffersPerShaderStage: 3 }, profile: HARDWARE, fixed: {} })).toMatch(/4 storage buffers, of 3/);
  });

  it("is refused where it asks for subgroup operations that the device does not have", () => {
    const { b, graph } = program();
    const shape = SHAPES["one dispatch, in subgroups"];
    if (shape === undefined) throw new Error("the shape is gone");
    const { plan } = planned(b, graph, [], shape);
    const options = { limits: LIMITS, profile: HARDWARE, fixed: {} };
    expect(replayPlan(b, graph, plan, options)).toMatch(/subgroup operations, which the device does not have/);
    expect(replayPlan(b, graph, plan, { ...options, features: { subgroups: true } })).toHaveProperty("scheduled");
  });

  it("packs what a dispatch writes where it binds too much", () => {
    const { b, graph } = PROGRAMS.plain(SMALL);
    const shape = SHAPES["parts and a merge"];
    if (shape === undefined) throw new Error("the shape is gone");
    const { scheduled } = planned(b, graph, [], shape);
    const tight = packed(b, scheduled, 4);
    expect(scheduled.kernels[0]?.arrays.filter(({ space }) => space === "buffer").length).toBe(3);
    expect(tight.temporaries.length).toBe(1);
    const { share, faults } = worst(b, sized(graph, 33), tight, 1.5, 32);
    expect(faults).toEqual([]);
    expect(share).toBeLessThanOrEqual(1);
  });
});

/** A kernel without its `at`-th barrier; loops are looked into. */
function without(nodes: readonly Node[], at: { left: number }): readonly Node[] {
  return nodes.flatMap((node): readonly Node[] => {
    if (node.kind === "barrier") return at.left-- === 0 ? [] : [node];
    return [node.kind === "loop" ? { ...node, body: without(node.body, at) } : node];
  });
}

const barriers = (nodes: readonly Node[]): number => nodes.reduce((count, node) => count + (node.kind === "barrier" ? 1 : node.kind === "loop" ? barriers(node.body) : 0), 0);

describe("barriers", () => {
  it.each(["plain", "coded", "logTotal", "sink"] as const)("each of those of %s is needed", (name) => {
    const { b, graph } = PROGRAMS[name](SMALL);
    const shape = SHAPES["one dispatch, wide tiles, unrolled"];
    if (shape === undefined) throw new Error("the shape is gone");
    const { scheduled } = planned(b, graph, [], shape);
    const count = scheduled.kernels.reduce((sum, { body }) => sum + barriers(body), 0);
    expect(count).toBeGreaterThan(0);
    for (let k = 0; k < count; k++) {
      const at = { left: k };
      const broken = { ...scheduled, kernels: scheduled.kernels.map((kernel): Kernel => ({ ...kernel, body: without(kernel.body, at) })) };
      expect(worst(b, sized(graph, 49), broken, 1.5, 32).faults.join(), `without barrier ${k}`).toMatch(/race/);
    }
  });
});

describe("choices that a program offers", () => {
  it("tabulates keys that do not depend on their position, and says why where they do", () => {
    const offered = (name: Name): { readonly rules: readonly string[]; readonly why: string } => {
      const { b, graph } = PROGRAMS[name](SMALL);
      const { choices, refused } = listChoices(b, canonical(b, graph).graph, { token: 4096 });
      return { rules: [...new Set(choices.map(({ rule }) => rule))], why: refused.filter(({ rule }) => rule === "tabulate").map(({ why }) => why).join("; ") };
    };
    expect(offered("coded").rules).toContain("tabulate");
    const rotated = offered("rotated");
    expect(rotated.rules).toContain("unroll");
    expect(rotated.rules).not.toContain("tabulate");
    expect(rotated.why).toMatch(/still depends on token through/);
  });
});
