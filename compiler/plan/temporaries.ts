/** @file Temporary arrays: values that are computed once, in dispatches of their own, and read where they are used. */

import { isTruth, type GraphBuilder } from "../../spec/graph/builder";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Facts, Index, Value } from "../../spec/graph/node";
import { I32, U32 } from "../kernel/bounds";
import { infinitiesOf, isInfinite } from "../kernel/infinities";
import type { KernelArray } from "../kernel/kernel";
import { scalarType, type Scalar } from "../kernel/scalar";
import { canonical } from "./free";
import type { Unit } from "./plan";

interface Temporary {
  readonly array: KernelArray;
  readonly axes: readonly Index[];
  /** In the form in which it is stored: a truth as 0 or 1. */
  value: Value;
  readonly facts: Facts;
  readonly truth: boolean;
}

export class Temporaries {
  readonly #builder: GraphBuilder;
  readonly #made = new Map<Value, Temporary>();
  readonly #taken: Set<string>;

  /** @param taken names of other arrays */
  constructor(builder: GraphBuilder, taken: Iterable<string>) {
    this.#builder = builder;
    this.#taken = new Set(taken);
  }

  get arrays(): readonly KernelArray[] {
    return [...this.#made.values()].map(({ array }) => array);
  }

  get units(): readonly Unit[] {
    return [...this.#made.values()].map(({ array, axes, value }) => ({ array, axes, indices: axes, value }));
  }

  /** Computes the values of all temporaries otherwise: `rewrite` keeps what they mean. New ones may be made on the way. */
  rewrite(rewrite: (value: Value, axes: readonly Index[]) => Value): void {
    // A map's iteration also reaches what is added during it.
    for (const temporary of this.#made.values()) temporary.value = rewrite(temporary.value, temporary.axes);
  }

  has(value: Value): boolean {
    return this.#made.has(canonical(this.#builder, value).value);
  }

  /** Has `value` computed on its own, over its free indices in the order of `nest` and then of their names. */
  add(value: Value, nest: readonly Index[]): void {
    const { value: key, actual } = canonical(this.#builder, value);
    if (this.#made.has(key)) return;
    const order = new Map(nest.map(({ name }, at) => [name, at]));
    const rank = (name: string): number => order.get(actual.get(name)?.name ?? "") ?? nest.length;
    const names = [...actual.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    const axes = names.map((name) => {
      const index = actual.get(name);
      const k = Number(name.slice(name.lastIndexOf("@") + 1));
      const own = index === undefined ? undefined : this.#builder.index(index.axis, index.extent, k);
      if (own?.kind !== "index") throw new InternalError(`${name} is no index`);
      return own;
    });
    const truth = isTruth(key);
    const stored = truth ? this.#builder.select(key, this.#builder.one, this.#builder.zero) : key;
    const scalar = scalarType(stored);
    const array: KernelArray = {
      name: this.#name(key),
      shape: axes.map(({ extent }) => extent),
      element: { kind: scalar === "bool" ? "u32" : scalar },
      space: "buffer",
      infinite: scalar === "f32" && isInfinite(infinitiesOf(stored)),
    };
    this.#made.set(key, { array, axes, value: stored, facts: factsOf(stored, scalar), truth });
  }

  /** `value` as read from its temporary; undefined where it has none. */
  read(value: Value): Value | undefined {
    const { value: key, actual } = canonical(this.#builder, value);
    const made = this.#made.get(key);
    if (made === undefined) return undefined;
    const indices = made.axes.map(({ name }) => actual.get(name) ?? unnamed(name));
    const slot = this.#builder.slot(made.array.name, indices, made.facts);
    return made.truth ? this.#builder.less(this.#builder.zero, slot) : slot;
  }

  #name(value: Value): string {
    const stem = value.kind === "reduce" ? `${value.op} over ${value.axis}` : value.kind;
    let name = stem;
    for (let k = 2; this.#taken.has(name); k++) name = `${stem} ${k}`;
    this.#taken.add(name);
    return name;
  }
}

function unnamed(name: string): never {
  throw new InternalError(`a temporary has no axis ${name}`);
}

/** What is known of an element when it is read back. */
function factsOf(value: Value, scalar: Scalar): Facts {
  const { negative, positive } = infinitiesOf(value);
  const facts = { ...value.facts, mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive };
  if (scalar === "f32") return facts;
  const [least, most] = scalar === "u32" ? U32 : I32;
  return { ...facts, low: Math.max(facts.low, least), high: Math.min(facts.high, most) };
}
