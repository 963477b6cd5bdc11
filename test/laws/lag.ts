/** @file Folds whose references lag: halfway along, the state is put to references below those that it has. */

import type { Component, Fold } from "../../compiler/algebra/derived";
import { derive } from "../../compiler/algebra/passes";
import { Evaluator, evaluateStores, EMPTY, FoldRunner, type State, type Tensors } from "../../bin/fuzz/folding";
import type { Program } from "../algebra/programs";

/** How far a reference stays behind. */
const BEHIND = 0.7;

/** The state, with the references `lagging` behind and what they repair put to them. */
function behind(runner: FoldRunner, fold: Fold, state: State, lagging: readonly string[]): State {
  const moved = new Map([...state].map(([name, elements]) => [name, lagging.includes(name) ? new Map([...elements].map(([key, value]) => [key, value - BEHIND])) : elements]));
  const measured = ({ reads, repair }: Component): boolean => repair.kind !== "none" && reads.some((name) => lagging.includes(name));
  return new Map([...moved].map(([name, elements]) => {
    const component = fold.components.find((other) => other.name === name);
    return [name, component !== undefined && measured(component) ? runner.moved(fold, component, state, moved) : elements] as const;
  }));
}

/** The outputs of a program's folds, in which what `stale` names lags behind from halfway on. */
export function outputsBehind(p: Program, tensors: Tensors, sizes: Readonly<Record<string, number>>, stale: (fold: Fold) => readonly string[]): ReadonlyMap<string, number> {
  const derived = derive(p.b, p.graph);
  const runner = new FoldRunner(new Evaluator(p.b, tensors, sizes));
  return runner.all(derived.folds, derived.stores, (fold, count) => {
    const half = Math.floor(count / 2);
    const positions = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, k) => from + k);
    const first = runner.step(fold, EMPTY, positions(0, half));
    const whole = runner.step(fold, behind(runner, fold, first, stale(fold)), positions(half, count));
    return behind(runner, fold, whole, stale(fold));
  });
}

/** Whether those outputs are the naive ones, where these are numbers. */
export function agreesBehind(p: Program, tensors: Tensors, sizes: Readonly<Record<string, number>>, stale: (fold: Fold) => readonly string[], fault: number): boolean {
  const got = outputsBehind(p, tensors, sizes, stale);
  return [...evaluateStores(new Evaluator(p.b, tensors, sizes), p.graph.stores)].every(([key, value]) => !Number.isFinite(value) || Math.abs((got.get(key) ?? NaN) - value) <= fault * Math.max(1, Math.abs(value)));
}
