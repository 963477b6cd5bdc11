/**
 * @file What becomes of programs drawn at random, so that a change of a rule, a weight or a bound shows in which programs it
 * moves what: the kernels of the direct plan, all plans of folds with their estimated times, and the chain for gpu.js, with
 * a short digest of their texts; and the bounds of their results.
 */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { randomInputs, randomSizes, unboundSizes } from "../../bin/fuzz/inputs";
import { programGraph, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import { lowerPlain, print } from "../../compiler/lower";
import { lowerScript } from "../../compiler/lower-gpujs";
import { costOfPlan, foldsPay } from "../../compiler/plan/fold/choose";
import { HARDWARE, SOFTWARE } from "../../compiler/plan/fold/cost";
import { specialise } from "../../compiler/plan/specialise";
import type { DeviceFeatures, DeviceLimits, Sizes } from "../../compiler/program";
import { discharge } from "../../runtime/obligations";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import type { Graph } from "../../spec/graph/node";
import { infinityTested, interpretWithBound, type BoundedTensor } from "../../spec/interpreter";
import { LIMITS } from "../plan/limits";
import { randomCascade } from "../laws/cascade";
import { bounds, chosenOf, derived, passed, strided, tape } from "./drawn-algebra";
import { digits, kernelText, offered } from "./offered";

/** Programs of one file. */
const EACH = 10;

/** Sizes of the open axes: unknown, small, and beyond a tile. */
const SIZES: readonly Sizes[] = [{}, { a: 7, b: 300 }, { a: 100, b: 2000 }];

/** One program in four is planned for subgroups, another for f16; one in five for a device that binds and holds little. */
const featuresOf = (seed: number): DeviceFeatures => (seed % 4 === 1 ? { subgroups: true } : seed % 4 === 2 ? { f16: true } : {});
const limitsOf = (seed: number): DeviceLimits => (seed % 5 === 4 ? { ...LIMITS, maxStorageBuffersPerShaderStage: 4, maxComputeWorkgroupStorageSize: 2048, maxComputeInvocationsPerWorkgroup: 64 } : LIMITS);

const digest = (texts: readonly string[]): string => createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 8);

function direct(graph: Graph, set: Sizes, seed: number): string {
  const [limits, features] = [limitsOf(seed), featuresOf(seed)];
  const { specialised: { builder, graph: { axes }, fixed }, kernels, program } = lowerPlain(graph, { set, limits, features });
  const costs = [SOFTWARE, HARDWARE].map((profile) => digits(costOfPlan(builder, { ...graph, axes }, kernels, { limits, profile, fixed, features })));
  return `direct: ${costs.join(", ")}: ${kernels.map((kernel) => kernelText(builder, kernel)).join(", ")}; ${digest(program.dispatches.map(({ code }) => code))}`;
}

function folded(graph: Graph, set: Sizes, seed: number): string {
  const limits = limitsOf(seed);
  const special = specialise(graph, set);
  if (!foldsPay(special.builder, special.graph)) return "no folds";
  return offered(graph, set, limits, featuresOf(seed), ({ scheduled: { arrays, temporaries, kernels } }, made) => {
    const { dispatches } = print(made, { name: graph.name, builder: made.builder, arrays, temporaries }, kernels, limits);
    return `${dispatches.length} dispatches, ${digest([...kernels.map((kernel) => kernelText(made.builder, kernel)), ...dispatches.map(({ code }) => code)])}`;
  });
}

function chain(graph: Graph, set: Sizes): string {
  try {
    const { steps, arrays, temporaries, record: { fired, refused } } = lowerScript(graph, { set });
    const text = [...steps.flatMap(({ source, reads, threadsText }) => [source, ...reads, threadsText]), ...[...arrays.values()].map(({ name, elementsText }) => `${name}: ${elementsText}`), ...temporaries, ...[...fired, ...refused].map((each) => JSON.stringify(each))];
    return `chain: ${steps.map(({ array, each }) => `${array}, ${each} to a thread`).join("; ")}; ${fired.length} rewrites, ${refused.length} refused; ${digest(text)}`;
  } catch (fault) {
    if (fault instanceof KvernError) return `chain: refused, ${fault.diagnostics.map(({ code }) => code).join(", ")}`;
    throw fault;
  }
}

const firsts = (parts: number): readonly number[] => Array.from({ length: parts }, (_, part) => part * EACH);
const file = (name: string, first: number): string => `drawn/${name}-${String(first).padStart(3, "0")}.txt`;

