/** @file The axes and inputs that random programs choose from: each input as it is declared in a text, and as it is read in a graph. */

import type { Element, Tensor, Value } from "../../spec/graph/node";
import type { Sort } from "./expression";
import type { Declared, Maker } from "./maker";

/**
 * Axes of a program. `a` and `b` get their sizes from the inputs or from `set`; `v` numbers what codes of 3 bits stand
 * for; `d` can be taken apart into 2 groups of 4.
 */
export const AXES = { a: undefined, b: undefined, c: 5, d: 8, v: 8 } as const;
export type AxisName = keyof typeof AXES;
export const AXIS_NAMES = ["a", "b", "c", "d", "v"] as const satisfies readonly AxisName[];

/** Every axis that a graph may have: those of a program, and those that formats make of them. */
export const DECLARED: Declared = { ...AXES, "d/4": 2, code3: 8, lane4: 4 };

export const isOpen = (axis: AxisName): boolean => AXES[axis] === undefined;

/** An input that a program may read. */
export interface RandomInput {
  /** As the text declares it. */
  readonly text: string;
  /** The functions that `text` uses, by the module they come from. */
  readonly words: { readonly "kvern"?: readonly string[]; readonly "kvern/formats"?: readonly string[] };
  readonly axes: readonly AxisName[];
  readonly sort: Sort;
  /** The tensors it is stored as. */
  readonly tensors: readonly Tensor[];
  readonly read: (maker: Maker, at: readonly Value[]) => Value;
}

const of = (kind: "f32" | "f16" | "i32" | "u32"): Element => ({ kind });
const codes = (bits: number): Element => ({ kind: "uint", bits });

function plain(name: string, element: Element, axes: readonly AxisName[], sort: Sort): readonly [string, RandomInput] {
  const tensor = { name, element, axes };
  const type = element.kind === "uint" ? `uint(${element.bits})` : element.kind;
  return [name, { text: `${type}(${axes.join(", ")})`, words: { kvern: [element.kind] }, axes, sort, tensors: [tensor], read: (maker, at) => maker.load(tensor, at) }];
}

/** `coupled` of 4 channels and 3 bits, over [b, c, d]: element (b, c, d) is book(c, ⌊d / 4⌋, codes(b, c, ⌊d / 4⌋), d % 4). */
function lookup(name: string): readonly [string, RandomInput] {
  const stored = { name: `${name}.codes`, element: codes(3), axes: ["b", "c", "d/4"] };
  const book = { name: `${name}.book`, element: of("f16"), axes: ["c", "d/4", "code3", "lane4"] };
  return [name, {
    text: "coupled([b, c, d], { couple: 4, bits: 3 })", words: { "kvern/formats": ["coupled"] }, axes: ["b", "c", "d"], sort: "exact", tensors: [stored, book],
    read: (maker, [b, c, d]) => {
      const { builder } = maker;
      if (b === undefined || c === undefined || d === undefined) return builder.zero;
      const group = builder.floor(builder.divide(d, maker.number(4)));
      return maker.load(book, [c, group, maker.load(stored, [b, c, group]), builder.remainder(d, maker.number(4))]);
    },
  }];
}

/** `perToken` of 4 bits and groups of 4, over [b, c, d]: element (b, c, d) is zero(b, c, ⌊d / 4⌋) + scale(b, c, ⌊d / 4⌋)·codes(b, c, d). */
function spaced(name: string): readonly [string, RandomInput] {
  const stored = { name: `${name}.codes`, element: codes(4), axes: ["b", "c", "d"] };
  const scale = { name: `${name}.scale`, element: of("f16"), axes: ["b", "c", "d/4"] };
  const zero = { ...scale, name: `${name}.zero` };
  return [name, {
    text: "perToken([b, c, d], { bits: 4, group: 4 })", words: { "kvern/formats": ["perToken"] }, axes: ["b", "c", "d"], sort: "real", tensors: [stored, scale, zero],
    read: (maker, [b, c, d]) => {
      const { builder } = maker;
      if (b === undefined || c === undefined || d === undefined) return builder.zero;
      const group = builder.floor(builder.divide(d, maker.number(4)));
      return builder.add(maker.load(zero, [b, c, group]), builder.multiply(maker.load(scale, [b, c, group]), maker.load(stored, [b, c, d])));
    },
  }];
}

/** Inputs by name. Those of whole numbers and those that are only read are exact everywhere. */
export const INPUTS: ReadonlyMap<string, RandomInput> = new Map([
  plain("x", of("f32"), ["a", "b"], "exact"),
  plain("y", of("f16"), ["b"], "exact"),
  plain("z", of("f32"), ["a", "c"], "exact"),
  plain("w", of("f32"), ["a", "d"], "exact"),
  /** What codes stand for, another for each position of `c`. */
  plain("e", of("f16"), ["c", "v"], "exact"),
  plain("k", codes(3), ["b", "c"], "integer"),
  /** Who sees whom. */
  plain("m", codes(1), ["a", "b"], "integer"),
  /** Positions to gather from, inside after a clamp only. */
  plain("p", of("u32"), ["b"], "integer"),
  plain("n", of("i32"), [], "integer"),
  lookup("r"),
  spaced("s"),
]);
