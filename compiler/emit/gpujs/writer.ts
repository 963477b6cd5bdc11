/** @file Writes values into scopes as gpu.js source: each once, named, in the scope of its deepest free axis. */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import { isTruth, type GraphBuilder } from "../../../spec/graph/builder";
import type { Index, Reduce, Value } from "../../../spec/graph/node";
import type { KernelArray } from "../../kernel/kernel";
import { integerType } from "../../kernel/scalar";
import { atom, compare, element, statement, type Code, type Name } from "../code";
import { ensureReductions, type Accumulator, type Loops } from "../reductions";
import { Scope } from "../scope";
import { startAccumulator } from "./accumulators";
import { choose, COUNTER, list, number } from "./code";
import type { Script } from "./expressions";
import { numberCode } from "./numbers";
import { truthCode } from "./truths";

/** The parameter that holds the sizes of open axes. */
export const SIZES = "sizes";

export class ScriptWriter implements Script, Loops {
  readonly builder: GraphBuilder;
  readonly root = new Scope(undefined, []);
  /** Whether the size of an open axis is read. */
  sized = false;
  /** Integers that must be exact in f32. */
  readonly checked = new Set<Value>();
  /** Extents of the loops. */
  readonly loops = new Set<Value>();
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #variables: ReadonlyMap<KernelArray, string>;
  readonly #open: readonly string[];
  #scope: Scope = this.root;

  /**
   * @param variables the parameters of the arrays that are read
   * @param open the axes whose sizes are the elements of `SIZES`
   */
  constructor(builder: GraphBuilder, variables: ReadonlyMap<KernelArray, string>, open: readonly string[]) {
    this.builder = builder;
    this.#open = open;
    this.#variables = variables;
    this.#arrays = new Map([...variables.keys()].map((array) => [array.name, array]));
  }

  get scope(): Scope {
    return this.#scope;
  }

  array(name: string): KernelArray {
    return this.#arrays.get(name) ?? missing(name);
  }

  variable(array: KernelArray): string {
    return this.#variables.get(array) ?? missing(array.name);
  }

  check(value: Value): void {
    this.checked.add(value);
  }

  number(value: Value): Code {
    if (isTruth(value)) throw new InternalError(`a ${value.kind} is used as a number`);
    return this.#value(value, () => this.#leaf(value) ?? numberCode(this, value), "x");
  }

  /** A truth; one that is put together of others is named as 1 or 0, as gpu.js has no variables of truths on every GPU. */
  truth(value: Value): Code {
    if (!isTruth(value)) throw new InternalError(`a ${value.kind} is used as a truth`);
    if (value.kind === "reduce") return this.#value(value, () => truthCode(this, value), "p");
    const known = this.#scope.find(value, WHOLE);
    if (known !== undefined) return known;
    const code = truthCode(this, value);
    const place = this.#scope.placeOf(value);
    const whole = value.kind === "and" || value.kind === "or" ? compare(">", this.name(place, "p", choose(code, number(1), number(0))), number(0)) : code;
    place.define(value, WHOLE, whole);
    return whole;
  }

