/**
 * @file Executable meaning of graphs and folds in f64, to hold rewrites to: values are evaluated as `spec/graph/node.ts` says,
 * folds as `compiler/algebra/derived.ts` says (serially, as a tree, over parts merged in any order).
 */

import type { Component, Fold, Finish, Piece } from "../../compiler/algebra/derived";
import type { GraphBuilder } from "../../spec/graph/builder";
import { openedOrder } from "../../compiler/algebra/opened";
import type { Index, MathFunction, Slot, Store, Value } from "../../spec/graph/node";

/** Tensors as their storage holds them. */
export type Tensors = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
export type Sizes = Readonly<Record<string, number>>;
type Place = ReadonlyMap<string, number>;

export class Evaluator {
  readonly #memo = new Map<Value, Map<string, number>>();
  readonly #slotted = new Map<Value, boolean>();
  /** Whether anything evaluated so far divided by zero or was no number: what reads it is promised nothing. */
  undefinedSomewhere = false;
  /** Reads slots; set while a fold runs. */
  slot: (slot: Slot, indices: readonly number[]) => number = (slot) => { throw new Error(`no value for slot ${slot.name}`); };

  constructor(readonly builder: GraphBuilder, readonly tensors: Tensors, readonly sizes: Sizes) {}

  #reads(value: Value): boolean {
    let reads = this.#slotted.get(value);
    if (reads === undefined) {
      reads = openedOrder(this.builder, [value]).some(({ kind }) => kind === "slot");
      this.#slotted.set(value, reads);
    }
    return reads;
  }

  truth(value: Value, at: Place): boolean {
    return this.value(value, at) !== 0;
  }

  value(value: Value, at: Place): number {
    if (value.kind === "constant") return value.value;
    if (value.kind === "truth") return Number(value.value);
    if (value.kind === "index") return at.get(value.name) ?? fail(`no position for ${value.name}`);
    const heavy = (value.kind === "reduce" || value.kind === "table" || value.kind === "apply" || value.kind === "load") && !this.#reads(value);
    const memo = heavy ? (this.#memo.get(value) ?? new Map<string, number>()) : undefined;
    const key = memo === undefined ? "" : value.free.map((name) => at.get(name)).join();
    const had = memo?.get(key);
    if (had !== undefined) return had;
    const result = this.#compute(value, at);
    this.undefinedSomewhere ||= Number.isNaN(result);
    if (memo !== undefined) {
      this.#memo.set(value, memo);
      memo.set(key, result);
    }
    return result;
  }

  #compute(value: Value, at: Place): number {
    const of = (part: Value): number => this.value(part, at);
    switch (value.kind) {
      case "constant": return value.value;
      case "truth": return Number(value.value);
      case "index": return at.get(value.name) ?? fail(value.name);
      case "extent": return this.sizes[value.axis] ?? fail(`no size of ${value.axis}`);
      case "load": {
        const tensor = this.tensors[value.tensor.name] ?? fail(`no tensor ${value.tensor.name}`);
        // Read by what left a loop without a turn, and used nowhere; as on a device, it is some number.
        if (tensor.shape.includes(0)) return 0;
        let offset = 0;
        for (const [k, index] of value.indices.entries()) {
          const position = of(index);
          const size = tensor.shape[k] ?? 0;
          if (!(position >= 0 && position < size) || !Number.isInteger(position)) fail(`${value.tensor.name} axis ${k}: ${position} of ${size}`);
          offset = offset * size + position;
        }
        return tensor.data[offset] ?? fail(`${value.tensor.name} has no element ${offset}`);
      }
      case "linear": return value.terms.reduce((sum, [k, term]) => sum + k * of(term), value.constant);
      case "product": return value.factors.reduce((product, [base, power]) => {
        const x = of(base);
        this.undefinedSomewhere ||= power < 0 && x === 0;
        return power === 1 ? product * x : power === -1 ? product / x : product * x ** power;
      }, 1);
      case "quotient": return Math.floor(of(value.left) / of(value.right));
      case "remainder": return of(value.left) % of(value.right);
      case "apply": return applied(value.fn, value.args.map(of));
      case "bitwise": {
        const [a, b] = [of(value.left), of(value.right)];
        return value.op === "&" ? a & b : value.op === "|" ? a | b : value.op === "^" ? a ^ b : value.op === "<<" ? a << b : value.op === ">>" ? a >> b : a >>> b;
      }
      case "larger": return Math.max(of(value.left), of(value.right));
      case "smaller": return Math.min(of(value.left), of(value.right));
      case "select": return this.truth(value.condition, at) ? of(value.yes) : of(value.no);
      case "less": return Number(of(value.left) < of(value.right));
      case "atMost": return Number(of(value.left) <= of(value.right));
      case "equal": return Number(of(value.left) === of(value.right));
      case "not": return Number(!this.truth(value.of, at));
      case "and": return Number(value.of.every((part) => this.truth(part, at)));
      case "or": return Number(value.of.some((part) => this.truth(part, at)));
      case "slot": return this.slot(value, value.indices.map(of));
      case "table": {
        const position = of(value.at);
        const extent = of(value.extent);
        if (!(position >= 0 && position < extent) || !Number.isInteger(position)) fail(`table at ${position} of ${extent}`);
        return this.value(value.body, new Map([...at, [value.bound, position]]));
      }
      case "reduce": {
        const extent = of(value.extent);
        const place = new Map(at);
        let best: number | undefined;
        let total = value.op === "max" ? -Infinity : value.op === "min" ? Infinity : 0;
        for (let i = 0; i < extent; i++) {
          place.set(value.bound, i);
          if (!this.truth(value.where, place)) continue;
          const x = this.value(value.body, place);
          switch (value.op) {
            case "sum": total += x; break;
            case "max": total = Math.max(total, x); break;
            case "min": total = Math.min(total, x); break;
            case "any": total = total !== 0 || x !== 0 ? 1 : 0; break;
            case "argmax": case "argmin":
              if (best === undefined || (value.op === "argmax" ? x > best : x < best)) {
                best = x;
                total = i;
              }
          }
        }
        return total;
      }
    }
  }
}

