/** Numbers in single or in double precision; what is computed from them comes in the same. Sums are f64 in both. */
export type Reals = Float32Array | Float64Array;

/** `length` zeros in the precision of `like`. */
export function zeros<Data extends Reals>(like: Data, length: number): Data {
  return (like instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)) as Data;
}
