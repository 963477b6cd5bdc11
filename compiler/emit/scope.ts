/** @file Blocks that bind axes: where a value is computed, and what is known there. */

import type { Value } from "../../spec/graph/node";
import { Block, type Code } from "./code";

export class Scope extends Block {
  declare readonly parent: Scope | undefined;
  /** Names of the indices whose values are computed no further out than here. */
  readonly binds: ReadonlySet<string>;
  /** What this scope calls indices. */
  readonly indices = new Map<string, Code>();
  /** What has been computed here, by type and node. */
  readonly known = new Map<string, Code>();
  /** Truths that hold here. */
  readonly holds: readonly Value[];

  constructor(parent: Scope | undefined, binds: Iterable<string>, holds: readonly Value[] = []) {
    super(parent);
    this.binds = new Set(binds);
    this.holds = holds;
  }

  /** This scope and those around it, innermost first. */
  *outward(): Generator<Scope> {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) yield scope;
  }

  /** The outermost scope in which a value can be computed: that of its deepest free axis. */
  placeOf(value: Value): Scope {
    let last: Scope = this;
    for (const scope of this.outward()) {
      if (value.free.some((name) => scope.binds.has(name))) return scope;
      last = scope;
    }
    return last;
  }

  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  find(key: string): Code | undefined {
    for (const scope of this.outward()) {
      const code = scope.known.get(key);
      if (code !== undefined) return code;
    }
    return undefined;
  }
}
