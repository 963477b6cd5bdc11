/** @file Reads elements of tensors at computed indices, and refuses an index outside its axis by name. */

import { InternalError, refuse } from "../diagnostics/diagnostic";
import type { Span, Tensor } from "../graph/node";
import type { Run } from "./reuse";

/** An input in f64, rounded to its element type, row-major. */
export interface Elements {
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** Where the source reads it, if that is known. */
  readonly span: Span | undefined;
}

/** Whether `i` is an integer from 0 to `size` − 1; sizes are below 2³². */
export const inside = (i: number, size: number): boolean => i >>> 0 === i && i < size;

/** The element at the present `indices`. */
export function readElement(elements: Elements, indices: readonly Run[]): Run {
  const offset = offsetOf(elements.shape, indices, (at) => refuseIndices(elements, at));
  const { data, tensor } = elements;
  return () => {
    const at = offset();
    const value = data[at];
    if (value === undefined) throw new InternalError(`offset ${at} lies outside ${tensor.name}`);
    return value;
  };
}

/** The place of the present `indices` in a row-major array; where one is no position of its axis, `fail` throws. */
export function offsetOf(shape: readonly number[], indices: readonly Run[], fail: (at: readonly number[]) => never): Run {
  const [a, b, c, d] = indices;
  const [n0 = 0, n1 = 0, n2 = 0, n3 = 0] = shape;
  // One closure for each usual rank: a loop over a list of indices would make every read several times slower.
  if (a === undefined) return () => 0;
  if (b === undefined) {
    return () => {
      const i = a();
      if (!inside(i, n0)) fail([i]);
      return i;
    };
  }
  if (c === undefined) {
    return () => {
      const i = a();
      const j = b();
      if (!inside(i, n0) || !inside(j, n1)) fail([i, j]);
      return i * n1 + j;
    };
  }
  if (d === undefined) {
    return () => {
      const i = a();
      const j = b();
      const k = c();
      if (!inside(i, n0) || !inside(j, n1) || !inside(k, n2)) fail([i, j, k]);
      return (i * n1 + j) * n2 + k;
    };
  }
  if (indices.length === 4) {
    return () => {
      const i = a();
      const j = b();
      const k = c();
      const l = d();
      if (!inside(i, n0) || !inside(j, n1) || !inside(k, n2) || !inside(l, n3)) fail([i, j, k, l]);
      return ((i * n1 + j) * n2 + k) * n3 + l;
    };
  }
  return () => {
    const at = indices.map((index) => index());
    if (!at.every((i, axis) => inside(i, shape[axis] ?? 0))) fail(at);
    return at.reduce((offset, i, axis) => offset * (shape[axis] ?? 0) + i, 0);
  };
}

/** @throws KvernError KV2001 for an index outside its axis, KV2002 for one that is no integer */
function refuseIndices({ tensor, shape, span }: Elements, at: readonly number[]): never {
  at.forEach((index, k) => {
    const size = shape[k] ?? 0;
    if (inside(index, size)) return;
    const axis = tensor.axes[k] ?? "";
    const message = `\`${tensor.name}\` is read at ${index} along its axis \`${axis}\``;
    if (!Number.isInteger(index)) {
      refuse({ code: "KV2002", ...span, message, expected: "an integer", got: String(index), mend: "Math.floor(i) makes an integer of a position" });
    }
    refuse({
      code: "KV2001",
      ...span,
      message,
      expected: size === 0 ? "no index, as the axis is empty" : `an index from 0 to ${size - 1}`,
      got: String(index),
      mend: `clamp(i, ${axis}) forces an index into its axis; a condition around the read leaves it out`,
    });
  });
  throw new InternalError(`${tensor.name} refuses ${at.join(", ")}`);
}
