/** @file What the algebra makes of things drawn at random, as text: derivations, choices, passes, splits, bounds of guards. */

import { applyChoices, listChoices } from "../../compiler/algebra/choices";
import { listCuts } from "../../compiler/algebra/cut";
import { classify, domainOf } from "../../compiler/algebra/domain";
import { canonical, derive } from "../../compiler/algebra/passes";
import { changeOf } from "../../compiler/algebra/points";
import { listing, show } from "../../compiler/algebra/show";
import { showDerived } from "../../compiler/algebra/show-fold";
import { findChains, split } from "../../compiler/algebra/split";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import { Program, SMALL, stream } from "../algebra/programs";
import { Tape } from "../laws/cascade";
import { keyed, mixed } from "../laws/generated";
import { position } from "../laws/positions";

export const tape = (seed: number): Tape => {
  const random = stream(seed * 7919 + 3);
  for (let k = 0; k < 8; k++) random();
  return new Tape(Array.from({ length: 120 }, () => Math.floor(random() * 1000)));
};

/** The folds of a program, what was done to find them, and where they may be cut. */
export function derived(p: Program): string {
  const made = derive(p.b, p.graph);
  const cuts = listCuts(p.b, made, { token: 64, early: 16, late: 16 });
  return [
    showDerived(p.b, made),
    ...made.record.fired.map(({ rule, at, proof }) => `${rule}: ${at}${proof === undefined ? "" : ` (${proof})`}`),
    ...cuts.choices.map(({ rule, site, proof }) => `${rule}: ${site} (${proof})`), ...cuts.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`),
  ].join("\n");
}

/** Choices one after the other, the first that is offered taken until none is left. */
export function chosen(p: Program, start: Graph): string {
  const lines: string[] = [];
  let graph = start;
  for (let round = 0; round < 3; round++) {
    const { choices, refused } = listChoices(p.b, graph, { token: 1000, coded: 600, tail: 400 });
    const work = ({ loads, operations, special }: { readonly loads: number; readonly operations: number; readonly special: number }): string => `${loads} loads, ${operations} operations, ${special} special`;
    lines.push(...choices.map(({ rule, site, parameters, proof, cost }) => `${rule} at ${site} ${JSON.stringify(parameters)}: ${proof}\n  ${work(cost.without)} → ${work(cost.with)}`));
    lines.push(...refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`));
    const [first] = choices;
    if (first === undefined) break;
    graph = applyChoices(p.b, graph, [first]);
    lines.push(`made ${first.rule}:`, listing(p.b, graph));
  }
  return lines.join("\n");
}

/** Choices for a program that reads tables by codes. */
export function chosenOf(numbers: Tape): string {
  const p = keyed(numbers);
  const { graph } = canonical(p.b, p.graph);
  return `${listing(p.b, graph)}\n${chosen(p, graph)}`;
}

/** A program before and after the passes that every program goes through. */
export function passed(numbers: Tape): string {
  const p = mixed(numbers);
  const { graph, record } = canonical(p.b, p.graph);
  return [listing(p.b, p.graph), ...record.fired.map(({ rule, at }) => `${rule}: ${at}`), ...record.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`), listing(p.b, graph)].join("\n");
}

/** A sum over an axis whose positions are taken apart, and how the axis is split for them. */
export function strided(seed: number, numbers: Tape): string {
  const extent = [8, 12, 24, 30][seed % 4] ?? 8;
  const p = new Program({ ...SMALL, channels: extent });
  const x = p.tensor("x", ["channel"]);
  p.store("y", ["channel"], p.sum("channel", (c) => x(p.b.clamp(position(p, numbers, c, 3), p.extent("channel")))));
  const { chains } = findChains(p.b, p.graph);
  const { graph, record } = split(p.b, p.graph);
  return [
    `# ${seed}: ${listing(p.b, p.graph)}`, ...chains.map(({ axis, extent: size, strides }) => `${axis} of ${size} by ${strides.join(", ")}`),
    ...record.fired.map(({ rule, at, proof }) => `${rule}: ${at}${proof === undefined ? "" : ` (${proof})`}`), ...record.refused.map(({ rule, at, why }) => `refused ${rule} at ${at}: ${why}`), listing(p.b, graph),
  ].join("\n");
}

/** A guard over tokens and queries: the bounds of its loop, what tiles are under it, and where it changes. */
export function bounds(numbers: Tape): string {
  const b = new GraphBuilder();
  const [q, t] = [b.index("query", b.constant(32)), b.index("token", b.extent("token"))];
  if (q.kind !== "index" || t.kind !== "index") throw new Error("no index");
  const [at, real] = [b.load({ name: "at", axes: ["query"], element: { kind: "i32" } }, [q]), b.load({ name: "real", axes: ["query"], element: { kind: "f32" } }, [q])];
  const side = (): Value => {
    const terms = [t, t, q, at, b.extent("early"), b.quotient(t, b.constant(4)), b.remainder(t, b.constant(3)), b.quotient(b.add(q, t), b.constant(8)), real];
    return b.linear(numbers.below(9) - 4, [[[1, 1, -1, 2, -3][numbers.below(5)] ?? 1, terms[numbers.below(terms.length)] ?? t]]);
  };
  const guard = (depth: number): Value => {
    const kind = numbers.below(depth > 0 ? 8 : 4);
    if (kind < 2) return b.less(side(), side());
    if (kind === 2) return b.atMost(side(), side());
    if (kind === 3) return b.equal(side(), side());
    const [left, right] = [guard(depth - 1), guard(depth - 1)];
    return kind < 6 ? b.and(left, right) : kind === 6 ? b.or(left, right) : b.not(left);
  };
  const where = guard(2);
  const { lower, upper, exact } = domainOf(b, where, t);
  const verdicts = ([[0, 7], [8, 15], [24, 31]] as const).flatMap((rows) => ([[0, 3], [4, 19], [20, 60]] as const).map((tile) => classify(b, where, new Map<Value, readonly [number, number]>([[q, rows], [t, tile]]))));
  return `${show(b, where)}\n  ${lower.map((value) => `${show(b, value)} ≤ `).join("")}t${upper.map((value) => ` < ${show(b, value)}`).join("")}${exact ? "" : ", at most"}; ${verdicts.join(" ")}; changes at ${changeOf(b, where, t) === undefined ? "no point" : show(b, changeOf(b, where, t) ?? t)}`;
}
