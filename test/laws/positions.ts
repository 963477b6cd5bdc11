/** @file Random positions: an index divided, reduced and shifted by strides that may or may not divide its axis. */

import type { Value } from "../../spec/graph/node";
import type { Program } from "../algebra/programs";
import type { Tape } from "./cascade";

/** A position computed from an index by strides of all kinds, forced into its axis. */
export function position(p: Program, tape: Tape, c: Value, depth: number): Value {
  const { b } = p;
  const stride = (): Value => b.constant([2, 3, 4, 5, 8][tape.below(5)] ?? 2);
  const of = (): Value => position(p, tape, c, depth - 1);
  if (depth === 0) return c;
  switch (tape.below(7)) {
    case 0: return b.quotient(of(), stride());
    case 1: return b.remainder(of(), stride());
    case 2: return b.add(of(), b.constant(tape.below(5)));
    case 3: return b.select(b.less(of(), stride()), of(), of());
    case 4: return b.scale(2, of());
    case 5: return b.select(b.equal(b.remainder(of(), b.constant(2)), b.zero), b.add(of(), b.one), of());
    default: return c;
  }
}
