/** @file A unit as a kernel: one lane for every element of its array, or for every word where elements are packed. */

import type { GraphBuilder } from "../../spec/graph/builder";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../spec/graph/node";
import { openedOrder, openedParts } from "../algebra/opened";
import type { Digit, Item, Kernel, KernelArray, Stage } from "../kernel/kernel";
import { countOf, splitLast, wordsPerRow } from "../kernel/layout";
import { arraysRead, type Plan, type Unit } from "./plan";

/** Axes of the machine, which no axis of a program is called. */
const GROUP = "%group";
const LANE = "%lane";
const WORD = "%word";
const ELEMENT = "%element";

/** An axis with fewer positions does not fill a workgroup. */
const FEW = 64;

/** What the lanes of a unit are numbered over, and what one of them does. */
interface Work {
  readonly count: Value;
  digits(number: Value): readonly Digit[];
  readonly items: readonly Item[];
}

export function spread(plan: Plan, unit: Unit, lanes: number): Kernel {
  const { builder } = plan;
  const work = workOf(builder, unit);
  const groups = builder.quotient(builder.linear(lanes - 1, [[1, work.count]]), builder.constant(lanes));
  const group = builder.index(GROUP, groups);
  const lane = builder.index(LANE, builder.constant(lanes));
  const number = builder.linear(0, [[lanes, group], [1, lane]]);
  const stage: Stage = {
    kind: "stage",
    lanes: lane.kind === "index" ? [lane] : [],
    digits: work.digits(number),
    block: [],
    vector: undefined,
    roles: {},
    inside: builder.less(number, work.count),
    otherwise: undefined,
    items: work.items,
  };
  const names = new Set([...arraysRead([unit.value, ...unit.indices]), unit.array.name]);
  const arrays = [...names].map((name): KernelArray => plan.arrays.get(name) ?? missing(name));
  return { name: `${plan.name}: ${unit.array.name}`, grid: group.kind === "index" ? [group] : [], lanes, arrays, body: [stage] };
}

function missing(name: string): never {
  throw new InternalError(`a plan reads ${name}, which it does not declare`);
}

function workOf(builder: GraphBuilder, unit: Unit): Work {
  const { array, axes, indices, value } = unit;
  switch (array.element.kind) {
    case "f32": case "i32": case "u32": return {
      count: countOf(builder, axes.map(({ extent }) => extent)),
      digits: (number) => digitsOf(builder, number, axes),
      items: [{ kind: "assign", array: array.name, indices, op: "=", value, over: [], where: builder.true }],
    };
    case "f16": {
      direct(unit);
      const count = countOf(builder, array.shape);
      const words = builder.quotient(builder.linear(1, [[1, count]]), builder.constant(2));
      const word = builder.index(WORD, words);
      const element = counterOf(builder, count);
      return {
        count: words,
        digits: (number) => digitsOf(builder, number, word.kind === "index" ? [word] : []),
        items: [{ kind: "pack", array: array.name, row: [], word, element, digits: digitsOf(builder, element, axes), value }],
      };
    }
    case "uint": {
      direct(unit);
      const [, length] = splitLast(builder, array.shape);
      const [row, last] = splitLast(builder, indices, builder.zero);
      const rows = axes.filter((axis) => axis !== last);
      const word = builder.index(WORD, wordsPerRow(builder, length, array.element.bits));
      const element = last.kind === "index" ? last : counterOf(builder, builder.one);
      const numbered = sharing(builder, unit, word.kind === "index" ? [...rows, word] : rows);
      return {
        count: countOf(builder, [...rows.map(({ extent }) => extent), wordsPerRow(builder, length, array.element.bits)]),
        digits: (number) => digitsOf(builder, number, numbered),
        items: [{ kind: "pack", array: array.name, row, word, element, digits: [], value }],
      };
    }
  }
}

/**
 * Axes in the order in which lanes are numbered: last, and so within a workgroup, the one along which most of what the
 * loops of a unit read stays the same, such as a codebook for many vectors.
 */
function sharing(builder: GraphBuilder, { value }: Unit, axes: readonly Index[]): readonly Index[] {
  const loops = openedOrder(builder, [value]).filter((node) => node.kind === "reduce");
  const loads = openedOrder(builder, loops.flatMap((loop) => openedParts(builder, loop))).filter((node) => node.kind === "load");
  const shared = (axis: Index): number => loads.filter(({ free }) => !free.includes(axis.name)).length;
  const open = axes.filter(({ extent }) => extent.kind !== "constant" || extent.value >= FEW);
  const [best] = [...open].sort((a, b) => shared(b) - shared(a));
  return best === undefined || shared(best) === 0 ? axes : [...axes.filter((axis) => axis !== best), best];
}

/** The words of an array are filled in order: its indices are its own axes. */
function direct({ array, axes, indices }: Unit): void {
  const own = indices.filter((index) => index.kind === "index");
  if (own.length !== axes.length || own.some((index, at) => index !== axes[at])) throw new InternalError(`${array.name} is packed, and stored at computed positions`);
}

/** A counter of elements, also of a single one. */
function counterOf(builder: GraphBuilder, count: Value): Index {
  const counter = builder.index(ELEMENT, count);
  if (counter.kind === "index") return counter;
  // One position has no index of its own; a counter that is never read may as well have two.
  const other = builder.index(ELEMENT, builder.constant(2));
  if (other.kind !== "index") throw new InternalError("an axis of two positions has no index");
  return other;
}

/** The digits of a number over axes, outer → inner. */
function digitsOf(builder: GraphBuilder, number: Value, axes: readonly Index[]): readonly Digit[] {
  const digits: Digit[] = [];
  let rest = number;
  for (let at = axes.length - 1; at >= 0; at--) {
    const index = axes[at];
    if (index === undefined) break;
    // Of an axis without positions nothing is ever computed.
    const extent = index.extent === builder.zero ? builder.one : index.extent;
    digits.unshift({ index, value: at === 0 ? rest : builder.remainder(rest, extent) });
    rest = builder.quotient(rest, extent);
  }
  return digits;
}
