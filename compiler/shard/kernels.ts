/** @file `shard`: the three kernels by which an axis of a kernel is cut, as portable graphs, or the reason why it cannot be. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { loadGraph, saveGraph, type SerialisedGraph } from "../../spec/graph/json";
import { Unshardable } from "./local";
import { foldedAxes, shardAlong, type ShardedGraph } from "./shard";

/** The kernels of one axis: see `spec/shards.md`. */
export interface Sharded {
  /** The axis that is cut. */
  readonly axis: string;
  /** A shard of the inputs → the state, `state.…`. */
  readonly partial: SerialisedGraph;
  /** k ≥ 0 states, stacked in `states.…` along a first axis in any order → the state of all of them. */
  readonly join: SerialisedGraph;
  /** k ≥ 0 states → the outputs. */
  readonly merge: SerialisedGraph;
}

/**
 * Cuts a kernel along an axis whose size is open. `axis` may be left out where there is only one to cut.
 * @throws KvernError KV5101 no graph; KV5301 no sound merge, and why; KV5302 no such axis, or several
 */
export function shard(serialised: unknown, axis?: string): Sharded {
  const { builder, graph } = loadGraph(serialised);
  const names = graph.axes.map(({ name }) => name);
  if (axis !== undefined && !names.includes(axis)) {
    refuse({ code: "KV5302", message: `\`${graph.name}\` has no axis \`${axis}\` to cut into shards`, expected: quoted(names), got: `\`${axis}\`` });
  }
  const candidates = axis === undefined ? foldedAxes(builder, graph).filter((name) => names.includes(name)) : [axis];
  const made: ShardedGraph[] = [];
  const why: string[] = [];
  for (const candidate of candidates) {
    try {
      made.push(shardAlong(builder, graph, candidate));
    } catch (fault) {
      if (!(fault instanceof Unshardable)) throw fault;
      why.push(`along \`${candidate}\`: ${fault.message}`);
    }
  }
  const [first, ...others] = made;
  if (first === undefined) {
    return refuse({
      code: "KV5301", message: `\`${graph.name}\` cannot be cut into shards`, got: why.length === 0 ? "a kernel without a reduction over an axis" : why.join("; "),
      expected: "an axis of open size that all reductions over it go through once, each position by itself",
    });
  }
  if (others.length > 0) {
    refuse({ code: "KV5302", message: `\`${graph.name}\` can be cut into shards along several axes`, expected: `one of ${quoted(made.map((each) => each.axis))}`, mend: `Say which: --shard ${first.axis}.` });
  }
  return { axis: first.axis, partial: saveGraph(first.partial), join: saveGraph(first.join), merge: saveGraph(first.merge) };
}

const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
