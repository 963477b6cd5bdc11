/** @file What the browser test loads: the gpu.js backend in one mode, held to the bound of that mode. */

import { openDevice, type Device } from "../../runtime/index";
import { loadGraph, saveGraph } from "../../spec/graph/json";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import { GPUJS, interpretWithBound } from "../../spec/interpreter";
import type { Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor";
import { draw, f16, f32, i32, integers, reals, tensorOf, u32, uint } from "../emit/programs";
import { sample } from "../emit/random";
import { coupledAttention } from "../interpreter/sample";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { losable } from "./contexts";
import type { Subject } from "./subjects";

const lose = losable();

export interface ModeReport {
  /** Whether text may become code here. */
  readonly evaluates: boolean;
  readonly described: string;
  /** Programs that were run. */
  readonly programs: number;
  /** Elements that were compared. */
  readonly compared: number;
  /** The largest difference, as a share of its bound. */
  readonly worst: number;
  /** Programs that were refused, with why. */
  readonly refused: readonly string[];
  readonly faults: readonly string[];
  /** What a run gave once contexts for drawing were lost: codes, or that it ran. */
  readonly afterLoss: string;
}

/** A subject as JSON has it, which has no infinities. */
export type GivenSubject = Omit<Subject, "inputs"> & { readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly (number | string)[] }>> };

type Inputs = Readonly<Record<string, TensorData>>;
type Program = readonly [name: string, graph: Graph, inputs: Inputs];

const x = tensorOf("x", f32, "row", "column");
const halves = tensorOf("halves", f16, "row", "column");

/** 1, or what is not less than it. */
const oneOr = (b: GraphBuilder, value: Value): Value => b.select(b.less(value, b.one), b.one, value);

/** Programs that graphs are drawn for directly, `random` of them at random. */
const programs = (random: number): readonly Program[] => [
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
  ["whole numbers that GL finds a type for", draw([x], [
    [tensorOf("negated", f32, "row", "column"), ({ b, load }, r, c) => b.linear(-2, [[-1, oneOr(b, load(x, r, c))]])],
    [tensorOf("less", f32, "row", "column"), ({ b, load }, r, c) => b.linear(2, [[-1, oneOr(b, load(x, r, c))], [-1, b.select(b.less(load(x, r, c), b.constant(0.5)), b.constant(3), load(x, r, c))]])],
    [tensorOf("masked", i32, "row", "column"), ({ b, load }, r, c) => b.bitwise("&", b.linear(9, [[-1, b.select(b.less(load(x, r, c), b.zero), b.constant(1), b.constant(4))]]), b.constant(5))],
    // Infinite where no element of a row is below −0.9, with two signs.
    [tensorOf("signs", f32, "row", "column"), ({ b, load, reduce }, r, c) => b.multiply(reduce("max", "column", (k) => b.select(b.less(load(x, r, k), b.constant(-0.9)), load(x, r, k), b.constant(-Infinity))), load(x, r, c))],
  ]), { x: reals([6, 7]) }],
  ["halves", draw([halves], [[tensorOf("turned", f16, "column", "row"), ({ b, load }, c, r) => b.scale(0.3, load(halves, r, c))]]), { halves: reals([3, 5], 3, 100) }],
  ...[0, 1, 37].map((tokens): Program => [`attention over ${tokens} tokens`, coupledAttention(4, 16, 4, 2), {
    q: reals([4, 16], 1),
    "keys.codes": integers([tokens, 2, 4], 0, 255, 2), "keys.book": reals([2, 4, 256, 4], 3),
    "values.codes": integers([tokens, 2, 4], 0, 255, 4), "values.book": reals([2, 4, 256, 4], 5),
  }]),
  ...Array.from({ length: random }, (_, seed): Program => {
    const { graph, inputs } = sample(seed);
    return [`random graph ${seed}`, graph, inputs];
  }),
];

/** Runs programs in one mode, and notes what came of them. */
class Held {
  readonly #device: Device;
  readonly #mode: keyof typeof GPUJS;
  programs = 0;
  compared = 0;
  worst = 0;
  readonly refused: string[] = [];
  readonly faults: string[] = [];

