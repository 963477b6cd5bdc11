/**
 * @file The loops of a kernel, for people: which axes are workgroups, lanes, copies of one lane, components of a vector
 * and loops, what is nested in what, and what each innermost line computes. Reductions are lines of their own, named s1,
 * s2, … in each assignment.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Index, Reduce, Value } from "../../spec/graph/node";
import { BIG_SIGNS, show } from "../algebra/show";
import type { Item, Kernel, Node, ReduceRole, Stage } from "../kernel/kernel";
import { indexNames } from "./names";

/** One line for each loop, stage, barrier and assignment; of `threads`, each of which is a workgroup, also one for what they are. */
export function nestOf(kernel: Kernel, builder: GraphBuilder, of: "workgroups" | "threads" = "workgroups"): readonly string[] {
  return new Nest(builder, indexNames(kernel, builder), of).kernel(kernel);
}

/** A guard of a kernel, with the names that its loops have. */
export const guardText = (kernel: Kernel, builder: GraphBuilder, guard: Value): string => show(builder, guard, new Map(), indexNames(kernel, builder));

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

const isTrue = (value: Value): boolean => value.kind === "truth" && value.value;

class Nest {
  constructor(readonly builder: GraphBuilder, readonly name: (index: string) => string, readonly of: "workgroups" | "threads") {}

  kernel({ grid, body }: Kernel): readonly string[] {
    const top = this.of === "threads" ? (grid.length === 0 ? "one thread" : `threads ${this.#axes(grid)}`) : grid.length === 0 ? "one workgroup" : `grid ${this.#axes(grid)}`;
    return [top, ...indented(body.flatMap((node) => this.#node(node)))];
  }

  #text(value: Value, names: ReadonlyMap<Value, string> = new Map()): string {
    return show(this.builder, value, names, this.name);
  }

  /** `token:part 64`: an axis and its size. */
  #axes(axes: readonly Index[]): string {
    return axes.map((axis) => `${this.name(axis.name)} ${this.#text(axis.extent)}`).join(", ");
  }

  #node(node: Node): readonly string[] {
    switch (node.kind) {
      case "stage": return this.#stage(node);
      case "barrier": return ["barrier"];
      case "loop": return [
        `serial ${this.name(node.axis.name)} from ${this.#text(node.low)} to ${this.#text(node.high)} of ${this.#text(node.axis.extent)}`,
        ...indented(node.body.flatMap((inner) => this.#node(inner))),
      ];
      case "cross": return [`${node.registers.join(", ")}: ${node.op} across lanes ${this.#axes(node.over)}, by ${node.method}`];
      case "commit": return node.moves.map(({ to, from }) => `${to} = ${from}`);
    }
  }

  #stage(stage: Stage): readonly string[] {
    const { lanes, digits, block, vector, inside, otherwise, items } = stage;
    const parts = [
      ...(this.of === "threads" ? [] : [lanes.length === 0 ? "one lane" : `lanes ${this.#axes(lanes)}`]),
      ...(block.length === 0 ? [] : [`block ${this.#axes(block)}`]),
      ...(vector === undefined ? [] : [`vector ${this.#axes([vector])}`]),
      ...(isTrue(inside) ? [] : [`where ${this.#text(inside)}`]),
      ...(otherwise === undefined ? [] : [`else ${this.#text(otherwise)}`]),
    ];
    const positions = digits.map(({ index, value }) => `${this.name(index.name)} = ${this.#text(value)}`);
    const inner = [...positions, ...items.flatMap((item) => this.#item(item, stage))];
    return parts.length === 0 ? inner : [parts.join("; "), ...indented(inner)];
  }

  #item(item: Item, stage: Stage): readonly string[] {
    if (item.kind === "pack") {
      return [
        `word ${[...item.row, item.word].map((value) => this.#text(value)).join(", ")} of ${item.array}: each ${this.name(item.element.name)} in it`,
        ...indented([...item.digits.map(({ index, value }) => `${this.name(index.name)} = ${this.#text(value)}`), ...this.#assignment(item.value, item.array, "=", stage)]),
      ];
    }
    const where = isTrue(item.where) ? "" : ` where ${this.#text(item.where)}`;
    const loops = item.over.map((axis, at) => `${"  ".repeat(at)}serial ${this.#axes([axis])}${at === item.over.length - 1 ? where : ""}`);
    const target = item.indices.length === 0 ? item.array : `${item.array}[${item.indices.map((index) => this.#text(index)).join(", ")}]`;
    const lines = this.#assignment(item.value, target, item.op, stage);
    const guarded = item.over.length === 0 && where !== "" ? [`where ${this.#text(item.where)}`, ...indented(lines)] : lines;
    return [...loops, ...guarded.map((line) => `${"  ".repeat(loops.length)}${line}`)];
  }

  /** The reductions in `value`, each with those inside it below, and then the assignment itself. */
  #assignment(value: Value, target: string, op: string, stage: Stage): readonly string[] {
    const names = new Map<Value, string>();
    const lines = this.#loops(outermost(value), names, stage);
    return [...lines, `${target} ${op === "=" ? "=" : op} ${this.#text(value, names)}`];
  }

  #loops(reduces: readonly Reduce[], names: Map<Value, string>, stage: Stage): readonly string[] {
    return reduces.flatMap((reduce) => {
      if (names.has(reduce)) return [];
      const name = `s${names.size + 1}`;
      names.set(reduce, name);
      const { index, where, body } = this.builder.open(reduce);
      const inner = [...outermost(where), ...outermost(body)];
      const free = inner.filter(({ free: mentioned }) => !mentioned.includes(index.name));
      const before = this.#loops(free, names, stage);
      const inside = this.#loops(inner, names, stage);
      const guard = isTrue(where) ? "" : ` where ${this.#text(where, names)}`;
      const sum = reduce.op === "any" ? "any" : `${BIG_SIGNS[reduce.op]} ${this.#text(body, names)}`;
      return [...before, `${roleText(stage.roles[reduce.axis])} ${this.name(index.name)} ${this.#text(reduce.extent)}${guard}: ${name} = ${sum}`, ...indented(inside)];
    });
  }
}

function roleText(role: ReduceRole | undefined): string {
  switch (role?.kind) {
    case undefined: return "serial";
    case "serial": return role.step === 1 ? "serial" : `serial by ${role.step}`;
    case "unroll": return "unrolled";
    case "vector": return "vector";
  }
}

/** The reductions in a value that lie in no other, each once. */
function outermost(value: Value, seen: Set<Value> = new Set()): readonly Reduce[] {
  if (seen.has(value)) return [];
  seen.add(value);
  if (value.kind === "reduce") return [value];
  return value.kind === "index" ? [] : children(value).flatMap((part) => outermost(part, seen));
}
