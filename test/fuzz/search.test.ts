import { describe, expect, test } from "vitest";
import { loadGraph } from "../../spec/graph/json";
import { interpret } from "../../spec/interpreter";
import type { TensorData } from "../../spec/tensor/tensor";
import { compileSource } from "../../compiler";
import { compare } from "../../bin/fuzz/compare";
import { apply, binder, fits, free, named, partOf, print, smaller, whole } from "../../bin/fuzz/expression";
import { fuzzKernel, type Prepare, type Report, type Search } from "../../bin/fuzz/fuzz";
import { programText, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import type { Run } from "../../bin/fuzz/subject";
import { fuzzTexts } from "../../bin/fuzz/texts";

/** The interpreter as the backend, with `plant` done to what it computes. */
function planted(plant: (name: string, data: Float64Array, text: string) => void): Prepare {
  return (_, serialised) => {
    const { graph } = loadGraph(serialised);
    const run: Run = (inputs, set) => {
      const outputs = interpret(graph, inputs, { set });
      for (const [name, { data }] of Object.entries(outputs)) plant(name, data, JSON.stringify(serialised.nodes));
      return Promise.resolve([{ outputs }]);
    };
    return Promise.resolve({ run, finite: false });
  };
}

const search = (prepare: Prepare, runs = 20): Search => ({ runs, seed: 1, backend: "planted", prepare, progress: () => undefined });
const found = ({ failures: [failure] }: Report) => failure ?? expect.fail("nothing was found");

describe("random programs", () => {
  test("are the same for the same seed, and compile", async () => {
    for (let seed = 0; seed < 60; seed++) {
      const text = programText(randomProgram(new Random(seed)));
      expect(programText(randomProgram(new Random(seed)))).toBe(text);
      const { kernels } = await compileSource({ "k.ts": text }, "k.ts");
      expect(Object.keys(kernels)).toEqual(["k"]);
    }
  });

  test("agree where nothing is planted", async () => {
    const report = await fuzzTexts(search(planted(() => undefined), 40));
    expect(report).toMatchObject({ runs: 40, failures: [], largest: 0 });
    expect(report.compared).toBeGreaterThan(40);
  });
});

describe("a planted fault is found and made small", () => {
  test("in a program: whatever takes a square root is wrong in its last element", async () => {
    const report = await fuzzTexts(search(planted((_, data, nodes) => {
      if (nodes.includes('"sqrt"') || nodes.includes("0.5]")) data.fill(12345, -1);
    }), 60));
    const { failure, repro, seed } = found(report);
    expect(failure.kind).toBe("difference");
    expect(repro.command).toContain(`kvern run kvern-fuzz-${seed}.ts --kernel k`);
    const body = /=>\n\s+(.*),\n\);/.exec(repro.text)?.[1] ?? "";
    expect(body).toContain("Math.sqrt");
    expect(body.length, body).toBeLessThan(80);
  });

  test("in a kernel: an element beyond the first workgroup is wrong", async () => {
    const text = 'import { axis, f32, kernel } from "kvern";\nconst n = axis("n");\nexport const double = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => 2 * x(i));\n';
    const { kernels: { double } } = await compileSource({ "k.ts": text }, "k.ts");
    if (double === undefined) return expect.fail("no kernel");
    const report = await fuzzKernel("k.ts", double, search(planted((_, data) => data.fill(-1e9, 4))));
    const { failure, inputs } = found(report);
    // The least size at which an element after the fourth exists.
    expect(failure).toMatchObject({ kind: "difference", difference: { output: "out", at: [4], got: -1e9 } });
    expect(inputs["x"]?.shape).toEqual([5]);
  });

  test("a backend that breaks is a fault of its own kind", async () => {
    const report = await fuzzTexts(search(() => Promise.resolve({ finite: false, run: () => Promise.reject(new Error("lost")) }), 5));
    expect(found(report)).toMatchObject({ failure: { kind: "fault", text: "Error: lost" }, repro: { title: "Error: lost" } });
    expect(report.runs).toBe(3);
  });
});

describe("comparison", () => {
  const reference = (data: readonly number[], bound: readonly number[]) => ({ out: { shape: [data.length], data: Float64Array.from(data), bound: Float64Array.from(bound), undecided: new Uint8Array(data.length) } });
  const got = (data: readonly number[]): Record<string, TensorData> => ({ out: { shape: [data.length], data } });

  test("is element by element, each within its own bound", () => {
    expect(compare(reference([1, 2], [0.5, 0.25]), got([1.25, 2]))).toEqual({ compared: 2, unbounded: 0, largest: 0.5, difference: undefined });
    expect(compare(reference([1, 2], [0.5, 0.25]), got([1, 2.5])).difference).toEqual({ output: "out", at: [1], got: 2.5, expected: 2, bound: 0.25 });
  });

  test("admits nothing but the exact number where the bound is 0, and anything where there is none", () => {
    expect(compare(reference([3], [0]), got([3.0000001])).difference).toBeDefined();
    expect(compare(reference([3], [Infinity]), got([NaN]))).toEqual({ compared: 0, unbounded: 1, largest: 0, difference: undefined });
  });

  test("takes what is no number, or is missing, for a difference", () => {
    expect(compare(reference([1], [10]), got([NaN])).difference).toBeDefined();
    expect(compare(reference([1], [10]), {}).difference).toBeDefined();
    expect(compare(reference([-Infinity], [0]), got([-Infinity])).difference).toBeUndefined();
    expect(compare(reference([-Infinity], [1]), got([-3e38])).difference).toBeDefined();
  });
});

describe("expressions", () => {
  test("an index fits where an integer is asked for, but not one of another axis", () => {
    expect(fits({ axis: "a" }, "integer")).toBe(true);
    expect(fits({ axis: "a" }, { axis: "b" })).toBe(false);
    expect(fits("real", "exact")).toBe(false);
    expect(fits("integer", "truth")).toBe(false);
  });

  test("what lies inside replaces the whole only where its indices are in scope", () => {
    const i = named({ axis: "a" }, "i");
    const body = apply("real", [i, whole(2)], ([l, r]) => `(${l} * ${r})`, ({ builder }, parts) => builder.multiply(...parts));
    const sum = binder("real", "i", body, [], ([of]) => `sum(a, (i) => ${of})`, (maker, parts) => maker.sum("a", partOf(parts, 0)));
    expect([...free(sum)]).toEqual([]);
    const texts = [...smaller(sum)].map(print);
    expect(texts).toContain("2");
    expect(texts).toContain("sum(a, (i) => i)");
    expect(texts).not.toContain("i");
    expect(texts).not.toContain("(i * 2)");
  });
});
