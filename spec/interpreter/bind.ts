/** @file A graph bound to inputs: sizes known, inputs checked and in f64, every value opened. */

import { InternalError } from "../diagnostics/diagnostic";
import type { Graph, Load } from "../graph/node";
import { checkInputs, own, shapeOf, storedValues, type Sizes, type TensorData } from "../tensor";
import { Closures, type SlotValue } from "./closure";
import type { Elements } from "./elements";
import { infinityTested } from "./infinity";
import { Reuse, type Budget, type Run } from "./reuse";
import { loopsOf, Output } from "./store";
import { Terms, type Cursor, type Term } from "./term";

export interface BoundStore {
  readonly output: Output;
  readonly loops: readonly Cursor[];
  readonly indices: readonly Run[];
  readonly value: Term;
}

export interface BoundGraph {
  readonly elements: (load: Load) => Elements;
  readonly reuse: Reuse;
  /** All terms, parts before what they are part of. */
  readonly terms: Iterable<Term>;
  /** Closures for the values of terms. */
  readonly closures: Closures;
  readonly stores: readonly BoundStore[];
  readonly outputs: readonly Output[];
}

export type Inputs = Readonly<Record<string, TensorData>>;

/** @throws KvernError as `checkInputs` does */
export function bindGraph(graph: Graph, inputs: Inputs, set: Sizes, slot: SlotValue, budget?: Budget): BoundGraph {
  const tested = infinityTested(graph);
  const sizes = checkInputs(graph, inputs, set, (name) => tested.has(name));
  const elements = elementsOf(graph, inputs);
  const terms = new Terms(sizes);
  const outputs = new Map(graph.outputs.map((tensor) => [tensor.name, new Output(tensor, shapeOf(tensor.axes, sizes))]));
  const opened = graph.stores.map((store) => {
    const output = outputs.get(store.output.name);
    if (output === undefined) throw new InternalError(`a store to ${store.output.name}, which is no output`);
    // The loops first: cursors are numbered from the outermost loop inwards.
    return { output, loops: loopsOf(store, terms), indices: store.indices.map((index) => terms.of(index)), value: terms.of(store.value) };
  });
  const reuse = new Reuse(terms.all, budget);
  const closures = new Closures({ sizes, elements, slot, reuse });
  const stores = opened.map((store) => ({ ...store, indices: store.indices.map((index) => closures.of(index)) }));
  return { elements, reuse, terms: terms.all, closures, stores, outputs: [...outputs.values()] };
}

function elementsOf(graph: Graph, inputs: Inputs): (load: Load) => Elements {
  const known = new Map<string, Omit<Elements, "span">>();
  for (const tensor of graph.inputs) {
    const input = own(inputs, tensor.name);
    if (input === undefined) throw new InternalError(`the input ${tensor.name} was checked and is missing`);
    known.set(tensor.name, { tensor, shape: input.shape, data: Float64Array.from(storedValues(tensor.element, input)) });
  }
  return (load) => {
    const found = known.get(load.tensor.name);
    if (found === undefined) throw new InternalError(`a load of ${load.tensor.name}, which is no input`);
    return { ...found, span: graph.spans.get(load) };
  };
}

/** Portable graphs have no slots. */
export const noSlot: SlotValue = (slot) => {
  throw new InternalError(`a portable graph has no slot, and this one has ${slot.name}`);
};
