/** @file Random programs for the passes and the choices: strides, sizes that divide, loops without inputs; keys and pairs. */

import type { Value } from "../../spec/graph/node";
import { Program, SMALL } from "../algebra/programs";
import type { Tape } from "./cascade";
import { position } from "./positions";

/** A sum over channels with something in it for every pass: sizes that divide, loops that no input reaches, strides. */
export function mixed(tape: Tape): Program {
  const p = new Program({ ...SMALL, channels: [8, 12, 24][tape.below(3)] ?? 8 });
  const { b } = p;
  p.axis("token");
  const [x, y, size] = [p.tensor("x", ["channel"]), p.tensor("y", ["token"]), b.extent("token")];
  const leaf = (c: Value): Value => {
    switch (tape.below(7)) {
      case 0: return x(b.clamp(position(p, tape, c, 1), p.extent("channel")));
      case 1: return b.divide(x(c), size);
      case 2: return b.divide(p.sum("token", (t) => y(t)), b.add(size, size));
      case 3: {
        const i = b.index("place", b.constant(2 + tape.below(9)), 90);
        const op = (["sum", "max", "min", "argmax", "argmin"] as const)[tape.below(5)] ?? "sum";
        return b.reduce(op, i, b.remainder(b.scale(1 + tape.below(4), i), b.constant(2 + tape.below(5))), b.less(i, b.constant(1 + tape.below(7))));
      }
      case 4: return b.constant(tape.below(5) - 2);
      case 5: return b.power(size, b.constant([-2, -1, 1][tape.below(3)] ?? 1));
      default: return x(c);
    }
  };
  return p.store("out", ["channel"], b.add(p.sum("channel", (c) => b.multiply(leaf(c), leaf(c))), leaf(p.at("channel"))));
}

/** Sums of products of what is read through keys, by position, and at both places of a pair. */
export function keyed(tape: Tape): Program {
  const p = new Program(SMALL);
  const { b } = p;
  for (const [name, size] of [["part", 2], ["side", 2], ["code", 4]] as const) p.axis(name, size);
  p.axis("token");
  const bits = { kind: "uint", bits: 2 } as const;
  const [codes, other] = [p.tensor("codes", ["token", "part"], bits), p.tensor("other", ["token"], bits)];
  const [book, q, w, turn] = [p.tensor("book", ["part", "code", "side"]), p.tensor("q", ["part", "side"]), p.tensor("w", ["token"]), p.tensor("turn", ["token", "side"])];
  const live = p.tensor("live", ["token"], { kind: "uint", bits: 1 });
  const read = (t: Value, g: Value, s: Value): Value => book(g, tape.below(4) === 0 ? other(t) : codes(t, g), s);
  const mirrored = (s: Value): Value => b.linear(1, [[-1, s]]);
  const factor = (t: Value, g: Value, s: Value): Value => {
    switch (tape.below(9)) {
      case 0: case 1: return read(t, g, s);
      case 2: return q(g, s);
      case 3: return w(t);
      case 4: return b.add(read(t, g, s), read(t, g, s));
      case 5: return b.add(b.multiply(read(t, g, s), turn(t, s)), b.multiply(read(t, g, mirrored(s)), turn(t, mirrored(s))));
      case 6: return b.select(b.equal(live(t), b.one), read(t, g, s), tape.below(2) === 0 ? b.zero : q(g, s));
      case 7: return turn(t, s);
      default: return b.constant(0.5);
    }
  };
  const term = (t: Value, g: Value, s: Value): Value => b.multiply(read(t, g, s), ...Array.from({ length: 1 + tape.below(2) }, () => factor(t, g, s)));
  if (tape.below(2) === 0) return p.store("out", ["part", "side"], p.sum("token", (t) => term(t, p.at("part"), p.at("side"))));
  return p.store("out", [], p.sum("token", (t) => b.multiply(w(t), p.sum("part", (g) => p.sum("side", (s) => term(t, g, s))))));
}
