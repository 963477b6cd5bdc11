/** @file Lanes joined by subgroup operations, on the device: whatever the size and the order of its subgroups. */

import { expect, test } from "vitest";
import { derive } from "../../compiler/algebra/passes";
import type { Cross, Kernel, KernelArray } from "../../compiler/kernel/kernel";
import { lowerAll } from "../../compiler/lower";
import { printWgsl } from "../../compiler/emit/wgsl";
import { isWide, rolesOf, sharesOf } from "../../compiler/plan/fold/candidates";
import type { Program } from "../../compiler/program";
import { GraphBuilder } from "../../spec/graph/builder";
import { range } from "../../spec/graph/facts";
import { saveGraph } from "../../spec/graph/json";
import type { Index, Tensor, Value } from "../../spec/graph/node";
import { tensor } from "../../spec/tensor";
import { PROGRAMS, SMALL } from "../algebra/programs";
import { describeOnDevice, device, prepareProgram } from "../device/harness";
import { agree, hasSubgroups, inputsOf } from "./agreement";
import { LIMITS } from "./limits";

const LANES = 64;
const OPS: Readonly<Record<Cross["op"], (a: number, b: number) => number>> = { sum: (a, b) => a + b, max: (a, b) => Math.max(a, b), min: (a, b) => Math.min(a, b) };

/** Every lane's number, joined over some digits of the lane: by the device's own subgroups, or as if they were as `grain` says. */
function joined([outer, over, inner]: readonly [number, number, number], op: Cross["op"], needed: Cross["needed"], grain?: string): Program {
  const g = new GraphBuilder();
  const lanes = [["outer", outer], ["over", over], ["inner", inner]].flatMap(([name, extent]): Index[] => {
    const index = g.index(String(name), g.constant(Number(extent)));
    return index.kind === "index" ? [index] : [];
  });
  const at = lanes.reduce<Value>((number, lane) => g.add(g.multiply(number, lane.extent), lane), g.zero);
  const digit = lanes.filter(({ axis }) => axis === "over");
  const array = (name: string, space: KernelArray["space"], shape: readonly number[]): KernelArray => ({ name, space, shape: shape.map((extent) => g.constant(extent)), element: { kind: "f32" }, infinite: false });
  const part = g.slot("part", [], range(-1e30, 1e30));
  const stage = { kind: "stage", lanes, digits: [], block: [], vector: undefined, roles: {}, inside: g.true, otherwise: undefined } as const;
  const assign = { kind: "assign", op: "=", over: [], where: g.true } as const;
  const kernel: Kernel = {
    name: "joined", grid: [], lanes: LANES,
    arrays: [array("x", "input", [LANES]), { ...array("part", "register", []), roles: [] }, array("y", "buffer", [LANES])],
    body: [
      { ...stage, items: [{ ...assign, array: "part", indices: [], value: g.slot("x", [at], range(-1e30, 1e30)) }] },
      { kind: "cross", registers: ["part"], lanes, over: digit, op, method: "subgroup", needed },
      { ...stage, items: [{ ...assign, array: "y", indices: [at], value: part }] },
    ],
  };
  const { code, ...printed } = printWgsl(g, kernel, 65_535);
  const declared = (name: string): Tensor => ({ name, axes: ["lane"], element: { kind: "f32" } });
  const changed = grain === undefined ? code : code.replace("select(128u, 128u / together, inOrder)", grain);
  if (grain !== undefined) expect(changed).not.toBe(code);
  return {
    kernel: "joined", inputs: [declared("x")], outputs: [declared("y")], fixed: { lane: LANES }, temporaries: [],
    arrays: new Map(["x", "y"].map((name) => [name, { name, element: { kind: "f32" }, shape: () => [LANES] }])),
    dispatches: [{ name: "joined", code: changed, workgroupSize: LANES, bindings: printed.bindings, uniforms: [], workgroups: () => [1, 1, 1], workgroupBytes: printed.workgroupBytes }],
  };
}

