/**
 * @file From tensors to readers: inputs are flattened to their storage, and every tensor becomes a function of indices
 * that refuses an index outside its axis.
 */

import { InternalError, refuse } from "../diagnostics/diagnostic";
import { storedValues, type TensorData } from "../tensor";
import type { Axis } from "./axis";
import type { Inputs } from "./inputs";
import { sizeOf } from "./sizes";
import type { TensorSpec } from "./tensor-spec";

type Read = (...at: number[]) => number;
type Given = Readonly<Record<string, TensorData>>;

/** The tensors behind `inputs`, by dotted name: `keys.codes`. */
export const flattened = (inputs: Inputs, prefix = ""): ReadonlyMap<string, TensorSpec> =>
  new Map(
    Object.entries(inputs).flatMap(([key, spec]): (readonly [string, TensorSpec])[] =>
      spec.kind === "tensor" ? [[prefix + key, spec]] : [...flattened(spec.storage, `${prefix}${key}.`)],
    ),
  );

/** A reader for each input, whose tensors were checked, under the sizes of the evaluation that is running. */
export const bindReaders = (inputs: Inputs, given: Given, prefix = ""): Readonly<Record<string, Read>> =>
  Object.fromEntries(
    Object.entries(inputs).map(([key, spec]) => {
      const name = prefix + key;
      if (spec.kind === "tensor") return [key, tensorReader(name, spec, given)];
      const read = spec.read(bindReaders(spec.storage, given, `${name}.`) as never) as Read;
      return [key, encodedReader(name, spec.axes, read)];
    }),
  );

const tensorReader = (name: string, { axes, element: type }: TensorSpec, given: Given): Read => {
  const tensor = given[name];
  if (tensor === undefined) throw new InternalError(`the input ${name} was checked and is missing`);
  const elements = new Float64Array(storedValues(type, tensor));
  const sizes = [...tensor.shape];
  const element = (offset: number): number => {
    const value = elements[offset];
    if (value === undefined) throw new InternalError(`offset ${offset} lies outside ${name}`);
    return value;
  };
  const check = (at: readonly number[]): void => checkIndices(name, axes, sizes, at);
  const [n0 = 0, n1 = 0, n2 = 0, n3 = 0] = sizes;
  // One closure for each usual rank: a loop over a list of indices would make every read several times slower.
  switch (axes.length) {
    case 1:
      return (i) => {
        if (!isInside(i, n0)) check([i]);
        return element(i);
      };
    case 2:
      return (i, j) => {
        if (!(isInside(i, n0) && isInside(j, n1))) check([i, j]);
        return element(i * n1 + j);
      };
    case 3:
      return (i, j, k) => {
        if (!(isInside(i, n0) && isInside(j, n1) && isInside(k, n2))) check([i, j, k]);
        return element((i * n1 + j) * n2 + k);
      };
    case 4:
      return (i, j, k, l) => {
        if (!(isInside(i, n0) && isInside(j, n1) && isInside(k, n2) && isInside(l, n3))) check([i, j, k, l]);
        return element(((i * n1 + j) * n2 + k) * n3 + l);
      };
    default:
      return (...at) => {
        check(at);
        return element(sizes.reduce((offset, size, k) => offset * size + (at[k] ?? NaN), 0));
      };
  }
};

/** `read`, refusing indices outside `axes`. An axis that nothing binds has no size to be outside of. */
const encodedReader = (name: string, axes: readonly Axis[], read: Read): Read => {
  const sizes = axes.map((axis) => sizeOf(axis) ?? Infinity);
  const check = (at: readonly number[]): void => checkIndices(name, axes, sizes, at);
  const [n0 = 0, n1 = 0, n2 = 0] = sizes;
  if (axes.length === 3) {
    return (i, j, k) => {
      if (!(isInside(i, n0) && isInside(j, n1) && isInside(k, n2))) check([i, j, k]);
      return read(i, j, k);
    };
  }
  return (...at) => {
    check(at);
    return read(...at);
  };
};

/** Whether `i` is an integer from 0 to `size` − 1. No size reaches 2³². */
const isInside = (i: number, size: number): boolean => i >>> 0 === i && i < size;

/**
 * @throws KvernError KV2001 for the first index outside its axis, KV2002 for one that is not an integer.
 */
const checkIndices = (name: string, axes: readonly Axis[], sizes: readonly number[], at: readonly number[]): void => {
  axes.forEach((axis, k) => {
    const index = at[k] ?? NaN;
    const size = sizes[k] ?? 0;
    if (isInside(index, size)) return;
    const got = String(index);
    if (!Number.isInteger(index)) {
      const message = `\`${name}\` is read between the positions of its axis \`${axis.name}\``;
      refuse({ code: "KV2002", message, expected: "an integer", got, mend: "Math.floor(i) makes an index of a number." });
    }
    refuse({
      code: "KV2001",
      message: `\`${name}\` is read outside its axis \`${axis.name}\`, whose size is ${size}`,
      expected: size === 0 ? "no read at all" : `an index from 0 to ${size - 1}`,
      got,
      mend: "clamp(i, axis) forces an index into its axis; `i < extent(axis) ? … : …` reads only where there is something.",
    });
  });
};
