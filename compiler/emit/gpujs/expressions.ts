/** @file What the parts of the gpu.js printer ask of each other: every value as code, named where it belongs. */

import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Value } from "../../../spec/graph/node";
import type { KernelArray } from "../../kernel/kernel";
import type { Code } from "../code";
import type { Scope } from "../scope";

export interface Script {
  readonly builder: GraphBuilder;
  readonly scope: Scope;
  number(value: Value): Code;
  truth(value: Value): Code;
  /** Code that is made once for a key in the scope of `part`'s deepest axis, and named. */
  once(part: Value, key: string, hint: string, make: () => Code): Code;
  /** The same for what is read from an array, which stays a statement of its own: GL refuses one read inside another. */
  read(part: Value, key: string, make: () => Code): Code;
  /** A variable in the scope of `part`'s deepest axis: a statement of its own, as well. */
  variableOf(part: Value, hint: string, code: Code): Code;
  /** Notes an integer that must be exact in f32. */
  check(value: Value): void;
  array(name: string): KernelArray;
  /** The parameter of an array. */
  variable(array: KernelArray): string;
}
