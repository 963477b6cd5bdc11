/** @file Programs as a user would write them, naively, built as graphs: what the algebra must bring to their good form. */

import { GraphBuilder } from "../../spec/graph/builder";
import type { AxisDeclaration, Element, Graph, Store, Tensor, Value } from "../../spec/graph/node";
import type { Sizes, Tensors } from "../../bin/fuzz/folding";

export interface Config {
  readonly heads: number;
  readonly keyHeads: number;
  readonly channels: number;
  readonly couple: number;
  readonly bits: number;
  readonly queries: number;
  readonly window: number;
  readonly outputs: number;
  readonly pairs: "half" | "interleaved";
}

/** Small enough to evaluate everywhere. */
export const SMALL: Config = { heads: 4, keyHeads: 2, channels: 16, couple: 4, bits: 3, queries: 9, window: 4, outputs: 3, pairs: "half" };
/** The shapes of a model. */
export const BIG: Config = { heads: 32, keyHeads: 8, channels: 128, couple: 8, bits: 8, queries: 4096, window: 512, outputs: 4096, pairs: "half" };

type Numbered = (index: Value) => Value;

export class Program {
  readonly b = new GraphBuilder();
  readonly #axes = new Map<string, AxisDeclaration>();
  readonly #inputs = new Map<string, Tensor>();
  readonly #stores: Store[] = [];

  constructor(readonly c: Config) {
    this.axis("head", c.heads);
    this.axis("channel", c.channels);
    this.axis("keyHead", c.keyHeads);
    this.axis("token");
  }

  axis(name: string, extent?: number): Value {
    this.#axes.set(name, extent === undefined ? { name } : { name, extent });
    return this.extent(name);
  }

  extent(name: string): Value {
    const extent = this.#axes.get(name)?.extent;
    return extent === undefined ? this.b.extent(name) : this.b.constant(extent);
  }

  tensor(name: string, axes: readonly string[], element: Element = { kind: "f32" }): (...indices: Value[]) => Value {
    const tensor = { name, axes, element };
    this.#inputs.set(name, tensor);
    return (...indices) => this.b.load(tensor, indices);
  }

  /** A free index; the axis of an output. */
  at(axis: string): Value {
    return this.b.index(axis, this.extent(axis));
  }

  #reduce(op: "sum" | "max" | "min" | "argmax" | "argmin" | "any", axis: string, body: Numbered, where?: Numbered): Value {
    // A number of its own keeps the index apart from those already free.
    const index = this.b.index(axis, this.extent(axis), 100 + this.#fresh++);
    return this.b.reduce(op, index, body(index), where === undefined ? this.b.true : where(index));
  }
  #fresh = 0;