const applied = (fn: MathFunction, [x = NaN, y = NaN]: readonly number[]): number => (fn === "pow" ? x ** y : fn === "atan2" ? Math.atan2(x, y) : Math[fn](x));

const fail = (message: string): never => { throw new RangeError(message); };

/** Visits every combination of positions of some axes. */
export function everywhere(evaluator: Evaluator, axes: readonly Index[], from: Place, visit: (place: Map<string, number>) => void): void {
  const place = new Map(from);
  const go = (k: number): void => {
    const axis = axes[k];
    if (axis === undefined) {
      visit(place);
      return;
    }
    const extent = evaluator.value(axis.extent, place);
    for (let i = 0; i < extent; i++) {
      place.set(axis.name, i);
      go(k + 1);
    }
  };
  go(0);
}

export function ownAxes(builder: GraphBuilder, values: readonly Value[]): readonly Index[] {
  const found = new Map<string, Index>();
  for (const value of values) for (const node of openedOrder(builder, [value])) if (node.kind === "index" && value.free.includes(node.name)) found.set(node.name, node);
  return [...found.values()];
}

/** Every output element, by output and position. */
export function evaluateStores(evaluator: Evaluator, stores: readonly Store[]): ReadonlyMap<string, number> {
  const results = new Map<string, number>();
  for (const { output, indices, value } of stores) {
    const free = ownAxes(evaluator.builder, [...indices, value]).filter(({ name }) => [...indices, value].some((part) => part.free.includes(name)));
    everywhere(evaluator, free, new Map(), (place) => {
      results.set(`${output.name}[${indices.map((index) => evaluator.value(index, place)).join(",")}]`, evaluator.value(value, place));
    });
  }
  return results;
}

/** The state of a fold: for each component its elements by position of its own axes; an absent element is empty. */
export type State = ReadonlyMap<string, ReadonlyMap<string, number>>;

