/** @file Readers: what a body calls to get an element. */

import type { Axis, Index } from "./axis";
import type { EncodedInput } from "./encoded";
import type { TensorSpec } from "./tensor-spec";

type Indices<A extends readonly Axis[]> = { [K in keyof A]: A[K] extends Axis<infer Name> ? Index<Name> : never };

/** The element at one index for each axis of `A`, in their order. */
export type Reader<A extends readonly Axis[]> = (...at: Indices<A>) => number;

/** Named inputs of a kernel, or the storage of an encoding. */
export interface Inputs {
  readonly [name: string]: TensorSpec | EncodedInput;
}

/** One reader for each input. */
export type Readers<I extends Inputs> = {
  readonly [K in keyof I]: I[K] extends { readonly axes: infer A extends readonly Axis[] } ? Reader<A> : never;
};