  sum(axis: string, body: Numbered): Value { return this.#reduce("sum", axis, body); }
  max(axis: string, body: Numbered): Value { return this.#reduce("max", axis, body); }
  min(axis: string, body: Numbered): Value { return this.#reduce("min", axis, body); }
  argmax(axis: string, body: Numbered): Value { return this.#reduce("argmax", axis, body); }
  argmin(axis: string, body: Numbered): Value { return this.#reduce("argmin", axis, body); }

  any(axis: string, body: Numbered): Value { return this.#reduce("any", axis, body); }

  exp(value: Value): Value { return this.b.apply("exp", [value]); }
  log(value: Value): Value { return this.b.apply("log", [value]); }

  store(name: string, axes: readonly string[], value: Value): this {
    this.#stores.push({ output: { name, axes, element: { kind: "f32" } }, indices: axes.map((axis) => this.at(axis)), value });
    return this;
  }

  get graph(): Graph {
    return { name: "test", axes: [...this.#axes.values()], inputs: [...this.#inputs.values()], outputs: this.#stores.map(({ output }) => output), stores: this.#stores, obligations: [], spans: new Map() };
  }

  /** Of scores: the weights, the guarded maximum and the total, as the library writes them. */
  weights(axis: string, score: Numbered): { readonly weight: Numbered; readonly shift: Value; readonly total: Value; readonly peak: Value } {
    const { b } = this;
    const peak = this.max(axis, score);
    const shift = b.select(b.equal(peak, b.constant(-Infinity)), b.zero, peak);
    const total = this.sum(axis, (t) => this.exp(b.subtract(score(t), shift)));
    const norm = b.select(b.equal(total, b.zero), b.one, total);
    return { weight: (t) => b.divide(this.exp(b.subtract(score(t), shift)), norm), shift, total, peak };
  }

  keyHead(head: Value): Value { return this.b.floor(this.b.scale(this.c.keyHeads / this.c.heads, head)); }

  /** A cache of codes: a vector of `couple` channels for each code. */
  coded(name: string, tokens = "token"): (token: Value, head: Value, channel: Value) => Value {
    const { b, c } = this;
    this.axis("group", c.channels / c.couple);
    this.axis("code", 2 ** c.bits);
    this.axis("lane", c.couple);
    const codes = this.tensor(`${name}Codes`, [tokens, "keyHead", "group"], { kind: "uint", bits: c.bits });
    const book = this.tensor(`${name}Book`, ["keyHead", "group", "code", "lane"]);
    return (token, head, channel) => {
      const group = b.floor(b.scale(1 / c.couple, channel));
      return book(head, group, codes(token, head, group), b.remainder(channel, b.constant(c.couple)));
    };
  }

  /** Attention over `score` and `value`, one output row per head. */
  attention(score: Numbered, value: (token: Value, channel: Value) => Value): this {
    const { weight } = this.weights("token", score);
    const channel = this.at("channel");
    return this.store("out", ["head", "channel"], this.sum("token", (t) => this.b.multiply(weight(t), value(t, channel))));
  }

  dot(left: Numbered, right: Numbered): Value {
    return this.b.divide(this.sum("channel", (x) => this.b.multiply(left(x), right(x))), this.b.apply("sqrt", [this.b.constant(this.c.channels)]));
  }
}


export const PROGRAMS = {
  plain: (c: Config): Program => {
    const p = new Program(c);
    const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.tensor("k", ["token", "keyHead", "channel"]), p.tensor("v", ["token", "keyHead", "channel"])];
    const h = p.at("head");
    return p.attention((t) => p.dot((x) => q(h, x), (x) => k(t, p.keyHead(h), x)), (t, x) => v(t, p.keyHead(h), x));
  },
  coded: (c: Config): Program => {
    const p = new Program(c);
    const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.coded("k"), p.coded("v")];
    const h = p.at("head");
    return p.attention((t) => p.dot((x) => q(h, x), (x) => k(t, p.keyHead(h), x)), (t, x) => v(t, p.keyHead(h), x));
  },
  rotated: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    const half = c.channels / 2;
    p.axis("pair", half);
    const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.coded("k"), p.coded("v")];
    const [cos, sin] = [p.tensor("cos", ["token", "pair"]), p.tensor("sin", ["token", "pair"])];
    const h = p.at("head");
    const key = (t: Value, x: Value): Value => {
      const interleaved = c.pairs === "interleaved";
      const at = interleaved ? b.floor(b.scale(1 / 2, x)) : b.remainder(x, b.constant(half));
      const first = interleaved ? b.equal(b.remainder(x, b.constant(2)), b.zero) : b.less(x, b.constant(half));
      const step = b.constant(interleaved ? 1 : half);
      const partner = b.select(first, b.add(x, step), b.subtract(x, step));
      const turned = b.multiply(b.select(first, b.constant(-1), b.one), k(t, p.keyHead(h), partner), sin(t, at));
      return b.add(b.multiply(k(t, p.keyHead(h), x), cos(t, at)), turned);
    };
    return p.attention((t) => p.dot((x) => q(h, x), (x) => key(t, x)), (t, x) => v(t, p.keyHead(h), x));
  },
  window: (c: Config): Program => windowed(c, false),
  logTotal: (c: Config): Program => windowed(c, true),
  sink: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.tensor("k", ["token", "channel"]), p.tensor("v", ["token", "channel"])];
    const [sink, live] = [p.tensor("sink", ["head"]), p.tensor("live", ["token"], { kind: "uint", bits: 1 })];
    const [h, x] = [p.at("head"), p.at("channel")];
    const score = (t: Value): Value => b.select(b.equal(live(t), b.one), p.sum("channel", (y) => b.multiply(q(h, y), k(t, y))), b.constant(-Infinity));
    const most = p.max("token", score);
    const m = b.select(b.less(most, sink(h)), sink(h), most);
    const total = b.add(p.exp(b.subtract(sink(h), m)), p.sum("token", (t) => p.exp(b.subtract(score(t), m))));
    return p.store("out", ["head", "channel"], p.sum("token", (t) => b.multiply(b.divide(p.exp(b.subtract(score(t), m)), total), v(t, x))));
  },
  rms: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    p.axis("output", c.outputs);
    const [x, g, w] = [p.tensor("x", ["channel"]), p.tensor("g", ["channel"]), p.tensor("w", ["channel", "output"])];
    const o = p.at("output");
    const root = b.apply("sqrt", [b.add(b.scale(1 / c.channels, p.sum("channel", (i) => b.multiply(x(i), x(i)))), b.constant(1e-6))]);
    return p.store("y", ["output"], p.sum("channel", (i) => b.multiply(b.divide(x(i), root), g(i), w(i, o))));
  },
  layer: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    p.axis("output", c.outputs);
    const [x, g, w] = [p.tensor("x", ["channel"]), p.tensor("g", ["channel"]), p.tensor("w", ["channel", "output"])];
    const o = p.at("output");
    const mean = b.scale(1 / c.channels, p.sum("channel", (i) => x(i)));
    const variance = b.scale(1 / c.channels, p.sum("channel", (i) => b.power(b.subtract(x(i), mean), b.constant(2))));
    const root = b.apply("sqrt", [b.add(variance, b.constant(1e-6))]);
    return p.store("y", ["output"], p.sum("channel", (i) => b.multiply(b.divide(b.subtract(x(i), mean), root), g(i), w(i, o))));
  },
  tail: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    const n = p.axis("coded");
    p.axis("tail");
    const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.coded("k", "coded"), p.coded("v", "coded")];
    const [kTail, vTail] = [p.tensor("kTail", ["tail", "keyHead", "channel"]), p.tensor("vTail", ["tail", "keyHead", "channel"])];
    const h = p.at("head");
    const read = (f: typeof k, rest: typeof kTail, t: Value, x: Value): Value =>
      b.select(b.less(t, n), f(b.clamp(t, n), p.keyHead(h), x), rest(b.clamp(b.subtract(t, n), b.subtract(p.extent("token"), n)), p.keyHead(h), x));
    return p.attention((t) => p.dot((x) => q(h, x), (x) => read(k, kTail, t, x)), (t, x) => read(v, vTail, t, x));
  },
  residual: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    const [q, k, k2, v, v2] = [p.tensor("q", ["head", "channel"]), p.coded("k"), p.coded("kk"), p.coded("v"), p.coded("vv")];
    const h = p.at("head");
    return p.attention(
      (t) => p.dot((x) => q(h, x), (x) => b.add(k(t, p.keyHead(h), x), k2(t, p.keyHead(h), x))),
      (t, x) => b.add(v(t, p.keyHead(h), x), v2(t, p.keyHead(h), x)),
    );
  },
  softCap: (c: Config): Program => {
    const p = new Program(c);
    const { b } = p;
    const [q, k, v, cap] = [p.tensor("q", ["head", "channel"]), p.tensor("k", ["token", "keyHead", "channel"]), p.tensor("v", ["token", "keyHead", "channel"]), p.tensor("cap", [])];
    const h = p.at("head");
    const score = (t: Value): Value => b.multiply(cap(), b.apply("tanh", [b.scale(1 / 20, p.dot((x) => q(h, x), (x) => k(t, p.keyHead(h), x)))]));
    return p.attention(score, (t, x) => v(t, p.keyHead(h), x));
  },
} as const;

