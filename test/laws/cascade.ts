/** @file Random cascades: reductions over one axis that read one another in ways nobody planned. */

import type { Value } from "../../spec/graph/node";
import { Program, SMALL } from "../algebra/programs";

/** Takes choices from a list of numbers, so that a shorter or smaller list is a simpler program. */
export class Tape {
  #at = 0;
  constructor(readonly numbers: readonly number[]) {}
  below(count: number): number {
    return (this.numbers[this.#at++] ?? 0) % count;
  }
}

type Operator = "sum" | "max" | "min" | "argmax" | "argmin";
const USUAL: readonly Operator[] = ["sum", "max", "sum", "min", "max", "argmax", "sum"];

/**
 * Two to four reductions over tokens, each free to read those before it, every one of them stored.
 * @param segmented whether bodies change at |early| and at |early| + |late|
 * @param ops what is drawn from
 */
export function randomCascade(tape: Tape, segmented = false, ops: readonly Operator[] = USUAL): Program {
  const p = new Program(SMALL);
  const { b } = p;
  const points = segmented ? [b.extent("early"), b.add(b.extent("early"), b.extent("late"))] : [];
  if (segmented) for (const name of ["early", "late"]) p.axis(name);
  p.axis("row", 2);
  const [s, v, w] = [p.tensor("s", ["token"]), p.tensor("v", ["token"]), p.tensor("w", ["row", "token"])];
  const [live, gate] = [p.tensor("live", ["token"], { kind: "uint", bits: 1 }), p.tensor("gate", ["token"], { kind: "uint", bits: 1 })];
  const scale = p.tensor("scale", []);
  const r = p.at("row");
  const earlier: Value[] = [];
  const constants = [1, 2, 0.5, -1, -0.5];

  const earlierOne = (): Value | undefined => earlier[tape.below(Math.max(1, earlier.length))];
  const leaf = (t: Value): Value => {
    switch (tape.below(6)) {
      case 0: return s(t);
      case 1: return v(t);
      case 2: return w(r, t);
      case 3: return b.constant(constants[tape.below(constants.length)] ?? 1);
      case 4: return scale();
      default: return earlierOne() ?? s(t);
    }
  };
  const condition = (t: Value, depth: number): Value => {
    switch (tape.below(5)) {
      case 0: return b.equal(live(t), b.one);
      case 1: return b.equal(gate(t), b.one);
      case 2: return b.less(v(t), b.zero);
      case 3: return b.less(number(t, depth - 1), s(t));
      default: return b.and(b.equal(live(t), b.one), b.equal(gate(t), b.one));
    }
  };
  const number = (t: Value, depth: number): Value => {
    if (depth <= 0) return leaf(t);
    const next = (): Value => number(t, depth - 1);
    const known = earlierOne();
    const kind = tape.below(28);
    // Half of all choices read an earlier result the way cascades do.
    switch (kind < 14 ? kind : 9 + (kind % 5)) {
      case 0: return leaf(t);
      case 1: return b.add(next(), next());
      case 2: return b.subtract(next(), next());
      case 3: return b.multiply(next(), next());
      case 4: return p.exp(b.scale(0.5, next()));
      case 5: return b.larger(next(), next());
      case 6: return b.smaller(next(), next());
      case 7: return b.select(condition(t, depth), next(), next());
      case 8: return b.apply("tanh", [next()]);
      // What cascades are made of: a difference from an earlier result, in an exponent, a power, a quotient.
      case 9: case 10: return p.exp(b.scale(constants[tape.below(constants.length)] ?? 1, b.subtract(s(t), known ?? v(t))));
      case 11: return b.power(b.subtract(tape.below(2) === 0 ? s(t) : v(t), known ?? w(r, t)), b.constant(1 + tape.below(3)));
      case 12: return b.divide(next(), known ?? b.constant(2));
      default: {
        const shifted = known === undefined ? b.zero : b.select(b.equal(known, b.constant(-Infinity)), b.zero, known);
        return b.multiply(p.exp(b.subtract(s(t), shifted)), next());
      }
    }
  };
  const count = 2 + tape.below(3);
  for (let k = 0; k < count; k++) {
    const op = ops[tape.below(ops.length)] ?? "sum";
    const guarded = tape.below(3) === 0;
    const depth = k === 0 ? tape.below(2) : 1 + tape.below(2);
    const identity = b.identity(op === "argmax" ? "max" : op === "argmin" ? "min" : op);
    const piecewise = (t: Value): Value => points.reduceRight((after, point) => (tape.below(3) === 0 ? after : b.select(b.less(t, point), number(t, depth), after)), number(t, depth));
    const body = (t: Value): Value => (guarded ? b.select(condition(t, 1), piecewise(t), identity) : piecewise(t));

    const value = p[op]("token", body);
    earlier.push(value);
    p.store(`y${k}`, ["row"], value);
  }
  return p;
}
