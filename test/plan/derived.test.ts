/** What programs of a model's size come to: dispatches, buffers, bytes, and loops that leave out what a mask does. */

import { compileSource } from "kvern/compiler";
import { describe, expect, it } from "vitest";
import { explain } from "../../compiler/explain/explain";
import type { Node } from "../../compiler/kernel/kernel";
import type { Refusal } from "../../compiler/algebra/derived";
import { lowerAll, lowerSeveral, type Lowering } from "../../compiler/lower";
import { enumeratePlans, shapeText } from "../../compiler/plan/fold/choose";
import { boundsUnder, HARDWARE, SOFTWARE } from "../../compiler/plan/fold/cost";
import { storageBuffers, workgroupBytes } from "../../compiler/plan/fold/legal";
import { specialise } from "../../compiler/plan/specialise";
import { loadGraph } from "../../spec/graph/json";
import { BIG, PROGRAMS, SMALL, type Config } from "../algebra/programs";
import { LIMITS } from "./limits";

type Name = keyof typeof PROGRAMS;
const TOKENS = 16384;

/** Rows, each centred and scaled, times one matrix. */
const ROWS = `
import { axis, f32, kernel, layerNorm, linear } from "kvern";
const channel = axis("channel"), output = axis("output"), row = axis("row");
export const rows = kernel({ x: f32(row, channel), gain: f32(channel), weight: f32(output, channel) }, f32(row, output), ({ x, gain, weight }) => (r, o) => {
  const normal = layerNorm(channel, (c) => x(r, c), 1e-5);
  return linear(channel, (c) => normal(c) * gain(c), weight)(o);
});
`;

const folded = (name: Name, config: Partial<Config> = {}): Lowering => {
  const { graph } = PROGRAMS[name]({ ...BIG, ...config });
  return lowerAll(graph, { limits: LIMITS, plans: "folds", set: graph.axes.some(({ name: axis, extent }) => axis === "token" && extent === undefined) ? { token: TOKENS } : {} });
};

const loops = (nodes: readonly Node[]): readonly Extract<Node, { kind: "loop" }>[] => nodes.flatMap((node) => (node.kind === "loop" ? [node, ...loops(node.body)] : []));

