/** @file Writes random expressions of a sort, from what is in scope. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { MathFunction, Value } from "../../spec/graph/node";
import { cascades } from "./cascades";
import { apply, binder, leaf, named, partOf, whole, type Expression, type Sort } from "./expression";
import type { Maker } from "./maker";
import type { Random } from "./random";
import { AXIS_NAMES, INPUTS, isOpen, type AxisName, type RandomInput } from "./signature";

/** A function of indices that a program declares. */
export interface RandomFunction {
  readonly name: string;
  readonly parameters: readonly { readonly name: string; readonly axis: AxisName }[];
  readonly value: Expression;
}

/** What an expression may mention. */
export interface Scope {
  readonly indices: readonly Expression[];
  /** Numbers that have a name. */
  readonly values: readonly Expression[];
  readonly functions: readonly RandomFunction[];
  /**
   * Whether what is written is computed under a condition. A position that is forced into an axis may then be read where
   * the axis is empty, as far as anybody can prove: only positions that a loop gives are read there.
   */
  readonly guarded: boolean;
}

export const NOTHING_CALLED: Scope = { indices: [], values: [], functions: [], guarded: false };

type Numeric = Exclude<Sort, "truth" | object>;

const axisOf = ({ sort }: Expression): AxisName | undefined => (typeof sort === "object" ? (sort.axis as AxisName) : undefined);

/** Equality of numbers, also where both are written as literals, which TypeScript would call a mistake. */
const comparison = (left = "", op: string, right = ""): string => (op === "===" || op === "!==" ? `(${left} + 0 ${op} ${right})` : `(${left} ${op} ${right})`);

const COMPARED: Readonly<Record<string, (maker: Maker, left: Value, right: Value) => Value>> = {
  "<": ({ builder }, left, right) => builder.less(left, right),
  "<=": ({ builder }, left, right) => builder.atMost(left, right),
  ">": ({ builder }, left, right) => builder.less(right, left),
  ">=": ({ builder }, left, right) => builder.atMost(right, left),
  "===": ({ builder }, left, right) => builder.equal(left, right),
  "!==": ({ builder }, left, right) => builder.not(builder.equal(left, right)),
};

const two = ([left, right]: readonly Value[], make: (left: Value, right: Value) => Value): Value => {
  if (left === undefined || right === undefined) throw new InternalError("an operator without its operands");
  return make(left, right);
};

/** An input at some position. */
export const readOf = (name: string, { sort, read }: RandomInput, indices: readonly Expression[]): Expression =>
  ({ ...apply(sort, indices, (at) => `${name}(${at.join(", ")})`, (maker, at) => read(maker, at)), reads: name });

export class Writer {
  readonly random: Random;
  #bound = 0;

  constructor(random: Random) {
    this.random = random;
  }

