/** @file What may leave the range of f32 though no infinity goes into it. */

import { postOrder } from "./children";
import type { MathFunction, Value } from "./node";

/** exp of more than this passes the largest f32. */
const LARGEST_EXPONENT = Math.log(3.4028234663852886e38);
const GROWING: ReadonlySet<MathFunction> = new Set(["exp", "expm1", "sinh", "cosh"]);

const known = new WeakMap<Value, boolean>();

/**
 * Whether a value holds an exponential of what may be large. It can be infinite where `facts` call it finite, so that it must
 * not be multiplied by the 0 of a loop that never computes it; dividing by it is another matter.
 */
export function mayOverflow(value: Value): boolean {
  let found = known.get(value);
  if (found === undefined) {
    found = postOrder([value]).some((part) => part.kind === "apply" && GROWING.has(part.fn) && part.args.some(({ facts }) => facts.high > LARGEST_EXPONENT || (part.fn !== "exp" && facts.low < -LARGEST_EXPONENT)));
    known.set(value, found);
  }
  return found;
}