describe("plans for a model's shapes", () => {
  it("reads keys and values once: a partial and a merge, at most 1.05 times the bytes there are", () => {
    const { specialised, kernels, program, record } = folded("plain");
    expect(kernels.length).toBe(2);
    const { bytesMoved, compulsoryBytes } = explain({ program, axes: specialised.graph.axes, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused }, { token: TOKENS });
    expect((bytesMoved ?? Infinity) / (compulsoryBytes ?? 1)).toBeLessThanOrEqual(1.05);
  });

  it.each<[Name, Partial<Config>]>([["plain", {}], ["coded", {}], ["rotated", { couple: 4 }], ["rotated", { couple: 4, pairs: "interleaved" }], ["tail", {}], ["window", { queries: 64 }], ["softCap", {}], ["sink", {}], ["rms", {}], ["layer", {}]])("%s %j fits the device in every plan that is offered", (name, config) => {
    const { graph } = PROGRAMS[name]({ ...BIG, ...config });
    const { builder, graph: special, fixed } = specialise(graph, {});
    const { candidates, refused } = enumeratePlans(builder, special, { limits: LIMITS, profile: HARDWARE, fixed });
    expect(candidates.length).toBeGreaterThan(0);
    for (const { plan, scheduled } of candidates) {
      for (const kernel of scheduled.kernels) {
        expect(storageBuffers(kernel), shapeText(plan)).toBeLessThanOrEqual(LIMITS.maxStorageBuffersPerShaderStage);
        expect(workgroupBytes(kernel, boundsUnder(fixed)), shapeText(plan)).toBeLessThanOrEqual(LIMITS.maxComputeWorkgroupStorageSize);
      }
    }
    for (const { rule, why } of refused) if (rule === "plan") expect(why).toMatch(/\d/);
  });

  it("tabulates codes that do not depend on their position, and unrolls pairs of those that do", () => {
    const { graph } = PROGRAMS.coded(BIG);
    const coded = lowerAll(graph, { limits: LIMITS, plans: "folds", set: { token: TOKENS }, profile: SOFTWARE });
    expect(coded.fused?.choices.map(({ rule }) => rule)).toEqual(["tabulate", "group"]);
    const rotated = folded("rotated", { couple: 4 });
    expect(rotated.fused?.choices.map(({ rule }) => rule)).not.toContain("tabulate");
    expect(rotated.record.refused.filter(({ rule }) => rule === "tabulate").map(({ why }) => why).join()).toMatch(/still depends on token through/);
  });

  it("centres rows and multiplies them by a matrix in a partial dispatch and a merge, reading the matrix once", async () => {
    const { kernels: compiled } = await compileSource({ "rows.ts": ROWS }, "rows.ts");
    const sizes = { row: 8, channel: 4096, output: 4096 };
    const { specialised, kernels, program, record } = lowerAll(loadGraph(compiled["rows"]).graph, { limits: LIMITS, set: sizes });
    expect(kernels.length).toBe(2);
    const { dispatches } = explain({ program, axes: specialised.graph.axes, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused }, sizes);
    const read = dispatches.flatMap(({ traffic }) => traffic ?? []).filter(({ array }) => array === "weight");
    expect(read.map((each) => each.read)).toEqual([4 * 4096 * 4096]);
  });

  it.each([256, 1024, 4096, TOKENS])("scans no keys for a histogram on hardware, at %d tokens", (token) => {
    const { graph } = PROGRAMS.coded(BIG);
    const { fused, kernels } = lowerAll(graph, { limits: LIMITS, set: { token }, profile: HARDWARE });
    expect(fused?.choices.map(({ rule }) => rule)).not.toContain("group");
    expect(kernels.length).toBeLessThanOrEqual(3);
  });

  it.each([SOFTWARE, HARDWARE])("weighs the direct plan among those of folds: $name", (profile) => {
    const { graph } = PROGRAMS.plain(SMALL);
    const { builder, graph: special, fixed } = specialise(graph, { token: 8 });
    const refused: Refusal[] = [];
    const all = lowerSeveral({ builder, graph: special, fixed }, { limits: LIMITS, profile }, 100, refused);
    expect(all.filter(({ fused }) => fused === undefined).length).toBe(1);
    // Of eight tokens and few channels nothing is saved that a longer text would be worth.
    if (profile === SOFTWARE) expect(all[0]?.fused).toBeUndefined();
  });

  it("leaves out tiles that a window hides", () => {
    const { graph } = PROGRAMS.window(BIG);
    const { builder, graph: special, fixed } = specialise(graph, { token: TOKENS });
    const { candidates } = enumeratePlans(builder, special, { limits: LIMITS, profile: HARDWARE, fixed });
    const streamed = candidates.filter(({ plan }) => Object.values(plan.folds).some((fold) => fold.kind === "stream" && fold.part === undefined));
    expect(streamed.length).toBeGreaterThan(0);
    for (const { scheduled } of streamed) {
      const found = scheduled.kernels.flatMap(({ body }) => loops(body));
      expect(found.length).toBeGreaterThan(0);
      // Bounds that read the query: neither the first tile nor the last of the axis.
      for (const { low, high } of found) expect([low, high].some(({ free }) => free.length > 0)).toBe(true);
    }
  });

  it.each<[Name, Partial<Config>]>([["plain", {}], ["coded", {}], ["rotated", { couple: 4 }]])("%s %j has texts of at most 600 lines", (name, config) => {
    for (const { code } of folded(name, config).program.dispatches) expect(code.split("\n").length).toBeLessThanOrEqual(600);
  });
});
