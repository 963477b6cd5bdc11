/**
 * @file A graph after the passes of the compiler, interpreted in f64 against the graph before them: canonical, with choices
 * taken by lot, and as folds that are run serially, in tiles, as a tree, in parts, or cut into pieces.
 */

import { applyChoices, listChoices } from "../../compiler/algebra/choices";
import { listCuts } from "../../compiler/algebra/cut";
import type { Choice } from "../../compiler/algebra/derived";
import { canonical, derive } from "../../compiler/algebra/passes";
import { workOf } from "../../compiler/algebra/work";
import { makePlan } from "../../compiler/plan/make";
import { specialise } from "../../compiler/plan/specialise";
import { kernelOf, RunCheck } from "../../runtime/kernel";
import { discharge } from "../../runtime/obligations";
import { DEFAULT_LIMITS as limits } from "../../runtime/webgpu/gpu";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { loadGraph } from "../../spec/graph/json";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { interpret } from "../../spec/interpreter";
import { elementCount, integerRange, position, storedValues } from "../../spec/tensor";
import { shapeOf, type Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor/tensor";
import { Evaluator, evaluateStores, FoldRunner, pieceState, ways, type State, type Tensors as Stored } from "./folding";
import type { Prepare } from "./fuzz";
import { Random } from "./random";
import type { Ran, Run } from "./subject";

type Tensors = Readonly<Record<string, TensorData>>;

/** Choices taken one after another at most. */
const CHOICES = 3;
/** Operations and loads beyond which folds are not run position by position. */
const MOST_WORK = 20_000;

export const rewrittenWays: Prepare = (_, serialised) => {
  const { graph } = loadGraph(serialised);
  const kernel = kernelOf(graph, (sizes) => discharge(graph, sizes));
  const run: Run = (inputs, set) => {
    // Refuses what a device would.
    const { sizes } = new RunCheck(kernel, {}).check(inputs, { set });
    const random = new Random(Object.values(sizes).reduce((sum, size) => sum * 31 + size, 11));
    return Promise.resolve(rewritten(graph, inputs, set, sizes, random));
  };
  return Promise.resolve({ finite: true, arithmetic: "f64", run });
};

function rewritten(graph: Graph, inputs: Tensors, set: Sizes, sizes: Sizes, random: Random): readonly Ran[] {
  // The sizes are known in one program of two.
  const { builder, graph: special } = specialise(graph, random.oneIn(2) ? sizes : {});
  const ran: Ran[] = [];
  const whole = (plan: string, changed: Graph): void => void ran.push({ outputs: interpret(changed, inputs, { set }), plan, rescalings: rescalingsOf(sizes) });
  whole("specialised", special);
  let current = canonical(builder, special).graph;
  whole("canonical", current);
  const taken: Choice[] = [];
  for (const choice of choicesByLot(builder, current, sizes, random)) {
    current = applyChoices(builder, current, [choice]);
    taken.push(choice);
    whole(`canonical, then ${taken.map(({ rule, site }) => `${rule} at ${site}`).join(", ")}`, current);
  }
  ran.push(...folded(builder, special, taken, inputs, sizes, random), ...planned(builder, special, inputs, sizes));
  return ran;
}

function* choicesByLot(builder: GraphBuilder, graph: Graph, sizes: Sizes, random: Random): Generator<Choice> {
  let current = graph;
  for (let count = 0; count < CHOICES; count++) {
    const [first, ...others] = listChoices(builder, current, sizes).choices;
    if (first === undefined) return;
    const choice = random.pick([first, ...others]);
    yield choice;
    current = applyChoices(builder, current, [choice]);
  }
}

/** The folds derived after the choices `taken`, each run in one of the ways, by lot. */
function folded(builder: GraphBuilder, graph: Graph, taken: readonly Choice[], inputs: Tensors, sizes: Sizes, random: Random): readonly Ran[] {
  const plain = derive(builder, graph, taken);
  if (isLong(builder, plain.graph, sizes)) return [];
  const cuts = random.oneIn(2) ? listCuts(builder, plain, sizes).choices : [];
  const derived = cuts.length === 0 ? plain : derive(builder, graph, [...taken, ...cuts]);
  const evaluator = new Evaluator(builder, storedTensors(graph, inputs), sizes);
  const runner = new FoldRunner(evaluator);
  const [first, ...others] = Object.entries(ways(runner, () => random.fraction()));
  if (first === undefined) return [];
  const names: string[] = [];
  const elements = runner.all(derived.folds, derived.stores, (fold, count) => {
    if (fold.pieces.length > 0) {
      names.push(`${fold.name} in pieces`);
      const [head, ...rest] = fold.pieces.map((piece) => pieceState(evaluator, runner, piece));
      return rest.reduce<State>((state, piece) => (random.oneIn(2) ? runner.merge(fold, state, piece) : runner.merge(fold, piece, state)), head ?? new Map());
    }
    const [name, way] = random.pick([first, ...others]);
    names.push(`${fold.name} ${name}`);
    return way(fold, count);
  });
  const choices = [...taken, ...cuts].map(({ rule, site }) => `${rule} at ${site}`);
  return [{ outputs: outputsOf(graph, sizes, elements), plan: [...choices, `folds: ${names.join(", ")}`].join(", then "), rescalings: rescalingsOf(sizes) }];
}

/** The units of the plan without folds, one after the other, each reading what those before it stored. */
function planned(builder: GraphBuilder, graph: Graph, inputs: Tensors, sizes: Sizes): readonly Ran[] {
  if (isLong(builder, graph, sizes)) return [];
  const { units } = makePlan(builder, graph, limits);
  const evaluator = new Evaluator(builder, storedTensors(graph, inputs), sizes);
  const stored = new Map<string, number>();
  evaluator.slot = ({ name }, at) => stored.get(`${name}[${at.join(",")}]`) ?? missing(`${name} at ${at.join(", ")}`);
  for (const { array: { name, element }, indices, value } of units) {
    for (const [key, number] of evaluateStores(evaluator, [{ output: { name, element, axes: [] }, indices, value }])) stored.set(key, number);
  }
  return [{ outputs: outputsOf(graph, sizes, stored), plan: "units", rescalings: rescalingsOf(sizes) }];
}

function missing(what: string): never {
  throw new InternalError(`a unit reads ${what}, which none before it stored`);
}

/** A reference is found anew at every position at most. */
const rescalingsOf = (sizes: Sizes): number => Math.max(0, ...Object.values(sizes));

function isLong(builder: GraphBuilder, graph: Graph, sizes: Sizes): boolean {
  const { loads, operations, special } = workOf(builder, graph, sizes);
  return loads + operations + special > MOST_WORK;
}

/** Inputs as their storage holds them. */
const storedTensors = ({ inputs: tensors }: Graph, inputs: Tensors): Stored =>
  Object.fromEntries(tensors.flatMap(({ name, element }) => {
    const input = inputs[name];
    return input === undefined ? [] : [[name, { shape: input.shape, data: Array.from(storedValues(element, input)) }] as const];
  }));

/** Outputs from their elements by name and position; integers saturate. */
function outputsOf(graph: Graph, sizes: Sizes, elements: ReadonlyMap<string, number>): Tensors {
  return Object.fromEntries(graph.outputs.map(({ name, element, axes }) => {
    const shape = shapeOf(axes, sizes);
    const range = integerRange(element);
    const data = Float64Array.from({ length: elementCount(shape) }, (_, at) => {
      const value = elements.get(`${name}[${position(at, shape).join(",")}]`) ?? NaN;
      return range === undefined ? value : Math.min(Math.max(value, range[0]), range[1]);
    });
    return [name, { shape, data }];
  }));
}
