/** @file The loops of a kernel, for people: what is nested in what, and what each innermost line computes. */

import { printValue, quoteName, type Opener } from "../../spec/graph/print";
import { children } from "../../spec/graph/children";
import type { Index, Reduce, Value } from "../../spec/graph/node";
import type { Item, Kernel, Node, Stage } from "../kernel/kernel";

/** One line for each loop, stage, barrier and assignment. */
export function nestOf(kernel: Kernel, opener: Opener): readonly string[] {
  const grid = kernel.grid.length === 0 ? "one workgroup" : kernel.grid.map((axis) => range(axis, opener)).join(", ");
  return [`workgroups ${grid}; ${kernel.lanes} lanes`, ...indented(kernel.body.flatMap((node) => nodeLines(node, opener)))];
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

/** The loops of the reductions in `value`, outermost first, and then the assignment itself. */
function valueLines(value: Value, target: string, op: string, opener: Opener): readonly string[] {
  return [...outermost(value).flatMap((reduce) => reduceLines(reduce, opener)), `${target} ${op} ${printValue(opener, value)}`];
}

function reduceLines(reduce: Reduce, opener: Opener): readonly string[] {
  const { index, where, body } = opener.open(reduce);
  const guard = isTrue(where) ? "" : ` where ${printValue(opener, where)}`;
  const inner = [...outermost(where), ...outermost(body)].flatMap((inside) => reduceLines(inside, opener));
  return [`for ${range(index, opener)}${guard}: ${reduce.op}`, ...indented(inner)];
}

/** The reductions in a value that lie in no other, each once. */
function outermost(value: Value, seen: Set<Value> = new Set()): readonly Reduce[] {
  if (seen.has(value)) return [];
  seen.add(value);
  if (value.kind === "reduce") return [value];
  return children(value).flatMap((part) => outermost(part, seen));
}
