/**
 * @file Prints graphs exactly: two values of one builder print alike only if they are the same node. Binders are
 * opened; a free index is printed as its axis, primed for the second of that axis and so on. Values used more than once
 * are named `%n[free indices]` and defined above their use.
 */

import type { Opened } from "./builder";
import type { AxisDeclaration, Element, Graph, Index, Obligation, Reduce, Table, Tensor, Value } from "./node";

/** What printing needs of a builder. */
export interface Opener {
  open(binder: Reduce | Table): Opened;
}

/** An identifier as it is, anything else in back-quotes with the usual escapes. */
export const quoteName = (name: string): string =>
  /^[A-Za-z_][\w.]*$/.test(name) ? name : `\`${JSON.stringify(name).slice(1, -1).replaceAll("`", "\\u0060")}\``;

export const printElement = (element: Element): string => (element.kind === "uint" ? `uint${element.bits}` : element.kind);

export const printTensor = ({ name, element, axes }: Tensor): string => `${quoteName(name)}: ${printElement(element)}[${axes.map(quoteName).join(", ")}]`;

const printIndex = (index: Index): string => {
  const at = index.name.lastIndexOf("@");
  if (at < index.axis.length) return quoteName(index.name);
  const k = Number(index.name.slice(at + 1));
  return k <= 3 ? `${quoteName(index.axis)}${"'".repeat(k)}` : `${quoteName(index.axis)}'${k}`;
};

/** How tightly an operator binds; a part that binds less tightly than its place is put in brackets. */
const LEVEL = { select: 1, or: 2, and: 3, compare: 4, sum: 5, product: 6, power: 7, atom: 8 } as const;

class Printer {
  readonly #opener: Opener;
  readonly #names = new Map<Value, string>();
  readonly lines: string[] = [];

  constructor(opener: Opener, roots: readonly Value[], share: boolean) {
    this.#opener = opener;
    if (share) this.#share(roots);
  }

  /** Names, in order of completion, whatever occurs twice and is worth a name. */
  #share(roots: readonly Value[]): void {
    const uses = new Map<Value, number>();
    const order: Value[] = [];
    const visit = (value: Value): void => {
      const count = uses.get(value) ?? 0;
      uses.set(value, count + 1);
      if (count > 0) return;
      for (const part of this.#parts(value)) visit(part);
      order.push(value);
    };
    for (const root of roots) visit(root);
    for (const value of order) {
      if ((uses.get(value) ?? 0) < 2 || this.#weight(value) < 4) continue;
      const text = this.text(value, 0);
      const indices = [...value.free].map((name) => printFree(name)).join(", ");
      const name = `%${this.#names.size + 1}${indices === "" ? "" : `[${indices}]`}`;
      this.#names.set(value, name);
      this.lines.push(`${name} = ${text}`);
    }
  }

  #parts(value: Value): readonly Value[] {
    switch (value.kind) {
      case "reduce": {
        const { where, body } = this.#opener.open(value);
        return [value.extent, where, body];
      }
      case "table": return [this.#opener.open(value).body, value.at];
      case "load": case "slot": return value.indices;
      case "linear": return value.terms.map(([, term]) => term);
      case "product": return value.factors.map(([base]) => base);
      case "apply": return value.args;
      case "not": return [value.of];
      case "and": case "or": return value.of;
      case "select": return [value.condition, value.yes, value.no];
      case "constant": case "truth": case "extent": case "index": return [];
      default: return [value.left, value.right];
    }
  }

  #weight(value: Value, budget = 4): number {
    let weight = 1;
    for (const part of this.#parts(value)) {
      if (weight >= budget) break;
      weight += this.#names.has(part) ? 1 : this.#weight(part, budget - weight);
    }
    return weight;
  }

  text(value: Value, least: number): string {
    const name = this.#names.get(value);
    if (name !== undefined) return name;
    const [text, level] = this.#bare(value);
    return level < least ? `(${text})` : text;
  }

