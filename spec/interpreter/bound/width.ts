/**
 * @file How many monomials a term has once products are distributed over its sums, as far as no reduction is taken
 * apart: a sum over such a term may be taken over all its monomials one by one, with as many additions.
 */

import type { Term } from "../term";

export class Widths {
  readonly #known = new Map<Term, number>();

  of(term: Term): number {
    let width = this.#known.get(term);
    if (width === undefined) this.#known.set(term, (width = this.#count(term)));
    return width;
  }

  #count({ value, parts }: Term): number {
    const widths = (): number[] => parts.map((part) => this.of(part));
    switch (value.kind) {
      case "linear":
        return widths().reduce((total, width) => total + width, value.constant === 0 ? 0 : 1);
      case "product":
        return widths().reduce((total, width, at) => {
          const exponent = value.factors[at]?.[1] ?? 1;
          return Number.isInteger(exponent) && exponent > 0 ? total * width ** exponent : total;
        }, 1);
      case "select": case "larger": case "smaller":
        return Math.max(1, ...widths());
      case "table":
        return widths()[0] ?? 1;
      default:
        return 1;
    }
  }
}
