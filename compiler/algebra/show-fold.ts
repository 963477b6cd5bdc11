/** @file Folds and finishes in the notation of `derived.ts`, for traces and `explain`. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import type { Component, Derived, Domain, Fold } from "./derived";
import { openedOrder } from "./opened";
import { axisName, show } from "./show";

/** One line a component; inner reductions that several components share are named first. */
export function showFold(builder: GraphBuilder, fold: Fold): string {
  const write = (value: Value): string => show(builder, value, names);
  const names = new Map<Value, string>();
  const lines: string[] = [];
  const uses = new Map<Value, number>();
  for (const { body, where } of fold.components) {
    for (const node of openedOrder(builder, [body, where])) if (isWork(node) && node.free.includes(fold.index.name)) uses.set(node, (uses.get(node) ?? 0) + 1);
  }
  for (const [node, count] of uses) {
    if (count < 2) continue;
    const text = write(node);
    const name = `x${names.size + 1}`;
    lines.push(`  ${name}[${node.free.map(axisName).join(", ")}] = ${text}`);
    names.set(node, name);
  }
  const bounds = ({ lower, upper, exact }: Domain): string =>
    `${[...lower.map((value) => `${write(value)} ≤ `)].join("")}${axisName(fold.index.name)}${upper.map((value) => ` < ${write(value)}`).join("")}${exact ? "" : " at most"}`;
  const bounded = fold.domain.lower.length + fold.domain.upper.length > 0;
  const head = [
    `fold ${fold.name}: ${axisName(fold.index.name)} < ${show(builder, fold.extent)}`,
    ...(bounded ? [bounds(fold.domain)] : []),
    ...(fold.pass === 0 ? [] : [`pass ${fold.pass}`]),
    ...(fold.cuts.length === 0 ? [] : [`cut at ${fold.cuts.map(write).join(", ")}`]),
    ...(fold.stale.length === 0 ? [] : [`‹${fold.stale.join("›, ‹")}› may lag`]),
  ].join("; ");
  const repair = ({ repair: r }: Component): string => {
    switch (r.kind) {
      case "none": return "";
      case "multiply": return `\n      repaired × ${show(builder, r.factor)}  (${r.proof.range === "atMostOne" ? "at most 1" : "as the source computes it"})`;
      case "add": return `\n      repaired + ${show(builder, r.term)}`;
    }
  };
  for (const component of fold.components) {
    const guard = component.where === builder.true ? "" : `  where ${write(component.where)}`;
    lines.push(`  ‹${component.name}›[${component.own.map(({ name }) => axisName(name)).join(", ")}] ${component.op}= ${write(component.body)}${guard}${repair(component)}`);
  }
  return [head, ...lines].join("\n");
}

const isWork = (node: Value): boolean => node.kind === "reduce" || (node.kind === "apply" && !node.facts.integer);

export function showDerived(builder: GraphBuilder, derived: Derived): string {
  return [
    ...derived.folds.map((fold) => showFold(builder, fold)),
    ...derived.stores.map(({ output, indices, value }) => `${output.name}[${indices.map((index) => show(builder, index)).join(", ")}] = ${show(builder, value)}`),
    ...derived.record.refused.map(({ rule, at, why }) => `refused ${rule}: ${at}\n      ${why}`),
  ].join("\n");
}
