/** @file What is fuzzed: a compiled kernel, run by some backend and by the reference interpreter on the same inputs. */

import { InternalError, KvernError, summary } from "../../spec/diagnostics/diagnostic";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import { infinityTested, interpretWithBound, WGSL, type Accuracy, type BoundedTensor } from "../../spec/interpreter";
import { withJoined, type Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor/tensor";
import { compare, type Comparison, type Difference } from "./compare";
import { boundsInDouble } from "./double";
import type { Ranges } from "../options";
import { checkRanges, randomInputs, randomSizes, unboundSizes } from "./inputs";
import type { Random } from "./random";

type Tensors = Readonly<Record<string, TensorData>>;

/** What a kernel computed, in one of the ways of a backend. */
export interface Ran {
  readonly outputs: Tensors;
  /** Which plan it was, where there are several. */
  readonly plan?: string;
  /** How often the plan may replace the reference of a fold at most: unless given, as often as any may; see `interpretWithBound`. */
  readonly rescalings?: number;
}

/** Runs a kernel in every way of a backend: on a device, in the simulator, by `evaluate`. */
export type Run = (inputs: Tensors, set: Sizes) => Promise<readonly Ran[]>;

/** A kernel made ready. */
export interface Prepared {
  readonly run: Run;
  /** Whether inputs are to be finite, where a kernel would admit −∞ too. */
  readonly finite: boolean;
  /** What it computes in: f32 unless given. */
  readonly arithmetic?: "f64";
  /** What is promised of f32 where it is computed: WGSL's unless given. */
  readonly accuracy?: Accuracy;
  /** The graph of the kernel as its source is written, where that is what is run: see `LiteralBuilder`. */
  readonly literal?: SerialisedGraph;
}

/** One choice of sizes and elements. */
export interface Trial {
  readonly sizes: Sizes;
  readonly seed: number;
}

/** What went wrong. */
export type Failure =
  | { readonly kind: "difference"; readonly difference: Difference; readonly plan?: string }
  /** One side computes what the other refuses, or breaks. */
  | { readonly kind: "fault"; readonly text: string };

export type Outcome = { readonly kind: "agrees"; readonly comparison: Comparison } | { readonly kind: "refused"; readonly text: string } | Failure;

export class Subject {
  readonly serialised: SerialisedGraph;
  readonly #graph: Graph;
  readonly #prepared: Prepared;
  readonly #literal: Graph | undefined;
  /** Inputs that may hold −∞. */
  readonly #infinite: ReadonlySet<string>;

  readonly #ranges: Ranges;

  /** @throws KvernError KV5202 for a range that an input cannot have */
  constructor(serialised: SerialisedGraph, prepared: Prepared, ranges: Ranges = {}) {
    this.serialised = serialised;
    this.#graph = loadGraph(serialised).graph;
    checkRanges(this.#graph, ranges);
    this.#ranges = ranges;
    this.#prepared = prepared;
    this.#literal = prepared.literal === undefined ? undefined : loadGraph(prepared.literal).graph;
    this.#infinite = prepared.finite ? new Set() : infinityTested(this.#graph);
  }

  inputs({ sizes, seed }: Trial): Tensors {
    return randomInputs(this.#graph, sizes, seed, this.#infinite, this.#ranges);
  }

  /** Options of `kvern fuzz` that say the ranges again. */
  get options(): string {
    return Object.entries(this.#ranges).map(([name, [low, high]]) => ` --values ${name}=${low}..${high}`).join("");
  }

  set({ sizes }: Trial): Sizes {
    return unboundSizes(this.#graph, sizes);
  }

  /** A trial with sizes that the kernel takes, where a number of draws finds some. */
  async trial(random: Random): Promise<{ readonly trial: Trial; readonly outcome: Outcome }> {
    for (let draws = 1; ; draws++) {
      const trial = { sizes: randomSizes(this.#graph, random), seed: random.whole(0, 2 ** 31 - 1) };
      const outcome = await this.try(trial);
      if (outcome.kind !== "refused" || draws === DRAWS) return { trial, outcome };
    }
  }

  async try(trial: Trial): Promise<Outcome> {
    const inputs = this.inputs(trial);
    const set = this.set(trial);
    const got = await attempt(() => this.#prepared.run(inputs, set));
    const times = got.kind === "done" ? got.value.map((each) => each.rescalings) : [];
    const rescalings = times.includes(undefined) ? undefined : Math.max(0, ...times.map((each) => each ?? 0));
    const expected = await attempt(() => this.#expected(inputs, set, rescalings));
    if (got.kind === "fault") return got;
    if (expected.kind === "fault") return expected;
    // A condition on sizes holds for all indices; the interpreter meets only those that are computed.
    if (got.kind === "refused") return got;
    if (expected.kind === "refused" && emptyRead(expected.codes, trial.sizes)) return expected;
    if (expected.kind === "refused") return { kind: "fault", text: `the interpreter refuses what was computed: ${expected.text}` };
    let [compared, unbounded, largest] = [0, 0, 0];
    for (const { outputs, plan } of got.value) {
      const comparison = compare(expected.value, outputs);
      if (comparison.difference !== undefined) return { kind: "difference", difference: comparison.difference, ...(plan === undefined ? {} : { plan }) };
      compared += comparison.compared;
      unbounded += comparison.unbounded;
      largest = Math.max(largest, comparison.largest);
    }
    return { kind: "agrees", comparison: { compared, unbounded, largest, difference: undefined } };
  }

  #expected(inputs: Tensors, set: Sizes, rescalings: number | undefined): Readonly<Record<string, BoundedTensor>> {
    const { arithmetic, accuracy = WGSL } = this.#prepared;
    const options = { set, accuracy, ...(rescalings === undefined ? {} : { rescalings }) };
    const expected = interpretWithBound(this.#graph, inputs, options);
    if (arithmetic !== "f64") return expected;
    return boundsInDouble(expected, this.#literal === undefined ? expected : interpretWithBound(this.#literal, inputs, options));
  }

  /** A failing trial with sizes as small as they can be and still fail. */
  async smallest(trial: Trial): Promise<Trial> {
    let least = trial;
    for (const { name, extent, parts } of this.#graph.axes) {
      if (extent !== undefined || parts !== undefined) continue;
      for (let size = 0; size < (least.sizes[name] ?? 0); size++) {
        const candidate = { ...least, sizes: withJoined(this.#graph.axes, { ...least.sizes, [name]: size }) };
        if (isFailure(await this.try(candidate))) {
          least = candidate;
          break;
        }
      }
    }
    return least;
  }
}

/** Sizes drawn before a kernel counts as one that refuses them all. */
const DRAWS = 64;

export const isFailure = (outcome: Outcome): outcome is Failure => outcome.kind === "difference" || outcome.kind === "fault";

/**
 * Whether the interpreter met a read of an axis without positions: one that left a loop without a turn, as factors do.
 * Kernels compute it, and use it nowhere.
 */
export const emptyRead = (codes: readonly string[], sizes: Sizes): boolean => codes.every((code) => code === "KV2001") && Object.values(sizes).includes(0);

/** A device that is lost refuses nothing: it would go on to refuse everything. */
const LOST = "KV4004";

type Attempt<Value> = { readonly kind: "done"; readonly value: Value } | { readonly kind: "refused"; readonly text: string; readonly codes: readonly string[] } | { readonly kind: "fault"; readonly text: string };

async function attempt<Value>(work: () => Value | Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { kind: "done", value: await work() };
  } catch (fault) {
    if (fault instanceof KvernError && fault.diagnostics.every(({ code }) => code !== LOST)) return { kind: "refused", text: fault.diagnostics.map(summary).join("; "), codes: fault.diagnostics.map(({ code }) => code) };
    return { kind: "fault", text: fault instanceof InternalError ? fault.message : String(fault) };
  }
}