  write(sort: Sort, scope: Scope, depth: number): Expression {
    if (typeof sort === "object") return this.index(sort.axis as AxisName, scope, depth);
    const inner = depth - 1;
    const load = (): Expression => this.#load(scope, inner, sort === "real" ? "real" : "exact");
    const number = (): Expression => whole(this.random.whole(0, 4));
    const integer = (): Expression => this.#integer(scope, inner);
    const numeric: Numeric = sort === "truth" ? "real" : sort;
    const extreme = (): Expression => this.#extreme(scope, inner, numeric);
    const choice = (): Expression => this.#choice(scope, inner, numeric);
    const compare = (): Expression => this.#compare(scope, inner);
    const arithmetic = (): Expression => this.#arithmetic(scope, inner);
    const sum = (): Expression => this.#sum(scope, inner);
    const known = (): Expression => this.#known(scope, inner, numeric) ?? load();
    const cascade = (): Expression => this.random.pick(cascades)(this, scope, inner);
    const writers = {
      truth: [compare, compare, () => this.#logic(scope, inner), () => this.#quantifier(scope, inner), () => this.mask(scope, inner)],
      integer: [number, integer, integer, extreme, choice],
      exact: [load, load, extreme, choice, integer, known],
      real: [load, load, arithmetic, arithmetic, () => this.#function(scope, inner), sum, sum, cascade, cascade, extreme, choice, known, known, () => this.#shared(scope, inner, numeric)],
    } as const;
    const last = {
      truth: () => (this.random.oneIn(2) ? leaf("truth", "true", ({ builder }) => builder.true) : leaf("truth", "false", ({ builder }) => builder.false)),
      integer: number, exact: load, real: load,
    };
    return depth <= 0 ? last[sort]() : this.random.pick<readonly [() => Expression, ...(() => Expression)[]]>(writers[sort])();
  }

  /** A function of up to two indices. */
  function(name: string, scope: Scope, depth: number): RandomFunction {
    const parameters = Array.from({ length: this.random.whole(0, 2) }, () => ({ name: `p${this.#bound++}`, axis: this.axis() }));
    // Whoever calls it may do so under a condition.
    const inside = { ...scope, guarded: true, indices: parameters.map((each) => named({ axis: each.axis }, each.name)) };
    return { name, parameters, value: this.write(this.random.oneIn(4) ? "exact" : "real", inside, depth) };
  }

  axis(): AxisName {
    return this.random.pick(["a", "a", "b", "b", "c", "d", "v"]);
  }

  /** A new name for an index, and the scope in which it is known. */
  bind(axis: AxisName, scope: Scope): readonly [string, Scope] {
    const name = `i${this.#bound++}`;
    return [name, { ...scope, indices: [...scope.indices, named({ axis }, name)] }];
  }

  /** A position on an axis, if one can be had: an index in scope, arithmetic on one, a code, or any number forced into the axis. */
  index(axis: AxisName, scope: Scope, depth: number): Expression {
    const own = scope.indices.filter((index) => axisOf(index) === axis);
    const [first, ...others] = own;
    if (first !== undefined && !this.random.oneIn(4)) return this.random.pick([first, ...others]);
    const derived = isOpen(axis) || this.random.oneIn(2) ? undefined : this.#derived(axis, scope, depth);
    if (derived !== undefined) return derived;
    if (first !== undefined && scope.guarded && isOpen(axis)) return first;
    if (depth > 0 && this.random.oneIn(4)) return this.#arg(axis, scope, depth - 1);
    return this.#forced(axis, this.write("integer", scope, depth - 1));
  }

  #forced(axis: AxisName, integer: Expression): Expression {
    return apply({ axis }, [integer], ([i = ""]) => `clamp(${i}, ${axis})`, (maker, [i]) => maker.clamp(i ?? maker.builder.zero, axis));
  }

  /** A position that is inside whatever the sizes are. */
  #derived(axis: AxisName, scope: Scope, depth: number): Expression | undefined {
    const along = (name: AxisName): Expression | undefined => {
      const [first, ...others] = scope.indices.filter((index) => axisOf(index) === name);
      return first === undefined ? undefined : this.random.pick([first, ...others]);
    };
    const arithmetic = (of: Expression | undefined, text: (i: string) => string, make: (maker: Maker, i: Value) => Value): Expression | undefined =>
      of === undefined ? undefined : apply({ axis }, [of], ([i = ""]) => text(i), (maker, [i]) => make(maker, i ?? maker.builder.zero));
    const digit = along("d");
    const quotient = (by: number) => ({ builder }: Maker, i: Value): Value => builder.floor(builder.divide(i, builder.constant(by)));
    switch (axis) {
      case "d": return this.random.pick<readonly [() => Expression | undefined, ...(() => Expression | undefined)[]]>([
        () => arithmetic(digit, (i) => `(7 - ${i})`, ({ builder }, i) => builder.linear(7, [[-1, i]])),
        () => arithmetic(digit, (i) => `((${i} + 4) % 8)`, ({ builder }, i) => builder.remainder(builder.linear(4, [[1, i]]), builder.constant(8))),
        () => arithmetic(digit, (i) => `(${i} < 4 ? ${i} + 4 : ${i} - 4)`, ({ builder }, i) => builder.select(builder.less(i, builder.constant(4)), builder.linear(4, [[1, i]]), builder.linear(-4, [[1, i]]))),
        () => arithmetic(along("c"), (i) => `(${i} + 2)`, ({ builder }, i) => builder.linear(2, [[1, i]])),
      ])();
      case "c": return this.random.oneIn(2)
        ? arithmetic(digit, (i) => `Math.floor(${i} / 2)`, quotient(2))
        : arithmetic(digit, (i) => `(${i} % 4)`, ({ builder }, i) => builder.remainder(i, builder.constant(4)));
      case "v": {
        const code = depth > 0 ? this.#input("k", scope, depth - 1) : undefined;
        if (code !== undefined && this.random.oneIn(2)) return { ...code, sort: { axis } };
        return arithmetic(digit, (i) => `(${i} + 0)`, (_, i) => i);
      }
      default: return undefined;
    }
  }

