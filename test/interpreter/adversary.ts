/**
 * @file A hostile device: evaluates a graph in any way that a backend and the algebra allow, each choice made against
 * the program. Results are rounded to either neighbour, functions err by as many ULP as they may, subnormals are flushed
 * or not, sums are taken in any order, products distributed over sums, exponentials split at references between, values
 * computed again rather than kept; where arithmetic is f64, numbers are stored as f32 or not. It knows nothing of the bound
 * that it attacks.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Graph, MathFunction } from "../../spec/graph/node";
import { measure } from "../../spec/interpreter/measure";
import { Terms, type Term } from "../../spec/interpreter/term";
import { bindSizes, shapeOf, storedValues, type Numbers, type Sizes, type TensorData } from "../../spec/tensor";
import { forEachPosition, loopsOf } from "../../spec/interpreter/store";

/** Numbers from 0 to 1, below 1: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Which way roundings go: at random, or always the same way. */
export type Bias = "random" | "up" | "down" | "outward" | "inward";
export const BIASES: readonly Bias[] = ["random", "up", "down", "outward", "inward"];

const bits = new DataView(new ArrayBuffer(4));

/** The next f32 above (`step` 1) or below (−1). */
export function neighbour(x: number, step: 1 | -1): number {
  if (x === 0) return step * 2 ** -149;
  bits.setFloat32(0, x);
  bits.setInt32(0, bits.getInt32(0) + (x > 0 === step > 0 ? 1 : -1));
  return bits.getFloat32(0);
}

/** The unit in the last place of a number. What is 0 exactly comes out as 0. */
const ulp = (x: number): number => x === 0 ? 0 : 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 23, -149);

const FLUSHED = 2 ** -126;

/** How a device computes: as WGSL or GLSL grants it, in f32 rounded to nearest, or in f64 with numbers stored as f32. */
export type Kind = "wgsl" | "shader" | "f32" | "f64";

export interface Habits {
  readonly kind: Kind;
  readonly bias: Bias;
  /** How often an exponential may be split. */
  readonly rescalings: number;
}

/** Arithmetic in which every freedom is used. */
export class HostileArithmetic {
  readonly random: () => number;
  readonly kind: Kind;
  readonly #bias: Bias;

  constructor(random: () => number, { bias, kind }: Pick<Habits, "bias" | "kind">) {
    this.random = random;
    this.#bias = bias;
    this.kind = kind;
  }

  /** Whether functions are JavaScript's. */
  get scripted(): boolean {
    return this.kind === "f32" || this.kind === "f64";
  }

  /** A number as it is, or as it comes back from where it was stored. */
  kept(x: number): number {
    return this.kind === "f64" && this.chance(0.5) ? Math.fround(x) : x;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  #upwards(x: number): boolean {
    switch (this.#bias) {
      case "random": return this.chance(0.5);
      case "up": return true;
      case "down": return false;
      case "outward": return x > 0;
      case "inward": return x < 0;
    }
  }

  /** A correctly rounded result: either neighbour. */
  round(exact: number): number {
    if (!Number.isFinite(exact)) return exact;
    if (this.kind === "f64") return exact;
    const nearest = Math.fround(exact);
    if (this.kind === "f32") return nearest;
    let result = nearest;
    if (nearest !== exact) {
      const other = neighbour(nearest, nearest < exact ? 1 : -1);
      result = this.#upwards(exact) ? Math.max(nearest, other) : Math.min(nearest, other);
    }
    return Math.abs(result) < FLUSHED && this.chance(0.5) ? 0 : result;
  }

