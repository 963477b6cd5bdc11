/**
 * @file Random programs of the language: well-typed kernels over a few small axes, whose indices lie inside their axes and
 * whose results are defined. Printed, each is a file that a user could have written.
 */

import { apply, binder, leaf, named, print, smaller, type Expression, type Sort } from "./expression";
import type { Random } from "./random";

/** A kernel in the making: what it computes, and over what. */
export interface RandomProgram {
  readonly element: string;
  readonly output: readonly string[];
  readonly value: Expression;
}

/** Axes of a program; `c` has a size of its own, the others get theirs from the inputs or from `set`. */
const AXES = { a: undefined, b: undefined, c: 5 } as const;
type AxisName = keyof typeof AXES;
const NAMES = ["a", "b", "c"] as const satisfies readonly AxisName[];

/** Inputs a program may read. Those of whole numbers are exact everywhere. */
const INPUTS = {
  x: { type: "f32", axes: ["a", "b"], sort: "exact" },
  y: { type: "f16", axes: ["b"], sort: "exact" },
  z: { type: "f32", axes: ["a", "c"], sort: "exact" },
  k: { type: "uint(3)", axes: ["b", "c"], sort: "integer" },
  n: { type: "i32", axes: [], sort: "integer" },
} as const satisfies Record<string, { readonly type: string; readonly axes: readonly AxisName[]; readonly sort: Sort }>;
type InputName = keyof typeof INPUTS;
const INPUT_NAMES = Object.keys(INPUTS) as [InputName, ...InputName[]];

const OUTPUTS = [["a"], ["b"], ["a", "b"], ["b", "c"], ["c", "a"], []] as const satisfies readonly (readonly AxisName[])[];

/** A random program; its expression nests to about `depth` levels. */
export function randomProgram(random: Random, depth = 5): RandomProgram {
  const output = random.pick(OUTPUTS);
  const integer = random.oneIn(6);
  const scope = output.map((axis, at) => named(axis, `o${at}`));
  return { element: integer ? random.pick(["i32", "uint(4)"]) : "f32", output, value: new Writer(random).write(integer ? "integer" : "real", scope, depth) };
}

