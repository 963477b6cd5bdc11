/** @file Kernels that passes make are well formed, and faults in them are found. */

import { describe, expect, test } from "vitest";
import type { Kernel, Stage } from "../../compiler/kernel/kernel";
import { kernelFaults } from "../../compiler/kernel/validate";
import { lowerPlain } from "../../compiler/lower";
import { faults } from "../../spec/graph/validate";
import { LIMITS } from "../emit/limits";
import { draw, f32, tensorOf, uint } from "../emit/programs";
import { sample } from "../emit/random";

describe("every kernel is well formed", () => {
  test.each(Array.from({ length: 10 }, (_, at) => at * 30))("of random programs, seeds from %i", (first) => {
    for (let seed = first; seed < first + 30; seed++) {
      const { graph, sizes } = sample(seed);
      for (const set of [{}, sizes]) {
        const { specialised, kernels } = lowerPlain(graph, { set, limits: LIMITS });
        expect(faults(specialised.graph)).toEqual([]);
        for (const kernel of kernels) expect(kernelFaults(kernel)).toEqual([]);
      }
    }
  });
});

describe("faults are found", () => {
  const x = tensorOf("x", f32, "n");
  const { kernels } = lowerPlain(draw([x], [[tensorOf("out", f32, "n"), ({ load }, n) => load(x, n)], [tensorOf("codes", uint(3), "n"), ({ b }, n) => b.remainder(n, b.constant(8))]]), { limits: LIMITS });
  const [kernel, packed] = kernels;
  if (kernel === undefined || packed === undefined) throw new Error("no kernel");
  const stage = kernel.body.find((node): node is Stage => node.kind === "stage");
  const item = stage?.items[0];
  if (stage === undefined || item?.kind !== "assign") throw new Error("no stage");
  const changed = (change: Partial<Stage>): Kernel => ({ ...kernel, body: [{ ...stage, ...change }] });

  test.each<readonly [string, Kernel, RegExp]>([
    ["an array declared twice", { ...kernel, arrays: [...kernel.arrays, ...kernel.arrays] }, /declared twice/],
    ["an array not declared", { ...kernel, arrays: kernel.arrays.slice(1) }, /not declared/],
    ["a digit that is missing", changed({ digits: [] }), /not bound there/],
    ["lanes that are missing", { ...kernel, lanes: 8 }, /64 positions for 8 lanes/],
    ["an axis bound twice", changed({ block: stage.lanes }), /bound twice/],
    ["a guard that is a number", changed({ inside: item.value }), /no truth/],
    ["a store into an input", { ...kernel, arrays: kernel.arrays.map((array) => ({ ...array, space: "input" as const })) }, /store into the input/],
    ["a packed element stored alone", changed({ items: [{ ...item, array: "codes" }] }), /not declared|packed/],
    ["a loop whose bounds are not uniform", { ...kernel, body: [{ kind: "loop", axis: stage.digits[0]?.index ?? fail(), low: item.indices[0] ?? fail(), high: item.value, body: [] }] }, /bound of/],
    ["a cross over what is no register", { ...kernel, body: [{ kind: "cross", registers: ["out"], lanes: stage.lanes, over: stage.lanes, op: "sum", method: "tree", needed: "all" }] }, /no register/],
  ])("%s", (_, faulty, text) => {
    expect(kernelFaults(kernel)).toEqual([]);
    expect(kernelFaults(packed)).toEqual([]);
    expect(kernelFaults(faulty).join("\n")).toMatch(text);
  });
});

function fail(): never {
  throw new Error("a stage without digits");
}
