/** @file The recorded cases as kernels of the language, each with the program that exports it. */

import { readFileSync } from "node:fs";
import { compileSource } from "kvern/compiler";
import type { SerialisedGraph } from "../../spec/graph/json";
import { attention } from "./attention";
import { casesOf, type Case } from "./cases";
import { attentionCall, rotaryCall, type Call } from "./onnx";
import { rotary, rotaryAt } from "./rotary";

/** A case, ready to be run in every way. */
export interface Trial {
  readonly name: string;
  readonly call: Call<unknown>;
  readonly kernel: unknown;
  /** A program that exports the kernel as `kernel`. */
  readonly program: string;
}

const text = (options: object): string => JSON.stringify(options);

function attentionTrial(of: Case): Trial {
  const call = attentionCall(of);
  return {
    name: of.name, call, kernel: attention(call.options),
    program: `import { attention } from "./attention";\nexport const kernel = attention(${text(call.options)});\n`,
  };
}

function rotaryTrial(of: Case): Trial {
  const call = rotaryCall(of);
  const { positions, ...options } = call.options;
  const [made, name] = positions ? [rotaryAt(options), "rotaryAt"] : [rotary(options), "rotary"];
  return { name: of.name, call, kernel: made, program: `import { ${name} } from "./rotary";\nexport const kernel = ${name}(${text(options)});\n` };
}

const sources = Object.fromEntries(["attention.ts", "rotary.ts"].map((name) => [name, readFileSync(new URL(name, import.meta.url), "utf8")]));
const compiled = new Map<string, Promise<SerialisedGraph>>();

/** The graph of a trial's kernel; kernels of equal text are compiled once. */
export function graphOf({ name, program }: Trial): Promise<SerialisedGraph> {
  let graph = compiled.get(program);
  if (graph === undefined) {
    graph = compileSource({ ...sources, "program.ts": program }, "program.ts").then(({ kernels }) => {
      if (kernels["kernel"] === undefined) throw new Error(`${name} compiles to no kernel`);
      return kernels["kernel"];
    });
    compiled.set(program, graph);
  }
  return graph;
}

/** Every recorded case. */
export const trials: readonly Trial[] = [
  ...casesOf("onnx-attention").map(attentionTrial),
  ...casesOf("onnx-attention-head-window").map(attentionTrial),
  ...casesOf("onnx-rotary").map(rotaryTrial),
];
