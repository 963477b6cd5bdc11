/**
 * @file What people call the axes of a kernel. Digits that a plan gave an axis follow it after a colon, `token:part`,
 * where the kernel has several of them; an axis that is one digit of the kernel keeps its name. Positions on one axis
 * are told apart by primes.
 */

import { children } from "../../spec/graph/children";
import type { Value } from "../../spec/graph/node";
import type { Opener } from "../../spec/graph/print";
import type { Item, Kernel, Node } from "../kernel/kernel";

/** What the planner calls the digits that it makes of an axis, and the digits of those. */
const DIGIT = /(?: (?:grid|lane|block|vector|part|tile of part|tile|slice|step))+$/;

/** The name under which each index of a kernel is shown. */
export function indexNames(kernel: Kernel, opener: Opener): (name: string) => string {
  const order = new Map<string, Set<string>>();
  const digits = new Map<string, Set<string>>();
  const found = (name: string): void => {
    const at = name.lastIndexOf("@");
    const axis = at < 0 ? name : name.slice(0, at);
    order.set(axis, (order.get(axis) ?? new Set()).add(name));
    const base = axis.replace(DIGIT, "");
    digits.set(base, (digits.get(base) ?? new Set()).add(axis));
  };
  for (const value of valuesOf(kernel)) indicesIn(value, opener, found);
  return (name) => {
    const at = name.lastIndexOf("@");
    const axis = at < 0 ? name : name.slice(0, at);
    const base = axis.replace(DIGIT, "");
    const shown = base === axis || (digits.get(base)?.size ?? 1) === 1 ? base : `${base}:${axis.slice(base.length + 1).replace(/ (grid|lane|block|vector)$/, ":$1")}`;
    const number = [...(order.get(axis) ?? [])].indexOf(name);
    return `${shown.replace(/^%/, "")}${"′".repeat(Math.max(0, number))}`;
  };
}

/** Every value that a kernel mentions, as it stands: the axes of its loops first. */
function* valuesOf(kernel: Kernel): Generator<Value> {
  yield* kernel.grid;
  for (const node of kernel.body) yield* ofNode(node);
}

function* ofNode(node: Node): Generator<Value> {
  switch (node.kind) {
    case "loop":
      yield* [node.axis, node.low, node.high];
      for (const inner of node.body) yield* ofNode(inner);
      return;
    case "stage":
      yield* [...node.lanes, ...node.digits.flatMap(({ index, value }) => [index, value]), ...node.block, ...(node.vector === undefined ? [] : [node.vector]), node.inside];
      for (const item of node.items) yield* ofItem(item);
      return;
    case "cross": yield* [...node.lanes, ...node.over]; return;
    case "barrier": case "commit":
  }
}

function* ofItem(item: Item): Generator<Value> {
  if (item.kind === "pack") yield* [...item.row, item.word, item.element, ...item.digits.flatMap(({ index, value }) => [index, value]), item.value];
  else yield* [...item.indices, ...item.over, item.where, item.value];
}

function indicesIn(root: Value, opener: Opener, found: (name: string) => void): void {
  const seen = new Set<Value>();
  const visit = (value: Value): void => {
    if (seen.has(value)) return;
    seen.add(value);
    if (value.kind === "index") found(value.name);
    else if (value.kind === "reduce" || value.kind === "table") {
      const { index, where, body } = opener.open(value);
      for (const part of [index, where, body]) visit(part);
      if (value.kind === "table") visit(value.at);
    } else children(value).forEach(visit);
  };
  visit(root);
}