function windowed(c: Config, withTotal: boolean): Program {
  const p = new Program(c);
  const { b } = p;
  p.axis("query", c.queries);
  const [q, k, v] = [p.tensor("q", ["query", "channel"]), p.tensor("k", ["token", "channel"]), p.tensor("v", ["token", "channel"])];
  const [i, x] = [p.at("query"), p.at("channel")];
  const score = (t: Value): Value => {
    const seen = b.and(b.atMost(t, i), b.less(b.subtract(i, t), b.constant(c.window)));
    return b.select(seen, p.dot((y) => q(i, y), (y) => k(t, y)), b.constant(-Infinity));
  };
  const { weight, shift, total } = p.weights("token", score);
  p.store("out", ["query", "channel"], p.sum("token", (t) => b.multiply(weight(t), v(t, x))));
  return withTotal ? p.store("lse", ["query"], b.add(shift, p.log(total))) : p;
}

/** A deterministic stream of numbers in [0, 1). */
export function stream(seed = 7): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

/** Random tensors for a graph: reals in ±amplitude, integers in the range of their width. */
export function randomTensors(graph: Graph, sizes: Sizes, random: () => number, amplitude = 1.5): Tensors {
  const extents = new Map(graph.axes.map(({ name, extent }) => [name, extent ?? sizes[name] ?? 0]));
  return Object.fromEntries(graph.inputs.map(({ name, axes, element }) => {
    const shape = axes.map((axis) => extents.get(axis) ?? 0);
    const count = shape.reduce((a, b) => a * b, 1);
    const one = (): number => (element.kind === "uint" ? Math.floor(random() * 2 ** element.bits) : (random() * 2 - 1) * amplitude);
    return [name, { shape, data: Array.from({ length: count }, one) }];
  }));
}