  constructor(device: Device, mode: keyof typeof GPUJS) {
    this.#device = device;
    this.#mode = mode;
  }

  async run(name: string, graph: Graph, inputs: Inputs, set: Sizes = {}): Promise<void> {
    await this.compare(name, graph, inputs, set, async () => (await this.#device.prepare(saveGraph(graph))).run(inputs, { set }));
  }

  async compare(name: string, graph: Graph, inputs: Inputs, set: Sizes, run: () => Promise<Record<string, TensorData>>): Promise<void> {
    this.programs++;
    try {
      const outputs = await run();
      for (const [output, { data, bound, shape }] of Object.entries(interpretWithBound(graph, inputs, { set, accuracy: GPUJS[this.#mode] }))) {
        const got = outputs[output];
        if (got?.shape.join() !== shape.join()) this.faults.push(`${name}: ${output} has the shape ${got?.shape.join("×")}, and should have ${shape.join("×")}`);
        data.forEach((value, at) => this.#element(`${name}: ${output}[${at}]`, got?.data[at] ?? NaN, value, bound[at] ?? 0));
      }
    } catch (fault) {
      const text = `${name}: ${String(fault).slice(0, 1500)}`;
      (/KV420[12]/.test(text) ? this.refused : this.faults).push(text);
    }
  }

  #element(name: string, got: number, value: number, least: number): void {
    if (least === Infinity) return;
    this.compared++;
    if (got === value) return;
    this.worst = Math.max(this.worst, Math.abs(got - value) / least);
    if (!(Math.abs(got - value) <= least)) this.faults.push(`${name} is ${got}, and should be ${value} ± ${least}`);
  }
}

function evaluates(): boolean {
  try {
    Reflect.construct(Function, ["return 1"]);
    return true;
  } catch {
    return false;
  }
}

async function report(mode: keyof typeof GPUJS, random: number, subjects: readonly GivenSubject[]): Promise<ModeReport> {
  // What calls this from outside is let off the policy until it returns.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const device = await openDevice({ backend: "gpujs", mode });
  const held = new Held(device, mode);
  for (const [name, graph, inputs] of programs(random)) await held.run(name, graph, inputs);
  for (const { name, graph, inputs, set } of subjects) {
    const tensors = Object.fromEntries(Object.entries(inputs).map(([input, { shape, data }]) => [input, { shape, data: data.map(Number) }]));
    await held.run(name, loadGraph(graph).graph, tensors, set);
  }
  // A cache that grows, and books that stay.
  const graph = coupledAttention(4, 16, 4, 2);
  const prepared = await device.prepare(saveGraph(graph));
  const books = { "keys.book": reals([2, 4, 256, 4], 3), "values.book": reals([2, 4, 256, 4], 5) };
  const resident = Object.fromEntries(await Promise.all(Object.entries(books).map(async ([name, book]) => [name, await device.upload(f32, book)] as const)));
  for (const tokens of [5, 9, 10, 12, 16, 3]) {
    const given = { q: reals([4, 16], tokens), "keys.codes": integers([tokens, 2, 4], 0, 255, 2), "values.codes": integers([tokens, 2, 4], 0, 255, 4) };
    await held.compare(`attention grown to ${tokens} tokens`, graph, { ...given, ...books }, {}, () => prepared.run({ ...given, ...resident }));
  }
  lose();
  const q = { ...books, q: reals([4, 16], 1), "keys.codes": integers([3, 2, 4], 0, 255, 2), "values.codes": integers([3, 2, 4], 0, 255, 4) };
  const afterLoss = await prepared.run(q).then(() => "ran", (fault: unknown) => (fault instanceof KvernError ? fault.diagnostics.map(({ code }) => code).join() : String(fault)));
  await device.close();
  const { programs: count, compared, worst, refused, faults } = held;
  return { evaluates: evaluates(), described: device.describe(), programs: count, compared, worst, refused, faults, afterLoss };
}

Object.assign(globalThis, { report });
