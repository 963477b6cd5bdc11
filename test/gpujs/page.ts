/** @file What the browser test loads: the gpu.js backend in one mode, held to the interpreter's bound. */

import { openDevice } from "../../runtime/index";
import { saveGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import { interpretWithBound } from "../../spec/interpreter";
import type { TensorData } from "../../spec/tensor";
import { draw, f16, f32, i32, integers, reals, tensorOf, u32, uint } from "../emit/programs";
import { sample } from "../emit/random";
import { coupledAttention } from "../interpreter/sample";

export interface ModeReport {
  readonly described: string;
  readonly compared: number;
  /** Programs that were refused, with why. */
  readonly refused: readonly string[];
  readonly faults: readonly string[];
}

type Program = readonly [name: string, graph: Graph, inputs: Readonly<Record<string, TensorData>>];

const x = tensorOf("x", f32, "row", "column");
const halves = tensorOf("halves", f16, "row", "column");

const programs: readonly Program[] = [
  ...[1, 3, 5, 8, 11].map((bits): Program => {
    const codes = tensorOf("codes", uint(bits), "row", "column");
    return [`codes of ${bits} bits`, draw([codes], [
      [tensorOf("same", uint(bits), "row", "column"), ({ load }, r, c) => load(codes, r, c)],
      [tensorOf("total", u32, "row"), ({ sum, load }, r) => sum("column", (c) => load(codes, r, c))],
    ]), { codes: integers([3, 67], 0, 2 ** bits - 1, bits) }];
  }),
  ...[0, 1, 1500].map((columns): Program => [`reductions over ${columns}`, draw([x], [
    [tensorOf("sum", f32, "row"), ({ sum, load }, r) => sum("column", (c) => load(x, r, c))],
    [tensorOf("max", f32, "row"), ({ reduce, load }, r) => reduce("max", "column", (c) => load(x, r, c))],
    [tensorOf("first", u32, "row"), ({ reduce, load }, r) => reduce("argmax", "column", (c) => load(x, r, c))],
    [tensorOf("count", i32, "row"), ({ b, sum, load }, r) => sum("column", (c) => b.select(b.less(b.zero, load(x, r, c)), b.one, b.zero))],
  ]), { x: reals([5, columns]) }]),
  ["halves", draw([halves], [[tensorOf("turned", f16, "column", "row"), ({ b, load }, c, r) => b.scale(0.3, load(halves, r, c))]]), { halves: reals([3, 5], 3, 100) }],
  ...[0, 1, 37].map((tokens): Program => [`attention over ${tokens} tokens`, coupledAttention(4, 16, 4, 2), {
    q: reals([4, 16], 1),
    "keys.codes": integers([tokens, 2, 4], 0, 255, 2), "keys.book": reals([2, 4, 256, 4], 3),
    "values.codes": integers([tokens, 2, 4], 0, 255, 4), "values.book": reals([2, 4, 256, 4], 5),
  }]),
  ...Array.from({ length: 100 }, (_, seed): Program => {
    const { graph, inputs } = sample(seed);
    return [`random program ${seed}`, graph, inputs];
  }),
];

async function report(mode: string): Promise<ModeReport> {
  const device = await openDevice({ backend: "gpujs", mode });
  let compared = 0;
  const refused: string[] = [];
  const faults: string[] = [];
  const compare = async ([name, graph, inputs]: Program, run: () => Promise<Record<string, TensorData>>): Promise<void> => {
    try {
      const outputs = await run();
      for (const [output, { data, bound }] of Object.entries(interpretWithBound(graph, inputs, {}))) {
        data.forEach((value, at) => {
          const least = bound[at] ?? 0;
          if (least === Infinity) return;
          compared++;
          const is = outputs[output]?.data[at] ?? NaN;
          if (!(is === value || Math.abs(is - value) <= least)) faults.push(`${name}: ${output}[${at}] is ${is}, and should be ${value} ± ${least}`);
        });
      }
    } catch (fault) {
      const text = `${name}: ${String(fault).slice(0, 1500)}`;
      (/KV420[12]/.test(text) ? refused : faults).push(text);
    }
  };
  for (const program of programs) await compare(program, async () => (await device.prepare(saveGraph(program[1]))).run(program[2]));
  // A cache that grows, and books that stay.
  const graph = coupledAttention(4, 16, 4, 2);
  const prepared = await device.prepare(saveGraph(graph));
  const books = { "keys.book": reals([2, 4, 256, 4], 3), "values.book": reals([2, 4, 256, 4], 5) };
  const resident = Object.fromEntries(await Promise.all(Object.entries(books).map(async ([name, book]) => [name, await device.upload(f32, book)] as const)));
  for (const tokens of [5, 9, 10, 12, 16, 3]) {
    const given = { q: reals([4, 16], tokens), "keys.codes": integers([tokens, 2, 4], 0, 255, 2), "values.codes": integers([tokens, 2, 4], 0, 255, 4) };
    await compare([`attention grown to ${tokens} tokens`, graph, { ...given, ...books }], () => prepared.run({ ...given, ...resident }));
  }
  await device.close();
  return { described: device.describe(), compared, refused, faults };
}

Object.assign(globalThis, { report });
