/** @file Writes values into scopes: each once, named, in the scope of its deepest free axis. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import { isTruth, type GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Reduce, Value } from "../../spec/graph/node";
import { boundsOf } from "../kernel/bounds";
import type { KernelArray } from "../kernel/kernel";
import { scalarType } from "../kernel/scalar";
import { atom, Block, call, statement, type Code, type Name } from "./code";
import type { Helper } from "./helpers";
import { modularCode, signedCode, unsignedCode } from "./integers";
import { realCode } from "./reals";
import { ensureReductions, startAccumulator, type Accumulator, type LoopWriter } from "./reductions";
import { Scope } from "./scope";
import { truthCode } from "./truths";

/** How a value is computed: as one of the scalar types, or as an i32 modulo 2³². */
type As = "real" | "int" | "uint" | "modular" | "truth";

const HINT: Readonly<Record<As, string>> = { real: "x", int: "n", uint: "w", modular: "n", truth: "p" };
const MAKE: Readonly<Record<As, (x: Writer, value: Value) => Code>> = {
  real: realCode, int: signedCode, uint: unsignedCode, modular: modularCode, truth: truthCode,
};

export class Writer implements LoopWriter {
  readonly builder: GraphBuilder;
  /** The scope of the whole kernel: sizes, and axes of the grid. */
  readonly root: Scope;
  /** Axes whose sizes are read from the uniform, in order of first use. */
  readonly sizes: string[] = [];
  readonly helpers = new Set<Helper>();
  /** Values of type i32 that fit for some sizes only. */
  readonly checked = new Set<Value>();
  /** Loops in order of writing, for the heading. */
  readonly loops: { readonly depth: number; readonly reduce: Reduce }[] = [];
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #variables: ReadonlyMap<KernelArray, string>;
  readonly #written: ReadonlySet<string>;
  readonly #volatile = new Map<Value, boolean>();
  /** Arrays that are declared in fours, and the addresses of each array as they were written. */
  readonly wide: ReadonlySet<string>;
  readonly addresses = new Map<string, Set<Value>>();
  /** Elements of workgroup memory through which lanes exchange registers. */
  scratch = 0;
  #scope: Scope;

  /** @param written names of the arrays that the kernel writes */
  constructor(builder: GraphBuilder, variables: ReadonlyMap<KernelArray, string>, written: ReadonlySet<string>, wide: ReadonlySet<string>) {
    this.builder = builder;
    this.#written = written;
    this.wide = wide;
    this.root = new Scope(undefined, [], [], { isVolatile: (value) => this.#isVolatile(value) });
    this.#scope = this.root;
    this.#variables = variables;
    this.#arrays = new Map([...variables.keys()].map((array) => [array.name, array]));
  }

  get scope(): Scope {
    return this.#scope;
  }

  array(name: string): KernelArray {
    const array = this.#arrays.get(name);
    if (array === undefined) throw new InternalError(`a kernel reads ${name}, which it does not declare`);
    return array;
  }

  variable(array: KernelArray): string {
    const variable = this.#variables.get(array);
    if (variable === undefined) throw new InternalError(`${array.name} has no variable`);
    return variable;
  }

  #isVolatile(value: Value): boolean {
    let known = this.#volatile.get(value);
    if (known === undefined) {
      const read = value.kind === "slot" ? value.name : value.kind === "load" ? value.tensor.name : undefined;
      known = (read !== undefined && this.#written.has(read)) || children(value).some((part) => this.#isVolatile(part));
      this.#volatile.set(value, known);
    }
    return known;
  }

  note(array: KernelArray, address: Value): void {
    const known = this.addresses.get(array.name);
    if (known === undefined) this.addresses.set(array.name, new Set([address]));
    else known.add(address);
  }

  helper(name: Helper): string {
    this.helpers.add(name);
    return name;
  }

  check(value: Value): void {
    this.checked.add(value);
  }

  real(value: Value): Code {
    return this.#value(value, "real");
  }

  int(value: Value): Code {
    return this.#value(value, "int");
  }

  uint(value: Value): Code {
    return this.#value(value, "uint");
  }

  modular(value: Value): Code {
    return this.#value(value, "modular");
  }

  truth(value: Value): Code {
    return this.#value(value, "truth");
  }

  #value(value: Value, as: As): Code {
    const known = this.#scope.find(nameOf(value), as);
    if (known !== undefined) return known;
    if (isTruth(value) !== (as === "truth")) throw new InternalError(`a ${value.kind} is used as ${as}`);
    if (value.kind === "reduce") {
      const own = OWN[scalarType(value)];
      this.ensure([value]);
      if (own === as) return this.#scope.find(nameOf(value), as) ?? lost(value);
    }
    return this.once(value, as, HINT[as], () => this.#leaf(value, as) ?? MAKE[as](this, value));
  }

  /** Sizes, indices, and conversions of what is kept in a variable of another type. */
  #leaf(value: Value, as: As): Code | undefined {
    if (value.kind === "reduce") return this.#converted(value, as);
    if (value.kind !== "extent" && value.kind !== "index") return undefined;
    if (as === "modular") return this.int(value);
    if (as !== "int") return undefined;
    return value.kind === "index" ? this.#index(value) : call("i32", atom(`sizes.${this.#size(value.axis)}`));
  }

  #converted(value: Reduce, as: As): Code {
    const own = scalarType(value);
    const read = (): Code => this.#value(value, OWN[own]);
    if (as === "real") return call("f32", read());
    if (own === "i32" && as === "modular") return read();
    if (own === "i32" && as === "uint") return call("u32", boundsOf(value)[0] >= 0 ? read() : call("max", read(), atom("0")));
    if (own === "u32" && as === "modular") return call("bitcast<i32>", read());
    if (own === "u32" && as === "int") return call("i32", call("min", read(), atom("2147483647u")));
    if (own === "f32" && (as === "int" || as === "modular")) return call("i32", read());
    if (own === "f32" && as === "uint") return call("u32", read());
    throw new InternalError(`a reduction in ${own} is used as ${as}`);
  }

