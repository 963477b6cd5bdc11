/** @file Plans that nobody offers: those that are, with a number, a role or a way changed as a damaged file may change it. */

import type { ChainPlan, FoldPlan, FusedPlan, StreamedPlan } from "../../compiler/plan/fold/plan";

const NUMBERS = [1, 2, 3, 4, 16, 48, 64, 100, 256, 1000, 65536] as const;
const ROLES = [{ kind: "serial", step: 1 }, { kind: "serial", step: 3 }, { kind: "serial", step: 4 }, { kind: "unroll" }, { kind: "vector" }] as const;
const SHARES = [{ lane: 1, block: 1, vector: 1 }, { lane: 2, block: 1, vector: 1 }, { lane: 1, block: 2, vector: 1 }, { lane: 1, block: 1, vector: 4 }, { lane: 3, block: 1, vector: 1 }, { lane: 64, block: 4, vector: 2 }] as const;

/** A value of a record in place of another; what is there already makes no new plan. */
function* replaced<Whole extends object, Key extends keyof Whole>(of: Whole, key: Key, values: readonly Whole[Key][]): Generator<Whole> {
  for (const value of values) if (JSON.stringify(of[key]) !== JSON.stringify(value)) yield { ...of, [key]: value };
}

/** @param axes that shares and roles may speak of */
function* pieces(plan: StreamedPlan | ChainPlan, axes: readonly string[]): Generator<StreamedPlan | ChainPlan> {
  for (const key of ["lanes", "tile"] as const) yield* replaced<StreamedPlan | ChainPlan, typeof key>(plan, key, NUMBERS);
  if (plan.kind === "chain") for (const key of ["part", "copies"] as const) yield* replaced(plan, key, NUMBERS);
  else {
    yield* replaced(plan, "part", NUMBERS);
    yield* replaced(plan, "cross", ["gather", "tree", "subgroup"]);
    const { part: _, ...whole } = plan;
    if (plan.part !== undefined) yield whole;
  }
  for (const axis of new Set([...axes, ...Object.keys(plan.shares)])) for (const share of SHARES) yield* replaced(plan, "shares", [{ ...plan.shares, [axis]: share }]);
  for (const axis of new Set([...axes, ...Object.keys(plan.roles)])) for (const role of ROLES) yield* replaced(plan, "roles", [{ ...plan.roles, [axis]: role }]);
  yield* replaced(plan, "shares", [{}, { nowhere: { lane: 2, block: 1, vector: 1 } }]);
  yield* replaced(plan, "roles", [{}]);
}

function* folds(plan: FoldPlan, axes: readonly string[]): Generator<FoldPlan> {
  switch (plan.kind) {
    case "whole":
      yield { kind: "whole" };
      yield { kind: "whole", staged: true };
      return;
    case "stream": case "chain":
      yield* pieces(plan, axes);
      yield { kind: "whole" };
      yield { kind: "pieces", pieces: {} };
      if (plan.kind === "stream") yield { kind: "chain", lanes: plan.lanes, tile: plan.tile, part: plan.part ?? plan.tile, copies: 1, shares: plan.shares, roles: plan.roles };
      else yield { kind: "stream", lanes: plan.lanes, tile: plan.tile, part: plan.part, shares: plan.shares, roles: plan.roles, cross: "tree" };
      return;
    case "pieces":
      for (const [name, piece] of Object.entries(plan.pieces)) {
        for (const other of pieces(piece, axes)) yield { ...plan, pieces: { ...plan.pieces, [name]: other } };
        const { [name]: _, ...rest } = plan.pieces;
        yield { ...plan, pieces: rest };
      }
  }
}

/** Choices left out, made twice, in another order, of another rule, at another site or with other parameters. */
function* choices(plan: FusedPlan, axes: readonly string[]): Generator<FusedPlan> {
  const of = plan.choices;
  if (of.length > 1) yield { ...plan, choices: [...of].reverse() };
  for (const [at, choice] of of.entries()) {
    yield { ...plan, choices: of.filter((_, other) => other !== at) };
    yield { ...plan, choices: [...of, choice] };
    for (const rule of ["unroll", "align", "tabulate", "group", "cut"] as const) if (rule !== choice.rule) yield { ...plan, choices: of.with(at, { ...choice, rule }) };
    for (const other of of) if (other.site !== choice.site) yield { ...plan, choices: of.with(at, { ...choice, site: other.site }) };
    for (const key of Object.keys(choice.parameters)) {
      for (const value of ["", "2", ...axes]) if (choice.parameters[key] !== value) yield { ...plan, choices: of.with(at, { ...choice, parameters: { ...choice.parameters, [key]: value } }) };
    }
    if (Object.keys(choice.parameters).length > 0) yield { ...plan, choices: of.with(at, { ...choice, parameters: {} }) };
    yield { ...plan, choices: of.with(at, { ...choice, parameters: { ...choice.parameters, more: "1" } }) };
  }
}

/** All plans that differ from one in one place. */
export function* altered(plan: FusedPlan, axes: readonly string[]): Generator<FusedPlan> {
  yield* choices(plan, axes);
  for (const [name, fold] of Object.entries(plan.folds)) {
    for (const other of folds(fold, axes)) if (JSON.stringify(other) !== JSON.stringify(fold)) yield { ...plan, folds: { ...plan.folds, [name]: other } };
    const { [name]: _, ...rest } = plan.folds;
    yield { ...plan, folds: rest };
  }
}
