/**
 * @file The program of one dispatch. A kernel is a grid of workgroups, the arrays they touch, and a list of nodes that
 * every workgroup runs in order:
 *
 *     kernel ::= grid lanes arrays node*
 *     node   ::= stage | barrier | loop node* | cross | commit
 *     stage  ::= lanes digits block vector? roles inside otherwise? item*
 *     item   ::= array[value, …] (= | += | max=) value  over serial axes  where guard
 *              | word of array = its elements, packed
 *
 * Expressions are the graph's own values. A `load` names the input of its tensor, a `slot` any other array, both by the
 * name under which the array is declared: a name is declared once in a whole program, so that equal nodes read equal
 * memory. An axis of a kernel is an index node; nothing but its name and its extent matters.
 *
 * Nothing is scheduled inside a stage: a value is computed in the scope of its deepest free axis, the scopes being
 *
 *     kernel (sizes, grid axes) ▸ loop ▸ stage ▸ its lanes and digits ▸ its guard ▸ serial loops ▸ their guards
 *
 * where a guard binds the axes it mentions, and a load of an array that this kernel writes stays inside its stage.
 * Reductions with the same scope, axis and guard share one loop.
 *
 * Control flow is uniform by construction: barriers, crosses and loops stand at kernel level only, guards inside stages
 * only, and the bounds of a loop mention grid axes and sizes only.
 */

import type { Element, Index, Value } from "../../spec/graph/node";

export interface Kernel {
  readonly name: string;
  /**
   * The digits of the workgroup's number, outer → inner: with extents (a, b, c) the workgroup n has the digits
   * (⌊n / bc⌋, ⌊n / c⌋ mod b, n mod c). There are a·b·c workgroups; a launch may add more, which do nothing. No axis: one workgroup.
   */
  readonly grid: readonly Index[];
  /** Invocations of a workgroup, numbered from 0. */
  readonly lanes: number;
  /** Every array that the body reads or writes. */
  readonly arrays: readonly KernelArray[];
  readonly body: readonly Node[];
}

/**
 * Where an array lives. `input`: storage, only read. `buffer`: storage, read and written. `workgroup`: shared by the lanes
 * of a workgroup, its contents undefined before the first write. `private`: one per lane, indexed at run time. `register`: one per lane, every
 * position a named variable, so that its indices are constants, the stage's own lanes, or its vector axis.
 */
export type Space = "input" | "buffer" | "workgroup" | "private" | "register";

/**
 * What an index position of a private array or a register is: `own`, a lane or grid axis, of which an invocation holds one
 * position and which therefore takes no memory; `block`, part of the variable's name (constants only), or of the memory index of a private array;
 * `vector`, a component.
 */
export type PositionRole = "own" | "block" | "vector";

export interface KernelArray {
  /** Its identity in the whole program. */
  readonly name: string;
  /** Sizes along its axes in memory order, row-major: values over extents only. */
  readonly shape: readonly Value[];
  /**
   * How an element is stored. Workgroup and private memory hold f32, i32, u32, or f16 where every value put there is one:
   * `halves.ts`. Registers hold f32, i32 or u32.
   */
  readonly element: Element;
  /** Of f16 in an `input`: whether it is read as f16, which takes the device's feature `shader-f16`, rather than as words of two. */
  readonly native?: boolean;
  readonly space: Space;
  /** Whether ∓FLT_MAX in it stands for ∓∞: see `spec/numerics.md`. */
  readonly infinite: boolean;
  /** Roles of the positions, for `private` and `register`; absent: all `block`. */
  readonly roles?: readonly PositionRole[];
  /** A part of another array of the same space and element, which begins at that element. */
  readonly arena?: { readonly array: string; readonly offset: Value };
}

export type Node = Stage | Barrier | Loop | Cross | Commit;

