/**
 * @file Makes a graph as its program is written: sums and products of reals keep their terms and factors, in their order
 * and unmerged, as `evaluate` computes them. Integers, conditions and loops have their normal form, which is exact.
 *
 * Such a graph means what the one in normal form does over the reals, and is there for its bound, which counts every
 * rounding of the source: x + y − x rounds twice, and its normal form y never.
 */

import { GraphBuilder } from "./builder";
import type { Value } from "./node";

export class LiteralBuilder extends GraphBuilder {
  override linear(constant: number, terms: readonly (readonly [coefficient: number, term: Value])[]): Value {
    const whole = Number.isInteger(constant) && terms.every(([coefficient, { facts }]) => Number.isInteger(coefficient) && facts.integer);
    const known = terms.every(([, { kind }]) => kind === "constant");
    if (whole || known || !Number.isFinite(constant)) return super.linear(constant, terms);
    const kept = terms.filter(([coefficient]) => coefficient !== 0);
    const [only] = kept;
    if (only !== undefined && kept.length === 1 && constant === 0 && only[0] === 1) return only[1];
    return only === undefined ? this.constant(constant) : this.restore({ kind: "linear", constant, terms: kept });
  }

  override product(factors: readonly (readonly [base: Value, exponent: number])[]): Value {
    if (factors.every(([{ facts }]) => facts.integer) || factors.every(([{ kind }]) => kind === "constant")) return super.product(factors);
    const roots = factors.some(([{ facts }, exponent]) => !Number.isInteger(exponent) && facts.low < 0);
    return roots ? super.product(factors) : this.restore({ kind: "product", factors });
  }
}
