/** @file Reductions of approximate numbers. */

import type { ReduceOperator } from "../../graph/node";
import { bounded, exactly, formed, kept, opaque, unbounded, within, type Approximate } from "./approximate";
import { FormSum } from "./form";
import { gamma, type Accuracy } from "./accuracy";
import { EXACT_INTEGERS } from "./rounding";
import { apart, decided, truth } from "./truth";

/** Takes the elements of a reduction one by one; `sure` says that a device is sure to take this one as well. */
export interface Gather {
  /** Where the guard fails, and a device may find that it holds: `element` is what it would then take. */
  perhaps(element: Approximate, position: number): void;
  take(element: Approximate, position: number, sure: boolean): void;
  result(): Approximate;
}

/** @param width how many monomials an element has, each of which may be added by itself */
export function gather(accuracy: Accuracy, op: ReduceOperator, width: number, integer: boolean): Gather {
  switch (op) {
    case "sum":
      return new Sum(accuracy, width, integer);
    case "max":
      return new Extreme(accuracy, 1);
    case "min":
      return new Extreme(accuracy, -1);
    case "argmax":
      return new ExtremePosition(1);
    case "argmin":
      return new ExtremePosition(-1);
    case "any":
      return new Some();
  }
}

/** How often part of a sum is stored and added to others: a table's share of the terms, a piece of the axis. */
const SHARES = 2;

/** Σ, in any order: every monomial goes through at most as many roundings as there are monomials. */
class Sum implements Gather {
  readonly #accuracy: Accuracy;
  readonly #width: number;
  readonly #integer: boolean;
  readonly #sources = new FormSum();
  #value = 0;
  #error = 0;
  #size = 0;
  #span = 0;
  #count = 0;
  #undecided = false;
  #infinite = false;
  #boundless = false;

  constructor(accuracy: Accuracy, width: number, integer: boolean) {
    this.#accuracy = accuracy;
    this.#width = width;
    this.#integer = integer;
  }

  take(element: Approximate, _position: number, sure: boolean): void {
    this.#value += element.value;
    this.#undecided ||= element.undecided || !sure;
    if (Math.abs(element.value) === Infinity) {
      this.#infinite = true;
      this.#boundless ||= element.error > 0 || !sure;
      return;
    }
    this.#error += element.error;
    this.#sources.add(1, element);
    if (!sure) this.#sources.rest += Math.abs(element.value);
    this.#size += element.size;
    this.#span += element.span;
    this.#count++;
  }

  perhaps(element: Approximate): void {
    this.#undecided = true;
    this.#error += element.error;
    this.#sources.rest += Math.abs(element.value) + element.error;
    this.#size += element.size;
    this.#span += element.span;
    this.#count++;
  }

