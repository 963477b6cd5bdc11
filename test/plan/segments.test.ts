/**
 * A cache in three segments, under every plan that the planner lists: in the simulator, at every edge of every segment,
 * within the interpreter's bound.
 */

import { describe, expect, test } from "vitest";
import { StaleChoice } from "../../compiler/algebra/choices";
import { enumeratePlans, replayPlan, shapeText, type Candidate } from "../../compiler/plan/fold/choose";
import { HARDWARE } from "../../compiler/plan/fold/cost";
import type { FusedPlan } from "../../compiler/plan/fold/plan";
import { specialise, type Specialised } from "../../compiler/plan/specialise";
import { kernelFaults } from "../../compiler/kernel/validate";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { interpretWithBound } from "../../spec/interpreter";
import { bindSizes, type TensorData } from "../../spec/tensor";
import { compileSource } from "kvern/compiler";
import { LIMITS } from "./limits";
import { simulateProgram } from "../../compiler/simulator/program";

/** Small enough for the simulator: two query heads for each of two kv heads, one couple of two channels, two bits. */
const PROGRAM = (score: string, live: string): string => `
  import { axis, causal, extent, f32, groupOf, joined, kernel, masked, softmax, sum, type Index } from "kvern";
  import { coupled, segmented } from "kvern/formats";
  const head = axis("head", 4), kvHead = axis("kvHead", 2), channel = axis("channel", 4), query = axis("query", 2);
  const sink = axis("sink"), coded = axis("coded"), recent = axis("recent"), token = joined("token", sink, coded, recent);
  const cache = segmented([token, kvHead, channel], {
    sinks: f32(sink, kvHead, channel), coded: coupled([coded, kvHead, channel], { couple: 2, bits: 2 }), tail: f32(recent, kvHead, channel),
  });
  export const k = kernel({ q: f32(query, head, channel), keys: cache, values: cache }, f32(query, head, channel), ({ q, keys, values }) => (i, h, c) => {
    const kv = groupOf(h, head, kvHead);
    const now = extent(token) - extent(query) + i;
    const weight = softmax(token, masked(token, (t) => ${live}, (t) => ${score} * sum(channel, (c) => q(i, h, c) * keys(t, kv, c))));
    return sum(token, (t) => weight(t) * values(t, kv, c));
  });`;

const compiled = async (score: string, live: string): Promise<SerialisedGraph> => {
  const { k } = (await compileSource({ "k.ts": PROGRAM(score, live) }, "k.ts")).kernels;
  if (k === undefined) throw new Error("no kernel k");
  return k;
};

type Edge = readonly [sink: number, coded: number, recent: number];
const EDGES: readonly Edge[] = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 5, 3], [0, 7, 3], [4, 9, 0], [3, 0, 2], [4, 61, 7], [1, 64, 65]];

const irregular = (count: number, seed: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.fround(1.5 * Math.sin(i * 12.9898 + seed * 78.233)));

function inputsOf({ graph }: Pick<Specialised, "graph">, [sink, coded, recent]: Edge): Readonly<Record<string, TensorData>> {
  const sizes: Readonly<Record<string, number>> = { ...Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]]))), sink, coded, recent, "channel/2": 2 };
  return Object.fromEntries(graph.inputs.map(({ name, axes, element }, at) => {
    const shape = axes.map((axis) => sizes[axis] ?? 0);
    const count = shape.reduce((all, size) => all * size, 1);
    const halves = irregular(count, at).map((x) => Math.round(x * 64) / 64);
    return [name, { shape, data: element.kind === "uint" ? Uint8Array.from({ length: count }, (_, i) => (i * 7 + at) % 4) : element.kind === "f16" ? halves : irregular(count, at) }];
  }));
}

/** The worst element's distance as a share of its bound, and every fault. */
function held(saved: SerialisedGraph, { builder, graph }: Specialised, { scheduled, plan }: Candidate, edge: Edge, warp: 4 | 32 | 64): void {
  const inputs = inputsOf({ graph }, edge);
  const original = loadGraph(saved).graph;
  const sizes = bindSizes(original, inputs);
  const want = interpretWithBound(original, inputs, { rescalings: 2 * Math.ceil((sizes["token"] ?? 0) / 4) });
  const got = simulateProgram(builder, graph, scheduled, inputs, sizes, warp);
  expect(got.faults.map(({ kind, text }) => `${kind}: ${text}`), `${shapeText(plan)} at ${edge.join()}`).toEqual([]);
  for (const [name, { data, bound }] of Object.entries(want)) {
    data.forEach((value, at) => {
      const seen = got.outputs[name]?.[at] ?? NaN;
      if (seen === value || bound[at] === Infinity) return;
      expect(Math.abs(seen - value), `${name}[${at}] under ${shapeText(plan)} at ${edge.join()}`).toBeLessThanOrEqual(bound[at] ?? 0);
    });
  }
}

const options = { limits: LIMITS, profile: HARDWARE, fixed: {}, every: true };

