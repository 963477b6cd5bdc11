/**
 * @file What the compiler could not prove without sizes, decided once they are known: that an index lies inside its axis,
 * that one size divides another. Proved over the graph for these sizes where that succeeds, else tried at every position
 * that the index can have.
 */

import { specialise } from "../compiler/plan/specialise";
import { InternalError, type Diagnostic } from "../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../spec/graph/builder";
import { postOrder } from "../spec/graph/children";
import type { Graph, Index, Obligation, Store, Value } from "../spec/graph/node";
import { nonNegative } from "../spec/graph/prove";
import { interpret } from "../spec/interpreter";
import { measure } from "../spec/interpreter/measure";
import { raise, type Sizes } from "../spec/tensor/check";

type Inside = Extract<Obligation["claim"], { readonly kind: "inside" }>;
type Divides = Extract<Obligation["claim"], { readonly kind: "divides" }>;

/** The most positions that are tried for one index. */
const MOST_POSITIONS = 2 ** 20;

/**
 * Checks every obligation of a graph for sizes of all its axes.
 * @throws KvernError KV2001 an index outside its axis, KV2102 sizes that do not divide
 */
export function discharge(graph: Graph, sizes: Sizes): void {
  const faults: Diagnostic[] = [];
  for (const { claim, span } of graph.obligations) {
    const fault = claim.kind === "divides" ? indivisible(claim, sizes) : outside(graph, claim, sizes);
    if (fault !== undefined) faults.push({ ...fault, ...span });
  }
  raise(faults);
}

function indivisible({ dividend, divisor }: Divides, sizes: Sizes): Diagnostic | undefined {
  const [size, count] = [measure(dividend, sizes), measure(divisor, sizes)];
  if (count !== 0 && size % count === 0) return undefined;
  const name = (value: Value, otherwise: string): string => (value.kind === "extent" ? `the axis \`${value.axis}\`` : otherwise);
  return {
    code: "KV2102",
    message: `${name(dividend, "a size")} cannot be divided evenly among ${name(divisor, "the groups")}`,
    expected: count === 0 ? "at least one group" : `a multiple of ${count}`,
    got: String(size),
  };
}

function outside(graph: Graph, { index, axis, of, under }: Inside, sizes: Sizes): Diagnostic | undefined {
  const size = sizes[axis];
  if (size === undefined) throw new InternalError(`the axis ${axis} was checked and has no size`);
  if (runsOverNothing([index, ...under], sizes)) return undefined;
  const claim = atSizes(graph, index, under, sizes);
  if (isVacuous(claim) || isProved(claim, size)) return undefined;
  const found = firstOutside(claim, size);
  if (found === "none") return undefined;
  const { low, high } = claim.index.facts;
  return {
    code: "KV2001",
    message: `\`${of}\` is read at an index that is not inside its axis \`${axis}\``,
    expected: size === 0 ? "no index, as the axis is empty" : `an index from 0 to ${size - 1}`,
    got: found === "unknown" ? `one from ${low} to ${high}, as far as can be told` : String(found),
    mend: `clamp(i, ${axis}) forces an index into its axis; a condition around the read leaves it out`,
  };
}

/** An index and the conditions it is read under, over constants in the place of sizes. */
interface SizedClaim {
  readonly builder: GraphBuilder;
  readonly index: Value;
  readonly under: readonly Value[];
}

function atSizes(graph: Graph, index: Value, under: readonly Value[], sizes: Sizes): SizedClaim {
  const [output] = graph.outputs;
  if (output === undefined) throw new InternalError(`${graph.name} has no output`);
  // A graph that stores nothing but the claim.
  const stores: readonly Store[] = [{ output, indices: under, value: index }];
  const { builder, graph: sized } = specialise({ ...graph, stores }, sizes);
  const [store] = sized.stores;
  if (store === undefined) throw new InternalError(`the copy of ${graph.name} has no store`);
  return { builder, index: store.value, under: store.indices };
}

/** Whether an axis that the values run over is empty. Asked before sizes are put in, which may leave no trace of an index. */
function runsOverNothing(values: readonly Value[], sizes: Sizes): boolean {
  return postOrder(values).some((part) => part.kind === "index" && part.name.includes("@") && measure(part.extent, sizes) === 0);
}

/** Whether the index is read nowhere, as a condition never holds. */
function isVacuous({ under }: SizedClaim): boolean {
  return under.some((condition) => condition.kind === "truth" && !condition.value);
}

function isProved({ builder, index, under }: SizedClaim, size: number): boolean {
  const known: Value[] = [];
  for (const condition of under.flatMap((each) => (each.kind === "and" ? each.of : [each]))) {
    if (condition.kind === "less" && condition.left.facts.integer && condition.right.facts.integer) {
      known.push(builder.linear(-1, [[1, condition.right], [-1, condition.left]]));
    }
  }
  return nonNegative(index, known) && nonNegative(builder.linear(size - 1, [[-1, index]]), known);
}

/** An index outside the axis, `none`, or `unknown` where elements of inputs have a say or there are too many positions. */
function firstOutside({ builder, index, under }: SizedClaim, size: number): number | "none" | "unknown" {
  const parts = postOrder([index, ...under]);
  if (parts.some(({ kind }) => kind === "load")) return "unknown";
  const free = new Set([index, ...under].flatMap((each) => each.free));
  const indices = parts.filter((part): part is Index => part.kind === "index" && free.has(part.name));
  if (indices.reduce((count, { extent }) => count * measure(extent, {}), 1) > MOST_POSITIONS) return "unknown";
  // A kernel that gives the index wherever it is read.
  const output = { name: "position", element: { kind: "f32" }, axes: indices.map(({ axis }) => axis) } as const;
  const value = builder.select(builder.and(...under), index, builder.constant(NOT_READ));
  const axes = indices.map(({ axis, extent }) => ({ name: axis, extent: measure(extent, {}) }));
  const declared = [...new Map(axes.map((axis) => [axis.name, axis])).values()];
  const positions = { name: "positions", axes: declared, inputs: [], outputs: [output], stores: [{ output, indices, value }], obligations: [], spans: new Map() };
  const found = interpret(positions, {})["position"]?.data ?? [];
  return found.find((at) => at !== NOT_READ && !(Number.isInteger(at) && at >= 0 && at < size)) ?? "none";
}

/** What stands at the positions at which a condition fails. */
const NOT_READ = -Infinity;
