/** @file Faults that compilers of such kernels are known for, planted behind the algebra: the search must find and shrink each. */

import { describe, expect, test } from "vitest";

import { fuzzPrograms, type Prepare } from "../../bin/fuzz/fuzz";
import type { Ran, Run } from "../../bin/fuzz/subject";
import type { Derived } from "../../compiler/algebra/derived";
import type { Kernel, Node, Stage } from "../../compiler/kernel/kernel";
import { enumeratePlans, foldsPay, shapeText } from "../../compiler/plan/fold/choose";
import { SOFTWARE } from "../../compiler/plan/fold/cost";
import { readSlots } from "../../compiler/plan/fold/prepare";
import { schedule } from "../../compiler/plan/fold/schedule";
import { specialise } from "../../compiler/plan/specialise";
import { simulateProgram } from "../../compiler/simulator/program";
import { kernelOf, RunCheck } from "../../runtime/kernel";
import { discharge } from "../../runtime/obligations";
import { DEFAULT_LIMITS as limits } from "../../runtime/webgpu/gpu";
import type { GraphBuilder } from "../../spec/graph/builder";
import { loadGraph } from "../../spec/graph/json";
import type { Value } from "../../spec/graph/node";

interface Plant {
  readonly derived?: (builder: GraphBuilder, derived: Derived) => Derived;
  readonly kernel?: (builder: GraphBuilder, kernel: Kernel) => Kernel;
}

/** The simulator on the most promising plan of folds that has tiles, made from what `plant` leaves of it; programs without folds agree. */
const planted = ({ derived: change = (_, derived) => derived, kernel: alter = (_, kernel) => kernel }: Plant): Prepare => (_, serialised) => {
  const { graph } = loadGraph(serialised);
  const kernel = kernelOf(graph, (sizes) => discharge(graph, sizes));
  const { builder, graph: special, fixed } = specialise(graph, {});
  const found = foldsPay(builder, special) ? enumeratePlans(builder, special, { limits, profile: SOFTWARE, fixed }).candidates : [];
  const run: Run = (inputs, set) => {
    const { sizes } = new RunCheck(kernel, {}).check(inputs, { set });
    const candidate = found.find(({ plan }) => Object.values(plan.folds).some(({ kind }) => kind !== "whole")) ?? found[0];
    if (candidate === undefined) return Promise.resolve<Ran[]>([]);
    const { kernels } = schedule(builder, change(builder, candidate.derived), candidate.plan);
    const { outputs } = simulateProgram(builder, graph, { kernels: kernels.map((each) => alter(builder, each)) }, inputs, sizes);
    const shaped = Object.fromEntries(graph.outputs.map(({ name, axes }) => [name, { shape: axes.map((axis) => sizes[axis] ?? 0), data: outputs[name] ?? [] }]));
    const rescalings = 2 * Math.max(0, ...Object.values(sizes).map((size) => Math.ceil(size / 64) - 1));
    return Promise.resolve<Ran[]>([{ outputs: shaped, plan: shapeText(candidate.plan), rescalings }]);
  };
  return Promise.resolve({ finite: true, run });
};

const components = (derived: Derived, change: (component: Derived["folds"][number]["components"][number]) => Derived["folds"][number]["components"][number]): Derived =>
  ({ ...derived, folds: derived.folds.map((fold) => ({ ...fold, components: fold.components.map(change) })) });

/** exp(x) instead of exp(x − max): the same over the reals, and beyond f32 for large scores. */
const withoutMaximum: Plant = {
  derived: (builder, derived) => {
    const maxima = new Set(derived.folds.flatMap(({ components: all }) => all.filter(({ op }) => op === "max").map(({ name }) => name)));
    return components(derived, (component) => (!component.reads.some((name) => maxima.has(name)) ? component : {
      ...component, repair: { kind: "none" }, reads: [],
      body: readSlots(builder, component.body, (slot) => (maxima.has(slot.name) ? builder.zero : undefined)),
    }));
  },
};

/** Tiles and parts are added up as if they all had the same maximum. */
const withoutRescaling: Plant = {
  derived: (_, derived) => components(derived, (component) => (component.repair.kind === "multiply" ? { ...component, repair: { kind: "none" } } : component)),
};

/** `position < extent` becomes `position < extent − 1` where lanes are guarded. */
const withoutLast: Plant = {
  kernel: (builder, kernel) => {
    const earlier = (guard: Value): Value =>
      guard.kind === "and" ? builder.and(...guard.of.map(earlier)) : guard.kind === "less" ? builder.less(builder.linear(1, [[1, guard.left]]), guard.right) : guard;
    const stage = (each: Stage): Stage => ({ ...each, inside: earlier(each.inside) });
    const node = (each: Node): Node => (each.kind === "stage" ? stage(each) : each.kind === "loop" ? { ...each, body: each.body.map(node) } : each);
    return { ...kernel, body: kernel.body.map(node) };
  },
};

const search = (plant: Plant, runs: number) => fuzzPrograms({ runs, seed: 1, backend: "planted", prepare: planted(plant), progress: () => undefined });

describe("a search finds", { timeout: 180_000 }, () => {
  test("nothing where nothing is planted", async () => {
    expect(await search({}, 60)).toMatchObject({ failures: [] });
  });

  test.each<[string, Plant]>([
    ["a softmax that does not subtract its maximum", withoutMaximum],
    ["a merge that forgets to rescale", withoutRescaling],
    ["a last tile that lacks its last position", withoutLast],
  ])("%s, in a program of at most ten lines", async (_, plant) => {
    const { failures: [first] } = await search(plant, 400);
    const lines = (first?.repro.text ?? "").split("\n").filter((line) => line.trim() !== "" && !line.startsWith("//"));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length, first?.repro.text).toBeLessThanOrEqual(10);
  });
});
