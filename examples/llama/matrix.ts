/** @file Products of activations with weight matrices, in plain loops. Sums are f64, whatever the weights are. */

import { zeros, type Reals } from "./reals";

/** A weight matrix as checkpoints store it: [output, input], row-major. */
export interface Matrix<Data extends Reals = Float32Array> {
  readonly data: Data;
  readonly outputs: number;
  readonly inputs: number;
}

/**
 * `x` times the transpose of `matrix`: [rows, inputs] to [rows, outputs].
 *
 * Four rows meet four outputs at a time, so that each number loaded serves four products; what is left over at the
 * edges goes one row at a time.
 */
export function multiply<Data extends Reals>(x: Data, matrix: Matrix<Data>): Data {
  const { data: w, inputs, outputs } = matrix;
  const rows = x.length / inputs;
  const y = zeros(x, rows * outputs);
  const blockedRows = rows - (rows % 4);
  const blockedOutputs = outputs - (outputs % 4);
  for (let output = 0; output < blockedOutputs; output += 4) {
    for (let row = 0; row < blockedRows; row += 4) fourByFour(x, w, y, row, output, inputs, outputs);
    for (let row = blockedRows; row < rows; row++) oneByFour(x, w, y, row, output, inputs, outputs);
  }
  for (let output = blockedOutputs; output < outputs; output++) {
    for (let row = 0; row < rows; row++) y[row * outputs + output] = dot(x, row * inputs, w, output * inputs, inputs);
  }
  return y;
}

/** The sum of `length` products, from `a[aAt]` and `b[bAt]` on. */
export function dot(a: Reals, aAt: number, b: Reals, bAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[aAt + i] ?? 0) * (b[bAt + i] ?? 0);
  return sum;
}

function oneByFour(x: Reals, w: Reals, y: Reals, row: number, output: number, inputs: number, outputs: number): void {
  const x0 = row * inputs;
  const w0 = output * inputs;
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (let i = 0; i < inputs; i++) {
    const u = x[x0 + i] ?? 0;
    s0 += u * (w[w0 + i] ?? 0);
    s1 += u * (w[w1 + i] ?? 0);
    s2 += u * (w[w2 + i] ?? 0);
    s3 += u * (w[w3 + i] ?? 0);
  }
  const at = row * outputs + output;
  y[at] = s0;
  y[at + 1] = s1;
  y[at + 2] = s2;
  y[at + 3] = s3;
}

function fourByFour(x: Reals, w: Reals, y: Reals, row: number, output: number, inputs: number, outputs: number): void {
  const x0 = row * inputs;
  const x1 = x0 + inputs;
  const x2 = x1 + inputs;
  const x3 = x2 + inputs;
  const w0 = output * inputs;
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  let a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  let b0 = 0, b1 = 0, b2 = 0, b3 = 0;
  let c0 = 0, c1 = 0, c2 = 0, c3 = 0;
  let d0 = 0, d1 = 0, d2 = 0, d3 = 0;
  for (let i = 0; i < inputs; i++) {
    const a = x[x0 + i] ?? 0;
    const b = x[x1 + i] ?? 0;
    const c = x[x2 + i] ?? 0;
    const d = x[x3 + i] ?? 0;
    const p = w[w0 + i] ?? 0;
    const q = w[w1 + i] ?? 0;
    const r = w[w2 + i] ?? 0;
    const s = w[w3 + i] ?? 0;
    a0 += a * p; a1 += a * q; a2 += a * r; a3 += a * s;
    b0 += b * p; b1 += b * q; b2 += b * r; b3 += b * s;
    c0 += c * p; c1 += c * q; c2 += c * r; c3 += c * s;
    d0 += d * p; d1 += d * q; d2 += d * r; d3 += d * s;
  }
  const at = row * outputs + output;
  y[at] = a0; y[at + 1] = a1; y[at + 2] = a2; y[at + 3] = a3;
  const bt = at + outputs;
  y[bt] = b0; y[bt + 1] = b1; y[bt + 2] = b2; y[bt + 3] = b3;
  const ct = bt + outputs;
  y[ct] = c0; y[ct + 1] = c1; y[ct + 2] = c2; y[ct + 3] = c3;
  const dt = ct + outputs;
  y[dt] = d0; y[dt + 1] = d1; y[dt + 2] = d2; y[dt + 3] = d3;
}