  #size(axis: string): string {
    let at = this.sizes.indexOf(axis);
    if (at < 0) at = this.sizes.push(axis) - 1;
    return `n${at}`;
  }

  #index(index: Index): Code {
    const code = this.#scope.indexOf(index.name);
    if (code !== undefined) return code;
    throw new InternalError(`the axis ${index.name} is not bound here`);
  }

  once(value: Value, as: string, hint: string, make: () => Code, part = value): Code {
    const known = this.#scope.find(nameOf(value), as);
    if (known !== undefined) return known;
    const code = make();
    const place = this.#scope.placeOf(part);
    const named = code.kind === "name" || code.parts.every((part) => typeof part === "string") ? code : this.#name(place, hint, code);
    place.define(nameOf(value), as, named);
    return named;
  }

  #name(block: Scope, hint: string, value: Code): Name {
    const name: Name = { kind: "name", block, hint, value };
    block.lines.push({ kind: "let", name });
    return name;
  }

  /** `if (code) { … }` at the start of the kernel, to be filled by the caller. */
  surplus(code: Code): Block {
    const inner = new Block(this.root);
    this.root.lines.push({ kind: "nest", head: statement("if (", code, ")"), repeats: false, block: inner, otherwise: undefined });
    return inner;
  }

  // Loops.

  has(value: Value): boolean {
    return KEYS.some((as) => this.#scope.find(nameOf(value), as) !== undefined);
  }

  define(scope: Scope, value: Value, code: Code): void {
    scope.define(nameOf(value), OWN[scalarType(value)], code.kind === "name" ? code : this.#name(scope, "a", code));
  }

  within(scope: Scope, write: () => void): void {
    const before = this.#scope;
    this.#scope = scope;
    write();
    this.#scope = before;
  }

  declare(scope: Scope, hint: string, initial: Code): Name {
    const name: Name = { kind: "name", block: scope, hint, value: undefined };
    scope.lines.push({ kind: "var", name, initial });
    return name;
  }

  start(place: Scope, reduce: Reduce): Accumulator {
    return startAccumulator(this, place, reduce);
  }

  ensure(values: readonly Value[]): void {
    ensureReductions(this, values);
  }

  loop(reduce: Reduce, k: number, write: () => void): void {
    const { index } = this.builder.openAs(reduce, k);
    this.loops.push({ depth: this.#scope.depth, reduce });
    this.count(index, atom("0"), this.int(index.extent), write);
  }

  /** A loop over `index` from `low` below `high` in the current scope, which also binds `more`. */
  count(index: Index, low: Code, high: Code, write: () => void, more: readonly Index[] = []): void {
    const around = this.#scope;
    const inner = new Scope(around, [index, ...more].map(({ name }) => name));
    const counter: Name = { kind: "name", block: inner, hint: "k", value: undefined };
    inner.indices.set(index.name, counter);
    this.within(inner, write);
    const head = statement("for (var ", counter, " = ", low, "; ", counter, " < ", high, "; ", counter, "++)");
    around.lines.push({ kind: "nest", head, repeats: true, block: inner, otherwise: undefined });
  }

  guard(condition: Value, write: () => void): void {
    this.branch(this.truth(condition), [condition], write);
  }

  /** `if (code) { … } else { … }`, in which `holds` is known, and whatever the current scope binds is bound again, with `more`. */
  branch(code: Code, holds: readonly Value[], write: () => void, more: readonly Index[] = [], otherwise?: () => void): void {
    const around = this.#scope;
    const names = [...around.binds, ...more.map(({ name }) => name)];
    const inner = new Scope(around, names, holds);
    this.within(inner, write);
    const outer = otherwise === undefined ? undefined : new Scope(around, names);
    if (outer !== undefined && otherwise !== undefined) this.within(outer, otherwise);
    around.lines.push({ kind: "nest", head: statement("if (", code, ")"), repeats: false, block: inner, otherwise: outer });
  }
}

/** What a value is known by in a scope: an element by its place, also where it is known not to be infinite, since it is read once. */
function nameOf(value: Value): Value | string {
  return value.kind !== "load" || value.tensor.infinities === undefined ? value : `${value.tensor.name} ${value.indices.map(({ id }) => id).join()}`;
}

const OWN = { i32: "int", u32: "uint", f32: "real", bool: "truth" } as const;
const KEYS: readonly As[] = ["real", "int", "uint", "modular", "truth"];

function lost(value: Value): never {
  throw new InternalError(`a reduction over ${value.kind === "reduce" ? value.axis : value.kind} was written and is not known`);
}
