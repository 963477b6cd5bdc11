/** @file Devices that have f16: what is read and kept as such, that WGSL accepts it, and that no number changes. */

import { afterAll, describe, expect, it, test } from "vitest";
import { lowerAll, type Lowering } from "../../compiler/lower";
import { enumeratePlans, replayPlan, type Candidate } from "../../compiler/plan/fold/choose";
import { boundsUnder, HARDWARE } from "../../compiler/plan/fold/cost";
import { workgroupBytes } from "../../compiler/plan/fold/legal";
import { specialise } from "../../compiler/plan/specialise";
import { isHalf, usesHalves } from "../../compiler/kernel/halves";
import type { Kernel } from "../../compiler/kernel/kernel";
import { kernelFaults } from "../../compiler/kernel/validate";
import { simulateProgram } from "../../compiler/simulator/program";
import { GraphBuilder } from "../../spec/graph/builder";
import { loadGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import { openValidator } from "../device/validator";
import { drawn, expectHeld } from "../every-plan/held";
import { graphsOf, MODEL } from "../golden/row";
import { compiled } from "../source/compiling";
import { LIMITS } from "./limits";

/** The largest of a token's channels weighs it: a value that is a half and that two reductions share. */
const PEAKS = `export const k = kernel({ x: f16(token, channel), v: f32(token, row) }, f32(row), ({ x, v }) => (r) => {
  const peak = softmax(token, (t) => max(channel, (c) => Math.abs(x(t, c))));
  return sum(token, (t) => peak(t) * v(t, r));
});`;

async function peaks(): Promise<Graph> {
  const k = (await compiled(PEAKS))["k"];
  if (k === undefined) throw new Error("no kernel");
  return k.graph;
}

const SIZES = { token: 150, channel: 8, row: 8 };
const lowered = (graph: Graph, f16: boolean, set = {}): Lowering => lowerAll(graph, { limits: LIMITS, set, features: { f16 } });

function plans(graph: Graph, f16: boolean): { readonly special: ReturnType<typeof specialise>; readonly candidates: readonly Candidate[] } {
  const special = specialise(graph, { channel: 8 });
  const { candidates } = enumeratePlans(special.builder, special.graph, { limits: LIMITS, profile: HARDWARE, fixed: special.fixed, features: { f16 } });
  return { special, candidates };
}

const shared = (kernels: readonly Kernel[]): number => Math.max(...kernels.map((kernel) => workgroupBytes(kernel, boundsUnder({}))));
const isStream = ({ plan }: Candidate): boolean => Object.values(plan.folds).some(({ kind }) => kind === "stream");

describe("what is a half anyway", () => {
  const g = new GraphBuilder();
  const load = (kind: "f16" | "f32") => g.load({ name: kind, axes: [], element: { kind } }, []);
  const [half, real] = [load("f16"), load("f32")];
  test.each([
    ["an element of f16", half, true],
    ["one of f32", real, false],
    ["its opposite", g.negate(half), true],
    ["twice it, which may be too large", g.scale(2, half), false],
    ["a sum", g.add(half, g.one), false],
    ["a product", g.multiply(half, half), false],
    ["the larger of two", g.larger(half, g.constant(0.5)), true],
    ["the larger of it and what is rounded", g.larger(half, g.constant(0.1)), false],
    ["the larger of it and what a device may flush as a half", g.larger(half, g.constant(2 ** -20)), false],
    ["one of two", g.select(g.less(g.zero, real), half, g.constant(-3)), true],
    ["its whole part", g.apply("floor", [half]), true],
    ["its exponential", g.apply("exp", [half]), false],
  ] as const)("%s", (_, value, expected) => {
    expect(isHalf(value)).toBe(expected);
  });
  it("an infinity is none, as the maximum of nothing", () => {
    const x = g.index("n", g.extent("n"), 0);
    if (x.kind !== "index") throw new Error("n has one position");
    expect(isHalf(g.reduce("max", x, g.load({ name: "x", axes: ["n"], element: { kind: "f16" } }, [x])))).toBe(false);
  });
});

it("takes half the workgroup memory for a value that is a half, and the text says so", async () => {
  const graph = await peaks();
  const of = (f16: boolean): Candidate => {
    const found = plans(graph, f16).candidates.find(isStream);
    if (found === undefined) throw new Error("no plan streams");
    return found;
  };
  const [with16, with32] = [of(true), of(false)];
  expect(with16.plan).toEqual(with32.plan);
  const staged = (candidate: Candidate) => candidate.scheduled.kernels.flatMap(({ arrays }) => arrays.filter(({ space }) => space === "workgroup").map(({ element }) => element.kind));
  // The peak; its exponential is none.
  expect(staged(with16)).toEqual(["f16", "f32"]);
  expect(staged(with32)).toEqual(["f32", "f32"]);
  expect(shared(with16.scheduled.kernels)).toBeLessThan(shared(with32.scheduled.kernels));
  for (const kernel of with16.scheduled.kernels) expect(kernelFaults(kernel)).toEqual([]);
  const { program } = lowerAll(graph, { limits: LIMITS, set: { channel: 8 }, features: { f16: true }, fused: with16.plan });
  const [code = ""] = program.dispatches.map((each) => each.code).filter((text) => text.startsWith("enable f16;"));
  expect(code).toContain("var<storage, read> b0: array<vec4h>; // x: f16, input");
  expect(code).toMatch(/var<workgroup> w0: array<f16, \d+>/);
  // The estimate of workgroup memory is that of the text.
  expect(Math.max(...program.dispatches.map((each) => each.workgroupBytes))).toBe(shared(with16.scheduled.kernels));
});

it("fits a tile that takes too much without f16", async () => {
  const graph = await peaks();
  const { special: { builder, graph: special, fixed } } = plans(graph, true);
  const [stream] = plans(graph, true).candidates.filter(isStream);
  if (stream === undefined) throw new Error("no plan streams");
  const wider = { ...stream.plan, folds: Object.fromEntries(Object.entries(stream.plan.folds).map(([name, fold]) => [name, fold.kind === "stream" ? { ...fold, tile: 2048, part: 2048 } : fold])) };
  const options = { limits: LIMITS, profile: HARDWARE, fixed };
  expect(replayPlan(builder, special, wider, options)).toMatch(/bytes of workgroup memory, of 16384/);
  expect(replayPlan(builder, special, wider, { ...options, features: { f16: true } })).toHaveProperty("scheduled");
});

it("gives the numbers of f32, in every plan that is offered", async () => {
  const graph = await peaks();
  const { special, candidates } = plans(graph, true);
  const without = plans(graph, false).candidates;
  expect(candidates.length).toBe(without.length);
  const measured = drawn(special.graph, SIZES, 3, {});
  for (const [at, candidate] of candidates.entries()) {
    expect(expectHeld(special, candidate, measured, `plan ${at}`)).toBeGreaterThan(0);
    const run = ({ scheduled }: Candidate) => simulateProgram(special.builder, special.graph, scheduled, measured.inputs, measured.sizes).outputs;
    const same = plans(graph, false);
    expect(run(candidate)).toEqual(simulateProgram(same.special.builder, same.special.graph, same.candidates[at]?.scheduled ?? candidate.scheduled, measured.inputs, measured.sizes).outputs);
  }
});

it("is not there without the feature, and not asked of a plan", async () => {
  const graph = await peaks();
  expect(lowered(graph, false).kernels.some(usesHalves)).toBe(false);
  expect(lowered(graph, false).program.dispatches.some(({ code }) => code.includes("f16;"))).toBe(false);
  const { special, candidates } = plans(graph, true);
  for (const { plan } of candidates) {
    const replayed = replayPlan(special.builder, special.graph, plan, { limits: LIMITS, profile: HARDWARE, fixed: special.fixed });
    if (typeof replayed === "string") throw new Error(replayed);
    expect(replayed.scheduled.kernels.some(usesHalves)).toBe(false);
  }
});

const validator = await openValidator(["shader-f16", "subgroups"]);
afterAll(() => validator?.close());
if (validator === undefined) console.warn("skipped: Dawn has no device without an adapter that has f16");

describe.skipIf(validator === undefined)("as WGSL", () => {
  const accepted = async ({ program }: Lowering): Promise<number> => {
    let halves = 0;
    for (const { name, code } of program.dispatches) {
      expect(await validator?.validate(code), `${name}\n${code}`).toEqual([]);
      if (code.startsWith("enable f16;")) halves++;
    }
    return halves;
  };

  it("is accepted of a value that is a half, in every plan", async () => {
    const graph = await peaks();
    for (const { plan } of plans(graph, true).candidates) {
      expect(await accepted(lowerAll(graph, { limits: LIMITS, set: { channel: 8 }, features: { f16: true }, fused: plan }))).toBeGreaterThan(0);
    }
  });

  it.each(["coupled-cache", "formats", "encode"])("is accepted of tensors of f16: %s", async (name) => {
    let halves = 0;
    for (const saved of Object.values(await graphsOf(name))) {
      const { graph } = loadGraph(saved);
      const set = Object.fromEntries(graph.axes.flatMap(({ name: axis, extent }) => (extent === undefined && MODEL[axis] !== undefined ? [[axis, MODEL[axis]]] : [])));
      for (const plan of ["folds", "direct"] as const) halves += await accepted(lowerAll(graph, { limits: LIMITS, set, features: { f16: true, subgroups: true }, plans: plan }));
    }
    expect(halves).toBeGreaterThan(0);
  });

  it("refuses what is no WGSL", async () => {
    expect(await validator?.validate("enable f16; @compute @workgroup_size(1) fn main() { let x: f32 = f16(1.0); }")).not.toEqual([]);
  });
});