/** The file in which the kernel is exported as `k`. */
export function programText({ element, output, value }: RandomProgram): string {
  const body = print(value);
  const used = new Set(body.match(/\b[A-Za-z]+\b/g));
  const inputs = INPUT_NAMES.filter((name) => new RegExp(`\\b${name}\\(`).test(body));
  const axes = NAMES.filter((name) => used.has(name) || output.includes(name) || inputs.some((input) => (INPUTS[input].axes as readonly string[]).includes(name)));
  const types = [...inputs.map((name) => INPUTS[name].type), element].map((type) => type.replace(/\(.*/, ""));
  const words = new Set(["kernel", ...types, ...IMPORTED.filter((name) => used.has(name)), ...(axes.length === 0 ? [] : ["axis"])]);
  return [
    `import { ${[...words].sort().join(", ")} } from "kvern";`,
    "",
    ...axes.map((name) => `const ${name} = axis("${name}"${AXES[name] === undefined ? "" : `, ${AXES[name]}`});`),
    "",
    "export const k = kernel(",
    `  { ${inputs.map((name) => `${name}: ${INPUTS[name].type}(${INPUTS[name].axes.join(", ")})`).join(", ")} },`,
    `  ${element}(${output.join(", ")}),`,
    `  (${inputs.length === 0 ? "" : `{ ${inputs.join(", ")} }`}) => (${output.map((_, at) => `o${at}`).join(", ")}) =>`,
    `    ${body},`,
    ");",
    "",
  ].join("\n");
}

/** Equality of numbers, also where both are written as literals, which TypeScript would call a mistake. */
function comparison(left = "", op: string, right = ""): string {
  return op === "===" || op === "!==" ? `(${left} + 0 ${op} ${right})` : `(${left} ${op} ${right})`;
}

/** What programs use of `kvern` beside axes, kernels and element types. */
const IMPORTED = ["all", "any", "argmax", "argmin", "clamp", "extent", "max", "min", "softmax", "sum"] as const;

/** Smaller programs than this one. */
export function* smallerPrograms(program: RandomProgram): Generator<RandomProgram> {
  for (const value of smaller(program.value)) yield { ...program, value };
}

type Scope = readonly Expression[];

class Writer {
  readonly #random: Random;
  #bound = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  write(sort: Sort, scope: Scope, depth: number): Expression {
    if (typeof sort === "object") return this.#index(sort.axis as AxisName, scope, depth);
    const inner = depth - 1;
    const load = (): Expression => this.#load(scope, inner);
    const whole = (): Expression => this.#whole();
    const integer = (): Expression => this.#integer(scope, inner);
    const extreme = (): Expression => this.#extreme(scope, inner, sort === "truth" ? "real" : sort);
    const choice = (): Expression => this.#choice(scope, inner, sort === "truth" ? "real" : sort);
    const compare = (): Expression => this.#compare(scope, inner);
    const arithmetic = (): Expression => this.#arithmetic(scope, inner);
    const sum = (): Expression => this.#sum(scope, inner);
    const writers = {
      truth: [compare, compare, () => this.#logic(scope, inner), () => this.#quantifier(scope, inner)],
      integer: [whole, integer, integer, extreme, choice],
      exact: [load, load, extreme, choice, integer],
      real: [load, load, arithmetic, arithmetic, () => this.#function(scope, inner), sum, sum, () => this.#softmax(scope, inner), extreme, choice],
    } as const;
    const last = { truth: () => leaf("truth", this.#random.pick(["true", "false"])), integer: whole, exact: load, real: load };
    return depth <= 0 ? last[sort]() : this.#random.pick<readonly [() => Expression, ...(() => Expression)[]]>(writers[sort])();
  }

  /** An index in scope, or any number forced into the axis. */
  #index(axis: AxisName, scope: Scope, depth: number): Expression {
    const [first, ...others] = scope.filter(({ sort }) => typeof sort === "object" && sort.axis === axis);
    if (first !== undefined && !this.#random.oneIn(4)) return this.#random.pick([first, ...others]);
    if (depth > 0 && this.#random.oneIn(4)) return this.#arg(axis, scope, depth - 1);
    return apply({ axis }, [this.write("integer", scope, depth - 1)], ([i]) => `clamp(${i}, ${axis})`);
  }

  #arg(axis: AxisName, scope: Scope, depth: number): Expression {
    const [name, inner] = this.#bind(axis, scope);
    const op = this.#random.pick(["argmax", "argmin"]);
    return binder({ axis }, name, this.write("exact", inner, Math.min(depth, 2)), [], ([body]) => `clamp(${op}(${axis}, (${name}) => ${body}), ${axis})`);
  }

  #bind(axis: AxisName, scope: Scope): readonly [string, Scope] {
    const name = `i${this.#bound++}`;
    return [name, [...scope, named(axis, name)]];
  }

  #whole(): Expression {
    return leaf("integer", String(this.#random.whole(0, 4)));
  }

  #load(scope: Scope, depth: number): Expression {
    const name = this.#random.pick(INPUT_NAMES);
    const { axes, sort } = INPUTS[name];
    return apply(sort, axes.map((axis) => this.#index(axis, scope, depth)), (at) => `${name}(${at.join(", ")})`);
  }

  #integer(scope: Scope, depth: number): Expression {
    const [first, ...others] = scope;
    const small = String(this.#random.whole(2, 5));
    const part = (): Expression => this.write("integer", scope, depth - 1);
    switch (this.#random.whole(0, 5)) {
      case 0: return first === undefined ? this.#whole() : this.#random.pick([first, ...others]);
      case 1: {
        const axis = this.#random.pick(NAMES);
        return leaf("integer", `extent(${axis})`);
      }
      case 2: return apply("integer", [part(), part()], ([l, r]) => `(${l} + ${r})`);
      case 3: return apply("integer", [part(), part()], ([l, r]) => `(${l} - ${r})`);
      case 4: return apply("integer", [part()], ([of]) => `Math.floor(${of} / ${small})`);
      default: return apply("integer", [part()], ([of]) => `(${of} % ${small})`);
    }
  }

  #arithmetic(scope: Scope, depth: number): Expression {
    const op = this.#random.pick(["+", "-", "*", "*"]);
    return apply("real", [this.write("real", scope, depth), this.write("real", scope, depth)], ([l, r]) => `(${l} ${op} ${r})`);
  }

  /** Functions, kept away from their poles and from overflow. */
  #function(scope: Scope, depth: number): Expression {
    const text = this.#random.pick([
      (x: string) => `Math.exp(Math.min(${x}, 4))`,
      (x: string) => `Math.sqrt(1 + Math.abs(${x}))`,
      (x: string) => `Math.log(2 + Math.abs(${x}))`,
      (x: string) => `Math.tanh(${x})`,
      (x: string) => `1 / (1 + Math.abs(${x}))`,
      (x: string) => `-(${x})`,
    ]);
    return apply("real", [this.write("real", scope, depth)], ([x = ""]) => `(${text(x)})`);
  }

  #sum(scope: Scope, depth: number): Expression {
    const axis = this.#random.pick(NAMES);
    const [name, inner] = this.#bind(axis, scope);
    return binder("real", name, this.write("real", inner, depth), [], ([body]) => `sum(${axis}, (${name}) => ${body})`);
  }

  /** A weight at some position, where there is one. */
  #softmax(scope: Scope, depth: number): Expression {
    const axis = this.#random.pick(NAMES);
    const [name, inner] = this.#bind(axis, scope);
    const [at, outer] = this.#bind(axis, scope);
    const score = this.write("real", inner, depth - 1);
    const other = this.write("real", outer, depth - 1);
    return {
      sort: "real",
      parts: [score, other],
      binds: [[name], [at]],
      print: ([s, o]) => `sum(${axis}, (${at}) => softmax(${axis}, (${name}) => ${s})(${at}) * ${o})`,
    };
  }

  /** The largest or smallest over an axis, which may be empty. */
  #extreme(scope: Scope, depth: number, sort: "integer" | "exact" | "real"): Expression {
    const axis = this.#random.pick(NAMES);
    const [name, inner] = this.#bind(axis, scope);
    const body = this.write(sort, inner, depth - 1);
    // Over an empty axis an extreme is infinite, and what is infinite is not taken for an integer.
    const whole = (text: string): string => (sort === "integer" ? `Math.floor(${text})` : text);
    return this.#random.oneIn(2)
      ? binder(sort, name, body, [], ([of]) => whole(`Math.max(-3, max(${axis}, (${name}) => ${of}))`))
      : binder(sort, name, body, [], ([of]) => whole(`Math.min(3, min(${axis}, (${name}) => ${of}))`));
  }

  #choice(scope: Scope, depth: number, sort: "integer" | "exact" | "real"): Expression {
    const parts = [this.write("truth", scope, depth - 1), this.write(sort, scope, depth - 1), this.write(sort, scope, depth - 1)];
    return apply(sort, parts, ([c, yes, no]) => `(${c} ? ${yes} : ${no})`);
  }

  #compare(scope: Scope, depth: number): Expression {
    const op = this.#random.pick(["<", "<=", ">", ">=", "===", "!=="]);
    const sort = this.#random.pick(["integer", "exact"]);
    return apply("truth", [this.write(sort, scope, depth - 1), this.write(sort, scope, depth - 1)], ([l, r]) => comparison(l, op, r));
  }

  #logic(scope: Scope, depth: number): Expression {
    const op = this.#random.pick(["&&", "||"]);
    return apply("truth", [this.write("truth", scope, depth - 1), this.write("truth", scope, depth - 1)], ([l, r]) => `(${l} ${op} ${r})`);
  }

  #quantifier(scope: Scope, depth: number): Expression {
    const axis = this.#random.pick(NAMES);
    const [name, inner] = this.#bind(axis, scope);
    const op = this.#random.pick(["any", "all"]);
    return binder("truth", name, this.write("truth", inner, depth - 1), [], ([body]) => `${op}(${axis}, (${name}) => ${body})`);
  }
}
