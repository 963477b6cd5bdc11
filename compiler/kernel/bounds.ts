/**
 * @file Between which integers a value lies, given between which each size lies. The facts of a node hold for sizes without
 * limit; a device's integers do not, so the question here is always asked for particular sizes.
 */

import type { Load, Slot, Value } from "../../spec/graph/node";

export type Bounds = readonly [low: number, high: number];

/** The largest size of an axis, and the largest number of elements of an array: positions are i32. */
export const LARGEST = 2 ** 31 - 1;

export const I32: Bounds = [-(2 ** 31), 2 ** 31 - 1];
export const U32: Bounds = [0, 2 ** 32 - 1];

export const within = ([low, high]: Bounds, [least, most]: Bounds): boolean => low >= least && high <= most;

/** `0 · ∞` counts as 0: a bound that is not reached. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);
const hull = (values: readonly number[]): Bounds => [Math.min(...values), Math.max(...values)];
const product = ([a, b]: Bounds, [c, d]: Bounds): Bounds => hull([times(a, c), times(a, d), times(b, c), times(b, d)]);

/** Bounds of integers under bounds of the sizes. */
export class Bounder {
  readonly #size: (axis: string) => Bounds;
  readonly #known = new WeakMap<Value, Bounds>();

  readonly #element: (value: Load | Slot) => Bounds;
  readonly #position: (name: string) => Bounds | undefined;

  /**
   * @param element what is known of the elements of an array beyond the facts of its nodes
   * @param position between which positions an index lies, by its name, where it is not all of its axis
   */
  constructor(size: (axis: string) => Bounds, element: (value: Load | Slot) => Bounds = () => [-Infinity, Infinity], position: (name: string) => Bounds | undefined = () => undefined) {
    this.#size = size;
    this.#element = element;
    this.#position = position;
  }

  /** Bounds of a value that is an integer and finite; no closer than its facts say where nothing better is known. */
  of(value: Value): Bounds {
    let known = this.#known.get(value);
    if (known === undefined) {
      const [low, high] = this.#derived(value);
      known = [Math.max(low, value.facts.low), Math.min(high, value.facts.high)];
      // Facts of a select or a guard may be closer than its parts, and contradict each other where it is never computed.
      if (!(known[0] <= known[1])) known = [value.facts.low, value.facts.high];
      this.#known.set(value, known);
    }
    return known;
  }

  #derived(value: Value): Bounds {
    const unknown: Bounds = [-Infinity, Infinity];
    switch (value.kind) {
      case "constant": return [value.value, value.value];
      case "load": case "slot": return this.#element(value);
      case "extent": return this.#size(value.axis);
      case "index": return this.#position(value.name) ?? [0, Math.max(0, this.of(value.extent)[1] - 1)];
      case "linear": return value.terms.reduce<Bounds>((sum, [k, term]) => {
        const [low, high] = product([k, k], this.of(term));
        return [sum[0] + low, sum[1] + high];
      }, [value.constant, value.constant]);
      case "product": return value.factors.reduce<Bounds>((all, [base, exponent]) => {
        const of = this.of(base);
        const power = exponent % 2 === 0 && of[0] < 0 ? [0, Math.max(-of[0], of[1]) ** exponent] as const : [of[0] ** exponent, of[1] ** exponent] as const;
        return product(all, power);
      }, [1, 1]);
      case "quotient": {
        const [low, high] = this.of(value.left);
        const divisors = this.of(value.right).map((divisor) => Math.max(divisor, 1));
        const corners = divisors.flatMap((divisor) => [low / divisor, high / divisor]).filter((corner) => !Number.isNaN(corner));
        return [Math.floor(Math.min(...corners)), Math.floor(Math.max(...corners))];
      }
      case "remainder": {
        const [low, high] = this.of(value.left);
        // Of a divisor that is 0, as the size of an axis that nothing runs along, there is no remainder.
        const reach = Math.max(1, ...this.of(value.right).map(Math.abs)) - 1;
        return [low >= 0 ? 0 : Math.max(low, -reach), high <= 0 ? 0 : Math.min(high, reach)];
      }
      case "larger": case "smaller": {
        const [a, b] = [this.of(value.left), this.of(value.right)];
        const pick = value.kind === "larger" ? Math.max : Math.min;
        return [pick(a[0], b[0]), pick(a[1], b[1])];
      }
      case "select": return hull([...this.of(value.yes), ...this.of(value.no)]);
      case "reduce": {
        const count = this.of(value.extent)[1];
        if (value.op === "argmax" || value.op === "argmin") return [0, Math.max(0, count - 1)];
        const body = this.of(value.body);
        return value.op === "sum" ? [Math.min(0, times(body[0], count)), Math.max(0, times(body[1], count))] : body;
      }
      default: return unknown;
    }
  }
}

const anySize = new Bounder(() => [0, LARGEST]);

/** Bounds that hold whatever the sizes, which are at most `LARGEST`. */
export const boundsOf = (value: Value): Bounds => anySize.of(value);