  #arg(axis: AxisName, scope: Scope, depth: number): Expression {
    const [name, inner] = this.bind(axis, scope);
    const op = this.random.pick(["argmax", "argmin"]);
    const body = this.write("exact", inner, Math.min(depth, 2));
    return binder({ axis }, name, body, [], ([of]) => `clamp(${op}(${axis}, (${name}) => ${of}), ${axis})`, (maker, parts) => maker.clamp(maker.reduce(op, axis, partOf(parts, 0)), axis));
  }

  /** Whether a read has a position for each of its axes: under a condition, none is forced into an axis that may be empty. */
  #readable({ axes }: RandomInput, { guarded, indices }: Scope): boolean {
    return !guarded || axes.every((axis) => !isOpen(axis) || indices.some((index) => axisOf(index) === axis));
  }

  #load(scope: Scope, depth: number, sort: "exact" | "real"): Expression {
    const names = [...INPUTS].filter(([, input]) => (sort === "real" || input.sort !== "real") && this.#readable(input, scope)).map(([name]) => name);
    const [first = "n", ...others] = names;
    return this.#input(this.random.pick([first, ...others]), scope, depth) ?? whole(1);
  }

  #input(name: string, scope: Scope, depth: number): Expression | undefined {
    const input = INPUTS.get(name);
    if (input === undefined || !this.#readable(input, scope)) return undefined;
    return readOf(name, input, input.axes.map((axis) => this.index(axis, scope, depth)));
  }

  #integer(scope: Scope, depth: number): Expression {
    const [first, ...others] = scope.indices;
    const small = this.random.whole(2, 5);
    const part = (): Expression => this.write("integer", scope, depth - 1);
    switch (this.random.whole(0, 6)) {
      case 0: return first === undefined ? whole(1) : this.random.pick([first, ...others]);
      case 1: {
        const axis = this.random.pick(AXIS_NAMES);
        return leaf("integer", `extent(${axis})`, (maker) => maker.extent(axis));
      }
      case 2: return apply("integer", [part(), part()], ([l, r]) => `(${l} + ${r})`, ({ builder }, parts) => builder.add(...parts));
      case 3: return apply("integer", [part(), part()], ([l, r]) => `(${l} - ${r})`, ({ builder }, parts) => two(parts, (l, r) => builder.subtract(l, r)));
      case 4: return apply("integer", [part()], ([of]) => `Math.floor(${of} / ${small})`, ({ builder }, [of = builder.zero]) => builder.floor(builder.divide(of, builder.constant(small))));
      case 5: return this.#input(this.random.pick(["k", "m", "p", "n"]), scope, depth - 1) ?? whole(1);
      default: return apply("integer", [part()], ([of]) => `(${of} % ${small})`, ({ builder }, [of = builder.zero]) => builder.remainder(of, builder.constant(small)));
    }
  }

  #arithmetic(scope: Scope, depth: number): Expression {
    const op = this.random.pick(["+", "-", "*", "*"]);
    return apply("real", [this.write("real", scope, depth), this.write("real", scope, depth)], ([l, r]) => `(${l} ${op} ${r})`, ({ builder }, parts) =>
      two(parts, (l, r) => (op === "+" ? builder.add(l, r) : op === "-" ? builder.subtract(l, r) : builder.multiply(l, r))));
  }

  /** Functions, kept away from their poles and from overflow. */
  #function(scope: Scope, depth: number): Expression {
    const fn = (name: MathFunction) => (maker: Maker, x: Value): Value => maker.apply(name, x);
    const more = (by: number) => ({ builder }: Maker, x: Value): Value => builder.add(builder.constant(by), builder.apply("abs", [x]));
    const choice = this.random.pick<readonly [Applied, ...Applied[]]>([
      { text: (x) => `Math.exp(Math.min(${x}, 4))`, make: (maker, x) => maker.exp(maker.builder.smaller(x, maker.number(4))) },
      { text: (x) => `Math.sqrt(1 + Math.abs(${x}))`, make: (maker, x) => maker.apply("sqrt", more(1)(maker, x)) },
      { text: (x) => `Math.log(2 + Math.abs(${x}))`, make: (maker, x) => maker.apply("log", more(2)(maker, x)) },
      { text: (x) => `Math.tanh(${x})`, make: fn("tanh") },
      { text: (x) => `1 / (1 + Math.abs(${x}))`, make: (maker, x) => maker.builder.divide(maker.builder.one, more(1)(maker, x)) },
      { text: (x) => `-(${x})`, make: ({ builder }, x) => builder.negate(x) },
    ]);
    return apply("real", [this.write("real", scope, depth)], ([x = ""]) => `(${choice.text(x)})`, (maker, [x = maker.builder.zero]) => choice.make(maker, x));
  }

  #sum(scope: Scope, depth: number): Expression {
    const axis = this.axis();
    const [name, inner] = this.bind(axis, scope);
    const body = this.write("real", inner, depth);
    if (!this.random.oneIn(4)) return binder("real", name, body, [], ([of]) => `sum(${axis}, (${name}) => ${of})`, (maker, parts) => maker.sum(axis, partOf(parts, 0)));
    const parts = [this.mask(inner, depth - 1), body];
    const term = apply("real", parts, ([live, of]) => `(${live} ? ${of} : 0)`, ({ builder }, [live = builder.true, of = builder.zero]) => builder.select(live, of, builder.zero));
    return binder("real", name, term, [], ([of]) => `sum(${axis}, (${name}) => ${of})`, (maker, built) => maker.sum(axis, partOf(built, 0)));
  }

  /** The largest or smallest over an axis, which may be empty or masked. */
  #extreme(scope: Scope, depth: number, sort: Numeric): Expression {
    const axis = this.axis();
    const [name, inner] = this.bind(axis, scope);
    const largest = this.random.oneIn(2);
    const body = this.write(sort, inner, depth - 1);
    const nothing = largest ? "-Infinity" : "Infinity";
    const none = largest ? -Infinity : Infinity;
    const live = this.random.oneIn(3) ? this.mask(inner, depth - 2) : undefined;
    const element = live === undefined ? body
      : apply(sort, [live, body], ([when, of]) => `(${when} ? ${of} : ${nothing})`, ({ builder }, [when = builder.true, of = builder.zero]) => builder.select(when, of, builder.constant(none)));
    // Over nothing an extreme is infinite, and what is infinite is not taken for an integer.
    const floor = sort === "integer" ? (text: string): string => `Math.floor(${text})` : (text: string): string => text;
    return binder(sort, name, element, [],
      ([of]) => floor(largest ? `Math.max(-3, max(${axis}, (${name}) => ${of}))` : `Math.min(3, min(${axis}, (${name}) => ${of}))`),
      (maker, parts) => {
        const { builder } = maker;
        const extreme = maker.reduce(largest ? "max" : "min", axis, partOf(parts, 0));
        const bounded = largest ? builder.larger(builder.constant(-3), extreme) : builder.smaller(builder.constant(3), extreme);
        return sort === "integer" ? builder.floor(bounded) : bounded;
      });
  }

  #choice(scope: Scope, depth: number, sort: Numeric): Expression {
    const masks = this.random.oneIn(2);
    const condition = masks ? this.mask(scope, depth - 1) : this.write("truth", scope, depth - 1);
    const branches = masks ? scope : { ...scope, guarded: true };
    const parts = [condition, this.write(sort, branches, depth - 1), this.write(sort, branches, depth - 1)];
    return apply(sort, parts, ([c, yes, no]) => `(${c} ? ${yes} : ${no})`, ({ builder }, [c = builder.true, yes = builder.zero, no = builder.zero]) => builder.select(c, yes, no));
  }

  /** What is known by a name: a number computed before, or a function of the program. */
  #known(scope: Scope, depth: number, sort: Numeric): Expression | undefined {
    const values = scope.values.filter((value) => value.sort === sort || (sort === "real" && value.sort === "exact"));
    const functions = scope.functions.filter(({ value }) => sort === "real" || (sort === "exact" && value.sort === "exact"))
      .filter(({ parameters }) => !scope.guarded || parameters.every(({ axis }) => !isOpen(axis) || scope.indices.some((index) => axisOf(index) === axis)));
    const [value, ...otherValues] = values;
    if (value !== undefined && this.random.oneIn(2)) return this.random.pick([value, ...otherValues]);
    const [first, ...others] = functions;
    if (first === undefined) return undefined;
    const { name, parameters, value: { sort: result } } = this.random.pick([first, ...others]);
    const call = apply(result, parameters.map(({ axis }) => this.index(axis, scope, depth - 1)), (at) => `${name}(${at.join(", ")})`, (maker, at) => maker.call(name, at));
    return { ...call, calls: name };
  }

  /** A number that is used more than once. */
  #shared(scope: Scope, depth: number, sort: Numeric): Expression {
    const value = this.write(sort, scope, depth - 1);
    const name = `t${this.#bound++}`;
    const body = this.write(sort, { ...scope, values: [...scope.values, named(value.sort, name)] }, depth);
    return binder(sort, name, body, [value], ([of, is]) => `(() => { const ${name} = ${is}; return ${of}; })()`, (_, parts) => partOf(parts, 0)(partOf(parts, 1)()));
  }

  #compare(scope: Scope, depth: number): Expression {
    const op = this.random.pick(["<", "<=", ">", ">=", "===", "!=="]);
    const sort = this.random.pick(["integer", "exact"]);
    return this.#compared(op, this.write(sort, scope, depth - 1), this.write(sort, scope, depth - 1));
  }

  #compared(op: string, left: Expression, right: Expression): Expression {
    return apply("truth", [left, right], ([l, r]) => comparison(l, op, r), (maker, parts) => two(parts, (l, r) => COMPARED[op]?.(maker, l, r) ?? maker.builder.true));
  }

  /** A condition on positions, as masks are made of: causal, a window, a prefix, or one that is read. It leaves no axis empty. */
  mask(scope: Scope, depth: number): Expression {
    const [first, ...others] = scope.indices;
    if (first === undefined) return this.#compared(this.random.pick(["<", ">="]), this.#input("n", scope, depth) ?? whole(1), whole(this.random.whole(-2, 4)));
    const one = this.random.pick([first, ...others]);
    const other = this.random.pick([first, ...others]);
    switch (this.random.whole(0, 3)) {
      case 0: return this.#compared("<=", one, other);
      case 1: return this.#compared("<", apply("integer", [one, other], ([l, r]) => `(${l} - ${r})`, ({ builder }, parts) => two(parts, (l, r) => builder.subtract(l, r))), whole(this.random.whole(1, 9)));
      case 2: return this.#compared("<", one, this.#input(this.random.pick(["n", "p"]), scope, depth) ?? whole(4));
      default: {
        const read = this.#input("m", scope, depth);
        return read === undefined ? this.#compared("<=", one, other) : this.#compared("===", read, whole(1));
      }
    }
  }

  #logic(scope: Scope, depth: number): Expression {
    const op = this.random.pick(["&&", "||"]);
    const parts = [this.write("truth", scope, depth - 1), this.write("truth", { ...scope, guarded: true }, depth - 1)];
    return apply("truth", parts, ([l, r]) => `(${l} ${op} ${r})`, ({ builder }, built) => (op === "&&" ? builder.and(...built) : builder.or(...built)));
  }

  #quantifier(scope: Scope, depth: number): Expression {
    const axis = this.axis();
    const [name, inner] = this.bind(axis, scope);
    const op = this.random.pick(["any", "all"]);
    return binder("truth", name, this.write("truth", inner, depth - 1), [], ([body]) => `${op}(${axis}, (${name}) => ${body})`, (maker, parts) =>
      op === "any" ? maker.reduce("any", axis, partOf(parts, 0)) : maker.all(axis, partOf(parts, 0)));
  }
}

interface Applied {
  readonly text: (x: string) => string;
  readonly make: (maker: Maker, x: Value) => Value;
}
