/** @file Truths of approximate numbers: 1 or 0, with an error of 1 where a device may find the opposite. */

import { exactly, opaque, type Approximate } from "./approximate";

export const TRUE = exactly(1);
export const FALSE = exactly(0);
const PERHAPS = [opaque(0, 1, true), opaque(1, 1, true)] as const;

/** The truth `holds`, which a device may find otherwise unless it is `decided`. */
export function truth(holds: boolean, decided: boolean): Approximate {
  if (decided) return holds ? TRUE : FALSE;
  return PERHAPS[holds ? 1 : 0];
}

/** Whether a device is sure to find it so. */
export const decided = ({ error }: Approximate): boolean => error === 0;

/** Whether two numbers compare on a device as they do over the reals: exact, or further apart than their errors reach. */
export function apart(left: Approximate, right: Approximate): boolean {
  if (Number.isNaN(left.value) || Number.isNaN(right.value)) return false;
  return left.error + right.error === 0 || Math.abs(left.value - right.value) > left.error + right.error;
}
