/**
 * @file Split: an axis that is used through `⌊c / k⌋`, `c % k` or `c < k` becomes the digits of its position, and all
 * three become digits too. Splitting is substitution, so an output's own axes split like any other: what remains of
 * them is the linear index of the store.
 *
 *     c  →  k·g + l          g = c/k (extent n / k), l = c%k (extent k)
 *     ⌊c / k⌋ → g,  c % k → l,  c < k → g < 1,  out[c] = v → out[k·g + l] = v
 *
 * Example: with 32 query heads and 8 key heads, `key[⌊h / 4⌋]` becomes `key[h/4]` with h = 4·(h/4) + h%4; what depends
 * on the key head alone is no longer free in h%4 and is computed once for four query heads.
 */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Index, Reduce, Value } from "../../spec/graph/node";
import type { AlgebraRecord, Firing, Refusal } from "./derived";
import { candidates } from "./folds";
import { openedOrder, openedParts, placeOf, roots } from "./opened";
import { show } from "./show";

/** The strides of one axis, each dividing the one before; the first divides the extent. */
export interface Chain {
  readonly axis: string;
  readonly extent: number;
  readonly strides: readonly number[];
  /** A use of the axis through the first of them. */
  readonly use?: Value | undefined;
}

export interface Chains {
  readonly chains: readonly Chain[];
  readonly refused: readonly Refusal[];
}

interface Use { readonly axis: string; readonly extent: Value; readonly stride: number; readonly at: Value }

function* usesOf(node: Value): Generator<Use> {
  const through = function* (left: Value, stride: number): Generator<Use> {
    for (const [coefficient, term] of asLinear(left).terms) {
      if (term.kind === "index" && Math.abs(coefficient) === 1) yield { axis: term.axis, extent: term.extent, stride, at: node };
    }
  };
  if ((node.kind === "quotient" || node.kind === "remainder") && node.right.kind === "constant") yield* through(node.left, node.right.value);
  if (node.kind === "less" && node.left.kind === "linear" && node.left.terms.length === 1) {
    const [only] = node.left.terms;
    if (only === undefined) return;
    // c < k is c − k < 0; k ≤ c is k − 1 − c < 0.
    yield* through(node.left, only[0] > 0 ? -node.left.constant : node.left.constant + 1);
  }
}

/** Finds the strides by which axes of fixed extent are used, and orders them into divisor chains. */
export function findChains(builder: GraphBuilder, graph: Graph): Chains {
  const found = new Map<string, { readonly extent: number; readonly strides: Map<number, Value> }>();
  const refused = new Map<string, Refusal>();
  const no = (at: string, why: string, use?: Value): void => void refused.set(`${at} ${why}`, { rule: "split", at, why, span: use && placeOf(builder, use) });
  for (const node of openedOrder(builder, roots(graph))) {
    for (const { axis, extent, stride, at } of usesOf(node)) {
      if (stride <= 1 || !Number.isInteger(stride)) continue;
      if (extent.kind !== "constant") {
        // A comparison with a symbolic position is a domain, which needs no split.
        if (at.kind !== "less") no(axis, `its extent is not fixed, so ${show(builder, at)} stays`, at);
        continue;
      }
      if (stride >= extent.value) continue;
      const entry = found.get(axis) ?? { extent: extent.value, strides: new Map<number, Value>() };
      found.set(axis, entry);
      if (entry.extent === extent.value && !entry.strides.has(stride)) entry.strides.set(stride, at);
    }
  }
  const chains: Chain[] = [];
  for (const [axis, { extent, strides }] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const chain: number[] = [];
    let last = extent;
    for (const stride of [...strides.keys()].sort((a, b) => b - a)) {
      if (last % stride === 0) {
        chain.push(stride);
        last = stride;
      } else {
        const at = strides.get(stride);
        no(axis, `${stride} does not divide ${last}, the stride before it in ${[extent, ...chain].join(" > ")}, so ${at === undefined ? "its use" : show(builder, at)} stays`, at);
      }
    }
    const [first] = chain;
    if (first !== undefined) chains.push({ axis, extent, strides: chain, use: strides.get(first) });
  }
  return { chains, refused: [...refused.values()] };
}

/** The names of the digits of an axis, outermost first: `c/64`, `c/4%16`, `c%4`. */
export function digitsOf({ axis, extent, strides }: Chain): readonly { readonly name: string; readonly stride: number; readonly extent: number }[] {
  const all = [...strides, 1];
  return all.map((stride, at) => {
    const above = at === 0 ? extent : (all[at - 1] ?? extent);
    const size = above / stride;
    const name = at === 0 ? `${axis}/${stride}` : stride === 1 ? `${axis}%${size}` : `${axis}/${stride}%${size}`;
    return { name, stride, extent: size };
  });
}