  result(): Approximate {
    const [value, error, size, undecided] = [this.#value, this.#error, this.#size, this.#undecided];
    if (this.#infinite) return this.#boundless || Number.isNaN(value) || !(error < Infinity) ? unbounded(value, undecided) : exactly(value, undecided);
    const { form, rest } = this.#sources;
    if (size === 0 || (this.#integer && rest === 0 && error === 0 && size <= EXACT_INTEGERS)) return bounded(value, rest, size, undecided);
    const additions = this.#count * this.#width;
    const rounding = gamma(this.#accuracy, additions, SHARES);
    const result = this.#accuracy.store * (Math.abs(value) + error + rounding * this.#span);
    return formed(value, form, rest + rounding * this.#span + result + additions * this.#accuracy.flush, { size: size * (1 + rounding), span: 0 }, undecided);
  }
}

class Extreme implements Gather {
  readonly #accuracy: Accuracy;
  readonly #sign: 1 | -1;
  // In terms of sign · element, so that both look for the largest.
  #value = -Infinity;
  #low = -Infinity;
  #high = -Infinity;
  #size = 0;
  #undecided = false;
  #best: Approximate | undefined;
  /** The highest that any other element may be. */
  #others = -Infinity;

  constructor(accuracy: Accuracy, sign: 1 | -1) {
    this.#accuracy = accuracy;
    this.#sign = sign;
  }

  take(element: Approximate, _position: number, sure: boolean): void {
    const value = this.#sign * element.value;
    this.#value = Math.max(this.#value, value);
    if (sure) this.#low = Math.max(this.#low, value - element.error);
    this.#reach(element, sure);
  }

  perhaps(element: Approximate): void {
    this.#reach(element, false);
  }

  #reach(element: Approximate, sure: boolean): void {
    const high = this.#sign * element.value + element.error;
    if (sure && (this.#best === undefined || this.#sign * element.value > this.#sign * this.#best.value)) {
      this.#others = Math.max(this.#others, this.#high);
      this.#best = element;
    } else this.#others = Math.max(this.#others, high);
    this.#high = Math.max(this.#high, high);
    this.#size = Math.max(this.#size, element.size);
    this.#undecided ||= element.undecided || !sure;
  }

  result(): Approximate {
    const sign = this.#sign;
    const best = this.#best;
    // An element that none other can reach is the extreme on every device: the same number, with the same error.
    if (best !== undefined && sign * best.value - best.error > this.#others) return kept(this.#accuracy, best);
    const [low, high] = sign === 1 ? [this.#low, this.#high] : [-this.#high, -this.#low];
    return kept(this.#accuracy, within(sign * this.#value, low, high, this.#size, this.#undecided));
  }
}

interface Candidate {
  readonly value: number;
  readonly error: number;
  readonly position: number;
  readonly sure: boolean;
}

/** The first position of the extreme; its error reaches to the furthest position that a device may find instead. */
class ExtremePosition implements Gather {
  readonly #sign: 1 | -1;
  readonly #candidates: Candidate[] = [];
  #first: Candidate = { value: -Infinity, error: 0, position: 0, sure: true };
  /** What a device is sure to find somewhere. */
  #low = -Infinity;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  take(element: Approximate, position: number, sure: boolean): void {
    const candidate = { value: this.#sign * element.value, error: element.error, position, sure };
    if (candidate.value > this.#first.value) this.#first = candidate;
    if (sure) this.#low = Math.max(this.#low, candidate.value - candidate.error);
    this.#candidates.push(candidate);
  }

  perhaps(element: Approximate, position: number): void {
    this.#candidates.push({ value: this.#sign * element.value, error: element.error, position, sure: false });
  }

  result(): Approximate {
    const first = this.#first;
    let error = this.#low === -Infinity ? first.position : 0;
    for (const candidate of this.#candidates) if (this.#mayWin(candidate)) error = Math.max(error, Math.abs(candidate.position - first.position));
    return error === 0 ? exactly(first.position) : opaque(first.position, error, true);
  }

  #mayWin({ value, error, position }: Candidate): boolean {
    const high = value + error;
    if (Number.isNaN(high)) return true;
    // Of equals the first is taken, and −∞ never is.
    const { sure, ...first } = this.#first;
    const beaten = high < this.#low || high === -Infinity || (sure && position > first.position && high <= first.value - first.error);
    return !beaten;
  }
}

class Some implements Gather {
  #holds = false;
  #sure = false;
  #doubtful = false;

  take(element: Approximate, _position: number, sure: boolean): void {
    if (element.value === 1) {
      this.#holds = true;
      if (sure && decided(element)) this.#sure = true;
    }
    if (!decided(element) || (element.value === 1 && !sure)) this.#doubtful = true;
  }

  perhaps(element: Approximate): void {
    if (element.value === 1 || !decided(element)) this.#doubtful = true;
  }

  result(): Approximate {
    return truth(this.#holds, this.#sure || !this.#doubtful);
  }
}

/** Compares two approximate numbers. */
export function compare(kind: "less" | "atMost" | "equal", left: Approximate, right: Approximate): Approximate {
  const sure = apart(left, right);
  switch (kind) {
    case "less":
      return truth(left.value < right.value, sure);
    case "atMost":
      return truth(left.value <= right.value, sure);
    case "equal":
      return truth(left.value === right.value, sure);
  }
}
