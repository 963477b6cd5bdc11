/** @file Whether what a device computed agrees with the reference interpreter, on the very inputs it had. */

import type { Device, DeviceTensor } from "kvern/runtime";
import { InternalError } from "../../../spec/diagnostics/diagnostic";
import { loadGraph } from "../../../spec/graph/json";
import { interpretWithBound, type BoundedTensor } from "../../../spec/interpreter";
import type { AttentionBackend } from "../backend";
import type { LanguageModel } from "../language-model";
import type { CompiledAttention, Graphs } from "./attention";
import type { CompiledModel } from "./model";

/** The element that came nearest to its bound, or went farthest beyond it. */
export interface Agreement {
  readonly difference: number;
  readonly bound: number;
  /** Elements compared. */
  readonly elements: number;
}

/** Of two comparisons as one. */
export function worse(one: Agreement, other: Agreement): Agreement {
  const { difference, bound } = ratio(one) >= ratio(other) ? one : other;
  return { difference, bound, elements: one.elements + other.elements };
}

/** How much of its bound a difference takes; a difference that is no number is beyond any bound. */
function ratio({ difference, bound }: Pick<Agreement, "difference" | "bound">): number {
  if (difference === 0) return 0;
  return Number.isNaN(difference) ? Infinity : difference / bound;
}

/** Numbers on the host, or on the device until they are asked for. */
type Held = Float32Array | DeviceTensor;

interface Call {
  readonly queries: Held;
  readonly result: Held;
}

/** Remembers each layer's last call of attention, to be looked at before more tokens come. */
export class Witness {
  readonly #calls = new Map<number, Call>();

  /** Takes over what lies on the device. */
  note(layer: number, queries: Held, result: Held): void {
    const before = this.#calls.get(layer);
    if (before !== undefined) giveBack(before);
    this.#calls.set(layer, { queries, result });
  }

  forget(): void {
    for (const call of this.#calls.values()) giveBack(call);
    this.#calls.clear();
  }

  /**
   * Repeats the last call of every layer in the interpreter, from the codes and centroids that lie on the device, and
   * compares each element within the bound that what is promised of the device's arithmetic gives it.
   */
  async agreement(attention: Pick<CompiledAttention, "inputsOf">, { accuracy }: Pick<Device, "accuracy">, graphs: Graphs): Promise<Agreement> {
    const compared: Agreement[] = [];
    for (const [layer, call] of this.#calls) {
      const queries = await numbers(call.queries);
      const { kernel, inputs } = await attention.inputsOf(layer, queries);
      const { out } = interpretWithBound(loadGraph(graphs[kernel]).graph, inputs, { accuracy });
      if (out === undefined) throw new InternalError(`${kernel} has no single output`);
      compared.push(compare(await numbers(call.result), out));
    }
    return compared.reduce(worse);
  }
}

async function numbers(held: Held): Promise<Float32Array> {
  if (held instanceof Float32Array) return held;
  const { data } = await held.read();
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

function giveBack({ queries, result }: Call): void {
  for (const held of [queries, result]) if (!(held instanceof Float32Array)) held.destroy();
}

/** The backend, watched. */
export function watchedAttention(backend: CompiledAttention, witness: Witness): AttentionBackend {
  return {
    name: backend.name,
    reset: async () => {
      witness.forget();
      await backend.reset();
    },
    append: (layer, keys, values) => backend.append(layer, keys, values),
    attend: async (layer, queries) => {
      const result = await backend.attend(layer, queries);
      witness.note(layer, queries, result);
      return result;
    },
    bytes: () => backend.bytes(),
  };
}

/** The model, watched. */
export function watchedModel(model: CompiledModel, witness: Witness): LanguageModel {
  return {
    config: model.config,
    reset: async () => {
      witness.forget();
      await model.reset();
    },
    next: (ids) => model.next(ids, (layer, queries, result) => witness.note(layer, queries, result)),
    each: (ids) => model.each(ids),
  };
}

function compare(result: Float32Array, { data, bound }: BoundedTensor): Agreement {
  let worst = { difference: 0, bound: bound[0] ?? 0 };
  for (const [at, value] of result.entries()) {
    const here = { difference: Math.abs(value - (data[at] ?? NaN)), bound: bound[at] ?? 0 };
    if (ratio(here) > ratio(worst)) worst = here;
  }
  return { ...worst, elements: result.length };
}
