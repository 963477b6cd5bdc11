/** @file A program of `programs/`, what becomes of it, and its golden text: the program above, its plans and WGSL below. */

import { readFileSync } from "node:fs";
import { compileSource } from "kvern/compiler";
import { expect } from "vitest";
import { explain, type Explanation } from "../../compiler/explain/explain";
import { explanationText } from "../../compiler/explain/text";
import type { Kernel, Node } from "../../compiler/kernel/kernel";
import { lowerAll, type Lowering } from "../../compiler/lower";
import { enumeratePlans, shapeText, type Chosen } from "../../compiler/plan/fold/choose";
import { boundsUnder, HARDWARE, type DeviceProfile } from "../../compiler/plan/fold/cost";
import { storageBuffers, workgroupBytes } from "../../compiler/plan/fold/legal";
import { specialise } from "../../compiler/plan/specialise";
import type { Sizes } from "../../compiler/program";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import { LIMITS } from "../plan/limits";

/** 32 query heads over 8 key heads of 128 channels, and 16,384 tokens. */
export const MODEL: Sizes = { head: 32, kvHead: 8, channel: 128, token: 16384 };

/** One kernel, planned under WebGPU's default limits. */
export interface Planned {
  readonly graph: Graph;
  readonly set: Sizes;
  readonly lowering: Lowering;
  readonly explained: Explanation;
}

const place = (name: string): URL => new URL(`programs/${name}.ts`, import.meta.url);
const compiled = new Map<string, Promise<Readonly<Record<string, SerialisedGraph>>>>();

/** The graphs of a program of `programs/`. */
export function graphsOf(name: string): Promise<Readonly<Record<string, SerialisedGraph>>> {
  const known = compiled.get(name) ?? compileSource({ [`${name}.ts`]: readFileSync(place(name), "utf8") }, `${name}.ts`).then(({ kernels }) => kernels);
  compiled.set(name, known);
  return known;
}

/** @param set sizes, of which those that the kernel does not have are left out */
export async function planned(name: string, kernel: string, set: Sizes, profile: DeviceProfile = HARDWARE): Promise<Planned> {
  const saved = (await graphsOf(name))[kernel];
  if (saved === undefined) throw new Error(`${name}.ts has no kernel ${kernel}`);
  const { graph } = loadGraph(saved);
  const own = Object.fromEntries(graph.axes.flatMap(({ name: axis, extent }) => (extent === undefined && set[axis] !== undefined ? [[axis, set[axis]]] : [])));
  const lowering = lowerAll(graph, { limits: LIMITS, plans: "folds", set: own, profile });
  const { program, kernels, specialised, record } = lowering;
  const explained = explain({ program, axes: graph.axes, graph: specialised.graph, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused }, own);
  return { graph, set: own, lowering, explained };
}

/** Every plan that is offered for a kernel. */
export function plansOf({ graph, set }: Planned, every = false): Chosen {
  const { builder, graph: special, fixed } = specialise(graph, set);
  return enumeratePlans(builder, special, { limits: LIMITS, profile: HARDWARE, fixed, every });
}

/** Holds every plan that is offered to what each WebGPU device has. */
export function expectFit(row: Planned): void {
  const { candidates } = plansOf(row);
  expect(candidates.length).toBeGreaterThan(0);
  const bounds = boundsUnder(row.set);
  for (const { plan, scheduled } of candidates) {
    for (const kernel of scheduled.kernels) {
      expect(storageBuffers(kernel), shapeText(plan)).toBeLessThanOrEqual(LIMITS.maxStorageBuffersPerShaderStage);
      expect(workgroupBytes(kernel, bounds), shapeText(plan)).toBeLessThanOrEqual(LIMITS.maxComputeWorkgroupStorageSize);
    }
  }
}

/** Bytes of an array that all dispatches read, and its size. */
export function traffic({ explained }: Planned, array: string): number {
  return explained.dispatches.reduce((sum, { traffic: moved }) => sum + (moved?.find((each) => each.array === array)?.read ?? 0), 0);
}

/** What moves, over every input and output once. */
export const overCompulsory = ({ explained: { bytesMoved, compulsoryBytes } }: Planned): number => (bytesMoved ?? Infinity) / (compulsoryBytes ?? 1);

/** What is computed, over what is written with each value computed once; `again` of what is computed is known to be repeated. */
export const overWritten = ({ explained: { operations, operationsAsWritten } }: Planned, again = 0): number => ((operations ?? Infinity) - again) / (operationsAsWritten ?? 1);

/** The components of every fold: name and how it is repaired. */
export const foldsOf = ({ lowering: { record } }: Planned): readonly string[] => record.fired.filter(({ rule }) => rule === "fold").map(({ at }) => at);

export const refusalsOf = ({ lowering: { record } }: Planned, rule: string): string => record.refused.filter((refusal) => refusal.rule === rule).map(({ why }) => why).join("\n");

export const choicesOf = ({ lowering: { fused } }: Planned): readonly string[] => fused?.choices.map(({ rule }) => rule) ?? [];

/** Whether the folds of a plan go through an axis once, in one dispatch or in parts with a merge. */
export const isOnePass = (row: Planned, axis: string): boolean => foldsOf(row).filter((fold) => fold.startsWith(`${axis}:`) || fold.startsWith(`${axis} `)).length === 1;

export const loopsOf = ({ body }: Pick<Kernel, "body">): readonly Extract<Node, { kind: "loop" }>[] => body.flatMap((node) => (node.kind === "loop" ? [node, ...loopsOf(node)] : []));

/** The longest text of a kernel. */
const MOST_LINES = 600;

/** The program, then what is planned for each of its kernels and its WGSL, as a file beside the test. */
export async function expectGolden(row: string, name: string, kernels: readonly Planned[]): Promise<void> {
  for (const { program } of kernels.map(({ lowering }) => lowering)) for (const { code, name: dispatch } of program.dispatches) expect(code.split("\n").length, dispatch).toBeLessThanOrEqual(MOST_LINES);
  const below = kernels.flatMap(({ explained, lowering: { fused, program } }) => [
    "", "=".repeat(100), explanationText(explained),
    "", `plan ${JSON.stringify(fused?.folds ?? "a dispatch for every reduction", undefined, 1).replace(/\n\s*/g, " ")}`,
    ...program.dispatches.flatMap(({ code }) => ["", code.trimEnd()]),
  ]);
  await expect(`${readFileSync(place(name), "utf8")}${below.join("\n")}\n`).toMatchFileSnapshot(`${row}.txt`);
}
