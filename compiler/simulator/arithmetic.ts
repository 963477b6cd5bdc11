/**
 * @file One operation of a kernel as a device does it: every result rounded to its scalar type. Infinities are carried as
 * such; a device carries a sentinel and tests it, and an operation that computes with an operand which its types call
 * finite but which is not is a fault of the compiler (`sentinel`).
 */

import type { BitwiseOperator, MathFunction } from "../../spec/graph/node";
import type { Scalar } from "../kernel/scalar";

/** Rounds an exact result to what its type holds. Integers wrap, as WGSL's do. */
export function rounded(value: number, type: Scalar): number {
  switch (type) {
    case "f32": return Number.isFinite(value) ? flushed(Math.fround(value)) : value;
    case "i32": return value | 0;
    case "u32": return value >>> 0;
    case "bool": return value;
  }
}

/** A device may flush subnormals; this one does. */
const flushed = (value: number): number => (Math.abs(value) < 2 ** -126 ? 0 : value);

export function bitwise(op: BitwiseOperator, a: number, b: number): number {
  switch (op) {
    case "&": return a & b;
    case "|": return a | b;
    case "^": return a ^ b;
    case "<<": return a << b;
    case ">>": return a >> b;
    case ">>>": return a >>> b;
  }
}

/** A function of `Math`, its argument and its result f32. */
export function applied(fn: MathFunction, args: readonly number[]): number {
  const [x = NaN, y = NaN] = args;
  switch (fn) {
    case "round": return Math.floor(x + 0.5);
    case "pow": return x ** y;
    case "atan2": return Math.atan2(x, y);
    default: return Math[fn](x);
  }
}
