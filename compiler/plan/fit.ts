/** @file Splits what reads more arrays than one dispatch may bind: parts of it get arrays of their own. */

import type { GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import { refuse } from "../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../spec/graph/node";
import { readingTemporaries } from "./materialise";
import { arraysRead, type Unit } from "./plan";
import type { Temporaries } from "./temporaries";

/**
 * The units, none of which reads and writes more than `most` arrays.
 * @throws KvernError KV4101 when one expression reads too many by itself
 */
export function fitArrays(builder: GraphBuilder, name: string, units: readonly Unit[], temporaries: Temporaries, most: number): readonly Unit[] {
  const split = new Split(builder, name, temporaries, most - 1);
  let fitted = units;
  for (;;) {
    const before = temporaries.arrays.length;
    fitted = fitted.map((unit) => ({ ...unit, value: split.value(unit.value, unit.axes) }));
    temporaries.rewrite((value, axes) => split.value(value, axes));
    if (temporaries.arrays.length === before) return fitted;
    // What now has an array is read from it everywhere, which may be one array more.
    fitted = readingTemporaries(builder, fitted, temporaries);
  }
}

class Split {
  readonly #builder: GraphBuilder;
  readonly #name: string;
  readonly #temporaries: Temporaries;
  readonly #most: number;

  constructor(builder: GraphBuilder, name: string, temporaries: Temporaries, most: number) {
    this.#builder = builder;
    this.#name = name;
    this.#temporaries = temporaries;
    this.#most = most;
  }

  /** `value`, used inside `nest`, as something that reads few enough arrays. */
  value(value: Value, nest: readonly Index[]): Value {
    if (this.#fits([value])) return value;
    if (value.kind === "reduce") {
      const b = this.#builder;
      const { index, where, body } = b.open(value, nest.map(({ name }) => name));
      const inner = [...nest, index];
      const [guard, term] = this.#parts([where, body], inner);
      return b.reduce(value.op, index, term ?? body, guard ?? where);
    }
    const b = this.#builder;
    switch (value.kind) {
      case "linear": {
        return b.linear(value.constant, this.#gathered(value.terms, ([, term]) => term, (terms) => b.linear(0, terms), (stored): readonly [number, Value] => [1, stored], nest));
      }
      case "product": return b.product(this.#gathered(value.factors, ([base]) => base, (factors) => b.product(factors), (stored): readonly [Value, number] => [stored, 1], nest));
      case "and": return b.and(...this.#gathered(value.of, (part) => part, (parts) => b.and(...parts), (stored) => stored, nest));
      case "or": return b.or(...this.#gathered(value.of, (part) => part, (parts) => b.or(...parts), (stored) => stored, nest));
      default: {
        const parts = children(value);
        const fitting = this.#parts(parts, nest, this.#most - (value.kind === "load" ? 1 : 0));
        const of = new Map(parts.map((part, at) => [part, fitting[at] ?? part]));
        return this.#checked(b.rebuild(value, (part) => of.get(part) ?? part));
      }
    }
  }

  #checked(value: Value): Value {
    if (!this.#fits([value])) {
      refuse({
        code: "KV4101",
        message: `\`${this.#name}\` reads too many tensors in one expression`,
        expected: `at most ${this.#most} tensors besides the one that is written, which is what the device binds at a time`,
        got: `${arraysRead([value]).size}`,
        mend: 'Read fewer tensors in it, or open { backend: "interpreter" }, which reads any number.',
      });
    }
    return value;
  }

  #fits(values: readonly Value[], most = this.#most): boolean {
    return arraysRead(values).size <= most;
  }

  /** Parts of one expression, each made to fit, and the hungriest of them stored until all fit together. */
  #parts(values: readonly Value[], nest: readonly Index[], most = this.#most): readonly Value[] {
    const parts = values.map((part) => this.value(part, nest));
    while (!this.#fits(parts, most)) {
      const appetite = parts.map((part) => arraysRead([part]).size);
      const hungriest = appetite.indexOf(Math.max(...appetite));
      const part = parts[hungriest];
      if (part === undefined || (appetite[hungriest] ?? 0) < 2) break;
      parts[hungriest] = this.#stored(part, nest);
    }
    return parts;
  }

  /** Terms of a sum, factors of a product, or the like, of which as many as fit are stored together until all do. */
  #gathered<Term>(
    list: readonly Term[], of: (term: Term) => Value, join: (terms: readonly Term[]) => Value, stored: (value: Value) => Term, nest: readonly Index[],
  ): readonly Term[] {
    const parts = this.#parts(list.map(of), nest);
    let terms = list.map((term, at) => {
      const part = parts[at];
      return part === undefined || part === of(term) ? term : this.#with(term, of(term), part);
    });
    while (!this.#fits(terms.map(of))) {
      let count = 1;
      while (count < terms.length && this.#fits(terms.slice(0, count + 1).map(of))) count++;
      terms = [...terms.slice(count), stored(this.#stored(join(terms.slice(0, count)), nest))];
    }
    return terms;
  }

  /** A term over another part. */
  #with<Term>(term: Term, before: Value, after: Value): Term {
    return (Array.isArray(term) ? term.map((member: unknown) => (member === before ? after : member)) : after) as Term;
  }

  #stored(part: Value, nest: readonly Index[]): Value {
    this.#temporaries.add(part, nest);
    return this.#temporaries.read(part) ?? part;
  }
}