  #bare(value: Value): readonly [text: string, level: number] {
    const list = (values: readonly Value[]): string => values.map((part) => this.text(part, 0)).join(", ");
    const infix = (operator: string, left: Value, right: Value, level: number): readonly [string, number] =>
      [`${this.text(left, level + 1)} ${operator} ${this.text(right, level + 1)}`, level];
    switch (value.kind) {
      case "constant": return [String(value.value), value.value < 0 ? LEVEL.sum : LEVEL.atom];
      case "truth": return [String(value.value), LEVEL.atom];
      case "extent": return [`extent(${quoteName(value.axis)})`, LEVEL.atom];
      case "index": return [printIndex(value), LEVEL.atom];
      case "load": return [`${quoteName(value.tensor.name)}[${list(value.indices)}]`, LEVEL.atom];
      case "slot": return [`${quoteName(value.name)}{${list(value.indices)}}`, LEVEL.atom];
      case "linear": return this.#sum(value.constant, value.terms);
      case "product": {
        if (value.factors.length === 1) {
          const [[base, exponent] = [value, 1]] = value.factors;
          return [`${this.text(base, LEVEL.atom)}^${exponent}`, LEVEL.power];
        }
        return [value.factors.map(([base, e]) => (e === 1 ? this.text(base, LEVEL.power) : `${this.text(base, LEVEL.atom)}^${e}`)).join(" * "), LEVEL.product];
      }
      case "quotient": return infix("//", value.left, value.right, LEVEL.product);
      case "remainder": return infix("%", value.left, value.right, LEVEL.product);
      case "apply": return [`${value.fn}(${list(value.args)})`, LEVEL.atom];
      case "bitwise": return [`(${this.text(value.left, LEVEL.atom)} ${value.op} ${this.text(value.right, LEVEL.atom)})`, LEVEL.atom];
      case "larger": return [`max(${list([value.left, value.right])})`, LEVEL.atom];
      case "smaller": return [`min(${list([value.left, value.right])})`, LEVEL.atom];
      case "select": return [`${this.text(value.condition, LEVEL.or)} ? ${this.text(value.yes, LEVEL.or)} : ${this.text(value.no, LEVEL.select)}`, LEVEL.select];
      case "less": return value.left.kind === "linear" && value.left.facts.integer ? this.#comparison(value.left.constant, value.left.terms) : infix("<", value.left, value.right, LEVEL.compare);
      case "atMost": return infix("<=", value.left, value.right, LEVEL.compare);
      case "equal": return infix("=", value.left, value.right, LEVEL.compare);
      case "not": return [`!${this.text(value.of, LEVEL.atom)}`, LEVEL.atom];
      case "and": return [value.of.map((part) => this.text(part, LEVEL.and + 1)).join(" & "), LEVEL.and];
      case "or": return [value.of.map((part) => this.text(part, LEVEL.or + 1)).join(" | "), LEVEL.or];
      case "reduce": {
        const { index, where, body } = this.#opener.open(value);
        const guard = where.kind === "truth" && where.value ? "" : ` | ${this.text(where, 0)}`;
        const shown = value.op === "any" ? "" : ` ${this.text(body, 0)}`;
        return [`(${value.op} ${printIndex(index)} < ${this.text(value.extent, LEVEL.sum)}${guard}:${shown})`, LEVEL.atom];
      }
      case "table": {
        const { index, body } = this.#opener.open(value);
        return [`(table ${printIndex(index)} < ${this.text(value.extent, LEVEL.sum)}: ${this.text(body, 0)})[${this.text(value.at, 0)}]`, LEVEL.atom];
      }
    }
  }

  #sum(constant: number, terms: readonly (readonly [number, Value])[]): readonly [string, number] {
    let text = "";
    for (const [coefficient, term] of terms) {
      const size = Math.abs(coefficient);
      const sign = coefficient < 0 ? (text === "" ? "-" : " - ") : text === "" ? "" : " + ";
      text += `${sign}${size === 1 ? this.text(term, LEVEL.product) : `${size} * ${this.text(term, LEVEL.power)}`}`;
    }
    if (constant !== 0 || text === "") text += text === "" ? String(constant) : constant < 0 ? ` - ${-constant}` : ` + ${constant}`;
    return [text, terms.length === 1 && constant === 0 ? LEVEL.product - 0.5 : LEVEL.sum];
  }

  /** `difference < 0` with the negative part on the right. */
  #comparison(constant: number, terms: readonly (readonly [number, Value])[]): readonly [string, number] {
    const left = terms.filter(([k]) => k > 0);
    const right = terms.filter(([k]) => k < 0).map(([k, t]) => [-k, t] as const);
    const stays = constant > 0;
    const [a] = this.#sum(stays ? constant : 0, left);
    const [b] = this.#sum(stays ? 0 : -constant, right);
    return [`${a} < ${b}`, LEVEL.compare];
  }
}

/** `axis@k` as `printIndex` shows it. */
function printFree(name: string): string {
  const at = name.lastIndexOf("@");
  if (at < 0) return quoteName(name);
  const k = Number(name.slice(at + 1));
  return k <= 3 ? `${quoteName(name.slice(0, at))}${"'".repeat(k)}` : `${quoteName(name.slice(0, at))}'${k}`;
}

/** One value on one line, nothing named. */
export function printValue(opener: Opener, value: Value): string {
  return new Printer(opener, [value], false).text(value, 0);
}

/** Several values, shared parts named: the definitions, then a printer of values that uses them. */
export function printShared(opener: Opener, values: readonly Value[]): { readonly definitions: readonly string[]; readonly text: (value: Value) => string } {
  const printer = new Printer(opener, values, true);
  return { definitions: printer.lines, text: (value) => printer.text(value, 0) };
}

const printAxis = ({ name, extent, parts }: AxisDeclaration): string =>
  parts !== undefined ? `${quoteName(name)} = ${parts.map(quoteName).join(" + ")}` : extent === undefined ? quoteName(name) : `${quoteName(name)} = ${extent}`;

function printObligation(opener: Opener, { claim }: Obligation): string {
  const text = (value: Value): string => printValue(opener, value);
  if (claim.kind === "divides") return `${text(claim.divisor)} divides ${text(claim.dividend)}`;
  const under = claim.under.length === 0 ? "" : ` where ${claim.under.map(text).join(" & ")}`;
  return `0 <= ${text(claim.index)} < extent(${quoteName(claim.axis)}) in ${quoteName(claim.of)}${under}`;
}

/** The whole graph, one line for each axis list, tensor, shared value, store and obligation. */
export function printGraph(opener: Opener, graph: Graph): string {
  const { definitions, text } = printShared(opener, graph.stores.flatMap(({ indices, value }) => [...indices, value]));
  return [
    `kernel ${quoteName(graph.name)}`,
    `axes ${graph.axes.map(printAxis).join(", ")}`,
    ...graph.inputs.map((tensor) => `input ${printTensor(tensor)}`),
    ...graph.outputs.map((tensor) => `output ${printTensor(tensor)}`),
    ...definitions,
    ...graph.stores.map(({ output, indices, value }) => `${quoteName(output.name)}[${indices.map(text).join(", ")}] = ${text(value)}`),
    ...graph.obligations.map((obligation) => `provided ${printObligation(opener, obligation)}`),
  ].join("\n");
}
