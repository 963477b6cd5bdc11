import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { evaluate, type Inputs, type Kernel, type Outputs } from "kvern";
import { compileFile } from "kvern/compiler";
import { loadGraph } from "../../spec/graph/json";
import { faults } from "../../spec/graph/validate";
import { interpret } from "../../spec/interpreter";
import * as kernels from "./agreeing";

const value = (i: number): number => ((((i + 1) * 7919) % 997) / 997 - 0.5) * 4;
const real = (...shape: readonly number[]) => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)) });
const whole = (below: number, ...shape: readonly number[]) => ({ shape, data: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 37 + 11) % below) });

const INPUTS = (token: number) => ({
  decode: { q: real(4, 6), "keys.codes": whole(16, token, 6), "keys.scale": real(token) },
  windowed: { x: real(token), width: { shape: [], data: Int32Array.of(3) } },
  stencil: { x: real(token), bits: whole(32, token) },
  grouped: { x: real(4, 6), gain: real(2) },
});

const path = fileURLToPath(new URL("./agreeing.ts", import.meta.url));

describe("a compiled graph means what its source means", () => {
  it.each(["decode", "windowed", "stencil", "grouped"] as const)("%s", async (name) => {
    const saved = (await compileFile(path)).kernels[name];
    if (saved === undefined) throw new Error(`no kernel ${name}`);
    const { graph } = loadGraph(saved);
    expect(faults(graph)).toEqual([]);
    for (const token of [1, 2, 7]) {
      const inputs = INPUTS(token)[name];
      const expected = evaluate<Inputs, Outputs>(kernels[name] as unknown as Kernel<Inputs, Outputs>, inputs) as Record<string, { shape: readonly number[]; data: Float64Array }>;
      const got = interpret(graph, inputs);
      expect(Object.keys(got)).toEqual(Object.keys(expected));
      for (const [output, { shape, data }] of Object.entries(expected)) {
        expect(got[output]?.shape).toEqual(shape);
        // Both are f64, in another order: the difference is rounding of a few hundred operations on numbers below 1000.
        data.forEach((element, at) => expect(Math.abs((got[output]?.data[at] ?? NaN) - element)).toBeLessThan(1000 * 1000 * 2 ** -52));
      }
    }
  });
});
