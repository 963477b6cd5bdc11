/** @file Readers: what a body calls to get an element. */

import type { Axis, Index } from "./axis";

type Indices<A extends readonly Axis[]> = { [K in keyof A]: A[K] extends Axis<infer Name> ? Index<Name> : never };

/** The element at one index for each axis of `A`, in their order. */
export type Reader<A extends readonly Axis[]> = (...at: Indices<A>) => number;
