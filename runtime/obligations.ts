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
import { faultOf } from "../spec/graph/obligations";
import { interpret } from "../spec/interpreter";
import { measure } from "../spec/interpreter/measure";
import { raise, type Sizes } from "../spec/tensor/check";

type Inside = Extract<Obligation["claim"], { readonly kind: "inside" }>;

/** The most positions that are tried for one index. */
const MOST_POSITIONS = 2 ** 20;

/**
 * Checks every obligation of a graph for sizes of all its axes.
 * @throws KvernError KV2001 an index outside its axis, KV2102 sizes that do not divide
 */
export function discharge(graph: Graph, sizes: Sizes): void {
  const faults: Diagnostic[] = [];
  for (const { claim, span } of graph.obligations) {
    const fault = faultOf(claim, sizes);
    const found = fault === undefined ? "none" : claim.kind === "divides" ? "unknown" : firstOutside(graph, claim, sizes);
    if (fault !== undefined && found !== "none") faults.push({ ...fault, ...(found === "unknown" ? {} : { got: String(found) }), ...span });
  }
  raise(faults);
}

/** An index and the conditions it is read under, over constants in the place of sizes. */
interface SizedClaim {
  readonly builder: GraphBuilder;
  readonly index: Value;
  readonly under: readonly Value[];
}

function atSizes(graph: Graph, { index, under }: Inside, sizes: Sizes): SizedClaim {
  const [output] = graph.outputs;
  if (output === undefined) throw new InternalError(`${graph.name} has no output`);
  // A graph that stores nothing but the claim.
  const stores: readonly Store[] = [{ output, indices: under, value: index }];
  const { builder, graph: sized } = specialise({ ...graph, stores }, sizes);
  const [store] = sized.stores;
  if (store === undefined) throw new InternalError(`the copy of ${graph.name} has no store`);
  return { builder, index: store.value, under: store.indices };
}

/** An index outside the axis, `none`, or `unknown` where elements of inputs have a say or there are too many positions. */
function firstOutside(graph: Graph, claim: Inside, sizes: Sizes): number | "none" | "unknown" {
  const size = sizes[claim.axis];
  if (size === undefined) throw new InternalError(`the axis ${claim.axis} was checked and has no size`);
  if (runsOverNothing(claim, sizes)) return "none";
  const { builder, index, under } = atSizes(graph, claim, sizes);
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

/** Whether an axis that a claim runs over is empty. Asked of the claim as it was made: with sizes put in, ⌊t / 4⌋ over no t is 0. */
function runsOverNothing({ index, under }: Inside, sizes: Sizes): boolean {
  const free = new Set([index, ...under].flatMap((each) => each.free));
  return postOrder([index, ...under]).some((part) => part.kind === "index" && free.has(part.name) && measure(part.extent, sizes) === 0);
}

/** What stands at the positions at which a condition fails. */
const NOT_READ = -Infinity;
