/** @file Blocks that bind axes: where a value is computed, and what is known there. */

import type { Value } from "../../spec/graph/node";
import { Block, type Code, type Text } from "./code";

export class Scope extends Block {
  declare readonly parent: Scope | undefined;
  /** Names of the indices whose values are computed no further out than here. */
  readonly binds: ReadonlySet<string>;
  /** What this scope calls indices. */
  readonly indices = new Map<string, Code>();
  /** What has been computed here of each node, or of something with a name, by what it was computed as. */
  readonly #known = new Map<Value | string, Map<string, Code>>();
  /** Truths that hold here. */
  readonly holds: readonly Value[];
  /** A stage: what reads arrays that the kernel writes is computed inside. */
  readonly isStage: boolean;
  readonly #places = new Map<Value, Scope>();
  /** Whether a value reads an array that the kernel writes. */
  readonly isVolatile: (value: Value) => boolean;

  constructor(parent: Scope | undefined, binds: Iterable<string>, holds: readonly Value[] = [], { isStage = false, isVolatile }: { readonly isStage?: boolean; readonly isVolatile?: (value: Value) => boolean } = {}) {
    super(parent);
    this.binds = new Set(binds);
    this.holds = holds;
    this.isStage = isStage;
    this.isVolatile = isVolatile ?? parent?.isVolatile ?? ((): boolean => false);
  }

  /** This scope and those around it, innermost first. */
  *outward(): Generator<Scope> {
    yield this;
    for (let scope = this.parent; scope !== undefined; scope = scope.parent) yield scope;
  }

  /** What this scope or the nearest around it that has the index calls it. */
  indexOf(name: string): Code | undefined {
    return this.indices.get(name) ?? this.parent?.indexOf(name);
  }

  /** The outermost scope in which a value can be computed: that of its deepest free axis, or its stage. */
  placeOf(value: Value): Scope {
    let place = this.#places.get(value);
    if (place === undefined) {
      const own = (this.isStage && this.isVolatile(value)) || value.free.some((name) => this.binds.has(name));
      place = own || this.parent === undefined ? this : this.parent.placeOf(value);
      this.#places.set(value, place);
    }
    return place;
  }

  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  /** What has been computed here or further out. */
  find(of: Value | string, as: string): Code | undefined {
    return this.#known.get(of)?.get(as) ?? this.parent?.find(of, as);
  }

  define(of: Value | string, as: string, code: Code): void {
    let known = this.#known.get(of);
    if (known === undefined) this.#known.set(of, (known = new Map<string, Code>()));
    known.set(as, code);
  }
}

/** Adds a line to the scope that is being written. */
export function effect({ scope }: { readonly scope: Scope }, text: Text): void {
  scope.lines.push({ kind: "effect", text });
}

/** Gives a value a name in a scope, unless it has one. */
export function named(scope: Scope, hint: string, value: Code): Code {
  if (value.kind === "name") return value;
  const name = { kind: "name", block: scope, hint, value } as const;
  scope.lines.push({ kind: "let", name });
  return name;
}
