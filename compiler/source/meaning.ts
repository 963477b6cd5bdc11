/**
 * @file What an expression means to the evaluator: something known while compiling (numbers, strings, records, axes,
 * functions with their surroundings), or a node of the graph that is being built.
 */

import type { Diagnostic, Place } from "../../spec/diagnostics/diagnostic";
import { isTruth, type GraphBuilder } from "../../spec/graph/builder";
import type { Element, Tensor, Value } from "../../spec/graph/node";
import type { Origin } from "./check";
import type { ts } from "./typescript";

export type Meaning = Static | Node | List | Fields | Closure | Native | Namespace | AxisMeaning | TensorMeaning | EncodedMeaning | KernelMeaning;

/** A value of JavaScript that is known. */
export interface Static { readonly kind: "static"; readonly value: number | string | boolean | null | undefined }
/** A number or a truth that depends on indices, sizes or inputs. Never a constant: that is static. */
export interface Node { readonly kind: "node"; readonly node: Value }
export interface List { readonly kind: "list"; readonly items: readonly Meaning[] }
export interface Fields { readonly kind: "fields"; readonly fields: ReadonlyMap<string, Meaning> }
/** A function of the source text, with the variables it was written among. */
export interface Closure { readonly kind: "closure"; readonly declaration: FunctionLike; readonly scope: Scope | undefined }
/** A function that the evaluator itself provides. */
export interface Native { readonly kind: "native"; readonly name: string; readonly call: (machine: Machine, args: readonly Meaning[], site: ts.Node) => Meaning }
/** `Math`, `Number`, `import * as …`: members are made when asked for; undefined if there is none of that name. */
export interface Namespace { readonly kind: "namespace"; readonly name: string; member(name: string, machine: Machine, site: ts.Node): Meaning | undefined; readonly call?: Native["call"] }
export interface AxisMeaning { readonly kind: "axis"; readonly name: string; readonly extent: number | undefined; readonly parts?: readonly AxisMeaning[] }
export interface TensorMeaning { readonly kind: "tensor"; readonly element: Element; readonly axes: readonly AxisMeaning[] }
export interface EncodedMeaning { readonly kind: "encoded"; readonly axes: readonly AxisMeaning[]; readonly storage: ReadonlyMap<string, InputMeaning>; readonly read: Meaning }
export interface KernelMeaning {
  readonly kind: "kernel";
  readonly inputs: ReadonlyMap<string, InputMeaning>;
  /** By name; a single output is called `out`, and its body returns one function. */
  readonly outputs: ReadonlyMap<string, TensorMeaning>;
  readonly single: boolean;
  readonly body: Meaning;
  /** Where the user made it: the call of `kernel`, or of what calls it. */
  readonly site: ts.Node;
}
export type InputMeaning = TensorMeaning | EncodedMeaning;

export type FunctionLike = ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration | ts.MethodDeclaration;

export const known = (value: Static["value"]): Static => ({ kind: "static", value });
export const UNDEFINED: Static = known(undefined);
export const list = (items: readonly Meaning[]): List => ({ kind: "list", items });
export const fieldsOf = (fields: Iterable<readonly [string, Meaning]>): Fields => ({ kind: "fields", fields: new Map(fields) });
export const native = (name: string, call: Native["call"]): Native => ({ kind: "native", name, call });

/** A node as a meaning: constants are known. */
export const ofNode = (node: Value): Static | Node => (node.kind === "constant" || node.kind === "truth" ? known(node.value) : { kind: "node", node });

/** Variables by the symbol that the checker gives them. */
export class Scope {
  readonly #values = new Map<ts.Symbol, Meaning>();
  readonly #parent: Scope | undefined;

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
  }

  bind(symbol: ts.Symbol, meaning: Meaning): void {
    this.#values.set(symbol, meaning);
  }

  find(symbol: ts.Symbol): Meaning | undefined {
    return this.#values.get(symbol) ?? this.#parent?.find(symbol);
  }
}

/** A fault without its place. */
export type Fault = Omit<Diagnostic, keyof Place | "related">;

/** What evaluation of one part asks of the whole. */
export interface Machine {
  readonly checker: ts.TypeChecker;
  readonly origin: Origin;
  /** What a name stands for; functions are evaluated many times, their names are looked up once. */
  symbolAt(name: ts.Identifier): ts.Symbol | undefined;
  evaluate(expression: ts.Expression, scope: Scope | undefined): Meaning;
  call(callee: Meaning, args: readonly Meaning[], site: ts.Node): Meaning;
  /** The value of a name that no scope holds: a global, or something of a module. */
  outside(symbol: ts.Symbol, site: ts.Node): Meaning;
  /** Gives up the kernel at hand. */
  refuse(site: ts.Node, fault: Fault): never;
  /** Notes a fault and goes on. */
  report(site: ts.Node, fault: Fault): void;
  /** The body that is being evaluated; refuses if none is, naming what needs one. */
  body(site: ts.Node, what: string): Body;
  /** The node of the user's own text that led here: `site` itself, or the innermost call of what holds it. */
  ownSite(site: ts.Node): ts.Node;
  /** Whether a body is being evaluated. */
  readonly inBody: boolean;
  /** Evaluates where a condition is known. */
  under(condition: Value, holds: boolean, action: () => Meaning): Meaning;
  number(meaning: Meaning, site: ts.Node): Value;
}

/** The graph of one kernel while it grows. */
export interface Body {
  readonly builder: GraphBuilder;
  /** What is known where evaluation stands: conditions passed on the way. */
  readonly conditions: readonly Value[];
  extent(axis: AxisMeaning, site: ts.Node): Value;
  /** Evaluates with a new free index of the axis. */
  along(axis: AxisMeaning, site: ts.Node, action: (index: Value) => Value): Value;
  /** An element of a tensor; the indices are proved to lie inside it, or the proof is owed. */
  load(tensor: Tensor, axes: readonly AxisMeaning[], indices: readonly Value[], site: ts.Node): Value;
  /** Proves indices inside axes. */
  inside(name: string, axes: readonly AxisMeaning[], indices: readonly Value[], site: ts.Node): void;
  /** Proves, or owes, that one number divides another. */
  divides(dividend: AxisMeaning, divisor: AxisMeaning, site: ts.Node): void;
}

/** What a meaning is called in a message. */
export function describe(meaning: Meaning): string {
  switch (meaning.kind) {
    case "static": return meaning.value === undefined || meaning.value === null ? String(meaning.value) : typeof meaning.value === "string" ? JSON.stringify(meaning.value) : `the ${typeof meaning.value} ${meaning.value}`;
    case "node": return `${isTruth(meaning.node) ? "a condition" : "a number"} that depends on indices, sizes or inputs`;
    case "list": return "an array";
    case "fields": return "a record";
    case "closure": case "native": return "a function";
    case "namespace": return `\`${meaning.name}\``;
    case "axis": return `the axis \`${meaning.name}\``;
    case "tensor": return "a tensor specification";
    case "encoded": return "an encoded specification";
    case "kernel": return "a kernel";
  }
}