export const EMPTY: State = new Map();

const identityOf = (component: Component): number => (component.op === "max" ? -Infinity : component.op === "min" ? Infinity : 0);

/** Where a part of the axis has bodies of its own. */
export type Bodies = (component: Component) => { readonly body: Value; readonly where: Value };

/** The state that a piece of a fold comes to, as a state of the whole. */
export function pieceState(evaluator: Evaluator, runner: FoldRunner, { offset, fold, names }: Piece): State {
  const count = evaluator.value(fold.extent, new Map());
  const state = runner.step(fold, EMPTY, Array.from({ length: count }, (_, k) => k), (component) => component, fold.index.name);
  const from = evaluator.value(offset, new Map());
  const positions = new Set(fold.components.filter(({ op }) => op === "argmax" || op === "argmin").map(({ name }) => name));
  return new Map(Object.entries(names).map(([whole, name]) => {
    const elements = state.get(name) ?? fail(`no component ${name}`);
    return [whole, positions.has(name) ? new Map([...elements].map(([key, value]) => [key, value + from])) : elements] as const;
  }));
}

export class FoldRunner {
  /** Final states of all folds, for reading slots of earlier ones. */
  readonly finals = new Map<string, { readonly component: Component; readonly elements: ReadonlyMap<string, number> }>();

  constructor(readonly evaluator: Evaluator) {}

  #bind(fold: Fold, before: State | undefined, now: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
    const components = new Map(fold.components.map((component) => [component.name, component]));
    this.evaluator.slot = ({ name }, indices) => {
      const key = indices.join();
      const own = /^(.*)@(old|new)$/.exec(name);
      if (own !== null) {
        const [, base = "", side] = own;
        const value = (side === "old" ? before : now)?.get(base)?.get(key);
        return value ?? fail(`a repair reads ${name}[${key}], which is empty`);
      }
      const component = components.get(name);
      if (component !== undefined) return now.get(name)?.get(key) ?? identityOf(component);
      const final = this.finals.get(name) ?? fail(`no component ${name}`);
      return final.elements.get(key) ?? identityOf(final.component);
    };
  }

  /** Joins repaired elements of several states, and new positions, into one state, component by component. */
  #combine(fold: Fold, states: readonly State[], positions: readonly number[], bodies: Bodies, position: string): State {
    const result = new Map<string, Map<string, number>>();
    for (const component of fold.components) {
      const elements = new Map<string, number>();
      everywhere(this.evaluator, component.own, new Map(), (place) => {
        const key = component.own.map(({ name }) => place.get(name)).join();
        let held: number | undefined;
        let extreme: number | undefined;
        const take = (value: number, score: number): void => {
          if (held === undefined) [held, extreme] = [value, score];
          else switch (component.op) {
            case "sum": held += value; break;
            case "max": held = Math.max(held, value); break;
            case "min": held = Math.min(held, value); break;
            case "any": held = held !== 0 || value !== 0 ? 1 : 0; break;
            case "argmax": case "argmin": {
              const wins = component.op === "argmax" ? score > (extreme ?? 0) : score < (extreme ?? 0);
              if (wins || (score === extreme && value < held)) [held, extreme] = [value, score];
            }
          }
        };
        for (const state of states) {
          const old = state.get(component.name)?.get(key);
          if (old === undefined) continue;
          this.#bind(fold, state, result);
          const repaired = this.repaired(component, old, place);
          let score = repaired;
          if (component.extreme !== undefined) {
            const holder = fold.components.find(({ name }) => name === component.extreme) ?? fail("no holder");
            const held = state.get(holder.name)?.get(holder.own.map(({ name }) => place.get(name)).join()) ?? fail("an empty holder");
            score = this.repaired(holder, held, place);
          }
          take(repaired, score);
        }
        const { body, where } = bodies(component);
        this.#bind(fold, undefined, result);
        for (const at of positions) {
          place.set(position, at);
          if (!this.evaluator.truth(where, place)) continue;
          const value = this.evaluator.value(body, place);
          take(component.extreme === undefined ? value : at, value);
        }
        place.delete(position);
        if (held !== undefined) elements.set(key, held);
      });
      result.set(component.name, elements);
    }
    return result;
  }

  repaired(component: Component, value: number, place: Place): number {
    switch (component.repair.kind) {
      case "none": return value;
      case "multiply": return value * this.evaluator.value(component.repair.factor, place);
      case "add": return value + this.evaluator.value(component.repair.term, place);
    }
  }

  /** Takes a tile of positions into a state: the tile is reduced first, then joined. */
  step(fold: Fold, state: State, positions: readonly number[], bodies: Bodies = (component) => component, position = fold.index.name): State {
    return this.#combine(fold, [state], positions, bodies, position);
  }

  merge(fold: Fold, a: State, b: State): State {
    return this.#combine(fold, [a, b], [], (component) => component, fold.index.name);
  }

  finish(fold: Fold, state: State): void {
    for (const component of fold.components) this.finals.set(component.name, { component, elements: state.get(component.name) ?? new Map<string, number>() });
  }

  /** Runs all folds, each by `run`, and evaluates the stores. */
  all(folds: readonly Fold[], stores: readonly Finish[], run: (fold: Fold, count: number) => State): ReadonlyMap<string, number> {
    for (const fold of folds) this.finish(fold, run(fold, this.evaluator.value(fold.extent, new Map())));
    return this.outputs(stores);
  }

  /** The elements of a component repaired from one state of what it reads to another. */
  moved(fold: Fold, component: Component, from: State, to: State): ReadonlyMap<string, number> {
    const result = new Map<string, number>();
    everywhere(this.evaluator, component.own, new Map(), (place) => {
      const key = component.own.map(({ name }) => place.get(name)).join();
      const value = from.get(component.name)?.get(key);
      if (value === undefined) return;
      this.#bind(fold, from, to);
      result.set(key, this.repaired(component, value, place));
    });
    return result;
  }

  /** The stores over what was finished. */
  outputs(stores: readonly Finish[]): ReadonlyMap<string, number> {
    this.evaluator.slot = ({ name }, indices) => {
      const final = this.finals.get(name) ?? fail(`no component ${name}`);
      return final.elements.get(indices.join()) ?? identityOf(final.component);
    };
    return evaluateStores(this.evaluator, stores);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);

