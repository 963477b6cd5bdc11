/** @file The parts of a node, in order. Parts under a binder come as they are stored, with the bound name. */

import type { Value } from "./node";

export function children(value: Value): readonly Value[] {
  switch (value.kind) {
    case "constant": case "truth": case "extent": return [];
    case "index": return [value.extent];
    case "load": case "slot": return value.indices;
    case "linear": return value.terms.map(([, term]) => term);
    case "product": return value.factors.map(([base]) => base);
    case "apply": return value.args;
    case "not": return [value.of];
    case "and": case "or": return value.of;
    case "select": return [value.condition, value.yes, value.no];
    case "reduce": return [value.extent, value.where, value.body];
    case "table": return [value.extent, value.body, value.at];
    case "quotient": case "remainder": case "bitwise": case "larger": case "smaller": case "less": case "atMost": case "equal":
      return [value.left, value.right];
  }
}

/** Every node below `roots`, parts before wholes, each once. Parts under binders are not opened, unless `parts` opens them. */
export function postOrder(roots: Iterable<Value>, parts: (value: Value) => readonly Value[] = children): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  // An explicit stack: a graph may be deeper than the call stack. What is entered is done when it is on top again.
  const stack: Value[] = [];
  const entered = new Set<Value>();
  for (const root of roots) {
    stack.push(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (seen.has(top)) stack.pop();
      else if (entered.has(top)) {
        stack.pop();
        seen.add(top);
        order.push(top);
      } else {
        entered.add(top);
        const inner = parts(top);
        for (let at = inner.length - 1; at >= 0; at--) {
          const part = inner[at];
          if (part !== undefined && !seen.has(part)) stack.push(part);
        }
      }
    }
  }
  return order;
}
