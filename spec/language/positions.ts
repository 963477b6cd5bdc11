/** @file Positions computed from other positions. */

import { refuse } from "../diagnostics/diagnostic";
import type { Axis, Index } from "./axis";
import { extent } from "./sizes";

/** `i` forced into 0 … extent − 1, the nearest position of `axis`. An empty axis has no position: the result is then −1. */
export const clamp = <Name extends string>(i: number, axis: Axis<Name>): Index<Name> => Math.min(Math.max(i, 0), extent(axis) - 1);

/**
 * The group of `i` when the positions of `axis` are divided evenly, in order, among the positions of `groups`:
 * `floor(i / (extent(axis) / extent(groups)))`.
 * @throws KvernError KV2102 if the size of `axis` is not a multiple of that of `groups`.
 */
export const groupOf = <Name extends string, Groups extends string>(i: Index<NoInfer<Name>>, axis: Axis<Name>, groups: Axis<Groups>): Index<Groups> => {
  const size = extent(axis);
  const count = extent(groups);
  if (count === 0 || size % count !== 0) {
    refuse({
      code: "KV2102",
      message: `the axis \`${axis.name}\` cannot be divided evenly among \`${groups.name}\``,
      expected: count === 0 ? `\`${groups.name}\` to have a position` : `a multiple of ${count}, the size of \`${groups.name}\``,
      got: `${size}, the size of \`${axis.name}\``,
    });
  }
  return Math.floor(i / (size / count));
};
