import { readFileSync } from "node:fs";
import { compileSource } from "kvern/compiler";
import { describe, expect, it } from "vitest";
import { evaluate, type ComputedTensor, type TensorData } from "../../spec/language";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { interpretWithBound, type BoundedTensor } from "../../spec/interpreter";
import { describeOnDevice, device } from "../device/harness";
import { attention } from "./attention";
import { casesOf, type Case, type RecordedTensor } from "./cases";
import { attentionCall, rotaryCall, type Call } from "./onnx";
import { rotary, rotaryAt } from "./rotary";

type Outputs = Readonly<Record<string, ComputedTensor>>;

/** A case, ready to be run in every way. */
interface Trial {
  readonly name: string;
  readonly call: Call<unknown>;
  readonly evaluated: () => Outputs;
  /** A program that exports the kernel as `kernel`. */
  readonly program: string;
}

const text = (options: object): string => JSON.stringify(options);

function attentionTrial(of: Case): Trial {
  const call = attentionCall(of);
  const { options, inputs, set } = call;
  // The kernel has the same inputs whatever the options are: their names are checked when it runs.
  const run = evaluate as unknown as (kernel: unknown, inputs: Readonly<Record<string, TensorData>>, options: object) => Outputs;
  return {
    name: of.name, call,
    evaluated: () => run(attention(options), inputs, { set }),
    program: `import { attention } from "./attention";\nexport const kernel = attention(${text(options)});\n`,
  };
}

function rotaryTrial(of: Case): Trial {
  const call = rotaryCall(of);
  const { positions, ...options } = call.options;
  const { x, cos, sin, at } = call.inputs;
  if (x === undefined || cos === undefined || sin === undefined) throw new Error(`${of.name} lacks an input`);
  return {
    name: of.name, call,
    evaluated: () => (at === undefined ? evaluate(rotary(options), { x, cos, sin }) : evaluate(rotaryAt(options), { x, cos, sin, at })),
    program: `import { rotary, rotaryAt } from "./rotary";\nexport const kernel = ${positions ? "rotaryAt" : "rotary"}(${text(options)});\n`,
  };
}

const sources = Object.fromEntries(["attention.ts", "rotary.ts"].map((name) => [name, readFileSync(new URL(name, import.meta.url), "utf8")]));
const compiled = new Map<string, Promise<SerialisedGraph>>();

/** The graph of a trial's kernel; kernels of equal text are compiled once. */
function graphOf({ name, program }: Trial): Promise<SerialisedGraph> {
  let graph = compiled.get(program);
  if (graph === undefined) {
    graph = compileSource({ ...sources, "program.ts": program }, "program.ts").then(({ kernels }) => {
      if (kernels["kernel"] === undefined) throw new Error(`${name} compiles to no kernel`);
      return kernels["kernel"] as unknown as SerialisedGraph;
    });
    compiled.set(program, graph);
  }
  return graph;
}

const trials: readonly Trial[] = [
  ...casesOf("onnx-attention").map(attentionTrial),
  ...casesOf("onnx-attention-head-window").map(attentionTrial),
  ...casesOf("onnx-rotary").map(rotaryTrial),
];

/** What holds of every element of the recorded outputs. */
function each(call: Call<unknown>, outputs: Readonly<Record<string, TensorData | undefined>>, check: (place: string, value: number, expected: number, at: number, name: string) => void): void {
  for (const [name, recorded] of Object.entries(call.outputs)) {
    const got = outputs[name];
    expect(got?.shape, name).toEqual(recorded.shape);
    recorded.data.forEach((expected, at) => check(`${name}[${at}]`, got?.data[at] ?? NaN, expected, at, name));
  }
}

const distance = (a: number, b: number): number => (a === b ? 0 : Math.abs(a - b));

/**
 * How far a recorded element may lie from the value, given what f32 may make of it. The recording was itself computed in
 * f32 or, for f16 tensors, in f16, whose unit roundoff is 2¹³ times as large, by a formula that rounds each product of
 * query and key twice more, as it multiplies both by √scale: at most as many roundings again as the bound counts.
 */
function allowance({ dtype }: RecordedTensor, bounded: BoundedTensor, at: number): number {
  return 2 * (bounded.bound[at] ?? 0) * (dtype === "float16" ? 2 ** 13 : 1);
}

describe.skipIf(trials.length === 0)("recorded cases", () => {
  it("are as many as there should be", () => {
    expect(trials.length).toBe(76 + 11 + 8);
  });

  it.each(trials)("$name: evaluated, interpreted and recorded agree", async (trial) => {
    const { call } = trial;
    const evaluated = trial.evaluated();
    const { graph } = loadGraph(await graphOf(trial));
    const interpreted = interpretWithBound(graph, call.inputs, { set: call.set });
    for (const [name, { data, bound, undecided }] of Object.entries(interpreted)) {
      expect(evaluated[name]?.shape).toEqual(interpreted[name]?.shape);
      expect(undecided.includes(1), name).toBe(false);
      data.forEach((value, at) => {
        // f64 has 2⁻²⁹ of f32's roundings: what the bound allows f32, in units of f64's.
        expect(distance(evaluated[name]?.data[at] ?? NaN, value), `${name}[${at}]`).toBeLessThanOrEqual(2 * 2 ** -29 * (bound[at] ?? 0));
        expect(bound[at], `${name}[${at}]`).toBeLessThan(Infinity);
      });
    }
    each(call, interpreted, (place, value, expected, at, name) => {
      const [recorded, bounded] = [call.outputs[name], interpreted[name]];
      if (recorded === undefined || bounded === undefined) throw new Error(`no ${name}`);
      expect(distance(value, expected), place).toBeLessThanOrEqual(allowance(recorded, bounded, at));
    });
  });
});

describeOnDevice("recorded cases on the device", () => {
  it.skipIf(trials.length === 0).each(trials)("$name", async (trial) => {
    const { call } = trial;
    const saved = await graphOf(trial);
    const bounded = interpretWithBound(loadGraph(saved).graph, call.inputs, { set: call.set });
    const prepared = await device().prepare(saved);
    const outputs = (await prepared.run(call.inputs, { set: call.set })) as Readonly<Record<string, TensorData>>;
    for (const [name, { data, bound }] of Object.entries(bounded)) {
      data.forEach((value, at) => {
        expect(distance(outputs[name]?.data[at] ?? NaN, value), `${name}[${at}]`).toBeLessThanOrEqual(bound[at] ?? 0);
      });
    }
  });
});
