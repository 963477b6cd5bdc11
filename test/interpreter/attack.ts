/** @file Attacks on bounds, and the count of what came of them. */

import { afterAll, vi } from "vitest";
import type { Graph } from "../../spec/graph/node";
import { GPUJS, interpretWithBound, WGSL, type Accuracy, type BoundedTensor } from "../../spec/interpreter";
import type { TensorData } from "../../spec/tensor";
import { BIASES, evaluateHostile, randomFrom, type Bias, type Kind } from "./adversary";

export type Inputs = Readonly<Record<string, TensorData>>;

/** How often every attack is repeated: `KVERN_ATTACKS=10` is the long command, tests run each once. */
export const ROUNDS = Number(process.env["KVERN_ATTACKS"] ?? 1);
if (!Number.isInteger(ROUNDS) || ROUNDS < 1) throw new RangeError(`KVERN_ATTACKS is ${process.env["KVERN_ATTACKS"]}, expected a whole number from 1`);

/** All outputs that a file of tests has attacked. */
const attacked = { outputs: 0, violations: 0 };

if (ROUNDS > 1) {
  vi.setConfig({ testTimeout: 60_000 * ROUNDS });
  afterAll(() => console.log(`attacked ${attacked.outputs} outputs, ${attacked.violations} violations (a few are of bounds that must not hold)`));
}

export interface Tally {
  outputs: number;
  violations: number;
  /** The largest distance from the value, as a share of the bound. */
  worst: number;
  unbounded: number;
}

export const tally = (): Tally => ({ outputs: 0, violations: 0, worst: 0, unbounded: 0 });

/** Counts one evaluation of an output. */
export function count(into: Tally, exact: BoundedTensor, found: Float64Array): void {
  exact.data.forEach((value, at) => {
    const bound = exact.bound[at] ?? 0;
    const device = found[at] ?? NaN;
    if (bound === Infinity) {
      into.unbounded++;
      return;
    }
    into.outputs++;
    attacked.outputs++;
    const distance = value === device ? 0 : Math.abs(device - value);
    if (!(distance <= bound)) {
      into.violations++;
      attacked.violations++;
    }
    if (distance > 0) into.worst = Math.max(into.worst, distance / bound);
  });
}

/** What a backend promises, and the device that uses all that it grants. */
export interface Table {
  readonly accuracy: Accuracy;
  readonly kind: Kind;
}

const OF_WGSL: Table = { accuracy: WGSL, kind: "wgsl" };

/** The tables that differ. */
export const TABLES: readonly Table[] = [OF_WGSL, { accuracy: GPUJS.webgpu, kind: "shader" }, { accuracy: GPUJS.webasm, kind: "f32" }, { accuracy: GPUJS.cpu, kind: "f64" }];

/** Attacks the bound of `graph` on `inputs` with every bias. */
export function attack(into: Tally, graph: Graph, inputs: Inputs, seed: number, repeat: number, rescalings = 0, { accuracy, kind } = OF_WGSL): void {
  const exact = interpretWithBound(graph, inputs, { rescalings, accuracy });
  for (let round = 0; round < repeat * ROUNDS; round++) {
    const random = randomFrom(seed * 7919 + round);
    const bias: Bias = BIASES[round % BIASES.length] ?? "random";
    const found = evaluateHostile(graph, inputs, random, { kind, bias, rescalings });
    for (const [name, tensor] of Object.entries(exact)) count(into, tensor, found[name] ?? new Float64Array());
  }
}

const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export function numbers(random: () => number, shape: readonly number[], scale = 1, centre = 0): TensorData<Float32Array> {
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: count }, () => centre + scale * normal(random)) };
}
