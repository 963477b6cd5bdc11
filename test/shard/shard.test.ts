/**
 * Kernels cut along an axis: shards anywhere, in any order, joined in any grouping, give the outputs of the whole within
 * its bound, and the state of the whole within its own. Every kernel runs in the simulator, which reports what computes
 * with an empty state.
 */

import { compileSource, shard, type Sharded } from "kvern/compiler";
import { describe, expect, it } from "vitest";
import { lowerAll, type Plans } from "../../compiler/lower";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import type { Tensor } from "../../spec/graph/node";
import { faults } from "../../spec/graph/validate";
import { interpretWithBound, type BoundedTensor } from "../../spec/interpreter";
import type { Sizes, TensorData } from "../../spec/tensor";
import { bindSizes } from "../../spec/tensor/check";
import { LIMITS } from "../plan/limits";
import { simulateProgram } from "../../compiler/simulator/program";
import { PRELUDE } from "../source/compiling";
import { drawn, typed, SHARDABLE, UNSHARDABLE, type ShardProgram } from "./programs";

type Tensors = Readonly<Record<string, TensorData>>;

const compiled = async (text: string): Promise<SerialisedGraph> => {
  const { kernels } = await compileSource({ "program.ts": PRELUDE + text }, "program.ts");
  const [only] = Object.values(kernels);
  if (only === undefined) throw new Error("no kernel");
  return only;
};

