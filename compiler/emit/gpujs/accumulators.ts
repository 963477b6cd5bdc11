/** @file What the loops of reductions gather in. */

import type { Reduce, Value } from "../../../spec/graph/node";
import { infinitiesOf, isInfinite, SENTINEL } from "../../kernel/infinities";
import { add, call, compare, junction, type Code } from "../code";
import type { Accumulator } from "../reductions";
import type { Scope } from "../scope";
import { choose, isSentinel, number } from "./code";
import type { ScriptWriter } from "./writer";

export function startAccumulator(x: ScriptWriter, place: Scope, reduce: Reduce): Accumulator {
  switch (reduce.op) {
    case "any": {
      const found = x.declare(place, "f", number(0));
      return { result: compare(">", found, number(0)), step: (body) => (body === x.builder.true ? x.effect(found, " = 1") : x.when(x.truth(body), () => x.effect(found, " = 1"))) };
    }
    case "sum": return startSum(x, place);
    case "max": return startExtreme(x, place, "Math.max", -SENTINEL);
    case "min": return startExtreme(x, place, "Math.min", SENTINEL);
    case "argmax": return startPosition(x, place, ">", -SENTINEL);
    case "argmin": return startPosition(x, place, "<", SENTINEL);
  }
}

function startSum(x: ScriptWriter, place: Scope): Accumulator {
  const sum = x.declare(place, "s", number(0));
  return {
    result: sum,
    step: (body) => {
      const part = x.number(body);
      const infinite = infinitiesOf(body);
      let next: Code = add(sum, part);
      // Once infinite, infinite for good: the sentinel is not added to.
      if (isInfinite(infinite)) {
        for (const which of ["negative", "positive"] as const) {
          if (infinite[which]) next = choose(junction("||", [isSentinel(sum, which), isSentinel(part, which)]), number(which === "negative" ? -SENTINEL : SENTINEL), next);
        }
      }
      x.effect(sum, " = ", next);
    },
  };
}

function startExtreme(x: ScriptWriter, place: Scope, fn: "Math.max" | "Math.min", initial: number): Accumulator {
  const extreme = x.declare(place, "m", number(initial));
  return { result: extreme, step: (body) => x.effect(extreme, " = ", call(fn, extreme, x.number(body))) };
}

/** The position of the first extreme; 0 where nothing is beyond the initial value, which no integer is. */
function startPosition(x: ScriptWriter, place: Scope, operator: "<" | ">", initial: number): Accumulator {
  const best = x.declare(place, "m", number(initial));
  const position = x.declare(place, "a", number(0));
  return {
    result: position,
    step: (body: Value, index: Code) => {
      const value = x.number(body);
      x.when(compare(operator, value, best), () => {
        x.effect(best, " = ", value);
        x.effect(position, " = ", index);
      });
    },
  };
}
