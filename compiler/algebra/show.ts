/**
 * @file Values in the notation of a textbook, for traces, refusals and choices. Terms and factors are sorted by their
 * text, so that equal meaning written in another order reads the same and a stored plan finds its site again.
 */

import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import { openedOrder } from "./opened";

/** `token@0` is token, `token@1` is token′. */
export function axisName(name: string): string {
  const at = name.lastIndexOf("@");
  return at < 0 ? name : name.slice(0, at) + "′".repeat(Number(name.slice(at + 1)));
}

const number = (value: number): string => {
  if (value === Infinity) return "∞";
  if (value === -Infinity) return "−∞";
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
};

/** The sign of each reduction. */
export const BIG_SIGNS = { sum: "Σ", max: "max", min: "min", argmax: "argmax", argmin: "argmin", any: "any" } as const;

/** Binding strengths, loosest first: select, truth, comparison, sum, product, power. */
const SELECT = 0, TRUTH = 1, COMPARISON = 2, SUM = 3, PRODUCT = 4, POWER = 5;

/** `value` as text; nodes in `names` appear by name, indices as `indexName` says. */
export function show(builder: GraphBuilder, value: Value, names: ReadonlyMap<Value, string> = new Map(), indexName: (name: string) => string = axisName): string {
  const memo = new Map<Value, readonly [text: string, strength: number]>();
  const at = (part: Value, least: number): string => {
    const [text, strength] = write(part);
    return strength < least ? `(${text})` : text;
  };
  const write = (node: Value): readonly [string, number] => {
    const name = names.get(node);
    if (name !== undefined) return [name, POWER];
    let written = memo.get(node);
    if (written === undefined) {
      written = compose(node);
      memo.set(node, written);
    }
    return written;
  };
  const sum = (constant: number, terms: readonly (readonly [number, Value])[]): string => {
    const written = terms.map(([k, t]) => ({ k, text: `${Math.abs(k) === 1 ? "" : `${number(Math.abs(k))}·`}${at(t, PRODUCT)}` }));
    written.sort((a, b) => Number(a.k < 0) - Number(b.k < 0) || (a.text < b.text ? -1 : 1));
    let text = "";
    for (const { k, text: term } of written) text += k < 0 ? `${text === "" ? "−" : " − "}${term}` : `${text === "" ? "" : " + "}${term}`;
    if (constant !== 0 || text === "") text += text === "" ? number(constant) : constant < 0 ? ` − ${number(-constant)}` : ` + ${number(constant)}`;
    return text;
  };
  const list = (parts: readonly Value[]): string => parts.map((part) => at(part, SELECT)).join(", ");
  const compose = (node: Value): readonly [string, number] => {
    switch (node.kind) {
      case "constant": return [number(node.value), node.value < 0 ? SUM : POWER];
      case "truth": return [String(node.value), POWER];
      case "extent": return [`|${node.axis}|`, POWER];
      case "index": return [indexName(node.name), POWER];
      case "load": return [`${node.tensor.name}[${list(node.indices)}]`, POWER];
      case "slot": return [node.indices.length === 0 ? `‹${node.name}›` : `‹${node.name}›[${list(node.indices)}]`, POWER];
      case "linear": {
        const [only] = node.terms;
        const scaled = node.constant === 0 && node.terms.length === 1 && only !== undefined && only[0] > 0;
        return [sum(node.constant, node.terms), scaled ? PRODUCT : SUM];
      }
      case "product": {
        const above = node.factors.filter(([, e]) => e > 0).map(([b, e]) => (e === 1 ? at(b, PRODUCT) : `${at(b, POWER)}^${number(e)}`)).sort();
        const below = node.factors.filter(([, e]) => e < 0).map(([b, e]) => (e === -1 ? at(b, POWER) : `${at(b, POWER)}^${number(-e)}`)).sort();
        return [`${above.length === 0 ? "1" : above.join("·")}${below.map((text) => `/${text}`).join("")}`, PRODUCT];
      }
      case "quotient": return [`⌊${at(node.left, PRODUCT)}/${at(node.right, POWER)}⌋`, POWER];
      case "remainder": return [`${at(node.left, POWER)} % ${at(node.right, POWER)}`, PRODUCT];
      case "apply": return [`${node.fn}(${list(node.args)})`, POWER];
      case "bitwise": return [`${at(node.left, POWER)} ${node.op} ${at(node.right, POWER)}`, COMPARISON];
      case "larger": return [`larger(${[node.left, node.right].map((part) => at(part, SELECT)).sort().join(", ")})`, POWER];
      case "smaller": return [`smaller(${[node.left, node.right].map((part) => at(part, SELECT)).sort().join(", ")})`, POWER];
      case "select": return [`${at(node.condition, TRUTH)} ? ${at(node.yes, TRUTH)} : ${at(node.no, SELECT)}`, SELECT];
      case "less": {
        if (node.right !== builder.zero) return [`${at(node.left, SUM)} < ${at(node.right, SUM)}`, COMPARISON];
        const { constant, terms } = asLinear(node.left);
        const right = terms.filter(([k]) => k < 0).map(([k, t]) => [-k, t] as const);
        return [`${sum(0, terms.filter(([k]) => k > 0))} < ${sum(-constant, right)}`, COMPARISON];
      }
      case "atMost": return [`${at(node.left, SUM)} ≤ ${at(node.right, SUM)}`, COMPARISON];
      case "equal": return [`${at(node.left, SUM)} = ${at(node.right, SUM)}`, COMPARISON];
      case "not": return [`¬${at(node.of, POWER)}`, POWER];
      case "and": return [node.of.map((part) => at(part, COMPARISON)).sort().join(" ∧ "), TRUTH];
      case "or": return [`(${node.of.map((part) => at(part, COMPARISON)).sort().join(" ∨ ")})`, POWER];
      case "reduce": {
        const { index, where, body } = builder.open(node);
        const guard = where === builder.true ? "" : ` | ${at(where, TRUTH)}`;
        return [`${BIG_SIGNS[node.op]}_{${indexName(index.name)}${guard}} ${at(body, PRODUCT)}`, SUM];
      }
      case "table": {
        const { index, body } = builder.open(node);
        return [`table[λ${indexName(index.name)}. ${at(body, SELECT)}](${at(node.at, SELECT)})`, POWER];
      }
    }
  };
  return at(value, SELECT);
}

/**
 * A graph as a list of definitions: every reduction, table and function once, with the axes it is computed for, then
 * the stores.
 */
export function listing(builder: GraphBuilder, graph: Pick<Graph, "stores">): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  let count = 0;
  const define = (node: Value, note: string): void => {
    const text = show(builder, node, names);
    const name = `x${++count}`;
    lines.push(`${name}[${node.free.map(axisName).join(", ")}] = ${text}${note}`);
    names.set(node, name);
  };
  for (const node of openedOrder(builder, graph.stores.map(({ value }) => value))) {
    if (node.kind === "reduce") define(node, "");
    else if (node.kind === "table") {
      const { body, index } = builder.open(node);
      if (!names.has(body)) define(body, `  (table over ${axisName(index.name)})`);
      names.set(node, `${names.get(body) ?? ""}{${show(builder, node.at, names)}}`);
    } else if (node.kind === "apply" && !node.facts.integer) define(node, "");
  }
  for (const { output, indices, value } of graph.stores) {
    lines.push(`${output.name}[${indices.map((index) => show(builder, index)).join(", ")}] = ${show(builder, value, names)}`);
  }
  return lines.join("\n");
}
