/** @file Axes that must divide evenly. */

import { groupOf, type Axis, type Index } from "../language";

/**
 * `i` itself, a position of `axis`, which must divide evenly into as many parts as `parts` is long: `groupOf` refuses
 * other sizes (KV2102). Its result is never negative, so the condition always holds.
 */
export const evenly = <Name extends string, Parts extends string>(i: Index<NoInfer<Name>>, axis: Axis<Name>, parts: Axis<Parts>): Index<Name> =>
  groupOf(i, axis, parts) >= 0 ? i : 0;