  #value(value: Value, make: () => Code, hint: string): Code {
    const known = this.#scope.find(value, WHOLE);
    if (known !== undefined) return known;
    if (value.kind === "reduce") {
      if (integerType(value) !== undefined) this.check(value);
      this.ensure([value]);
      return this.#scope.find(value, WHOLE) ?? missing(`a reduction over ${value.axis}`);
    }
    return this.#once(value, WHOLE, hint, make);
  }

  #leaf(value: Value): Code | undefined {
    if (value.kind === "index") return this.int(value);
    if (value.kind !== "extent") return undefined;
    const known = this.root.find(value, WHOLE);
    if (known !== undefined) return known;
    const at = this.#open.indexOf(value.axis);
    if (at < 0) return missing(`the size of ${value.axis}`);
    this.sized = true;
    const name = this.declare(this.root, "n", element(SIZES, atom(String(at))));
    this.root.define(value, WHOLE, name);
    return name;
  }

  int(index: Value): Code {
    if (index.kind !== "index") return this.number(index);
    const code = this.#scope.indexOf(index.name);
    if (code !== undefined) return code;
    throw new InternalError(`the axis ${index.name} is not bound here`);
  }

  once(part: Value, key: string, hint: string, make: () => Code): Code {
    return this.#once(part, key, hint, make);
  }

  #once(of: Value, as: string, hint: string, make: () => Code): Code {
    const known = this.#scope.find(of, as);
    if (known !== undefined) return known;
    const code = make();
    const place = this.#scope.placeOf(of);
    const named = code.kind === "name" || code.parts.every((piece) => typeof piece === "string") ? code : this.name(place, hint, code);
    place.define(of, as, named);
    return named;
  }

  read(part: Value, key: string, make: () => Code): Code {
    // Of two parts that read the same element, one may be computed further out, where what the other has read is not there.
    const place = this.#scope.placeOf(part);
    const known = place.find(key, "read");
    if (known !== undefined) return known;
    const name = this.variableOf(part, "v", make());
    place.define(key, "read", name);
    return name;
  }

  variableOf(part: Value, hint: string, code: Code): Name {
    return this.declare(this.#scope.placeOf(part), hint, code);
  }

  /** A name for what never changes. */
  name(block: Scope, hint: string, value: Code): Name {
    const name: Name = { kind: "name", block, hint, value };
    block.lines.push({ kind: "let", name });
    return name;
  }

  /** A variable, which is never put where it is used. */
  declare(block: Scope, hint: string, initial: Code): Name {
    const name: Name = { kind: "name", block, hint, value: undefined };
    block.lines.push({ kind: "var", name, initial });
    return name;
  }

  effect(...parts: readonly (string | Code)[]): void {
    this.#scope.lines.push({ kind: "effect", text: statement(...parts) });
  }

  // Loops.

  has(value: Value): boolean {
    return this.#scope.find(value, WHOLE) !== undefined;
  }

  define(scope: Scope, value: Value, code: Code): void {
    scope.define(value, WHOLE, code);
  }

  within(scope: Scope, write: () => void): void {
    const before = this.#scope;
    this.#scope = scope;
    write();
    this.#scope = before;
  }

  start(place: Scope, reduce: Reduce): Accumulator {
    return startAccumulator(this, place, reduce);
  }

  ensure(values: readonly Value[]): void {
    ensureReductions(this, values);
  }

  loop(reduce: Reduce, k: number, write: () => void): void {
    const { index } = this.builder.openAs(reduce, k);
    this.#count(index, write);
  }

  #count(index: Index, write: () => void): void {
    const around = this.#scope;
    const high = this.number(index.extent);
    this.loops.add(index.extent);
    const inner = new Scope(around, [index.name]);
    const counter: Name = { kind: "name", block: inner, hint: COUNTER, value: undefined };
    inner.indices.set(index.name, counter);
    this.within(inner, write);
    const head = statement("for (let ", counter, " = 0; ", counter, " < ", high, "; ", counter, "++)");
    around.lines.push({ kind: "nest", head, repeats: true, block: inner, otherwise: undefined });
  }

  guard(condition: Value, write: () => void): void {
    this.when(this.truth(condition), write, [condition]);
  }

  /** `if (code) { … }`, in which `holds` is known, and whatever the current scope binds is bound again. */
  when(code: Code, write: () => void, holds: readonly Value[] = []): void {
    const around = this.#scope;
    const inner = new Scope(around, around.binds, holds);
    this.within(inner, write);
    around.lines.push({ kind: "nest", head: statement("if (", code, ")"), repeats: false, block: inner, otherwise: undefined });
  }

  /** Values as they are returned, a truth as 1 or 0: one by itself, several in a list. */
  results(values: readonly Value[]): Code {
    this.ensure(values);
    const codes = values.map((value) => (isTruth(value) ? choose(this.truth(value), number(1), number(0)) : this.number(value)));
    const [only] = codes;
    return only !== undefined && codes.length === 1 ? only : list(codes);
  }
}

/** What a value is computed as where it is computed in one way only. */
const WHOLE = "value";

function missing(what: string): never {
  throw new InternalError(`a kernel needs ${what}, which it does not have`);
}
