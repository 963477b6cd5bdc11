/**
 * @file Classes of sizes: an axis whose size is open has one plan up to 512 positions, one up to 4096, and so on, each eight
 * times as long as the one before. A cache that grows by a token stays in its class, and with its program, for long. Plans that
 * are estimated and plans that are measured go by the same classes. An axis of which no size is known yet is taken to be short:
 * that program is compiled first, and written by `kvern build`.
 */

import type { AxisDeclaration } from "../spec/graph/node";
import type { Sizes } from "../spec/tensor/check";

/** The longest axis of the first class, and how many times as long the longest of each further one is. */
const [SHORT, TIMES] = [512, 8];

/** The open axes of a kernel in one class each. Programs are right for all sizes, whatever class they are planned for. */
export interface SizeClass {
  /** The longest that each axis is. */
  readonly upTo: Sizes;
  /** The sizes to plan for. */
  readonly expected: Sizes;
}

/** The class of sizes. @param set those that are fixed, of axes that are then not open */
export function classOf(axes: readonly AxisDeclaration[], set: Sizes, sizes: Sizes): SizeClass {
  const open = axes.filter(({ name, extent, parts }) => extent === undefined && parts === undefined && set[name] === undefined);
  const upTo = Object.fromEntries(open.map(({ name }) => [name, longest(sizes[name] ?? 0)]));
  return { upTo, expected: Object.fromEntries(Object.entries(upTo).map(([name, most]) => [name, most / 2])) };
}

/** Of the class of a size. */
function longest(size: number): number {
  let most = SHORT;
  while (most < size) most *= TIMES;
  return most;
}
