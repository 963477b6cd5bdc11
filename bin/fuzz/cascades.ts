/**
 * @file Cascades: reductions that read one another, as softmax, log-sum-exp, variances and norms are made of, over one
 * axis or two, masked or not, from the library or written out.
 */

import type { Value } from "../../spec/graph/node";
import { partOf, type Expression, type Print } from "./expression";
import type { Maker } from "./maker";
import type { AxisName } from "./signature";
import type { Scope, Writer } from "./writer";

/** Makes a real number in a scope, its parts nesting to about `depth` levels. */
export type Cascade = (writer: Writer, scope: Scope, depth: number) => Expression;

interface Part {
  readonly value: Expression;
  readonly binds: readonly string[];
}

const cascade = (parts: readonly Part[], print: Print, build: Expression["build"]): Expression =>
  ({ sort: "real", parts: parts.map(({ value }) => value), binds: parts.map(({ binds }) => binds), print, build });

/** A part in which one index is bound, what that is called, and the scope in which it is. */
function along(writer: Writer, axis: AxisName, scope: Scope, depth: number): Part & { readonly name: string; readonly inside: Scope } {
  const [name, inside] = writer.bind(axis, scope);
  return { value: writer.write("real", inside, depth), binds: [name], name, inside };
}

/** A score, masked in one of two cases, and what it is called. */
function scored(writer: Writer, axis: AxisName, scope: Scope, depth: number): Part & { readonly name: string } {
  const [name, inner] = writer.bind(axis, scope);
  const score = writer.write("real", inner, depth);
  if (writer.random.oneIn(2)) return { value: score, binds: [name], name };
  const live = writer.mask(inner, depth - 1);
  const value: Expression = {
    sort: "real", parts: [live, score], binds: [[], []],
    print: ([when, of]) => `(${when} ? ${of} : -Infinity)`,
    build: (maker, parts) => maker.masked(partOf(parts, 0)(), partOf(parts, 1)()),
  };
  return { value, binds: [name], name };
}

/** Σ softmax(scores)·f. */
const weighted: Cascade = (writer, scope, depth) => {
  const axis = writer.axis();
  const score = scored(writer, axis, scope, depth - 1);
  const value = along(writer, axis, scope, depth - 1);
  return cascade([score, value],
    ([s, v]) => `sum(${axis}, (${value.name}) => softmax(${axis}, (${score.name}) => ${s})(${value.name}) * ${v})`,
    (maker, parts) => maker.sum(axis, (i) => maker.builder.multiply(maker.softmax(axis, partOf(parts, 0))(i), partOf(parts, 1)(i))));
};

/** log Σ exp, which is −∞ where nothing is live. */
const logarithm: Cascade = (writer, scope, depth) => {
  const axis = writer.axis();
  const score = scored(writer, axis, scope, depth);
  return cascade([score], ([s]) => `Math.max(-3, logSumExp(${axis}, (${score.name}) => ${s}))`, (maker, parts) =>
    maker.builder.larger(maker.number(-3), maker.logSumExp(axis, partOf(parts, 0))));
};

/** Σ (f − mean)² / n, of nothing 0. */
const variance: Cascade = (writer, scope, depth) => {
  const axis = writer.axis();
  const { value, binds, name } = along(writer, axis, scope, depth - 1);
  const count = `Math.max(1, extent(${axis}))`;
  return cascade([{ value, binds }],
    ([f]) => `(() => { const mean_${name} = sum(${axis}, (${name}) => ${f}) / ${count}; return sum(${axis}, (${name}) => (${f} - mean_${name}) * (${f} - mean_${name})) / ${count}; })()`,
    (maker, parts) => {
      const f = partOf(parts, 0);
      const { builder } = maker;
      const size = (): Value => builder.larger(builder.one, maker.extent(axis));
      const mean = builder.divide(maker.sum(axis, f), size());
      const away = (i: Value): Value => builder.subtract(f(i), mean);
      return builder.divide(maker.sum(axis, (i) => builder.multiply(away(i), away(i))), size());
    });
};

/** Σ f·g over the root of Σ f². */
const normalised: Cascade = (writer, scope, depth) => {
  const axis = writer.axis();
  const f = along(writer, axis, scope, depth - 1);
  const g: Part = { value: writer.write("real", f.inside, depth - 1), binds: f.binds };
  return cascade([f, g],
    ([x, y]) => `(sum(${axis}, (${f.name}) => ${x} * ${y}) / Math.sqrt(1 + sum(${axis}, (${f.name}) => ${x} * ${x})))`,
    (maker, parts) => {
      const [x, y] = [partOf(parts, 0), partOf(parts, 1)];
      const { builder } = maker;
      const square = maker.sum(axis, (i) => builder.multiply(x(i), x(i)));
      return builder.divide(maker.sum(axis, (i) => builder.multiply(x(i), y(i))), maker.apply("sqrt", builder.add(builder.one, square)));
    });
};

/** Exponentials below the largest score over two axes, and what they weigh: Σ Σ exp(s − max max s)·f over Σ Σ exp(s − max max s). */
const nested: Cascade = (writer, scope, depth) => {
  const [outer, inner] = [writer.axis(), writer.axis()];
  const [i, around] = writer.bind(outer, scope);
  const [j, inside] = writer.bind(inner, around);
  const score: Part = { value: writer.write("real", inside, depth - 2), binds: [i, j] };
  const value: Part = { value: writer.write("real", inside, depth - 2), binds: [i, j] };
  const over = (op: string, text: string): string => `${op}(${outer}, (${i}) => ${op}(${inner}, (${j}) => ${text}))`;
  const both = (maker: Maker, op: "sum" | "max", body: (x: Value, y: Value) => Value): Value => maker.reduce(op, outer, (x) => maker.reduce(op, inner, (y) => body(x, y)));
  return cascade([score, value],
    ([s, v]) => {
      const [peak, total] = [`peak_${i}`, `total_${i}`];
      return `(() => { const ${peak} = ${over("max", `${s}`)}; const ${total} = ${over("sum", `Math.exp(${s} - ${peak})`)}; return ${over("sum", `Math.exp(${s} - ${peak}) * ${v}`)} / (${total} === 0 ? 1 : ${total}); })()`;
    },
    (maker, parts) => {
      const { builder } = maker;
      const [s, v] = [partOf(parts, 0), partOf(parts, 1)];
      const peak = both(maker, "max", s);
      const weight = (x: Value, y: Value): Value => maker.exp(builder.subtract(s(x, y), peak));
      const total = both(maker, "sum", weight);
      const norm = builder.select(builder.equal(total, builder.zero), builder.one, total);
      return builder.divide(both(maker, "sum", (x, y) => builder.multiply(weight(x, y), v(x, y))), norm);
    });
};

/** Σ exp(s − max s), the largest taken where it is used. */
const total: Cascade = (writer, scope, depth) => {
  const axis = writer.axis();
  const { value, binds, name } = along(writer, axis, scope, depth - 1);
  return cascade([{ value, binds }],
    ([s]) => `sum(${axis}, (${name}) => Math.exp(${s} - max(${axis}, (${name}) => ${s})))`,
    (maker, parts) => {
      const s = partOf(parts, 0);
      return maker.sum(axis, (i) => maker.exp(maker.builder.subtract(s(i), maker.max(axis, s))));
    });
};

export const cascades: readonly [Cascade, ...Cascade[]] = [weighted, weighted, logarithm, variance, normalised, nested, total];
