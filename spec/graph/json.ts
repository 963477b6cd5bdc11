/**
 * @file The portable form of a graph: plain JSON. Nodes stand in a list, parts before wholes, and refer to each other by
 * position. A graph read back is the graph that was saved: same nodes, same order, same print.
 */

import { refuse } from "../diagnostics/diagnostic";
import { shown } from "../diagnostics/shown";
import { GraphBuilder } from "./builder";
import { postOrder } from "./children";
import {
  BINARY_FUNCTIONS, BITWISE_OPERATORS, REDUCE_OPERATORS, UNARY_FUNCTIONS,
  type AxisDeclaration, type BitwiseOperator, type Element, type Graph, type MathFunction, type Obligation, type ReduceOperator, type Span, type Tensor, type Value,
} from "./node";
import { faults } from "./validate";

export const FORMAT = "kvern-graph";
/** Raised when an old reader would misread a new graph. */
export const VERSION = 1;

type Reference = number;
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A kernel as JSON. Its insides are for `loadGraph` to read. */
export interface SerialisedGraph {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly name: string;
  readonly axes: readonly AxisDeclaration[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly nodes: readonly (readonly Json[])[];
  readonly stores: readonly { readonly output: string; readonly indices: readonly Reference[]; readonly value: Reference }[];
  readonly obligations: readonly Json[];
  readonly files: readonly string[];
  /** Node, file, line, column, end line, end column. */
  readonly spans: readonly (readonly number[])[];
}

/** JSON has no infinities. */
const writeNumber = (value: number): Json => (Number.isFinite(value) ? value : String(value));

export function saveGraph(graph: Graph): SerialisedGraph {
  const roots = graph.stores.flatMap(({ indices, value }) => [...indices, value]);
  const obliged = graph.obligations.flatMap(({ claim }) => (claim.kind === "divides" ? [claim.dividend, claim.divisor] : [claim.index, ...claim.under]));
  // In order of age, so that a reader's normal forms order their terms as the writer's did.
  const nodes = postOrder([...roots, ...obliged]).sort((a, b) => a.id - b.id);
  const position = new Map(nodes.map((node, at) => [node, at]));
  const ref = (node: Value): number => position.get(node) ?? -1;
  const inputs = new Map(graph.inputs.map((tensor, at) => [tensor.name, at]));
  const files: string[] = [];
  const file = (name: string): number => (files.includes(name) ? files.indexOf(name) : files.push(name) - 1);
  const place = (span: Span): number[] => [file(span.file), span.line, span.column, span.endLine, span.endColumn];
  const write = (node: Value): readonly Json[] => {
    switch (node.kind) {
      case "constant": return ["constant", writeNumber(node.value)];
      case "truth": return ["truth", node.value];
      case "extent": return ["extent", node.axis];
      case "index": return ["index", node.axis, node.name, ref(node.extent)];
      case "load": return ["load", inputs.get(node.tensor.name) ?? -1, node.indices.map(ref)];
      case "linear": return ["linear", node.constant, node.terms.map(([k, t]) => [k, ref(t)])];
      case "product": return ["product", node.factors.map(([b, e]) => [ref(b), e])];
      case "apply": return ["apply", node.fn, node.args.map(ref)];
      case "bitwise": return ["bitwise", node.op, ref(node.left), ref(node.right)];
      case "not": return ["not", ref(node.of)];
      case "and": case "or": return [node.kind, node.of.map(ref)];
      case "select": return ["select", ref(node.condition), ref(node.yes), ref(node.no)];
      case "reduce": return ["reduce", node.op, node.axis, node.bound, ref(node.extent), ref(node.where), ref(node.body)];
      case "table": case "slot": return [node.kind];
      case "quotient": case "remainder": case "larger": case "smaller": case "less": case "atMost": case "equal":
        return [node.kind, ref(node.left), ref(node.right)];
    }
  };
  const oblige = ({ claim, span }: Obligation): Json => [
    ...(claim.kind === "divides" ? ["divides", ref(claim.dividend), ref(claim.divisor)] : ["inside", ref(claim.index), claim.axis, claim.of, claim.under.map(ref)]),
    span === undefined ? null : place(span),
  ];
  return {
    format: FORMAT,
    version: VERSION,
    name: graph.name,
    axes: graph.axes,
    inputs: graph.inputs,
    outputs: graph.outputs,
    nodes: nodes.map(write),
    stores: graph.stores.map(({ output, indices, value }) => ({ output: output.name, indices: indices.map(ref), value: ref(value) })),
    obligations: graph.obligations.map(oblige),
    spans: [...graph.spans].filter(([node]) => position.has(node)).map(([node, span]) => [ref(node), ...place(span)]),
    files,
  };
}

/** Thrown inside the reader; `loadGraph` turns it into a diagnostic. */
class Damage extends Error {}

const damaged = (what: string): never => {
  throw new Damage(what);
};

/** Readers of one piece of JSON each; whatever is not as it should be is damage. */
const read = {
  list: (json: unknown, what: string): readonly unknown[] => (Array.isArray(json) ? (json as unknown[]) : damaged(`${what} is no list`)),
  record: (json: unknown, what: string): Readonly<Record<string, unknown>> =>
    typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : damaged(`${what} is no record`),
  string: (json: unknown, what: string): string => (typeof json === "string" ? json : damaged(`${what} is no string`)),
  finite: (json: unknown, what: string): number => (typeof json === "number" && Number.isFinite(json) ? json : damaged(`${what} is no number`)),
  number: (json: unknown, what: string): number => (json === "Infinity" ? Infinity : json === "-Infinity" ? -Infinity : read.finite(json, what)),
  count: (json: unknown, what: string): number => (typeof json === "number" && Number.isSafeInteger(json) && json >= 0 ? json : damaged(`${what} is no count`)),
  oneOf: <T extends string>(json: unknown, names: readonly T[], what: string): T =>
    names.find((name) => name === json) ?? damaged(`${what} is none of ${names.join(", ")}`),
};

function readElement(json: unknown): Element {
  const record = read.record(json, "an element");
  const kind = read.oneOf(record["kind"], ["f32", "f16", "i32", "u32", "uint"] as const, "an element's kind");
  return kind === "uint" ? { kind, bits: read.count(record["bits"], "a width in bits") } : { kind };
}

function readTensor(json: unknown): Tensor {
  const record = read.record(json, "a tensor");
  return {
    name: read.string(record["name"], "a tensor's name"),
    element: readElement(record["element"]),
    axes: read.list(record["axes"], "a tensor's axes").map((axis) => read.string(axis, "an axis")),
  };
}

function readAxis(json: unknown): AxisDeclaration {
  const record = read.record(json, "an axis");
  const name = read.string(record["name"], "an axis's name");
  const parts = record["parts"];
  if (parts !== undefined) return { name, parts: read.list(parts, `the parts of ${name}`).map((part) => read.string(part, "an axis")) };
  return record["extent"] === undefined ? { name } : { name, extent: read.count(record["extent"], `the size of ${name}`) };
}

const FUNCTIONS: readonly MathFunction[] = [...UNARY_FUNCTIONS, ...BINARY_FUNCTIONS];
const OPERATORS: readonly BitwiseOperator[] = BITWISE_OPERATORS;
const REDUCTIONS: readonly ReduceOperator[] = REDUCE_OPERATORS;
const PAIRS = ["quotient", "remainder", "larger", "smaller", "less", "atMost", "equal"] as const;

/** A graph read into a builder of its own. */
export interface LoadedGraph {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
}

/**
 * Reads what `saveGraph` wrote, or what claims to be that.
 *
 * @throws KvernError KV5101 if it is no graph, is damaged, or comes from another version.
 */
export function loadGraph(json: unknown): LoadedGraph {
  try {
    return readGraph(json);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    return refuse({ code: "KV5101", message: `this is no kernel graph: ${error.message}`, expected: `${FORMAT}, version ${VERSION}`, mend: "Compile the kernel again with `kvern build`." });
  }
}

function readGraph(json: unknown): LoadedGraph {
  const record = read.record(json, "the graph");
  if (record["format"] !== FORMAT) damaged(`its format is ${shown(record["format"])}`);
  if (record["version"] !== VERSION) damaged(`its version is ${shown(record["version"])}`);
  const inputs = read.list(record["inputs"], "the inputs").map(readTensor);
  const outputs = read.list(record["outputs"], "the outputs").map(readTensor);
  const builder = new GraphBuilder();
  const nodes: Value[] = [];
  const ref = (position: unknown): Value => nodes[read.count(position, "a reference")] ?? damaged(`a node refers to ${String(position)}, which is not before it`);
  const refs = (list: unknown): Value[] => read.list(list, "a list of parts").map(ref);
  const pairs = (list: unknown): readonly (readonly [unknown, unknown])[] =>
    read.list(list, "a list of pairs").map((pair) => {
      const [a, b] = read.list(pair, "a pair");
      return [a, b] as const;
    });
  const node = (fields: readonly unknown[]): Value => {
    const [kind, a, b, c, d, e, f] = fields;
    switch (kind) {
      case "constant": return builder.restore({ kind, value: read.number(a, "a constant") });
      case "truth": return builder.restore({ kind, value: a === true });
      case "extent": return builder.restore({ kind, axis: read.string(a, "an axis") });
      case "index": return builder.restore({ kind, axis: read.string(a, "an axis"), name: read.string(b, "an index"), extent: ref(c) });
      case "load": {
        const tensor = inputs[read.count(a, "an input")] ?? damaged(`no input ${String(a)}`);
        const indices = refs(b);
        return indices.length === tensor.axes.length ? builder.restore({ kind, tensor, indices }) : damaged(`${tensor.name} is read with ${indices.length} indices`);
      }
      case "linear": return builder.restore({ kind, constant: read.finite(a, "a constant"), terms: pairs(b).map(([k, t]) => [read.finite(k, "a coefficient"), ref(t)] as const) });
      case "product": return builder.restore({ kind, factors: pairs(a).map(([base, exponent]) => [ref(base), read.finite(exponent, "an exponent")] as const) });
      case "apply": return builder.restore({ kind, fn: read.oneOf(a, FUNCTIONS, "a function"), args: refs(b) });
      case "bitwise": return builder.restore({ kind, op: read.oneOf(a, OPERATORS, "an operator"), left: ref(b), right: ref(c) });
      case "not": return builder.restore({ kind, of: ref(a) });
      case "and": case "or": return builder.restore({ kind, of: refs(a) });
      case "select": return builder.restore({ kind, condition: ref(a), yes: ref(b), no: ref(c) });
      case "reduce": return builder.restore({ kind, op: read.oneOf(a, REDUCTIONS, "a reduction"), axis: read.string(b, "an axis"), bound: read.string(c, "a bound index"), extent: ref(d), where: ref(e), body: ref(f) });
      default: return builder.restore({ kind: read.oneOf(kind, PAIRS, "a node's kind"), left: ref(a), right: ref(b) });
    }
  };
  for (const fields of read.list(record["nodes"], "the nodes")) nodes.push(node(read.list(fields, "a node")));
  const output = (name: unknown): Tensor => outputs.find((tensor) => tensor.name === name) ?? damaged(`no output ${shown(name)}`);
  const files = read.list(record["files"], "the files").map((file) => read.string(file, "a file"));
  const span = (place: unknown): Span | undefined => {
    if (place === null) return undefined;
    const [at, line = 0, column = 0, endLine = 0, endColumn = 0] = read.list(place, "a place").map((part) => read.count(part, "a part of a place"));
    return { file: files[at ?? -1] ?? damaged("a place in no file"), line, column, endLine, endColumn };
  };
  const obligations = read.list(record["obligations"], "the obligations").map((entry): Obligation => {
    const [kind, a, b, c, d, e] = read.list(entry, "an obligation");
    return kind === "divides"
      ? { claim: { kind, dividend: ref(a), divisor: ref(b) }, span: span(c) }
      : { claim: { kind: "inside", index: ref(a), axis: read.string(b, "an axis"), of: read.string(c, "a tensor"), under: refs(d) }, span: span(e) };
  });
  const spans = new Map<Value, Span>();
  for (const entry of read.list(record["spans"], "the spans")) {
    const [at, ...place] = read.list(entry, "a span");
    const where = span(place);
    if (where !== undefined) spans.set(ref(at), where);
  }
  const graph: Graph = {
    name: read.string(record["name"], "the name"),
    axes: read.list(record["axes"], "the axes").map(readAxis),
    inputs,
    outputs,
    stores: read.list(record["stores"], "the stores").map((entry) => {
      const store = read.record(entry, "a store");
      return { output: output(store["output"]), indices: refs(store["indices"]), value: ref(store["value"]) };
    }),
    obligations,
    spans,
  };
  const [fault] = faults(graph);
  return fault === undefined ? { builder, graph } : damaged(fault);
}

