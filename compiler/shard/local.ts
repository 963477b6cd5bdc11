/**
 * @file Values of a fold's loop as a shard of the axis sees them. What lies along the axis is read at the shard's own
 * positions; the position as a number is that on the whole axis, `start` further on; the axis is as long as the whole.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import { replaceOpened } from "../algebra/opened";
import { show } from "../algebra/show";

/** Why an axis cannot be cut into shards. */
export class Unshardable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Unshardable";
  }
}

/** The sizes by which a shard knows its place. */
export interface Place {
  /** Positions of the whole axis before the shard, and on all of it. */
  readonly start: Value;
  readonly whole: Value;
}

export class Local {
  constructor(readonly builder: GraphBuilder, readonly axis: string, readonly place: Place) {}

  /** A value over the positions of `index`. */
  of(value: Value, index: Index): Value {
    const { builder, axis } = this;
    const into = (part: Value): Value => replaceOpened(builder, part, (node) => {
      if (node.kind === "load" && node.tensor.axes.includes(axis)) {
        return builder.load(node.tensor, node.indices.map((at, k) => {
          if (node.tensor.axes[k] !== axis) return into(at);
          if (at !== index) throw new Unshardable(`\`${node.tensor.name}\` is read at ${show(builder, at)}, which may lie in another shard`);
          return at;
        }));
      }
      if (node === index) return this.position(index);
      if (node.kind === "index" && node.axis === axis) throw new Unshardable(`it takes two positions of \`${axis}\` at a time`);
      if (node.kind === "reduce" && node.axis === axis) throw new Unshardable(`every position needs all others: ${show(builder, node)}`);
      return this.#size(node);
    });
    return into(value);
  }

  /** A value that is meant when all shards are in. */
  after(value: Value): Value {
    const { builder, axis } = this;
    return replaceOpened(builder, value, (node) => {
      if (node.kind === "load" && node.tensor.axes.includes(axis)) throw new Unshardable(`\`${node.tensor.name}\` is read again when the passes over \`${axis}\` are done`);
      if (node.kind === "index" && node.axis === axis) throw new Unshardable(`an output runs along \`${axis}\``);
      return this.#size(node);
    });
  }

  /** A position of the shard, on the whole axis. */
  position(local: Value): Value {
    return this.builder.add(this.place.start, local);
  }

  /** A position on the whole axis, whatever a state says. */
  inside(position: Value): Value {
    return this.builder.clamp(position, this.place.whole);
  }

  #size(node: Value): Value | undefined {
    return node.kind === "extent" && node.axis === this.axis ? this.place.whole : undefined;
  }
}
