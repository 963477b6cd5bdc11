/**
 * @file Tensors that are stored as other tensors. A cache format is nothing more than this: a storage, and a reader
 * written in the language. Storages may be encoded in turn.
 */

import type { Axis } from "./axis";
import type { Inputs, Readers } from "./inputs";
import { checkNames } from "./names";
import type { Reader } from "./reader";

/** A tensor over axes `A` whose elements are computed from the storage `S`. */
export interface EncodedSpec<A extends readonly Axis[], S extends Inputs> {
  readonly kind: "encoded";
  readonly axes: A;
  readonly storage: S;
  read(storage: Readers<S>): Reader<A>;
}

/**
 * A tensor over `axes`, stored as `storage`, whose element at given indices is `read(readers of the storage)(…indices)`.
 * The tensors of its storage are given to a kernel under dotted names: `keys.codes`.
 * @throws KvernError KV3008 for a name in `storage` that is not an identifier.
 */
export const encoded = <const A extends readonly Axis[], S extends Inputs>(
  axes: A,
  storage: S,
  read: (storage: Readers<S>) => Reader<A>,
): EncodedSpec<A, S> => {
  checkNames("a storage tensor", storage);
  return { kind: "encoded", axes, storage, read };
};