/** The ways to run a fold: every element by itself, in tiles, as a tree, as parts of positions at random. */
export function ways(runner: FoldRunner, random: () => number): Readonly<Record<string, (fold: Fold, count: number) => State>> {
  const tree = (fold: Fold, from: number, to: number): State => {
    if (to - from <= 1) return runner.step(fold, EMPTY, range(from, to));
    const middle = from + Math.floor(random() * (to - from));
    if (middle === from) return runner.merge(fold, runner.step(fold, EMPTY, [from]), tree(fold, from + 1, to));
    const [a, b] = [tree(fold, from, middle), tree(fold, middle, to)];
    return random() < 0.5 ? runner.merge(fold, a, b) : runner.merge(fold, b, a);
  };
  return {
    serially: (fold, count) => range(0, count).reduce<State>((state, at) => runner.step(fold, state, [at]), EMPTY),
    "in tiles": (fold, count) => range(0, Math.ceil(count / 8)).reduce<State>((state, tile) => runner.step(fold, state, range(8 * tile, Math.min(count, 8 * tile + 8))), EMPTY),
    "as a tree": (fold, count) => tree(fold, 0, count),
    "in parts": (fold, count) => {
      const parts: State[] = [EMPTY, EMPTY, EMPTY, EMPTY, EMPTY];
      for (const at of range(0, count)) {
        // The last part stays empty.
        const part = Math.floor(random() * 4);
        parts[part] = runner.step(fold, parts[part] ?? EMPTY, [at]);
      }
      return [...parts].sort(() => random() - 0.5).reduce((a, b) => runner.merge(fold, a, b), EMPTY);
    },
  };
}
