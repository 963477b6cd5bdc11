/** @file Whether what a device computed agrees with the reference interpreter, on the very inputs it had. */

import type { Device, TensorData } from "kvern/runtime";
import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { AttentionBackend, AttentionShape, CacheBytes } from "../backend";
import { attentionBound } from "../bound";
import { decodeCodes } from "../plain/coupled";
import type { CompiledAttention, Graphs } from "./attention";

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

interface Call {
  readonly queries: Float32Array;
  readonly result: Float32Array;
}

/** A backend that remembers each layer's last call, to be looked at before more tokens come. */
export class WitnessedAttention implements AttentionBackend {
  readonly name: string;
  readonly #calls = new Map<number, Call>();

  constructor(private readonly backend: CompiledAttention) {
    this.name = backend.name;
  }

  reset(): void {
    this.#calls.clear();
    this.backend.reset();
  }

  append(layer: number, keys: Float32Array, values: Float32Array): Promise<void> {
    return this.backend.append(layer, keys, values);
  }

  async attend(layer: number, queries: Float32Array): Promise<Float32Array> {
    const result = await this.backend.attend(layer, queries);
    this.#calls.set(layer, { queries, result });
    return result;
  }

  bytes(): CacheBytes {
    return this.backend.bytes();
  }

  /**
   * Repeats the last call of every layer in the interpreter, from the codes and centroids that lie on the device, and
   * compares each element with the bound of attention in f32.
   */
  async agreement(interpreter: Device, graphs: Graphs, shape: AttentionShape): Promise<Agreement> {
    const compared: Agreement[] = [];
    for (const [layer, call] of this.#calls) {
      const { kernel, inputs } = await this.backend.inputsOf(layer, call.queries);
      const prepared = await interpreter.prepare(graphs[kernel]);
      const { out } = await prepared.run(inputs);
      if (out === undefined) throw new InternalError(`${kernel} has no output`);
      const bound = attentionBound({ queries: call.queries, keys: numbersOf(inputs, "keys"), values: numbersOf(inputs, "values") }, shape);
      compared.push(compare(call.result, out, bound));
    }
    return compared.reduce(worse);
  }
}

function compare(result: Float32Array, reference: TensorData, bound: Float64Array): Agreement {
  let worst = { difference: 0, bound: bound[0] ?? 0 };
  for (const [at, value] of result.entries()) {
    const here = { difference: Math.abs(value - (reference.data[at] ?? NaN)), bound: bound[at] ?? 0 };
    if (ratio(here) > ratio(worst)) worst = here;
  }
  return { ...worst, elements: result.length };
}

/** A side of the cache as numbers, whichever way it is held. */
function numbersOf(inputs: Readonly<Record<string, TensorData>>, side: "keys" | "values"): Float32Array {
  const codes = inputs[`${side}.codes`];
  const book = inputs[`${side}.book`];
  if (codes !== undefined && book !== undefined) return decodeCodes(codes.data, book);
  const numbers = inputs[side]?.data;
  if (numbers instanceof Float32Array) return numbers;
  throw new InternalError(`attention has no ${side}`);
}
