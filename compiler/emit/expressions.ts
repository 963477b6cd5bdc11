/** @file What the parts of the printer ask of each other: every value as code of a wanted type, named where it belongs. */

import type { Value } from "../../spec/graph/node";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { KernelArray } from "../kernel/kernel";
import type { Code } from "./code";
import type { Helper } from "./helpers";
import type { Scope } from "./scope";

export interface Expressions {
  readonly builder: GraphBuilder;
  /** Where code is being written. */
  readonly scope: Scope;
  /** A number in f32. */
  real(value: Value): Code;
  /** An integer as i32, saturated. */
  int(value: Value): Code;
  /** An integer as u32, saturated. */
  uint(value: Value): Code;
  /** An i32 that is the integer modulo 2³²; saturated where the integer is not computed exactly. */
  modular(value: Value): Code;
  truth(value: Value): Code;
  /** Code that is made once for a key in the scope of `value`'s deepest axis, or of what it is `part` of, and named. */
  once(value: Value, as: string, hint: string, make: () => Code, part?: Value): Code;
  /** The name of a function of the module's own, which is then declared. */
  helper(name: Helper): string;
  /** Notes that an i32 fits for some sizes only. */
  check(value: Value): void;
  /** What a load or slot of this name reads. */
  array(name: string): KernelArray;
  /** Names of the arrays that are declared in fours: every access of them is one of four aligned neighbours. */
  readonly wide: ReadonlySet<string>;
  /** Notes where an array is read or written. */
  note(array: KernelArray, address: Value): void;
  /** The variable of an array. */
  variable(array: KernelArray): string;
  /** Writes the loops of the reductions that `values` need, those that can share one in one. */
  ensure(values: readonly Value[]): void;
}