  /** A result within `error` of the exact one. */
  near(exact: number, error: number): number {
    if (!Number.isFinite(exact) || error === 0) return this.round(exact);
    // JavaScript's functions are off by less than an ULP of f64.
    if (this.scripted) return this.kept(this.round(exact * (1 + (this.chance(0.5) ? 1 : -1) * 2 ** -52)));
    const share = this.#bias === "random" ? this.random() : 0.999;
    const moved = exact + (this.#upwards(exact) ? 1 : -1) * share * error;
    const inside = Math.fround(moved);
    // Rounding to f32 must not leave the interval.
    const result = Math.abs(inside - exact) <= error ? inside : neighbour(inside, inside < exact ? 1 : -1);
    if (Math.abs(result - exact) > error) return this.round(exact);
    return Math.abs(result) < FLUSHED && this.chance(0.5) ? 0 : result;
  }

  divide(a: number, b: number): number {
    const exact = a / b;
    if (this.scripted) return this.kept(this.round(exact));
    return this.near(exact, 2.5 * ulp(exact));
  }

  exp(x: number): number {
    const exact = Math.exp(x);
    return x === -Infinity ? 0 : this.near(exact, (3 + 2 * Math.abs(x)) * ulp(exact));
  }

  exp2(x: number): number {
    const exact = 2 ** x;
    return this.near(exact, (3 + 2 * Math.abs(x)) * ulp(exact));
  }

  logarithm(x: number, f: (x: number) => number): number {
    const exact = f(x);
    if (x === 0) return exact;
    return this.near(exact, x >= 0.5 && x <= 2 ? 2 ** -21 : 3 * ulp(exact));
  }

  sqrt(x: number): number {
    if (x <= 0) return 0;
    if (this.scripted) return this.kept(this.round(Math.sqrt(x)));
    const inverse = 1 / Math.sqrt(x);
    return this.divide(1, this.near(inverse, 2 * ulp(inverse)));
  }

  power(x: number, y: number): number {
    if (x === 0) return x ** y;
    if (this.kind !== "wgsl") return this.exp(this.round(y * this.logarithm(x, Math.log)));
    return this.exp2(this.round(y * this.logarithm(x, Math.log2)));
  }

  atan2(y: number, x: number): number {
    const exact = Math.atan2(y, x);
    return this.near(exact, (x === 0 || y === 0 ? 1 : 4096) * ulp(exact));
  }

  /** A polynomial of increasing powers. */
  polynomial(coefficients: readonly number[], x: number): number {
    return coefficients.reduceRight((rest, coefficient) => this.round(this.round(rest * x) + this.round(coefficient)));
  }

  /** exp(x) − 1 and log(1 + x), near 0 by their series. */
  expm1(x: number): number {
    if (Math.abs(x) >= 0.35) return this.round(this.exp(x) - 1);
    return this.round(x * this.polynomial([1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320], x));
  }

  log1p(x: number): number {
    if (Math.abs(x) >= 0.5) return this.logarithm(this.round(1 + x), Math.log);
    const z = this.scripted ? this.round(x / this.round(x + 2)) : this.divide(x, this.round(x + 2));
    return this.round(this.round(2 * z) * this.polynomial([1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13], this.round(z * z)));
  }

  /** Adds in any order and any grouping. */
  sum(terms: readonly number[]): number {
    const live = terms.filter((term) => term !== 0);
    if (live.length === 0) return 0;
    if (this.chance(0.5)) shuffle(live, this.random);
    const size = this.chance(0.5) ? live.length : 1 + Math.floor(this.random() * live.length);
    const totals: number[] = [];
    for (let at = 0; at < live.length; at += size) {
      const group = live.slice(at, at + size);
      const total = group.reduce((sum, term) => this.round(sum + term));
      totals.push(group.length > 1 ? this.kept(total) : total);
    }
    return totals.reduce((total, term) => this.round(total + term));
  }

  product(factors: readonly number[]): number {
    const list = [...factors];
    if (this.chance(0.5)) shuffle(list, this.random);
    return list.length === 0 ? 1 : list.reduce((total, factor) => (Math.abs(total) === 1 || Math.abs(factor) === 1 ? total * factor : this.kept(this.round(total * factor))));
  }
}

function shuffle(list: number[], random: () => number): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const [a, b] = [list[at] ?? 0, list[other] ?? 0];
    list[at] = b;
    list[other] = a;
  }
}

/** A reduction, or a product in which one occurs once beside what has no error of a sum. */
function isMultiple({ value, parts }: Term): boolean {
  if (value.kind === "reduce") return true;
  return (value.kind === "linear" && parts.length === 1) || value.kind === "product" ? parts.filter(hasSum).length <= 1 && parts.some(isMultiple) : false;
}

const hasSum = (term: Term): boolean => term.value.kind === "reduce" || term.parts.some(hasSum);

