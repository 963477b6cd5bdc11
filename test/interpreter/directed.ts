/**
 * @file Attention in f32 with every freedom used against one element of its output: which way an error there moves the
 * element is known in closed form, so that roundings go that way, and sums run in the order in which their partial sums
 * are largest. Random attacks cancel among themselves; this one adds up.
 */

import type { TensorData } from "../../spec/tensor";
import { HostileArithmetic } from "./adversary";

type Inputs = Readonly<Record<"q" | "k" | "v", TensorData<Float32Array>>>;

/** An arithmetic whose errors all go one way, and never away. */
class Directed extends HostileArithmetic {
  constructor(way: 1 | -1) {
    super(() => 0.5, { kind: "wgsl", bias: way > 0 ? "up" : "down" });
  }

  /** Adds in the order in which partial sums are largest. */
  override sum(terms: readonly number[]): number {
    const positive = terms.filter((term) => term > 0).sort((a, b) => b - a);
    const negative = terms.filter((term) => term < 0).sort((a, b) => a - b);
    const weight = (list: readonly number[]): number => list.reduce((total, term) => total + Math.abs(term), 0);
    const [first, second] = weight(positive) >= weight(negative) ? [positive, negative] : [negative, positive];
    return [...first, ...second].reduce((total, term) => this.round(total + term), 0);
  }
}

const UP = new Directed(1);
const DOWN = new Directed(-1);
const towards = (way: number): Directed => (way >= 0 ? UP : DOWN);

/** Element (row, column) of softmax(q·k / √D)·v, pushed up (`way` 1) or down (−1) by every error. */
export function pushed({ q, k, v }: Inputs, row: number, column: number, way: 1 | -1): number {
  const [tokens = 0, channels = 0] = k.shape;
  const at = (tensor: TensorData<Float32Array>, i: number, j: number): number => tensor.data[i * (tensor.shape[1] ?? 0) + j] ?? NaN;
  const all = Array.from({ length: tokens }, (_, t) => t);
  const exact = all.map((t) => Array.from({ length: channels }, (_, c) => at(q, row, c) * at(k, t, c)).reduce((sum, term) => sum + term, 0) / Math.sqrt(channels));
  const peak = Math.max(...exact);
  const total = exact.reduce((sum, s) => sum + Math.exp(s - peak), 0);
  const element = exact.reduce((sum, s, t) => sum + (Math.exp(s - peak) / total) * at(v, t, column), 0);
  // ∂element/∂score of t is p·(v − element).
  const ways = all.map((t) => towards(way * (at(v, t, column) - element)));
  const root = UP.sqrt(channels);
  const scores = all.map((t) => {
    const f32 = ways[t] ?? UP;
    const products = Array.from({ length: channels }, (_, c) => f32.round(at(q, row, c) * at(k, t, c)));
    return f32.divide(f32.sum(products), root);
  });
  const reference = Math.max(...scores);
  const weights = scores.map((score, t) => {
    const f32 = ways[t] ?? UP;
    return f32.exp(f32.round(score - reference));
  });
  const above = towards(way).sum(weights.map((weight, t) => towards(way).round(weight * at(v, t, column))));
  const below = towards(-way * element).sum(weights);
  return towards(way).divide(above, below);
}
