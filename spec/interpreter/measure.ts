/** @file The sizes of axes as numbers. Extents are integer expressions over nothing but declared sizes. */

import { InternalError } from "../diagnostics/diagnostic";
import type { Value } from "../graph/node";
import { own, type Sizes } from "../tensor";

/** What an extent amounts to once `sizes` are known. */
export function measure(extent: Value, sizes: Sizes): number {
  const of = (part: Value): number => measure(part, sizes);
  switch (extent.kind) {
    case "constant":
      return extent.value;
    case "extent": {
      const size = own(sizes, extent.axis);
      if (size === undefined) throw new InternalError(`the axis ${extent.axis} was checked and has no size`);
      return size;
    }
    case "linear":
      return extent.terms.reduce((total, [coefficient, term]) => total + coefficient * of(term), extent.constant);
    case "product":
      return extent.factors.reduce((total, [base, exponent]) => total * of(base) ** exponent, 1);
    case "quotient":
      return Math.floor(of(extent.left) / of(extent.right));
    case "remainder":
      return of(extent.left) % of(extent.right);
    case "larger":
      return Math.max(of(extent.left), of(extent.right));
    case "smaller":
      return Math.min(of(extent.left), of(extent.right));
    default:
      throw new InternalError(`the size of an axis is a ${extent.kind}`);
  }
}
