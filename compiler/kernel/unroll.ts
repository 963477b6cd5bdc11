/**
 * @file Carries out the roles of reductions: what is unrolled becomes a sum of its terms, what goes several steps at a
 * time a shorter loop over sums, with the remainder one by one. The text of a kernel then has plain loops only.
 *
 *     unroll       Σ_l f(l)              →  f(0) + f(1) + … + f(n − 1)
 *     serial(U)    Σ_u f(u), u < n       →  Σ_o (f(U·o) + … + f(U·o + U − 1)), o < ⌊n / U⌋,  +  Σ_r f(U·⌊n / U⌋ + r), r < n % U
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Reduce, Value } from "../../spec/graph/node";
import type { Item, Kernel, Node, ReduceRole, Stage } from "./kernel";

export type Roles = Readonly<Record<string, ReduceRole>>;

/** The kernel with every role carried out. */
export function unrolled(builder: GraphBuilder, kernel: Kernel): Kernel {
  return { ...kernel, body: kernel.body.map((node) => unrolledNode(builder, node)) };
}

/** Values with every role carried out; what they share they share still. */
export function unrolledValues(builder: GraphBuilder, values: readonly Value[], roles: Roles): readonly Value[] {
  const done = new Map<Value, Value>();
  return values.map((value) => expand(builder, value, roles, done));
}

function unrolledNode(builder: GraphBuilder, node: Node): Node {
  switch (node.kind) {
    case "loop": return { ...node, body: node.body.map((inner) => unrolledNode(builder, inner)) };
    case "stage": return unrolledStage(builder, node);
    case "barrier": case "cross": case "commit": return node;
  }
}

function unrolledStage(builder: GraphBuilder, stage: Stage): Stage {
  if (Object.keys(stage.roles).length === 0) return stage;
  const done = new Map<Value, Value>();
  const into = (value: Value): Value => expand(builder, value, stage.roles, done);
  const items = stage.items.map((item): Item => {
    switch (item.kind) {
      case "assign": return { ...item, indices: item.indices.map(into), value: into(item.value), where: into(item.where) };
      case "pack": return { ...item, value: into(item.value) };
    }
  });
  return { ...stage, roles: {}, items };
}

function expand(builder: GraphBuilder, value: Value, roles: Roles, done: Map<Value, Value>): Value {
  const known = done.get(value);
  if (known !== undefined) return known;
  const role = value.kind === "reduce" ? roles[value.axis] : undefined;
  const result = value.kind === "reduce" && role !== undefined && joins(value)
    ? carriedOut(builder, value, role, (part) => expand(builder, part, roles, done))
    : builder.rebuild(value, (part) => expand(builder, part, roles, done));
  done.set(value, result);
  return result;
}

const joins = ({ op }: Reduce): boolean => op === "sum" || op === "max" || op === "min";

function carriedOut(builder: GraphBuilder, reduce: Reduce, role: ReduceRole, into: (value: Value) => Value): Value {
  const opened = builder.open(reduce);
  const [where, body] = [into(opened.where), into(opened.body)];
  const { index } = opened;
  const identity = builder.identity(reduce.op);
  const at = (position: Value): Value => {
    const put = (part: Value): Value => builder.substitute(part, new Map<Value, Value>([[index, position]]));
    return builder.select(put(where), put(body), identity);
  };
  const join = (terms: readonly Value[]): Value => {
    switch (reduce.op) {
      case "sum": return builder.add(...terms);
      case "max": return terms.reduce((a, b) => builder.larger(a, b));
      case "min": return terms.reduce((a, b) => builder.smaller(a, b));
      default: throw new InternalError(`${reduce.op} over ${reduce.axis} cannot be unrolled`);
    }
  };
  const { extent } = reduce;
  if (role.kind === "unroll" || role.kind === "vector") {
    if (extent.kind !== "constant") throw new InternalError(`${reduce.axis} is unrolled and has no fixed size`);
    return join(Array.from({ length: extent.value }, (_, position) => at(builder.constant(position))));
  }
  const { step } = role;
  if (step === 1) return builder.reduce(reduce.op, index, body, where);
  const k = Number(index.name.slice(index.name.lastIndexOf("@") + 1));
  const rounds = builder.quotient(extent, builder.constant(step));
  const outer = builder.index(`${reduce.axis} by ${step}`, rounds, k);
  const whole = over(builder, reduce, outer, join(Array.from({ length: step }, (_, r) => at(builder.linear(r, [[step, outer]])))));
  const left = builder.subtract(extent, builder.scale(step, rounds));
  if (left === builder.zero) return whole;
  const rest = builder.index(`${reduce.axis} rest`, left, k);
  return join([whole, over(builder, reduce, rest, at(builder.linear(0, [[step, rounds], [1, rest]])))]);
}

/** A reduction over an axis that may have no more than one position. */
function over(builder: GraphBuilder, { op }: Reduce, index: Value, body: Value): Value {
  return builder.reduce(op, index, body);
}
