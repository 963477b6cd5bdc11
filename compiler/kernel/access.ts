/** @file Which arrays the nodes of a kernel read and write, and where. */

import { children } from "../../spec/graph/children";
import type { Value } from "../../spec/graph/node";
import type { Item, Node, Stage } from "./kernel";

export interface Access {
  readonly array: string;
  readonly indices: readonly Value[];
}

/** The elements that values read. Parts under binders come as they are stored. */
export function readsOf(values: Iterable<Value>): readonly Access[] {
  const found: Access[] = [];
  const seen = new Set<Value>();
  const stack = [...values];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (value.kind === "load") found.push({ array: value.tensor.name, indices: value.indices });
    if (value.kind === "slot") found.push({ array: value.name, indices: value.indices });
    stack.push(...children(value));
  }
  return found;
}

const itemValues = (item: Item): readonly Value[] => {
  switch (item.kind) {
    case "assign": return [item.value, item.where, ...item.indices, ...item.over.map(({ extent }) => extent)];
    case "pack": return [item.value, item.word, ...item.row, ...item.digits.map(({ value }) => value)];
  }
};

export interface StageAccess {
  readonly reads: readonly Access[];
  readonly writes: readonly Access[];
}

export function accessesOf(stage: Stage): StageAccess {
  const values = stage.items.flatMap(itemValues);
  const around = [stage.inside, ...(stage.otherwise === undefined ? [] : [stage.otherwise]), ...stage.digits.map(({ value }) => value)];
  const writes = stage.items.map((item): Access => ({ array: item.array, indices: item.kind === "assign" ? item.indices : [...item.row, item.word] }));
  const updates = stage.items.flatMap((item): Access[] => (item.kind === "assign" && item.op !== "=" ? [{ array: item.array, indices: item.indices }] : []));
  return { reads: [...readsOf([...values, ...around]), ...updates], writes };
}

/** Names of the arrays that nodes touch, and which of them they write. */
export function arraysOf(nodes: readonly Node[]): { readonly touched: ReadonlySet<string>; readonly written: ReadonlySet<string> } {
  const touched = new Set<string>();
  const written = new Set<string>();
  const visit = (node: Node): void => {
    switch (node.kind) {
      case "stage": {
        const { reads, writes } = accessesOf(node);
        for (const { array } of reads) touched.add(array);
        for (const { array } of writes) {
          touched.add(array);
          written.add(array);
        }
        break;
      }
      case "loop":
        for (const { array } of readsOf([node.low, node.high])) touched.add(array);
        node.body.forEach(visit);
        break;
      case "cross":
        for (const name of node.registers) touched.add(name);
        break;
      case "commit":
        for (const { to, from } of node.moves) {
          touched.add(to).add(from);
          written.add(to);
        }
        break;
      case "barrier": break;
    }
  };
  nodes.forEach(visit);
  return { touched, written };
}

/** Whether nodes combine registers by subgroup operations. */
export const crossesSubgroups = (nodes: readonly Node[]): boolean =>
  nodes.some((node) => (node.kind === "cross" ? node.method === "subgroup" : node.kind === "loop" && crossesSubgroups(node.body)));
