/** @file Registers combined across the lanes of a workgroup, as code: through workgroup memory, and by subgroup operations where the device has them. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Index } from "../../spec/graph/node";
import type { Cross } from "../kernel/kernel";
import { fixedSize, joinsInSubgroups } from "../kernel/layout";
import { add, atom, call, compare, divide, element, integerLiteral, modulo, multiply, statement, subtract, type Code, type Text } from "./code";
import { lengthOf } from "./memory";
import { effect, named, Scope } from "./scope";
import type { Writer } from "./writer";

/** The workgroup memory through which lanes exchange registers. */
export const SCRATCH = "exchange";

/** Workgroup memory by which lanes agree on the width of their subgroups. */
export const SUBGROUP_VARIABLES: readonly string[] = ["var<workgroup> coarse: atomic<u32>;", "var<workgroup> agreed: i32;"];

/**
 * Finds `width`, the same for the whole workgroup: lanes whose numbers differ below it only are in one subgroup, where the
 * lane that differs in one bit is found by that bit. It is the subgroup size where subgroups lie in order of the lanes;
 * a device may place them otherwise, and then it is 1, so that everything goes through workgroup memory.
 */
export function measureSubgroups(x: Writer): void {
  effect(x, statement("let inOrder = ((local & (together - 1u)) == seat) & (subgroupMin(local / together) == subgroupMax(local / together))"));
  // The coarsest grain of any lane, as 128 over its width; workgroup memory begins at 0.
  effect(x, statement("atomicMax(&coarse, select(128u, 128u / together, inOrder))"));
  effect(x, statement("workgroupBarrier()"));
  const scope = new Scope(x.scope, []);
  x.within(scope, () => effect(x, statement("agreed = 128 / i32(atomicLoad(&coarse))")));
  x.scope.lines.push({ kind: "nest", head: statement("if (local == 0u)"), repeats: false, block: scope, otherwise: undefined });
  effect(x, statement("let width = workgroupUniformLoad(&agreed)"));
}

const ACROSS = { sum: "sumAcross", max: "maxAcross", min: "minAcross" } as const;

/**
 * Combines registers. Through workgroup memory partial results are read by all that need them, or halved until one is left.
 * By subgroup operations lanes first join with those in their subgroup, and the subgroups' results go through workgroup memory where a
 * subgroup does not hold all.
 */
export function writeCross(x: Writer, { registers, lanes: digits, over, op, method, needed }: Cross, lanes: number, invocation: Code): void {
  const places = digits.flatMap((digit, at) => (over.some(({ name }) => name === digit.name) ? [at] : []));
  const [first] = places;
  if (first === undefined) return;
  if (places.some((place, at) => place !== first + at)) throw new InternalError("lanes are joined over digits that do not lie together");
  const sizes = (list: readonly Index[]): number => list.reduce((count, digit) => count * fixedSize(digit), 1);
  const inner = sizes(digits.slice(first + places.length));
  const count = sizes(over);
  const names = registers.flatMap((register) => {
    const array = x.array(register);
    return Array.from({ length: lengthOf(array) }, (_, at) => `${x.variable(array)}_${at}`);
  });
  x.scratch = Math.max(x.scratch, lanes * names.length);
  const join = (a: Code, b: Code): Code => (op === "sum" ? add(a, b) : call(op, a, b));
  const at = (k: number, lane: Code): Text => element(SCRATCH, k === 0 ? lane : add(lane, integerLiteral(k * lanes)));
  const barrier = (): void => effect(x, statement("workgroupBarrier()"));
  const digit = inner === 1 ? (sizes(digits) === count ? invocation : modulo(invocation, integerLiteral(count))) : modulo(divide(invocation, integerLiteral(inner)), integerLiteral(count));
  const own = named(x.scope, "d", digit);
  const base = named(x.scope, "n", subtract(invocation, multiply(own, integerLiteral(inner))));
  const nest = (head: Text, repeats: boolean, write: () => void): void => {
    const scope = new Scope(x.scope, []);
    x.within(scope, write);
    x.scope.lines.push({ kind: "nest", head, repeats, block: scope, otherwise: undefined });
  };
  /** Every lane's registers to workgroup memory. */
  const share = (): void => {
    barrier();
    names.forEach((name, k) => effect(x, statement(at(k, invocation), ` = ${name}`)));
  };
  /** Reads what others have shared and joins it, at each distance that the loop takes. */
  const gather = (loop: Text, distance: Code): void => {
    const read = (): void => {
      names.forEach((name, k) => effect(x, statement(`${name} = `, at(k, base))));
      nest(loop, true, () => names.forEach((name, k) => effect(x, statement(`${name} = `, join(atom(name), at(k, add(base, distance)))))));
    };
    barrier();
    if (needed === "all") read();
    else nest(statement("if (", compare("==", own, integerLiteral(0)), ")"), false, read);
  };
  switch (method) {
    case "gather":
      share();
      gather(statement(`for (var s = 1; s < ${count}; s++)`), inner === 1 ? atom("s") : multiply(atom("s"), integerLiteral(inner)));
      barrier();
      return;
    case "tree":
      share();
      for (let half = count / 2; half >= 1; half /= 2) {
        barrier();
        nest(statement("if (", compare("<", own, integerLiteral(half)), ")"), false, () => {
          names.forEach((_, k) => effect(x, statement(at(k, invocation), " = ", join(at(k, invocation), at(k, add(invocation, integerLiteral(half * inner)))))));
        });
      }
      barrier();
      names.forEach((name, k) => effect(x, statement(`${name} = `, at(k, base))));
      barrier();
      return;
    case "subgroup": {
      const span = inner * count;
      if (!joinsInSubgroups(digits, over)) throw new InternalError("lanes are joined in subgroups over what is no power of two");
      const past = integerLiteral(span);
      const width = atom("width");
      names.forEach((name) => effect(x, statement(`${name} = `, call(x.helper(ACROSS[op]), atom(name), integerLiteral(inner), call("min", width, past)))));
      nest(statement("if (", compare("<", width, past), ")"), false, () => {
        share();
        const step = inner === 1 ? "width" : `max(width, ${inner})`;
        gather(statement(`for (var s = ${step}; s < ${span}; s += ${step})`), atom("s"));
        barrier();
      });
    }
  }
}
