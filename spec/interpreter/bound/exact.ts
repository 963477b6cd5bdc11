/** @file Which terms a device computes without any error: positions, and integers that f32 and i32 both hold. */

import { EXACT_INTEGERS } from "./rounding";
import type { Term } from "../term";

/** Tells for every term whether it is exact, deciding each once. */
export class Exactness {
  readonly #known = new Map<Term, boolean>();
  readonly #positional = new Map<Term, boolean>();

  of(term: Term): boolean {
    let known = this.#known.get(term);
    if (known === undefined) this.#known.set(term, (known = this.#decide(term)));
    return known;
  }

  #decide(term: Term): boolean {
    const { value, parts } = term;
    if (!parts.every((part) => this.of(part))) return false;
    const small = value.facts.integer && Math.max(Math.abs(value.facts.low), Math.abs(value.facts.high)) <= EXACT_INTEGERS;
    switch (value.kind) {
      case "truth": case "extent": case "index": case "less": case "atMost": case "equal": case "not": case "and": case "or":
        return true;
      case "constant": case "load":
        return small;
      case "slot":
        return false;
      case "reduce":
        return value.op !== "sum" ? value.facts.integer : small || (value.facts.integer && this.#isPositional(term));
      case "linear": case "product": case "quotient": case "remainder": case "apply": case "bitwise":
      case "larger": case "smaller": case "select": case "table":
        return small || (value.facts.integer && this.#isPositional(term));
    }
  }

  /** Whether a term is computed from positions and sizes alone, which devices do in integers. */
  #isPositional(term: Term): boolean {
    let known = this.#positional.get(term);
    if (known === undefined) {
      known = term.value.kind !== "load" && term.value.kind !== "slot" && term.parts.every((part) => this.#isPositional(part));
      this.#positional.set(term, known);
    }
    return known;
  }
}
