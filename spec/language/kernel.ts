/** @file Kernels: named inputs, one output or several, and a pure function that says what each element is. */

import type { Inputs, Readers } from "./inputs";
import { checkNames } from "./names";
import type { Reader } from "./reader";
import type { TensorSpec } from "./tensor-spec";

/** One output, which is then called `out`, or several by name. */
export type Outputs = TensorSpec | { readonly [name: string]: TensorSpec };

/** What a body returns: the element of the output at given indices, for one output or for each by name. */
export type Elements<O extends Outputs> = O extends TensorSpec<infer A>
  ? Reader<A>
  : { readonly [K in keyof O]: O[K] extends TensorSpec<infer A> ? Reader<A> : never };

/** A kernel, as data. */
export interface Kernel<I extends Inputs, O extends Outputs> {
  readonly kind: "kernel";
  readonly inputs: I;
  readonly outputs: O;
  readonly body: (readers: Readers<I>) => Elements<O>;
}

/**
 * The kernel that computes `output` from `inputs`: `body` gets a reader for each input and returns the element of the
 * output at given indices (for several outputs: a record of such functions).
 * @throws KvernError KV3008 for an input or output name that is not an identifier.
 */
export const kernel = <I extends Inputs, O extends Outputs>(inputs: I, output: O, body: (readers: Readers<I>) => Elements<O>): Kernel<I, O> => {
  checkNames("an input", inputs);
  if (!isOneOutput(output)) checkNames("an output", output);
  return { kind: "kernel", inputs, outputs: output, body };
};

/** Tells one output from a record of them (in which an output may be called `kind`). */
export const isOneOutput = (outputs: Outputs): outputs is TensorSpec => outputs.kind === "tensor";
