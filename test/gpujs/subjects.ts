/**
 * @file What every mode of gpu.js is held to: the kernels of the library, the formats and the examples at several sizes, the
 * recorded cases of ONNX, and random programs of the fuzzer. Plain JSON, so that a page can be given them.
 */

import { fileURLToPath } from "node:url";
import { compileFile, compileSource } from "kvern/compiler";
import { randomInputs, randomSizes, unboundSizes } from "../../bin/fuzz/inputs";
import { programText, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import { discharge } from "../../runtime/obligations";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { infinityTested, interpret } from "../../spec/interpreter";
import { bindSizes, withJoined, type Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor";
import { inputsFor, type Contents } from "../agreement/inputs";
import { graphOf, trials } from "../oracles/trials";

export interface Subject {
  readonly name: string;
  readonly graph: SerialisedGraph;
  readonly inputs: Readonly<Record<string, TensorData>>;
  readonly set: Sizes;
}

/** Whether all subjects are asked for, or those that do for every run of the tests. */
export const ALL = process.env["KVERN_GPUJS"] === "all";

/** Of many, every `k`-th. */
const some = <Item>(items: readonly Item[], k: number): readonly Item[] => (ALL ? items : items.filter((_, at) => at % k === 0));

/** Cosines and sines, lengths from before the first token to beyond the last, biases that mask, scales that are sometimes 0. */
const contents: Contents = {
  cos: (at) => Math.fround(Math.cos(at)),
  sin: (at) => Math.fround(Math.sin(at)),
  length: (at) => [-1, 0, 1, 3, 1000][at % 5] ?? 0,
  bias: (at, random) => (at % 7 < 2 || random() < 0.4 ? -Infinity : Math.fround(random())),
  scale: (at) => (at % 5 === 0 ? 0 : 0.125 * (1 + (at % 3))),
  epsilon: () => 1e-5,
};

/** The sizes of axes by name, for a length of the cache. */
const sizesAt = (token: number): Sizes => ({
  token, channel: 16, row: 3, half: 8, out: 3, query: Math.min(3, token), head: 4, kvHead: 2,
  "channel/2": 8, "channel/4": 4, "channel/8": 2, "token/4": Math.ceil(token / 4),
});

/** A Llama of one small layer. */
const MODEL: Sizes = { row: 3, hidden: 64, inner: 96, query: 64, keyValue: 32, input: 64, output: 64, vocabulary: 40, "hidden/32": 2, "inner/32": 3, "input/32": 2 };

const segments = (sink: number, coded: number, recent: number): Sizes => ({ ...sizesAt(sink + coded + recent), sink, coded, recent });

interface File {
  readonly place: string;
  readonly sizes: readonly Sizes[];
  /** Every kernel, or those that no other file has under another name. */
  readonly kernels?: RegExp;
}

const FILES: readonly File[] = [
  { place: "test/agreement/library.ts", sizes: [0, 1, 37].map(sizesAt) },
  { place: "test/agreement/formats.ts", sizes: [0, 1, 37].map(sizesAt) },
  { place: "examples/attention.ts", sizes: [1, 21].map(sizesAt) },
  { place: "examples/decode.ts", sizes: [0, 1, 21].map(sizesAt) },
  { place: "examples/segments.ts", sizes: [segments(2, 5, 3), segments(0, 0, 1), segments(0, 21, 0)] },
  ...["f32", "f16", "int8"].map((stored) => ({ place: `examples/llama/kernels/${stored}.ts`, sizes: [MODEL] })),
  { place: "examples/llama/kernels/interleaved.ts", sizes: [sizesAt(9)], kernels: /^(decode|prefill)/ },
];

/** The place that a subject's name begins with. */
export const PLACES: readonly string[] = FILES.map(({ place }) => place);

async function ofFile({ place, sizes, kernels = /./ }: File): Promise<readonly Subject[]> {
  const { kernels: graphs } = await compileFile(fileURLToPath(new URL(`../../${place}`, import.meta.url)));
  return Object.entries(graphs).filter(([name]) => kernels.test(name)).flatMap(([name, saved]) => {
    const { graph } = loadGraph(saved);
    return sizes.map((some): Subject => {
      const declared = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]])));
      const all = withJoined(graph.axes, { ...some, ...declared });
      const inputs = inputsFor(graph, all, 7, 1, contents);
      const bound = new Set(graph.inputs.flatMap(({ axes }) => axes));
      const open = graph.axes.filter(({ name, extent, parts }) => !bound.has(name) && extent === undefined && parts === undefined);
      const set = Object.fromEntries(open.map(({ name }) => [name, all[name] ?? 0]));
      return { name: `${place} ${name}, ${graph.axes.map(({ name }) => `${name} ${all[name]}`).join(", ")}`, graph: saved, inputs, set };
    });
  });
}

/** The kernels of the library, the formats and the examples. */
export async function kernelSubjects(): Promise<readonly Subject[]> {
  return (await Promise.all(FILES.map(ofFile))).flat();
}

/** The recorded cases; none where they do not lie beside the checkout. */
export async function recordedSubjects(every: number): Promise<readonly Subject[]> {
  return Promise.all(some(trials, every).map(async (trial) => ({ name: `ONNX ${trial.name}`, graph: await graphOf(trial), inputs: trial.call.inputs, set: trial.call.set })));
}

/** Random programs that a compiler and the interpreter take, on random inputs: at least so many. */
export async function randomSubjects(count: number): Promise<readonly Subject[]> {
  const found: Subject[] = [];
  const wanted = ALL ? 3 * count : count;
  for (let seed = 1; found.length < wanted; seed += PROGRAMS) {
    const randoms = Array.from({ length: PROGRAMS }, (_, at) => new Random(seed + at));
    // Compiled together: setting up the type checker takes longer than a program does.
    const texts = randoms.map((random) => programText(randomProgram(random)));
    const graphs = await Promise.all(texts.map(compiled));
    for (const [at, saved] of graphs.entries()) {
      const random = randoms[at];
      if (saved === undefined || random === undefined || found.length === wanted) continue;
      const { graph } = loadGraph(saved);
      const sizes = randomSizes(graph, random);
      const [inputs, set] = [randomInputs(graph, sizes, seed + at, infinityTested(graph)), unboundSizes(graph, sizes)];
      try {
        // What sizes must fulfil, they must also where nothing is computed, which the interpreter does not meet.
        discharge(graph, bindSizes(graph, inputs, set));
        interpret(graph, inputs, { set });
      } catch (fault) {
        // Some sizes are none of a program's.
        if (fault instanceof KvernError) continue;
        throw fault;
      }
      found.push({ name: `random program ${seed + at}\n${texts[at]}`, graph: saved, inputs, set });
    }
  }
  return found;
}

/** Programs made at a time. */
const PROGRAMS = 20;

async function compiled(text: string): Promise<SerialisedGraph | undefined> {
  try {
    return (await compileSource({ "kernel.ts": text }, "kernel.ts")).kernels["k"];
  } catch (fault) {
    if (fault instanceof KvernError) return undefined;
    throw fault;
  }
}