/** Replaces one axis by its digits, in every store and reduction. */
export function splitAxis(builder: GraphBuilder, graph: Graph, chain: Chain): Graph {
  const digits = digitsOf(chain);
  const isSplit = (index: Value): index is Index => index.kind === "index" && index.axis === chain.axis && index.extent.kind === "constant" && index.extent.value === chain.extent;
  /** The digits of one index: each has the number `k` of the index. */
  const positions = (index: Index): readonly Value[] => {
    const k = Number(index.name.slice(index.name.lastIndexOf("@") + 1));
    return digits.map(({ name, extent }) => builder.index(name, builder.constant(extent), k));
  };
  const positionOf = (parts: readonly Value[]): Value => builder.linear(0, parts.map((part, at) => [digits[at]?.stride ?? 0, part] as const));
  const done = new Map<Value, Value>();
  const into = (value: Value): Value =>
    builder.rewrite(value, (node) => {
      if (node.kind !== "reduce" && node.kind !== "table") return undefined;
      const { index, where, body } = builder.open(node);
      if (!isSplit(index)) return undefined;
      // An arg-reduction yields a position of the whole axis: it keeps its axis.
      if (node.kind === "table" || node.op === "argmax" || node.op === "argmin") return undefined;
      const parts = positions(index);
      const at = new Map<Value, Value>([[index, positionOf(parts)]]);
      let inner = builder.substitute(body, at);
      let guard = builder.substitute(where, at);
      for (const part of [...parts].reverse()) {
        inner = builder.reduce(node.op, part, inner, guard);
        guard = builder.true;
      }
      return inner;
    }, done);
  const stores = graph.stores.map((store) => {
    const own = new Map<Value, Value>();
    for (const index of openedOrder(builder, store.indices)) if (isSplit(index)) own.set(index, positionOf(positions(index)));
    const value = builder.substitute(into(store.value), own);
    const indices = store.indices.map((index) => builder.substitute(index, own));
    return value === store.value && own.size === 0 ? store : { ...store, indices, value };
  });
  const known = new Set(graph.axes.map(({ name }) => name));
  const axes = [...graph.axes, ...digits.filter(({ name }) => !known.has(name)).map(({ name, extent }) => ({ name, extent }))];
  return stores.every((store, at) => store === graph.stores[at]) ? graph : { ...graph, axes, stores };
}

/**
 * The axes that only cascades go through: reductions of which one reads another over the same axis, and no output. A fold
 * takes such an axis position by position and cuts it into tiles of its own; as digits, what all components share at a
 * position would lie inside a loop and be computed for each of them. Bounds from ⌊c / k⌋ are found without splitting.
 */
function cascades(builder: GraphBuilder, graph: Graph): ReadonlySet<string> {
  const closed = candidates(builder, graph);
  const all = openedOrder(builder, roots(graph)).filter((node): node is Reduce => node.kind === "reduce");
  const reading = closed.filter((node) => openedOrder(builder, openedParts(builder, node)).some((part) => part !== node && part.kind === "reduce" && part.axis === node.axis && closed.includes(part)));
  const others = new Set([...all.filter((node) => !closed.includes(node)).map(({ axis }) => axis), ...graph.outputs.flatMap(({ axes }) => axes)]);
  return new Set(reading.map(({ axis }) => axis).filter((axis) => !others.has(axis)));
}

/** Splits every axis that is used through a stride of a divisor chain, but for those of cascades. */
export function split(builder: GraphBuilder, graph: Graph): { readonly graph: Graph; readonly record: AlgebraRecord } {
  const { chains, refused: uneven } = findChains(builder, graph);
  const refused: Refusal[] = [...uneven];
  const fired: Firing[] = [];
  const whole = chains.length === 0 ? new Set<string>() : cascades(builder, graph);
  let current = graph;
  for (const chain of chains) {
    if (whole.has(chain.axis)) {
      refused.push({ rule: "split", at: `${chain.axis} (${chain.extent}) by ${chain.strides.join(", ")}`, why: "a fold goes through it position by position", span: chain.use && placeOf(builder, chain.use) });
      continue;
    }
    const next = splitAxis(builder, current, chain);
    if (next !== current) fired.push({ rule: "split", at: `${chain.axis} (${chain.extent}) by ${chain.strides.join(", ")}`, span: chain.use && placeOf(builder, chain.use) });
    current = next;
  }
  return { graph: current, record: { fired, refused } };
}