describe("plans of programs drawn at random", { timeout: 120_000 }, () => {
  test.each(firsts(20))("from %i on", async (first) => {
    const text = Array.from({ length: EACH }, (_, k) => {
      const seed = first + k;
      const graph = programGraph(randomProgram(new Random(seed)));
      const set = SIZES[seed % SIZES.length] ?? {};
      return [`# ${seed} ${JSON.stringify(set)}`, direct(graph, set, seed), chain(graph, set), folded(graph, set, seed)].join("\n");
    });
    await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot(file("plans", first));
  });
});

const OPS = ["argmin", "min", "max", "sum", "argmax"] as const;
/** Sizes of the axes of cascades; some cascades have segments. */
const CASCADES: readonly Sizes[] = [{ token: 2000 }, {}, { token: 130 }];

describe("plans of cascades drawn at random", { timeout: 120_000 }, () => {
  test.each(firsts(8))("from %i on", async (first) => {
    const text = Array.from({ length: EACH }, (_, k) => {
      const seed = first + k;
      const { graph } = randomCascade(tape(5000 + seed), seed % 5 === 4, ...(seed % 3 === 0 ? [OPS] as const : []));
      const set = seed % 5 === 4 ? {} : CASCADES[seed % CASCADES.length] ?? {};
      return [`# ${seed} ${JSON.stringify(set)}`, direct(graph, set, seed), chain(graph, set), folded(graph, set, seed)].join("\n");
    });
    await expect(`${text.join("\n\n")}\n`).toMatchFileSnapshot(file("cascade-plans", first));
  });
});

/** A line for each of many: how long its text is, and a digest. Texts of their like stand in `algebra/`. */
const lines = (first: number, count: number, text: (seed: number) => string): string =>
  Array.from({ length: count }, (_, k) => `${first + k}: ${text(first + k)}`).map((each) => { const [head = "", ...rest] = each.split("\n"); return `${head}; ${rest.length} more, ${digest(rest)}`; }).join("\n");

const ALGEBRA: Readonly<Record<string, readonly [number, (seed: number) => string]>> = {
  cascades: [200, (seed) => derived(randomCascade(tape(seed), seed % 5 === 4, ...(seed % 3 === 0 ? [OPS] as const : [])))],
  choices: [50, (seed) => chosenOf(tape(seed))],
  passes: [50, (seed) => passed(tape(seed))],
  splits: [50, (seed) => strided(seed, tape(seed))],
  guards: [100, (seed) => bounds(tape(seed))],
};

describe.each(Object.entries(ALGEBRA))("of %s drawn at random", { timeout: 120_000 }, (name, [count, text]) => {
  test.each(Array.from({ length: 10 }, (_, part) => 1000 + part * count))("from %i on", async (first) => {
    await expect(`${lines(first, count, text)}\n`).toMatchFileSnapshot(file(name, first));
  });
});

/** Elements of an output that are shown. */
const SHOWN = 3;

const number = (value: number): string => (Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value + 0) : value.toPrecision(5));

const bounded = ([name, { data, bound, undecided }]: readonly [string, BoundedTensor]): string => {
  const shown = [...data].slice(0, SHOWN).map((value, at) => `${number(value)} ± ${number(bound[at] ?? NaN)}${undecided[at] === 1 ? " ?" : ""}`);
  // All elements count, in a sum that no infinity hides.
  const finite = [...bound].filter(Number.isFinite);
  return `${name}: ${shown.join("; ")}; of ${data.length}, ${finite.length} bounded, by ${number(finite.reduce((sum, each) => sum + each, 0))}`;
};

describe("bounds of programs drawn at random", { timeout: 120_000 }, () => {
  test.each(firsts(30))("from %i on", async (first) => {
    const text = Array.from({ length: EACH }, (_, k) => {
      const seed = 1000 + first + k;
      const random = new Random(seed);
      const graph = programGraph(randomProgram(random));
      for (let draw = 0; draw < 20; draw++) {
        const sizes = randomSizes(graph, random);
        const inputs = randomInputs(graph, sizes, seed + draw, infinityTested(graph));
        try {
          discharge(graph, sizes);
          return `${seed}: ${Object.entries(interpretWithBound(graph, inputs, { set: unboundSizes(graph, sizes), ...(seed % 3 === 0 ? { rescalings: 2 } : {}) })).map(bounded).join(" | ")}`;
        } catch (fault) {
          if (!(fault instanceof KvernError)) throw fault;
        }
      }
      return `${seed}: refused at all sizes that were drawn`;
    });
    await expect(`${text.join("\n")}\n`).toMatchFileSnapshot(file("bounds", first));
  });
});
