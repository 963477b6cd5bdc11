/** @file How many workgroups to launch along x, y and z. */

import { InternalError } from "../../spec/diagnostics/diagnostic";

/**
 * At least as many workgroups as the grid has, folded so that none of the three counts is more than `widest`, and as few
 * more as that allows. None where the grid has none.
 */
export function workgroups(grid: readonly number[], widest: number): readonly [x: number, y: number, z: number] {
  const total = grid.reduce((all, size) => all * size, 1);
  if (total <= widest) return [total, 1, 1];
  const z = Math.ceil(total / (widest * widest));
  const y = Math.ceil(total / (widest * z));
  const x = Math.ceil(total / (y * z));
  if (z > widest) throw new InternalError(`a grid of ${total} workgroups`);
  return [x, y, z];
}