/** What every lane does between two points of synchronisation. */
export interface Stage {
  readonly kind: "stage";
  /**
   * The digits of the invocation's number, outer → inner, as for `Kernel.grid`. Extents are constants whose product is at
   * most the kernel's `lanes`; invocations beyond the product have no digits and do nothing in this stage.
   */
  readonly lanes: readonly Index[];
  /** Axes that are read off grid and lane axes, each from axes before it. Meant, and inside their extents, where `inside` holds. */
  readonly digits: readonly Digit[];
  /** Axes of constant extent for whose every position each item is done, in order: unroll and jam. */
  readonly block: readonly Index[];
  /** An axis of 2 or 4 positions whose values lie in the components of one vector. */
  readonly vector: Index | undefined;
  /** How reductions over an axis are done here, by axis; absent: serially, one step at a time. */
  readonly roles: Readonly<Record<string, ReduceRole>>;
  /** The lanes that do the items: a truth over sizes, grid, lane and loop axes. */
  readonly inside: Value;
  /** What the other lanes that have digits store instead of each assignment's value; absent: nothing. */
  readonly otherwise: Value | undefined;
  readonly items: readonly Item[];
}

/** An axis that is worth `value`. */
export interface Digit {
  readonly index: Index;
  readonly value: Value;
}

/** `serial`: a loop, `step` positions at a time and the remainder one by one. `unroll`: no loop; the extent is constant. `vector`: the stage's vector axis. */
export type ReduceRole =
  | { readonly kind: "serial"; readonly step: number }
  | { readonly kind: "unroll" }
  | { readonly kind: "vector" };

export type Item = Assign | Pack;

/** For every position of the `over` axes, outer → inner, at which `where` holds: `array[indices] op value`. */
export interface Assign {
  readonly kind: "assign";
  readonly array: string;
  readonly indices: readonly Value[];
  readonly op: "=" | "+=" | "max=";
  readonly value: Value;
  readonly over: readonly Index[];
  readonly where: Value;
}

/**
 * Writes one whole 32-bit word of a buffer of f16 or `uint(b)` elements: every element with bits in it is computed, also
 * one that continues in a neighbouring word. Words are numbered as `spec/formats.md` lays them out:
 * `uint(b)` by rows, of which `row` says which (the indices of all axes but the last) and `word` counts from the row's
 * start, `element` being the index on the last axis; f16 over the whole tensor, `row` empty, `element` the number
 * of the element in row-major order, of which `digits` reads off the axes.
 */
export interface Pack {
  readonly kind: "pack";
  readonly array: string;
  readonly row: readonly Value[];
  readonly word: Value;
  readonly element: Index;
  readonly digits: readonly Digit[];
  readonly value: Value;
}

/** All lanes wait for each other; workgroup and storage memory written before is seen after. */
export interface Barrier { readonly kind: "barrier" }

/** For `axis` = `low` … `high` − 1 in order, the same for all lanes of a workgroup: `body`. */
export interface Loop {
  readonly kind: "loop";
  readonly axis: Index;
  readonly low: Value;
  readonly high: Value;
  readonly body: readonly Node[];
}

/**
 * Combines registers across the lanes that differ in the digits `over` only, with an `op` that is associative and commutative.
 * `gather`: every lane that needs it reads all partials; `tree`: halves until one is left; `subgroup`: by subgroup operations,
 * and through workgroup memory where a subgroup does not hold all, whatever its size; for it the lanes that are joined, and
 * those that lie between them, are a power of two.
 * Afterwards `all` those lanes hold the result, or only the `owners`: those whose digits `over` are 0.
 * Contains the barriers it needs, before its first write and after its last.
 */
export interface Cross {
  readonly kind: "cross";
  readonly registers: readonly string[];
  /** The decomposition of the invocation's number, as `Stage.lanes`. */
  readonly lanes: readonly Index[];
  readonly over: readonly Index[];
  readonly op: "sum" | "max" | "min";
  readonly method: "gather" | "tree" | "subgroup";
  readonly needed: "all" | "owners";
}

/** All moves at once: every `from` is read before any `to` is written. */
export interface Commit {
  readonly kind: "commit";
  readonly moves: readonly { readonly to: string; readonly from: string }[];
}
