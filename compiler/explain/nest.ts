/** @file The loops of a kernel, for people: what is nested in what, and what each innermost line computes. */

import { printValue, quoteName, type Opener } from "../../spec/graph/print";
import { children } from "../../spec/graph/children";
import type { Index, Reduce, Value } from "../../spec/graph/node";
import type { Item, Kernel, Node, Stage } from "../kernel/kernel";

/** One line for each loop, stage, barrier and assignment. */
export function nestOf(kernel: Kernel, opener: Opener): readonly string[] {
  const grid = kernel.grid.length === 0 ? "one workgroup" : kernel.grid.map((axis) => range(axis, opener)).join(", ");
  return withoutNumbers([`workgroups ${grid}; ${kernel.lanes} lanes`, ...indented(kernel.body.flatMap((node) => nodeLines(node, opener)))]);
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

/** `token < extent(token)`. */
const range = (index: Index, opener: Opener): string => `${printValue(opener, index)} < ${printValue(opener, index.extent)}`;

function nodeLines(node: Node, opener: Opener): readonly string[] {
  switch (node.kind) {
    case "stage": return stageLines(node, opener);
    case "barrier": return ["barrier"];
    case "loop": return [
      `for ${printValue(opener, node.axis)} from ${printValue(opener, node.low)} to ${printValue(opener, node.high)}`,
      ...indented(node.body.flatMap((inner) => nodeLines(inner, opener))),
    ];
    case "cross": return [`${node.op} of ${node.registers.join(", ")} across lanes ${node.over.map((axis) => range(axis, opener)).join(", ")} by ${node.method}`];
    case "commit": return node.moves.map(({ to, from }) => `${to} = ${from}`);
  }
}

function stageLines({ lanes, digits, block, vector, inside, otherwise, items }: Stage, opener: Opener): readonly string[] {
  const text = (value: Value): string => printValue(opener, value);
  const parts = [
    `lanes ${lanes.map((axis) => range(axis, opener)).join(", ")}`,
    ...(block.length === 0 ? [] : [`unrolled ${block.map((axis) => range(axis, opener)).join(", ")}`]),
    ...(vector === undefined ? [] : [`vector ${range(vector, opener)}`]),
    ...(isTrue(inside) ? [] : [`where ${text(inside)}`]),
    ...(otherwise === undefined ? [] : [`else ${text(otherwise)}`]),
  ];
  return [
    parts.join("; "),
    ...indented([...digits.map(({ index, value }) => `${text(index)} = ${text(value)}`), ...items.flatMap((item) => itemLines(item, opener))]),
  ];
}

function itemLines(item: Item, opener: Opener): readonly string[] {
  const text = (value: Value): string => printValue(opener, value);
  const name = quoteName(item.array);
  if (item.kind === "pack") {
    return [
      `word ${[...item.row, item.word].map(text).join(", ")} of ${name}: for each ${range(item.element, opener)} in it`,
      ...indented([...item.digits.map(({ index, value }) => `${text(index)} = ${text(value)}`), ...valueLines(item.value, name, "=", opener)]),
    ];
  }
  const where = isTrue(item.where) ? "" : ` where ${text(item.where)}`;
  const loops = item.over.map((axis, at) => `${"  ".repeat(at)}for ${range(axis, opener)}${at === item.over.length - 1 ? where : ""}`);
  const lines = valueLines(item.value, `${name}[${item.indices.map(text).join(", ")}]`, item.op, opener);
  return [...loops, ...lines.map((line) => `${"  ".repeat(loops.length)}${line}`)];
}

const isTrue = (value: Value): boolean => value.kind === "truth" && value.value;

/** The loops of the reductions in `value`, each around what depends on it only, and then the assignment itself. */
function valueLines(value: Value, target: string, op: string, opener: Opener): readonly string[] {
  return [...loopLines(loopsOf(value, opener), undefined, opener), `${target} ${op} ${printValue(opener, value)}`];
}

/** Reductions by the innermost reduction whose position they depend on; `undefined` for those that depend on none. */
type Loops = ReadonlyMap<Reduce | undefined, readonly Reduce[]>;

function loopsOf(value: Value, opener: Opener): Loops {
  const loops = new Map<Reduce | undefined, Reduce[]>();
  const seen = new Set<Reduce>();
  const visit = (part: Value, around: readonly Reduce[]): void => {
    for (const reduce of outermost(part)) {
      const parent = around.findLast((outer) => reduce.free.includes(opener.open(outer).index.name));
      const { where, body } = opener.open(reduce);
      for (const inner of [where, body]) visit(inner, [...around, reduce]);
      if (!seen.has(reduce)) loops.set(parent, [...(loops.get(parent) ?? []), reduce]);
      seen.add(reduce);
    }
  };
  visit(value, []);
  return loops;
}

function loopLines(loops: Loops, parent: Reduce | undefined, opener: Opener): readonly string[] {
  return (loops.get(parent) ?? []).flatMap((reduce) => {
    const { index, where } = opener.open(reduce);
    const guard = isTrue(where) ? "" : ` where ${printValue(opener, where)}`;
    return [`for ${range(index, opener)}${guard}: ${reduce.op}`, ...indented(loopLines(loops, reduce, opener))];
  });
}

/** The reductions in a value that lie in no other, each once. */
function outermost(value: Value, seen: Set<Value> = new Set()): readonly Reduce[] {
  if (seen.has(value)) return [];
  seen.add(value);
  if (value.kind === "reduce") return [value];
  return value.kind === "index" ? [] : children(value).flatMap((part) => outermost(part, seen));
}

/** Leaves out the numbers that tell positions on one axis apart, where there is but one of them. */
function withoutNumbers(lines: readonly string[]): readonly string[] {
  const name = /(`[^`]+`|[A-Za-z_][\w.]*)('\d+|'+)?/g;
  const numbers = new Map<string, Set<string>>();
  for (const line of lines) {
    for (const [, axis = "", number = ""] of line.matchAll(name)) numbers.set(axis, (numbers.get(axis) ?? new Set()).add(number));
  }
  return lines.map((line) => line.replace(name, (all, axis: string) => (numbers.get(axis)?.size === 1 ? axis : all)));
}
