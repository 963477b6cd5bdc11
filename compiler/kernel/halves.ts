/**
 * @file Numbers in half precision on a device that has f16 (`shader-f16`). Only what is exactly a half is ever kept as one, so
 * that results are those of f32: arithmetic is in f32 everywhere, and f16 saves loads and workgroup memory alone.
 */

import { f16round } from "@petamoriken/float16";
import type { MathFunction, Value } from "../../spec/graph/node";
import { infinitiesOf, isInfinite } from "./infinities";
import type { Kernel, KernelArray } from "./kernel";

/** Up to this magnitude every integer is a half. */
const INTEGERS = 2048;
/** The least half that no device flushes to 0. */
const LEAST = 2 ** -14;
/** Functions that make a half of a half: what is too large to have a fraction stays as it is. */
const KEEPING: ReadonlySet<MathFunction> = new Set(["abs", "sign", "floor", "ceil", "round", "trunc"]);

const known = new WeakMap<Value, boolean>();

/** Whether a number is a half wherever it is computed: finite, and rounded by nothing on its way from tensors of f16. */
export function isHalf(value: Value): boolean {
  let half = known.get(value);
  if (half === undefined) known.set(value, (half = !isInfinite(infinitiesOf(value)) && derive(value)));
  return half;
}

function derive(value: Value): boolean {
  const { integer, low, high } = value.facts;
  if (integer && low >= -INTEGERS && high <= INTEGERS) return true;
  switch (value.kind) {
    // One so small that it may be flushed as a half is not as good as in f32.
    case "constant": return f16round(value.value) === value.value && Math.abs(value.value) >= LEAST;
    case "load": return value.tensor.element.kind === "f16";
    case "linear": {
      const [only, ...others] = value.terms;
      return only !== undefined && others.length === 0 && value.constant === 0 && Math.abs(only[0]) === 1 && isHalf(only[1]);
    }
    case "larger": case "smaller": return isHalf(value.left) && isHalf(value.right);
    case "select": return isHalf(value.yes) && isHalf(value.no);
    case "apply": return KEEPING.has(value.fn) && value.args.every(isHalf);
    case "reduce": return (value.op === "max" || value.op === "min") && isHalf(value.body);
    default: return false;
  }
}

/** Whether the elements of an array are of the device's type f16. */
export const holdsHalves = ({ element, space, native = false }: Pick<KernelArray, "element" | "space" | "native">): boolean => element.kind === "f16" && (native || space === "workgroup" || space === "private");

/** Whether a kernel takes the device's feature `shader-f16`. */
export const usesHalves = ({ arrays }: Kernel): boolean => arrays.some(holdsHalves);

/** The same kernel, in which the f16 tensors that it only reads are read as such. */
export function withHalves(kernel: Kernel): Kernel {
  const reads = ({ element, space, arena }: KernelArray): boolean => element.kind === "f16" && space === "input" && arena === undefined;
  return kernel.arrays.some(reads) ? { ...kernel, arrays: kernel.arrays.map((array) => (reads(array) ? { ...array, native: true } : array)) } : kernel;
}
