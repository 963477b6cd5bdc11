/**
 * @file The reference interpreter: what a graph means, one element at a time in f64. Compiled kernels are held to it, and
 * it to `evaluate`. It reads graphs as they are and shares no code with the compiler, so that neither hides a fault of
 * the other.
 */

import { InternalError, refuse } from "../diagnostics/diagnostic";
import { postOrder } from "../graph/children";
import type { Graph, Index, Load, Store, Tensor, Value } from "../graph/node";
import { checkInputs, elementCount, elementName, integerRange, own, position, shapeOf, storedValues, type Sizes, type TensorData } from "../tensor";
import { Closures, type SlotValue } from "./closure";
import { offsetOf, type Elements } from "./elements";
import { infinityTested } from "./infinity";
import { Reuse, type Run } from "./reuse";
import { Terms, type Cursor } from "./term";

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
export function interpret(graph: Graph, inputs: Readonly<Record<string, TensorData>>, options: InterpretOptions = {}): Record<string, InterpretedTensor> {
  const bound = bindGraph(graph, inputs, options.set ?? {});
  const terms = new Terms(bound.sizes);
  const prepared = graph.stores.map((store) => ({ store, loops: loopsOf(store, terms), indices: store.indices.map((index) => terms.of(index)), value: terms.of(store.value) }));
  const closures = new Closures({ elements: bound.elements, slot: options.slot ?? noSlot, reuse: new Reuse(terms.all) });
  const outputs = new Map(graph.outputs.map((tensor) => [tensor.name, new Output(tensor, shapeOf(tensor.axes, bound.sizes))]));
  for (const { store, loops, indices, value } of prepared) {
    const output = outputs.get(store.output.name);
    if (output === undefined) throw new InternalError(`a store to ${store.output.name}, which is no output`);
    output.fill(loops, indices.map((index) => closures.of(index)), closures.of(value));
  }
  return Object.fromEntries([...outputs].map(([name, output]) => [name, output.finished()]));
}

const noSlot: SlotValue = (slot) => {
  throw new InternalError(`a portable graph has no slot, and this one has ${slot.name}`);
};

/** The checked inputs and sizes of one interpretation. */
export interface BoundGraph {
  readonly sizes: Sizes;
  readonly elements: (load: Load) => Elements;
}

export function bindGraph(graph: Graph, inputs: Readonly<Record<string, TensorData>>, set: Sizes): BoundGraph {
  const tested = infinityTested(graph);
  const sizes = checkInputs(graph, inputs, set, (name) => tested.has(name));
  const elements = new Map<string, Omit<Elements, "span">>();
  for (const tensor of graph.inputs) {
    const input = own(inputs, tensor.name);
    if (input === undefined) throw new InternalError(`the input ${tensor.name} was checked and is missing`);
    elements.set(tensor.name, { tensor, shape: input.shape, data: Float64Array.from(storedValues(tensor.element, input)) });
  }
  return {
    sizes,
    elements: (load) => {
      const found = elements.get(load.tensor.name);
      if (found === undefined) throw new InternalError(`a load of ${load.tensor.name}, which is no input`);
      return { ...found, span: graph.spans.get(load) };
    },
  };
}

/** The loops around a store, outermost first: its free indices in the order in which the output's indices mention them. */
export function loopsOf(store: Store, terms: Terms): readonly Cursor[] {
  const inIndices = freeIndices(store.indices);
  const loops = [...inIndices].map(([name, index]) => terms.cursor(name, index.extent));
  for (const name of store.value.free) if (!inIndices.has(name)) throw new InternalError(`${store.output.name} depends on ${name}, which is none of its axes`);
  return loops;
}

function freeIndices(values: readonly Value[]): ReadonlyMap<string, Index> {
  const free = new Set(values.flatMap((value) => value.free));
  const found = new Map<string, Index>();
  for (const value of postOrder(values)) if (value.kind === "index" && free.has(value.name)) found.set(value.name, value);
  return found;
}

/** An output while it is computed: every element must be stored once. */
class Output {
  readonly #tensor: Tensor;
  readonly #shape: readonly number[];
  readonly #data: Float64Array;
  readonly #stored: Uint8Array;
  readonly #range: readonly [number, number] | undefined;

  constructor(tensor: Tensor, shape: readonly number[]) {
    this.#tensor = tensor;
    this.#shape = shape;
    this.#data = new Float64Array(elementCount(shape));
    this.#stored = new Uint8Array(this.#data.length);
    this.#range = integerRange(tensor.element);
  }

  fill(loops: readonly Cursor[], indices: readonly Run[], value: Run): void {
    const place = offsetOf(this.#shape, indices, (at) => {
      throw new InternalError(`${this.#tensor.name} is stored at ${at.join(", ")}`);
    });
    forEachPosition(loops, () => {
      const at = place();
      if (this.#stored[at] !== 0) throw new InternalError(`${this.#tensor.name} is stored twice at ${position(at, this.#shape).join(", ")}`);
      this.#stored[at] = 1;
      this.#data[at] = this.#settled(value(), at);
    });
  }

  #settled(value: number, at: number): number {
    if (this.#range === undefined) return value;
    if (Number.isInteger(value)) return Math.min(Math.max(value, this.#range[0]), this.#range[1]);
    return refuse({
      code: "KV3009",
      message: `the output \`${this.#tensor.name}\` is not an integer at (${position(at, this.#shape).join(", ")})`,
      expected: `an integer, as its elements are ${elementName(this.#tensor.element)}`,
      got: String(value),
      mend: "Math.round(x) or Math.floor(x) makes an integer",
    });
  }

  finished(): InterpretedTensor {
    const missing = this.#stored.indexOf(0);
    if (missing >= 0) throw new InternalError(`${this.#tensor.name} is never stored at ${position(missing, this.#shape).join(", ")}`);
    return { shape: this.#shape, data: this.#data };
  }
}

/** Runs `action` at every position of `loops`, the last of which moves fastest. */
export function forEachPosition(loops: readonly Cursor[], action: () => void): void {
  if (loops.some(({ extent }) => extent === 0)) return;
  for (const cursor of loops) cursor.now = 0;
  for (;;) {
    action();
    let k = loops.length - 1;
    for (; k >= 0; k--) {
      const cursor = loops[k];
      if (cursor === undefined) break;
      if (++cursor.now < cursor.extent) break;
      cursor.now = 0;
    }
    if (k < 0) return;
  }
}
