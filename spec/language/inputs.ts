/** @file Named inputs of a kernel, which are also what the storage of an encoding is made of. */

import type { Axis } from "./axis";
import type { Reader } from "./reader";
import type { TensorSpec } from "./tensor-spec";

/** Any `EncodedSpec`: the types of its readers are forgotten, so that specifications of all shapes fit one record. */
export interface EncodedInput {
  readonly kind: "encoded";
  readonly axes: readonly Axis[];
  readonly storage: Inputs;
  read(storage: never): (...at: never[]) => number;
}

/** Inputs by name. */
export interface Inputs {
  readonly [name: string]: TensorSpec | EncodedInput;
}

/** One reader for each input. */
export type Readers<I extends Inputs> = {
  readonly [K in keyof I]: I[K] extends { readonly axes: infer A extends readonly Axis[] } ? Reader<A> : never;
};
