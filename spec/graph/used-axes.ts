/** @file Which of the axes that a program speaks of its graph needs. */

import { postOrder } from "./children";
import type { AxisDeclaration, Obligation, Store, Tensor } from "./node";

/** The axes that matter: those of tensors, and those that a node or a claim mentions; in the order of `met`. */
export function usedAxes(met: readonly AxisDeclaration[], tensors: readonly Tensor[], stores: readonly Store[], obligations: readonly Obligation[]): readonly AxisDeclaration[] {
  const roots = [...stores.flatMap(({ indices: at, value }) => [...at, value]), ...obligations.flatMap(({ claim }) => (claim.kind === "divides" ? [claim.dividend, claim.divisor] : [claim.index, ...claim.under]))];
  const used = new Set(tensors.flatMap(({ axes }) => axes));
  for (const { claim } of obligations) if (claim.kind === "inside") used.add(claim.axis);
  for (const node of postOrder(roots)) {
    if (node.kind === "extent" || node.kind === "index" || node.kind === "reduce") used.add(node.axis);
  }
  // What an axis goes through is declared before it, and may be mentioned nowhere else.
  for (const { name, parts } of [...met].reverse()) if (used.has(name)) for (const part of parts ?? []) used.add(part);
  return met.filter(({ name }) => used.has(name));
}
