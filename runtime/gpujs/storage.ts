/**
 * @file Tensors as gpu.js holds them: one row of f32, never empty. Codes of `uint(b)` lie ⌊24 / b⌋ to an element, the first
 * in the lowest bits, each row of the last axis from a whole element; infinities are the largest finite f32 of their sign.
 */

import { codesPerElement } from "../../compiler/emit/gpujs/memory";
import { EXACT } from "../../compiler/emit/gpujs/exact";
import type { Bounds } from "../../compiler/kernel/bounds";
import { refuse } from "../../spec/diagnostics/diagnostic";
import type { Element } from "../../spec/graph/node";
import { elementName, integerRange } from "../../spec/tensor/element";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { codeArray } from "../../spec/tensor/packing";
import type { HostArray } from "../host";
import { INFINITY_SENTINEL, storedValues } from "../../spec/tensor/storage";
import type { Numbers, TensorData } from "../../spec/tensor/tensor";

/** A tensor ready for gpu.js. */
export interface Encoded {
  /** Its row, and zeros where there is room for more. */
  readonly values: Float32Array;
  /** Of i32 and u32: its least and greatest element; of no elements, 0 and 0. */
  readonly range: Bounds | undefined;
}

/**
 * @param room the length of the row, where that is more than the tensor takes
 * @throws KvernError KV4202 when an integer is not exact in f32
 */
export function encode(what: string, element: Element, tensor: TensorData, room = 0): Encoded {
  const values = storedValues(element, tensor);
  switch (element.kind) {
    case "f32": case "f16": return { values: row(values, (value) => Math.min(Math.max(value, -INFINITY_SENTINEL), INFINITY_SENTINEL), room), range: undefined };
    case "i32": case "u32": return { values: row(values, (value) => value, room), range: rangeOf(what, element, values) };
    case "uint": return { values: packed(values, tensor.shape.at(-1) ?? 1, element.bits, room), range: undefined };
  }
}

function row(values: Numbers, of: (value: number) => number, room: number): Float32Array {
  const made = new Float32Array(Math.max(1, room, values.length));
  for (let at = 0; at < values.length; at++) made[at] = of(values[at] ?? 0);
  return made;
}

function rangeOf(what: string, element: Element, values: Numbers): Bounds {
  let [low, high] = [values[0] ?? 0, values[0] ?? 0];
  for (let at = 1; at < values.length; at++) {
    const value = values[at] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low < -EXACT || high > EXACT) {
    refuse({
      code: "KV4202",
      message: `${what}, ${elementName(element)}, has an integer that gpu.js does not hold exactly`,
      expected: `integers from -${EXACT} to ${EXACT}, as every number is an f32`,
      got: String(low < -EXACT ? low : high),
      mend: 'Open { backend: "wgsl" } or { backend: "interpreter" }.',
    });
  }
  return [low, high];
}

function packed(codes: Numbers, length: number, bits: number, room: number): Float32Array {
  const per = codesPerElement(bits);
  if (per === 1) return row(codes, (code) => code, room);
  const rows = length === 0 ? 0 : codes.length / length;
  const words = Math.ceil(length / per);
  const made = new Float32Array(Math.max(1, room, rows * words));
  for (let line = 0; line < rows; line++) {
    for (let at = 0; at < length; at++) {
      const word = line * words + Math.floor(at / per);
      made[word] = (made[word] ?? 0) + (codes[line * length + at] ?? 0) * 2 ** (bits * (at % per));
    }
  }
  return made;
}

/** The logical values of a filled array, in the array that a GPU gives them in. `infinite`: its sentinels are infinities. */
export function decode(element: Element, values: Float32Array, infinite: boolean): HostArray {
  switch (element.kind) {
    case "f32": return infinite ? values.map(unbounded) : values;
    case "f16": return fromHalves(toHalves(values.map(unbounded)));
    case "i32": return whole(element, values, new Int32Array(values.length));
    case "u32": return whole(element, values, new Uint32Array(values.length));
    case "uint": return whole(element, values, codeArray(values.length, element.bits));
  }
}

function whole<Made extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(element: Element, values: Float32Array, made: Made): Made {
  const [low, high] = integerRange(element) ?? [0, 0];
  for (let at = 0; at < values.length; at++) made[at] = Math.min(Math.max(Math.round(values[at] ?? 0), low), high);
  return made;
}

const unbounded = (value: number): number => (Math.abs(value) < INFINITY_SENTINEL ? value : value * 2);
