/** @file Truths as code. Integers are compared as they are: both sides are exact. */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { Less, Value } from "../../../spec/graph/node";
import { integerType } from "../../kernel/scalar";
import { compare, junction, not, atom, type Code } from "../code";
import { isSentinel } from "./code";
import type { Script } from "./expressions";

export function truthCode(x: Script, value: Value): Code {
  switch (value.kind) {
    case "truth": return atom(String(value.value));
    case "less": return less(x, value);
    case "atMost": return compare("<=", x.number(value.left), x.number(value.right));
    case "equal": {
      const { left, right } = value;
      if (right.kind === "constant" && !Number.isFinite(right.value)) return isSentinel(x.number(left), right.value < 0 ? "negative" : "positive");
      return compare("==", x.number(left), x.number(right));
    }
    case "not": return not(x.truth(value.of));
    case "and": return junction("&&", value.of.map((part) => x.truth(part)));
    case "or": return junction("||", value.of.map((part) => x.truth(part)));
    default: throw new InternalError(`a ${value.kind} is no truth`);
  }
}

function less(x: Script, { left, right }: Less): Code {
  // p − n < 0 reads better as p < n.
  if (left.kind === "linear" && right === x.builder.zero && integerType(left) !== undefined) {
    const stays = left.constant > 0;
    const above = x.builder.linear(stays ? left.constant : 0, left.terms.filter(([k]) => k > 0));
    const below = x.builder.linear(stays ? 0 : -left.constant, left.terms.filter(([k]) => k < 0).map(([k, term]) => [-k, term] as const));
    return compare("<", x.number(above), x.number(below));
  }
  return compare("<", x.number(left), x.number(right));
}