/** Numbers that are the same in every run. */
function stream(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

class Runner {
  readonly #made = new Map<string, ReturnType<typeof lowerAll>>();
  constructor(readonly plans: Plans) {}

  run(saved: SerialisedGraph, inputs: Tensors, set: Sizes): Tensors {
    const { graph } = loadGraph(saved);
    const sizes = bindSizes(graph, inputs, set);
    let made = this.#made.get(saved.name);
    if (made === undefined) this.#made.set(saved.name, (made = lowerAll(graph, { limits: LIMITS, plans: this.plans })));
    const { specialised, kernels } = made;
    const { outputs, faults: found } = simulateProgram(specialised.builder, graph, { kernels }, inputs, sizes);
    expect(found.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([]);
    return Object.fromEntries(graph.outputs.map(({ name, axes }) => [name, { shape: axes.map((axis) => sizes[axis] ?? 0), data: outputs[name] ?? new Float64Array() }]));
  }
}

/** The positions `from` … `to` − 1 of every tensor along an axis. */
function cut(inputs: Tensors, signature: readonly Tensor[], axis: string, from: number, to: number): Tensors {
  return Object.fromEntries(signature.flatMap(({ name, element, axes }) => {
    const tensor = inputs[name];
    if (tensor === undefined) return [];
    const at = axes.indexOf(axis);
    if (at < 0) return [[name, tensor]];
    const inner = tensor.shape.slice(at + 1).reduce((a, b) => a * b, 1);
    const size = tensor.shape[at] ?? 0;
    const shape = tensor.shape.map((each, k) => (k === at ? to - from : each));
    const data = Array.from(tensor.data).filter((_, k) => {
      const position = Math.floor(k / inner) % Math.max(1, size);
      return position >= from && position < to;
    });
    return [[name, { shape, data: typed(element, data) }]];
  }));
}

const stacked = (states: readonly Tensors[]): Tensors => {
  const [first] = states;
  return Object.fromEntries(Object.entries(first ?? {}).map(([name, { shape }]) => [
    name.replace("state.", "states."),
    { shape: [states.length, ...shape], data: Float64Array.from(states.flatMap((state) => Array.from(state[name]?.data ?? []))) },
  ]));
};

function within(got: Tensors, want: Readonly<Record<string, BoundedTensor>>, title: string): number {
  let told = 0;
  for (const [name, { data, bound }] of Object.entries(want)) {
    expect(got[name]?.data.length, `${title}: ${name}`).toBe(data.length);
    data.forEach((value, at) => {
      const seen = got[name]?.data[at] ?? NaN;
      if (seen === value || bound[at] === Infinity) return;
      told++;
      expect(Math.abs(seen - value), `${title}: ${name}[${at}] is ${seen}, of ${value}`).toBeLessThanOrEqual(bound[at] ?? 0);
    });
  }
  return told;
}

const TOKENS = 11;

class Case {
  readonly signature: readonly Tensor[];
  readonly inputs: Tensors;
  readonly whole: Readonly<Record<string, BoundedTensor>>;
  readonly state: Readonly<Record<string, BoundedTensor>>;
  readonly runner: Runner;
  readonly #own: Sizes;

  constructor(readonly program: ShardProgram, saved: SerialisedGraph, readonly sharded: Sharded, seed: number, plans: Plans, readonly tokens = TOKENS) {
    this.runner = new Runner(plans);
    this.#own = { ...program.sizes, token: tokens };
    this.signature = saved.inputs;
    this.inputs = drawn(saved.inputs, this.#own, program, stream(seed));
    const { graph } = loadGraph(saved);
    this.whole = interpretWithBound(graph, this.inputs, { set: this.#set(saved), rescalings: 3 * TOKENS });
    const partial = loadGraph(sharded.partial).graph;
    this.state = interpretWithBound(partial, this.#given(sharded.partial, this.inputs), { set: this.#set(sharded.partial, 0), rescalings: 3 * TOKENS });
  }

  /** The sizes that no input of a graph has. */
  #set({ axes, inputs }: SerialisedGraph, start = 0): Sizes {
    const bound = new Set(inputs.flatMap((input) => input.axes));
    const known: Sizes = { ...this.#own, "token.start": start, "token.whole": this.tokens };
    return Object.fromEntries(axes.flatMap(({ name, extent }) => (extent === undefined && !bound.has(name) ? [[name, known[name] ?? 0]] : [])));
  }

  #given({ inputs }: SerialisedGraph, from: Tensors): Tensors {
    return Object.fromEntries(inputs.flatMap(({ name }) => (from[name] === undefined ? [] : [[name, from[name]]])));
  }

  uncut(saved: SerialisedGraph): Tensors {
    return this.runner.run(saved, this.inputs, this.#set(saved));
  }

  partial(from: number, to: number): Tensors {
    const { partial } = this.sharded;
    return this.runner.run(partial, this.#given(partial, cut(this.inputs, this.signature, "token", from, to)), this.#set(partial, from));
  }

  join(states: readonly Tensors[]): Tensors {
    const { join } = this.sharded;
    return this.runner.run(join, { ...stacked(states), ...this.#given(join, this.inputs) }, this.#set(join));
  }

  merge(states: readonly Tensors[]): Tensors {
    const { merge } = this.sharded;
    return this.runner.run(merge, { ...stacked(states), ...this.#given(merge, this.inputs) }, this.#set(merge));
  }
}

describe.each(Object.entries(SHARDABLE))("%s", (_, program) => {
  const made = compiled(program.text).then((saved) => ({ saved, sharded: shard(saved, "token") }));

  it("makes three graphs that are well formed, and read back", async () => {
    const { sharded } = await made;
    for (const saved of [sharded.partial, sharded.join, sharded.merge]) {
      const { graph } = loadGraph(JSON.parse(JSON.stringify(saved)));
      expect(faults(graph)).toEqual([]);
      expect(graph.outputs.length).toBeGreaterThan(0);
    }
    expect(sharded.join.outputs).toEqual(sharded.partial.outputs);
  });

  it.each<Plans>(["direct", "folds"])("gives the whole kernel's outputs at every cut, an empty shard included (%s)", async (plans) => {
    const { saved, sharded } = await made;
    const c = new Case(program, saved, sharded, 1, plans);
    within(c.uncut(saved), c.whole, "uncut");
    for (let at = 0; at <= TOKENS; at++) within(c.merge([c.partial(0, at), c.partial(at, TOKENS)]), c.whole, `cut at ${at}`);
  });

  it("does not mind order, grouping, or empty states: outputs and states", async () => {
    const { saved, sharded } = await made;
    for (let seed = 2; seed < 6; seed++) {
      const c = new Case(program, saved, sharded, seed, seed % 2 === 0 ? "direct" : "folds");
      const random = stream(seed);
      const points = [0, ...Array.from({ length: 3 }, () => Math.floor(random() * (TOKENS + 1))), TOKENS].sort((a, b) => a - b);
      const parts = points.slice(1).map((to, at) => c.partial(points[at] ?? 0, to));
      const [a, b, d, e] = parts as [Tensors, Tensors, Tensors, Tensors];
      const nothing = c.partial(4, 4);
      const groupings: Readonly<Record<string, readonly Tensors[]>> = {
        "all at once": parts, "the other way round": [...parts].reverse(), "one after the other": [c.join([c.join([c.join([a, b]), d]), e])],
        "two and two": [c.join([a, b]), c.join([d, e])], "crosswise": [c.join([d, a]), c.join([e, nothing, b])], "with nothing": [nothing, e, nothing, d, b, a], "one": [c.join(parts)],
      };
      for (const [title, states] of Object.entries(groupings)) {
        within(c.merge(states), c.whole, title);
        within(c.join(states), c.state, title);
      }
    }
  });

  it("gives what no token gives where all shards are empty", async () => {
    const { saved, sharded } = await made;
    const c = new Case(program, saved, sharded, 9, "folds", 0);
    const none = c.partial(0, 0);
    for (const states of [[none], [none, none], [c.join([none, none, none])]]) within(c.merge(states), c.whole, `${states.length} empty states`);
  });
});

describe("is refused with what stands in the way", () => {
  it.each(Object.entries(UNSHARDABLE))("%s", async (_, [text, why]) => {
    const saved = await compiled(text);
    const refused = (axis?: string): string => {
      try {
        shard(saved, axis);
      } catch (fault) {
        if (fault instanceof KvernError) return fault.message;
        throw fault;
      }
      return "nothing";
    };
    expect(refused()).toMatch(/KV5301/);
    expect(refused()).toMatch(why);
  });

  it("an axis that is not there, and two where one must be named", async () => {
    const two = await compiled(`export const k = kernel({ x: f32(token), y: f32(channel) }, f32(), ({ x, y }) => () => sum(token, (t) => x(t)) + sum(channel, (c) => y(c)));`);
    expect(() => shard(two, "tokens")).toThrow(/KV5302.*`token`/s);
    expect(() => shard(two)).toThrow(/several axes.*`token`, `channel`.*--shard token/s);
    expect(shard(two, "channel").axis).toBe("channel");
  });
});