/** Functions that gpu.js takes from JavaScript where it can. */
const SCRIPTED: ReadonlySet<MathFunction> = new Set<MathFunction>(["sin", "cos", "tan", "tanh", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"]);

/** A term as monomials, each a list of factors. */
type Monomials = readonly (readonly number[])[];

/** Evaluates `graph` on a hostile device. Outputs by name, as f32. */
export function evaluateHostile(graph: Graph, inputs: Readonly<Record<string, TensorData>>, random: () => number, habits: Habits, set = {}): Record<string, Float64Array> {
  const sizes = bindSizes(graph, inputs, set);
  const terms = new Terms(sizes);
  const data = new Map(graph.inputs.map((tensor) => {
    const input = inputs[tensor.name];
    if (input === undefined) throw new InternalError(`no ${tensor.name}`);
    return [tensor.name, { shape: input.shape, data: storedValues(tensor.element, input) }];
  }));
  const device = new HostileDevice(sizes, data, new HostileArithmetic(random, habits), habits.rescalings);
  const outputs: Record<string, Float64Array> = {};
  for (const store of graph.stores) {
    const shape = shapeOf(store.output.axes, sizes);
    const values = (outputs[store.output.name] ??= new Float64Array(shape.reduce((a, b) => a * b, 1)));
    const loops = loopsOf(store, terms);
    const [indices, value] = [store.indices.map((index) => terms.of(index)), terms.of(store.value)];
    forEachPosition(loops, () => {
      const at = indices.reduce((offset, index, k) => offset * (shape[k] ?? 0) + device.value(index), 0);
      values[at] = habits.kind === "f64" ? Math.fround(device.value(value)) : device.value(value);
    });
  }
  return outputs;
}

class HostileDevice {
  readonly #sizes: Sizes;
  readonly #data: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Numbers }>;
  readonly #f32: HostileArithmetic;
  readonly #rescalings: number;
  readonly #kept = new Map<Term, Map<string, number>>();

  constructor(sizes: Sizes, data: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Numbers }>, f32: HostileArithmetic, rescalings: number) {
    this.#sizes = sizes;
    this.#data = data;
    this.#f32 = f32;
    this.#rescalings = rescalings;
  }

  value(term: Term): number {
    const { kind } = term.value;
    if (kind !== "reduce" && kind !== "apply" && kind !== "product" && kind !== "linear") return this.#compute(term);
    let kept = this.#kept.get(term);
    if (kept === undefined) this.#kept.set(term, (kept = new Map<string, number>()));
    const key = term.free.map(({ now }) => now).join();
    const had = kept.get(key);
    // The value of a reduction and its multiples are one number in all their uses, stored or not: see `spec/numerics.md`.
    if (had !== undefined && isMultiple(term)) return had;
    if (had !== undefined && !this.#f32.chance(0.02)) return this.#f32.kept(had);
    const value = this.#compute(term);
    const first = this.#f32.kept(value);
    kept.set(key, isMultiple(term) ? first : value);
    return first;
  }

  #part(term: Term, at: number): Term {
    const part = term.parts[at];
    if (part === undefined) throw new InternalError(`a ${term.value.kind} without its part ${at}`);
    return part;
  }

  #compute(term: Term): number {
    const { value } = term;
    const f32 = this.#f32;
    const of = (at: number): number => this.value(this.#part(term, at));
    switch (value.kind) {
      case "constant": return value.facts.integer ? value.value : f32.round(value.value);
      case "truth": return value.value ? 1 : 0;
      case "index": return term.cursor?.now ?? 0;
      case "load": {
        const found = this.#data.get(value.tensor.name);
        if (found === undefined) throw new InternalError(`no ${value.tensor.name}`);
        const offset = term.parts.reduce((total, index, k) => total * (found.shape[k] ?? 0) + this.value(index), 0);
        const element = found.data[offset] ?? NaN;
        return value.facts.integer || f32.scripted ? element : Math.abs(element) < FLUSHED ? f32.round(element) : element;
      }
      case "linear": {
        if (value.facts.integer) return value.terms.reduce((total, [k], at) => total + k * of(at), value.constant);
        const infinite = term.parts.map((part) => this.value(part)).filter((part) => !Number.isFinite(part));
        if (infinite.length > 0) return value.terms.reduce((total, [k], at) => total + k * of(at), value.constant);
        return this.#total(this.#monomials(term, true));
      }
      case "product": {
        if (value.facts.integer) return value.factors.reduce((total, [, exponent], at) => total * of(at) ** exponent, 1);
        return f32.chance(0.5) ? this.#total(this.#monomials(term, true)) : this.#whole(term);
      }
      case "quotient": return Math.floor(of(0) / of(1));
      case "remainder": return of(0) % of(1);
      case "apply": return this.#function(value.fn, term);
      case "larger": return Math.max(of(0), of(1));
      case "smaller": return Math.min(of(0), of(1));
      case "select": return of(0) === 1 ? of(1) : of(2);
      case "less": return of(0) < of(1) ? 1 : 0;
      case "atMost": return of(0) <= of(1) ? 1 : 0;
      case "equal": return of(0) === of(1) ? 1 : 0;
      case "not": return 1 - of(0);
      case "and": return term.parts.every((part) => this.value(part) === 1) ? 1 : 0;
      case "or": return term.parts.some((part) => this.value(part) === 1) ? 1 : 0;
      case "reduce": return this.#reduction(term);
      case "extent": return measure(value, this.#sizes);
      case "bitwise": {
        const [a, b] = [of(0), of(1)];
        switch (value.op) {
          case "&": return a & b;
          case "|": return a | b;
          case "^": return a ^ b;
          case "<<": return a << b;
          case ">>": return a >> b;
          case ">>>": return a >>> b;
        }
      }
      case "table": case "slot":
        throw new InternalError(`the hostile device does not do a ${value.kind}`);
    }
  }

  #total(monomials: Monomials): number {
    return this.#f32.sum(monomials.map((factors) => this.#f32.product(factors)));
  }

  /** A product without distributing it. */
  #whole(term: Term): number {
    const above: number[] = [];
    const below: number[] = [];
    this.#powers(term).forEach(([power, up]) => (up ? above : below).push(power));
    return below.reduce((over, under) => (this.#f32.chance(0.5) ? this.#f32.divide(over, under) : this.#f32.round(over * this.#f32.divide(1, under))), this.#f32.product(above));
  }

  #powers(term: Term): readonly (readonly [power: number, up: boolean])[] {
    if (term.value.kind !== "product") throw new InternalError("powers of no product");
    return term.value.factors.map(([, exponent], at) => [this.#power(this.value(this.#part(term, at)), Math.abs(exponent)), exponent > 0]);
  }

  #power(base: number, exponent: number): number {
    if (exponent === 0.5) return this.#f32.sqrt(base);
    if (Number.isInteger(2 * exponent) && !Number.isInteger(exponent)) return this.#f32.round(this.#power(base, Math.floor(exponent)) * this.#f32.sqrt(base));
    if (!Number.isInteger(exponent)) return this.#f32.power(base, exponent);
    let power = base;
    for (let k = 1; k < exponent; k++) power = this.#f32.round(power * base);
    return power;
  }

  /** A sum or product taken apart as far as chance wills; `apart`: whether a reduction in it may be, too. */
  #monomials(term: Term, apart: boolean): Monomials {
    const { value } = term;
    const f32 = this.#f32;
    if (f32.chance(0.7) && (apart || !isMultiple(term))) {
      if (value.kind === "linear" && !value.facts.integer) {
        const parts = value.terms.flatMap(([k], at) => {
          const monomials = this.#monomials(this.#part(term, at), false);
          return k === 1 ? monomials : monomials.map((factors) => [f32.round(k), ...factors]);
        });
        return value.constant === 0 ? parts : [...parts, [f32.round(value.constant)]];
      }
      if (value.kind === "product" && value.factors.every(([, exponent]) => Number.isInteger(exponent) && exponent > 0)) {
        let apartNow = apart;
        return value.factors.reduce<Monomials>((total, [, exponent], at) => {
          let product = total;
          for (let k = 0; k < exponent; k++) {
            const part = this.#part(term, at);
            const monomials = this.#monomials(part, apartNow);
            if (part.value.kind === "reduce") apartNow = false;
            product = product.flatMap((left) => monomials.map((right) => [...left, ...right]));
          }
          return product;
        }, [[]]);
      }
      if (apart && value.kind === "reduce" && value.op === "sum") {
        const positions: Monomials[] = [];
        this.#each(term, () => positions.push(this.#monomials(this.#part(term, 1), false)));
        return positions.flat();
      }
    }
    const taken = (value.kind === "linear" || value.kind === "product") && (apart || !isMultiple(term));
    return [[taken ? this.#plain(term) : this.value(term)]];
  }

  /** As written. */
  #plain(term: Term): number {
    const { value } = term;
    if (value.kind === "product" && !value.facts.integer) return this.#whole(term);
    if (value.kind === "linear" && !value.facts.integer) {
      const scaled = value.terms.map(([k], at) => {
        const part = this.value(this.#part(term, at));
        return Math.abs(k) === 1 ? k * part : this.#f32.round(this.#f32.round(k) * part);
      });
      return this.#f32.sum(value.constant === 0 ? scaled : [...scaled, this.#f32.round(value.constant)]);
    }
    return this.value(term);
  }

  #each(term: Term, action: (position: number) => void): void {
    const { cursor } = term;
    if (cursor === undefined) throw new InternalError("a reduction without a cursor");
    const outer = cursor.now;
    for (let i = 0; i < cursor.extent; i++) {
      cursor.now = i;
      if (this.value(this.#part(term, 0)) === 1) action(i);
    }
    cursor.now = outer;
  }

  #reduction(term: Term): number {
    if (term.value.kind !== "reduce") throw new InternalError("no reduction");
    const { op } = term.value;
    const values: number[] = [];
    const positions: number[] = [];
    const summed: Monomials[] = [];
    this.#each(term, (position) => {
      positions.push(position);
      if (op === "sum") summed.push(this.#monomials(this.#part(term, 1), false));
      else values.push(this.value(this.#part(term, 1)));
    });
    switch (op) {
      case "sum": return this.#total(summed.flat());
      case "max": return Math.max(-Infinity, ...values);
      case "min": return Math.min(Infinity, ...values);
      case "argmax": return positions[values.indexOf(Math.max(...values))] ?? 0;
      case "argmin": return positions[values.indexOf(Math.min(...values))] ?? 0;
      case "any": return values.includes(1) ? 1 : 0;
    }
  }

  #function(fn: MathFunction, term: Term): number {
    const f32 = this.#f32;
    const of = (at: number): number => this.value(this.#part(term, at));
    if (f32.scripted && SCRIPTED.has(fn)) return f32.near(Math[fn as "sin"](of(0)), 1);
    switch (fn) {
      case "exp": return this.#exponential(this.#part(term, 0));
      case "expm1": return f32.expm1(of(0));
      case "log": return f32.logarithm(of(0), Math.log);
      case "log2": return f32.logarithm(of(0), Math.log2);
      case "log10": return f32.round(f32.logarithm(of(0), Math.log2) * f32.round(Math.log10(2)));
      case "log1p": return f32.log1p(of(0));
      case "sqrt": return f32.sqrt(of(0));
      case "cbrt": return Math.sign(of(0)) * f32.power(Math.abs(of(0)), f32.round(1 / 3));
      case "sin": case "cos": return f32.near(Math[fn](of(0)), 2 ** -11);
      case "tan": {
        const x = of(0);
        return f32.divide(f32.near(Math.sin(x), 2 ** -11), f32.near(Math.cos(x), 2 ** -11));
      }
      case "tanh": return f32.near(Math.tanh(of(0)), 1e-5);
      case "asin": {
        const x = of(0);
        return f32.atan2(x, f32.sqrt(f32.round(1 - f32.round(x * x))));
      }
      case "acos": {
        const x = of(0);
        return f32.atan2(f32.sqrt(f32.round(1 - f32.round(x * x))), x);
      }
      case "atan": {
        const exact = Math.atan(of(0));
        return f32.near(exact, 4096 * ulp(exact));
      }
      case "atan2": return f32.scripted ? f32.near(Math.atan2(of(0), of(1)), 1) : f32.atan2(of(0), of(1));
      case "sinh": case "cosh": {
        const x = of(0);
        return f32.round(f32.round(f32.exp(x) + (fn === "cosh" ? 1 : -1) * f32.exp(-x)) * 0.5);
      }
      case "asinh": case "acosh": {
        const x = of(0);
        const one = fn === "asinh" ? 1 : -1;
        return f32.logarithm(f32.round(x + f32.sqrt(f32.round(f32.round(x * x) + one))), Math.log);
      }
      case "atanh": {
        const x = of(0);
        return f32.round(0.5 * f32.logarithm(f32.divide(f32.round(1 + x), f32.round(1 - x)), Math.log));
      }
      case "pow": return f32.power(of(0), of(1));
      case "fround": case "abs": case "floor": case "ceil": case "round": case "trunc": case "sign": return Math[fn](of(0));
    }
  }

  /** exp, split at references between the two terms of its argument where there are two. */
  #exponential(argument: Term): number {
    const f32 = this.#f32;
    const { value } = argument;
    const differs = value.kind === "linear" && value.constant === 0 && value.terms.length === 2 && value.terms.some(([k]) => k === 1) && value.terms.some(([k]) => k === -1);
    const times = Math.floor(f32.random() * (this.#rescalings + 1));
    if (!differs || times === 0) return f32.exp(this.value(argument));
    const [from, to] = value.terms[0]?.[0] === 1 ? [0, 1] : [1, 0];
    const [s, m] = [this.value(this.#part(argument, from)), this.value(this.#part(argument, to))];
    if (!Number.isFinite(s) || !Number.isFinite(m)) return f32.exp(this.value(argument));
    const references = [s, ...Array.from({ length: times }, () => Math.fround(s + f32.random() * (m - s))).sort((a, b) => (m >= s ? a - b : b - a)), m];
    let result: number | undefined;
    for (const [at, reference] of references.entries()) {
      const before = references[at - 1];
      if (before === undefined) continue;
      const step = f32.exp(f32.round(before - reference));
      result = result === undefined ? step : f32.kept(f32.round(result * step));
    }
    return result ?? 1;
  }
}
