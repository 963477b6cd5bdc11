/**
 * @file The reference interpreter: what a graph means, one element at a time in f64. Compiled kernels are held to it, and
 * it to `evaluate`. It reads graphs as they are and shares no code with the compiler, so that neither hides a fault of
 * the other.
 */

import type { Graph } from "../graph/node";
import type { Sizes } from "../tensor";
import { bindGraph, noSlot, type Inputs } from "./bind";
import { WGSL, type Accuracy } from "./bound/accuracy";
import { exactly, settled } from "./bound/approximate";
import { BoundClosures } from "./bound/closure";
import { toHalf } from "./bound/functions";
import type { SlotValue } from "./closure";
import type { Term } from "./term";

/** An output: integers exact, reals in f64 as computed, not rounded to their element type. */
export interface InterpretedTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface InterpretOptions {
  /** Sizes of axes that no input binds. Sizes that inputs do bind must agree. */
  readonly set?: Sizes;
  /** What the compiler's own references are worth. */
  readonly slot?: SlotValue;
}

/**
 * Interprets `graph` on `inputs`, given by flattened name (`keys.codes`), and returns every output by name. Inputs
 * become what their storage holds (f32 and f16 round); integer outputs saturate at the ends of their type.
 * @throws KvernError KV2001, KV2002 for an index outside its axis; KV21nn for sizes that are missing or contradict each
 * other; KV30nn for tensors that do not fit the signature; KV3009 for an integer output that is no integer
 */
export function interpret(graph: Graph, inputs: Inputs, { set = {}, slot = noSlot }: InterpretOptions = {}): Record<string, InterpretedTensor> {
  const bound = bindGraph(graph, inputs, set, slot);
  for (const { output, loops, indices, value } of bound.stores) output.fill(loops, indices, bound.closures.of(value));
  return Object.fromEntries(
    bound.outputs.map((output) => {
      output.checkComplete();
      return [output.tensor.name, { shape: output.shape, data: output.data }];
    }),
  );
}

/** An output with its bounds, element by element. */
export interface BoundedTensor extends InterpretedTensor {
  /** How far an element that a device computes in f32 may lie from `data`; +∞ where nothing is promised of it. */
  readonly bound: Float64Array;
  /** 1 where a comparison or a rounding to an integer may fall either way, so that `bound` spans a jump; else 0. */
  readonly undecided: Uint8Array;
}

export interface BoundOptions {
  readonly set?: Sizes;
  /** What the backend promises; WGSL unless given. */
  readonly accuracy?: Accuracy;
  /**
   * How often an evaluation may replace the reference of an exponential: in a streamed softmax, the number of tiles and
   * merges after the first. 0 for evaluations that take every reference whole. Unless given, as often as any plan may:
   * see `rescalingsOf`.
   */
  readonly rescalings?: number;
}

/** How often a plan may replace a reference where parts are merged. */
const MERGES = 2;

/** How often a plan may replace a reference, which is the extreme of something along an axis. */
function rescalingsOf(terms: Iterable<Term>, { tile }: Accuracy): number {
  let longest = 0;
  for (const { value, cursor } of terms) {
    if (value.kind === "reduce" && (value.op === "max" || value.op === "min")) longest = Math.max(longest, cursor?.extent ?? 0);
  }
  return longest <= 1 ? 0 : Math.max(0, Math.ceil(longest / tile) - 1) + MERGES;
}

/** As `interpret`, with a bound on what any evaluation that a backend allows may make of each element: see `spec/numerics.md`. */
export function interpretWithBound(graph: Graph, inputs: Inputs, { set = {}, accuracy = WGSL, rescalings: given }: BoundOptions = {}): Record<string, BoundedTensor> {
  const { stores, outputs, closures, elements, reuse, terms } = bindGraph(graph, inputs, set, noSlot);
  const rescalings = given ?? rescalingsOf(terms, accuracy);
  const bounds = new BoundClosures({ accuracy, closures, elements, reuse, rescalings });
  const tensors = new Map(outputs.map(({ tensor, shape, data }) => [tensor.name, { shape, data, bound: new Float64Array(data.length), undecided: new Uint8Array(data.length) }]));
  for (const { output, loops, indices, value } of stores) {
    const { bound, undecided } = tensors.get(output.tensor.name) ?? { bound: [], undecided: [] };
    const half = output.tensor.element.kind === "f16";
    const run = bounds.of(value);
    let last = exactly(0);
    output.fill(loops, indices, () => (last = half ? toHalf(accuracy, settled(run())) : settled(run())).value, (at) => {
      bound[at] = last.error;
      undecided[at] = last.undecided ? 1 : 0;
    });
  }
  for (const output of outputs) output.checkComplete();
  return Object.fromEntries(tensors);
}