describe.each([["every token", "true"], ["tokens up to the query's", "causal(now, t)"], ["a window", "causal(now, t) && now - t < 5"]])("attending to %s", (_, live) => {
  const saved = compiled("0.5", live);

  test("every plan holds every element within its bound", { timeout: 300_000 }, async () => {
    const special = specialise(loadGraph(await saved).graph, {});
    const { candidates } = enumeratePlans(special.builder, special.graph, options);
    const cut = candidates.filter(({ plan }) => plan.choices.some(({ rule }) => rule === "cut"));
    for (const rule of ["tabulate", "group"]) expect(cut.filter(({ plan }) => plan.choices.some((choice) => choice.rule === rule)).length, rule).toBeGreaterThan(0);
    for (const kind of ["stream", "chain"]) expect(cut.some(({ plan: { folds } }) => Object.values(folds).some((fold) => fold.kind === "pieces" && Object.values(fold.pieces).some((each) => each.kind === kind))), kind).toBe(true);
    for (const [at, candidate] of cut.entries()) {
      for (const kernel of candidate.scheduled.kernels) expect(kernelFaults(kernel)).toEqual([]);
      for (const edge of at < 4 ? EDGES : EDGES.slice(4, 6)) held(await saved, special, candidate, edge, 32);
    }
  });
});

describe("a cut", () => {
  test("is stored with its plan, replayed, and refused where its site is gone", async () => {
    const special = specialise(loadGraph(await compiled("0.5", "true")).graph, {});
    const { candidates } = enumeratePlans(special.builder, special.graph, options);
    const first = candidates.find(({ plan }) => plan.choices.some(({ rule }) => rule === "cut"));
    if (first === undefined) throw new Error("no plan is cut");
    expect(first.plan.choices).toMatchInlineSnapshot(`
      [
        {
          "parameters": {
            "axis": "token",
          },
          "rule": "cut",
          "site": "token at |sink|, |coded| + |sink|",
        },
      ]
    `);
    const stored = JSON.parse(JSON.stringify(first.plan)) as FusedPlan;
    const again = replayPlan(special.builder, special.graph, stored, options);
    if (typeof again === "string") throw new Error(again);
    expect(again.scheduled.kernels).toEqual(first.scheduled.kernels);
    expect(again.derived.record.fired.filter(({ rule }) => rule === "cut").map(({ at }) => at)).toEqual(["token at |sink|, |coded| + |sink|"]);
    const moved: FusedPlan = { ...stored, choices: stored.choices.map((choice) => ({ ...choice, site: choice.site.replace("|sink|, ", "") })) };
    expect(() => replayPlan(special.builder, special.graph, moved, options)).toThrow(StaleChoice);
  });

  test("is one of the plans that are tried first, and takes less estimated time than the whole", async () => {
    const special = specialise(loadGraph(await compiled("0.5", "true")).graph, {});
    const { candidates: tried } = enumeratePlans(special.builder, special.graph, { ...options, every: false });
    const { candidates: all } = enumeratePlans(special.builder, special.graph, options);
    const isCut = ({ plan }: Candidate): boolean => plan.choices.some(({ rule }) => rule === "cut");
    expect(tried.every(isCut)).toBe(true);
    const least = (list: readonly Candidate[]): number => Math.min(...list.map(({ cost }) => cost));
    expect(least(all.filter(isCut))).toBeLessThan(least(all.filter((each) => !isCut(each))));
  });

  test("leaves nothing of the other pieces in a piece: no code is read in the tail, no tail where codes are", async () => {
    const special = specialise(loadGraph(await compiled("0.5", "true")).graph, {});
    const { candidates } = enumeratePlans(special.builder, special.graph, options);
    const first = candidates.find(({ plan }) => plan.choices.length === 1 && plan.choices[0]?.rule === "cut");
    const read = first?.scheduled.kernels.map(({ name, arrays }) => `${name} reads ${arrays.filter(({ space, name: array }) => space === "input" && !array.includes("piece")).map((array) => array.name).join(", ")}`);
    expect(read).toMatchInlineSnapshot(`
      [
        "k: token piece 1 reads keys.sinks, q, values.sinks",
        "k: token piece 2 reads keys.coded.book, keys.coded.codes, q, values.coded.book, values.coded.codes",
        "k: token piece 3 reads keys.tail, q, values.tail",
        "k: out reads ",
      ]
    `);
  });
});

test.each([[2, 5, 3], [1, 5, 7], [4, 2, 1]])("segments of the fixed sizes %i, %i and %i are planned: a side that was taken is not looked into again", async (sink, coded, recent) => {
  const { builder, graph, fixed } = specialise(loadGraph(await compiled("0.5", "true")).graph, { sink, coded, recent });
  const { candidates, refused } = enumeratePlans(builder, graph, { limits: LIMITS, profile: HARDWARE, fixed });
  expect(candidates.length + refused.filter(({ rule }) => rule === "plan").length).toBeGreaterThan(0);
});
