/** @file Suspended substitutions as arrays: the body of each is computed for every position of its axis, once. */

import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Index, Value } from "../../../spec/graph/node";
import { freeIndices, holdsTable, replaceOpened } from "../../algebra/opened";
import { infinitiesOf, isInfinite } from "../../kernel/infinities";
import type { Task } from "./map";
import type { Workshop } from "./workshop";

export interface Table {
  readonly name: string;
  readonly task: Task;
  readonly axes: readonly Index[];
}

/** Numbers of indices inside tables: apart from those of binders and of folds. */
const FIRST = 2000;

export class Tables {
  readonly #workshop: Workshop;
  readonly #made = new Map<Value, { readonly table: Table; readonly facts: Value["facts"] }>();
  readonly #last: (axis: string) => boolean;

  /** @param last axes that lie side by side in memory: those that one invocation reads together */
  constructor(workshop: Workshop, last: (axis: string) => boolean) {
    this.#workshop = workshop;
    this.#last = last;
  }

  get all(): readonly Table[] {
    return [...this.#made.values()].map(({ table }) => table);
  }

  /** A value with every table read from its array. */
  read(value: Value): Value {
    const { builder } = this.#workshop;
    return replaceOpened(builder, value, (node) => {
      if (!holdsTable(node)) return node;
      if (node.kind !== "table") return undefined;
      const { index, body } = builder.open(node);
      const free = freeIndices(builder, body).filter((axis) => axis !== index);
      return this.#lookup(builder, index, this.read(body), free, this.read(node.at));
    });
  }

  #lookup(builder: GraphBuilder, index: Index, body: Value, free: readonly Index[], at: Value): Value {
    const counts = new Map<string, number>();
    const canonical = (axis: Index): Index => {
      const k = counts.get(axis.axis) ?? 0;
      counts.set(axis.axis, k + 1);
      const own = builder.index(axis.axis, axis.extent, FIRST + k);
      return own.kind === "index" ? own : axis;
    };
    const own = free.map(canonical);
    const position = canonical(index);
    const moved = builder.substitute(body, new Map<Value, Value>([[index, position], ...free.map((axis, k) => [axis, own[k] ?? axis] as const)]));
    const order = [...own.filter(({ axis }) => !this.#last(axis)), position, ...own.filter(({ axis }) => this.#last(axis))];
    let made = this.#made.get(moved);
    if (made === undefined) {
      const { negative, positive } = infinitiesOf(moved);
      const name = `table ${this.#made.size + 1}`;
      this.#workshop.declare({ name, shape: order.map(({ extent }) => extent), element: { kind: "f32" }, space: "buffer", infinite: isInfinite({ negative, positive }) });
      made = { table: { name, axes: order, task: { array: name, indices: order, value: moved } }, facts: { ...moved.facts, mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive } };
      this.#made.set(moved, made);
    }
    const indices = order.map((axis) => (axis === position ? at : (free[own.indexOf(axis)] ?? axis)));
    return builder.slot(made.table.name, indices, made.facts);
  }
}