describeOnDevice("lanes in subgroups", () => {
  const x = Float32Array.from({ length: LANES }, (_, at) => ((at * 37) % 64) - 20);
  test.each([[1, 64, 1], [4, 16, 1], [32, 2, 1], [1, 2, 32], [2, 8, 4], [1, 16, 4], [3, 4, 4]] as const)("joined over %i × [%i] × %i", async (outer, over, inner) => {
    if (!hasSubgroups()) return;
    const all = outer * over * inner;
    for (const op of ["sum", "max", "min"] as const) {
      // Subgroups that lie in another order have a width of 1; smaller ones are parts of larger ones.
      for (const grain of [undefined, "128u", "64u"]) {
        for (const needed of ["all", "owners"] as const) {
          const { y } = await (await prepareProgram(device(), joined([outer, over, inner], op, needed, grain))).run({ x: tensor([LANES], x) }).catch((fault: unknown) => {
            // Lanes beyond the digits store nothing.
            if (all < LANES && fault instanceof Error && fault.message.includes("unwritten")) return { y: undefined };
            throw fault;
          });
          for (let lane = 0; y !== undefined && lane < all; lane++) {
            const own = Math.floor(lane / inner) % over;
            if (needed === "owners" && own !== 0) continue;
            const first = lane - own * inner;
            const expected = Array.from({ length: over }, (_, k) => x[first + k * inner] ?? NaN).reduce(OPS[op]);
            expect(y.data[lane], `${op} at ${lane}, ${needed}, ${grain ?? "as it is"}`).toBe(expected);
          }
        }
      }
    }
  });

  test.each(["plain", "logTotal", "sink", "coded", "rms", "layer"] as const)("of the fold of %s", async (name) => {
    if (!hasSubgroups()) return;
    for (const [lanes, part] of [[16, undefined], [32, 64], [64, 128]] as const) {
      const { b, graph } = PROGRAMS[name](SMALL);
      const derived = derive(b, graph, []);
      const folds = Object.fromEntries(derived.folds.map((fold) => [fold.name, isWide(fold)
        ? { kind: "stream", lanes, tile: 64, ...(part === undefined ? {} : { part }), shares: sharesOf(b, fold, lanes), cross: "subgroup", roles: rolesOf(b, derived, 1) } as const
        : { kind: "whole" } as const]));
      for (const length of [1, 17, 64, 130]) {
        const inputs = inputsOf(graph, length);
        const bound = new Set(graph.inputs.flatMap(({ axes }) => axes));
        const set = graph.axes.some((axis) => axis.name === "token" && axis.extent === undefined) && !bound.has("token") ? { token: length } : {};
        const { program } = await agree(graph, inputs, { set, sizes: "open", portable: false, features: { subgroups: true }, fused: { choices: [], folds } });
        expect(program.dispatches.some(({ code }) => code.startsWith("enable subgroups;"))).toBe(true);
      }
    }
  });

  test("are chosen where the device has them, and not where they are switched off", async () => {
    const { b, graph } = PROGRAMS.plain(SMALL);
    const uses = (features: { readonly subgroups?: boolean }): boolean => lowerAll(graph, { limits: LIMITS, features, plans: "folds" }).program.dispatches.some(({ code }) => code.startsWith("enable subgroups;"));
    expect([uses({ subgroups: true }), uses({ subgroups: false }), uses({})]).toEqual([true, false, false]);
    if (!hasSubgroups()) return;
    const [name] = derive(b, graph, []).folds.map((fold) => fold.name);
    const folds = { [name ?? ""]: { kind: "stream", lanes: 32, tile: 32, shares: {}, cross: "subgroup", roles: {} } };
    const plan = { format: "kvern-plan", version: 1, kernel: graph.name, graph: "", set: {}, upTo: {}, device: "", plan: { choices: [], folds } };
    const plans = { get: () => plan, set: () => undefined };
    const inputs = inputsOf(graph, 8);
    const run = async (subgroups?: boolean): Promise<unknown> => (await device().prepare(saveGraph(graph), { tune: { plans }, ...(subgroups === undefined ? {} : { subgroups }) })).run(inputs);
    await expect(run()).resolves.toHaveProperty("out");
    await expect(run(false)).rejects.toThrow(/KV5402[^]*subgroup operations/);
  });
});
