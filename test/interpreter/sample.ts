/** @file Graphs written by hand, for tests that must not depend on the front end. */

import { GraphBuilder } from "../../spec/graph/builder";
import type { AxisDeclaration, Element, Graph, Tensor, Value } from "../../spec/graph/node";

export const f32: Element = { kind: "f32" };
export const f16: Element = { kind: "f16" };

export function tensorOf(name: string, axes: readonly string[], element: Element = f32): Tensor {
  return { name, axes, element };
}

/** A graph with one output `out` over `axes`, whose element at its free indices is `body`. */
export function graphOf(
  builder: GraphBuilder,
  inputs: readonly Tensor[],
  output: Tensor,
  body: (...at: Value[]) => Value,
  declared: readonly AxisDeclaration[] = [],
): Graph {
  const names = [...new Set([...inputs, output].flatMap((tensor) => tensor.axes))];
  const axes = names.map((name) => declared.find((axis) => axis.name === name) ?? { name });
  const used = new Map<string, number>();
  const indices = output.axes.map((axis) => {
    const k = used.get(axis) ?? 0;
    used.set(axis, k + 1);
    return builder.index(axis, extentOf(builder, axes, axis), k);
  });
  return { name: "sample", axes, inputs, outputs: [output], stores: [{ output, indices, value: body(...indices) }], obligations: [], spans: builder.spans };
}

function extentOf(builder: GraphBuilder, axes: readonly AxisDeclaration[], name: string): Value {
  const extent = axes.find((axis) => axis.name === name)?.extent;
  return extent === undefined ? builder.extent(name) : builder.constant(extent);
}

/** Softmax weights of `score` over `axis`, as the library writes them. */
export function softmaxOf(builder: GraphBuilder, axis: string, score: (at: Value) => Value, open: number): (at: Value) => Value {
  const extent = builder.extent(axis);
  const bound = builder.index(axis, extent, open);
  const peak = builder.reduce("max", bound, score(bound));
  const least = builder.constant(-Infinity);
  const shift = builder.select(builder.equal(peak, least), builder.zero, peak);
  const power = (at: Value): Value => builder.apply("exp", [builder.subtract(score(at), shift)]);
  const total = builder.reduce("sum", bound, power(bound));
  const norm = builder.select(builder.equal(total, builder.zero), builder.one, total);
  return (at) => builder.divide(power(at), norm);
}

/** Attention of `head` query heads over a cache of `kvHead` heads in coupled codes of 8 bits, groups of `couple` channels. */
export function coupledAttention(couple: number, channels: number, heads: number, kvHeads: number): Graph {
  const b = new GraphBuilder();
  const group = "group";
  const q = tensorOf("q", ["head", "channel"]);
  const codes = (name: string): Tensor => tensorOf(`${name}.codes`, ["token", "kvHead", group], { kind: "uint", bits: 8 });
  const book = (name: string): Tensor => tensorOf(`${name}.book`, ["kvHead", group, "code", "lane"]);
  const axes: AxisDeclaration[] = [
    { name: "head", extent: heads }, { name: "kvHead", extent: kvHeads }, { name: "channel", extent: channels },
    { name: group, extent: channels / couple }, { name: "code", extent: 256 }, { name: "lane", extent: couple }, { name: "token" },
  ];
  const element = (name: string, t: Value, kv: Value, c: Value): Value => {
    const g = b.quotient(c, b.constant(couple));
    return b.load(book(name), [kv, g, b.load(codes(name), [t, kv, g]), b.remainder(c, b.constant(couple))]);
  };
  const inputs = [q, codes("keys"), book("keys"), codes("values"), book("values")];
  return graphOf(b, inputs, tensorOf("out", ["head", "channel"]), (h = b.zero, c = b.zero) => {
    const kv = b.quotient(h, b.constant(heads / kvHeads));
    const inner = b.index("channel", b.constant(channels), 7);
    const score = (t: Value): Value => b.divide(b.reduce("sum", inner, b.multiply(b.load(q, [h, inner]), element("keys", t, kv, inner))), b.constant(Math.sqrt(channels)));
    const weight = softmaxOf(b, "token", score, 8);
    const t = b.index("token", b.extent("token"), 9);
    return b.reduce("sum", t, b.multiply(weight(t), element("values", t, kv, c)));
  }, axes);
}
