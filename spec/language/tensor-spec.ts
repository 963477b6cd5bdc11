/**
 * @file Specifications of tensors: an element type over axes. The order of the axes is the order in memory, row-major:
 * the last axis is contiguous. Without axes a tensor is one number.
 */

import { refuse } from "../diagnostics/diagnostic";
import type { Axis } from "./axis";

/** How an element is stored; `uint` is bit-packed as `spec/formats.md` lays down. */
export type ElementType =
  | { readonly kind: "f32" | "f16" | "i32" | "u32" }
  | { readonly kind: "uint"; readonly bits: number };

/** A tensor of one element type over axes `A`. */
export interface TensorSpec<A extends readonly Axis[] = readonly Axis[]> {
  readonly kind: "tensor";
  readonly element: ElementType;
  readonly axes: A;
}

/** Gives the specification of a tensor over the axes it is called with. */
export type TensorOf = <const A extends readonly Axis[]>(...axes: A) => TensorSpec<A>;

const tensorOf = (element: ElementType): TensorOf => (...axes) => ({ kind: "tensor", element, axes });

/** 32-bit floating point. */
export const f32 = tensorOf({ kind: "f32" });
/** 16-bit floating point: 1 sign, 5 exponent and 10 fraction bits. */
export const f16 = tensorOf({ kind: "f16" });
/** Signed 32-bit integers. */
export const i32 = tensorOf({ kind: "i32" });
/** Unsigned 32-bit integers. */
export const u32 = tensorOf({ kind: "u32" });

/**
 * Unsigned integers of `bits` bits, packed along the last axis.
 * @throws KvernError KV3007 unless `bits` is an integer from 1 to 16.
 */
export const uint = (bits: number): TensorOf => {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) {
    refuse({ code: "KV3007", message: "`uint` cannot have that width", expected: "an integer from 1 to 16", got: String(bits) });
  }
  return tensorOf({ kind: "uint", bits });
};

