/** @file Checks that a graph is well formed. Runs on everything read from outside, and between passes in tests. */

import { DEEPEST, REDUCE_OPERATORS, type AxisDeclaration, type Graph, type Tensor, type Value } from "./node";
import { isTruth } from "./builder";
import { IDENTIFIER, isAxisName } from "../tensor/names";
import { children, postOrder } from "./children";

/** What is wrong with a graph: empty when nothing is. `portable` graphs hold no compiler's references. */
export function faults(graph: Graph, { portable = true }: { readonly portable?: boolean } = {}): readonly string[] {
  const found: string[] = [];
  const fault = (text: string): void => void found.push(text);
  const axes = new Map(graph.axes.map((axis) => [axis.name, axis]));
  if (axes.size !== graph.axes.length) fault("an axis is declared twice");
  for (const { name, extent } of graph.axes) if (extent !== undefined && !(Number.isSafeInteger(extent) && extent >= 0)) fault(`axis ${name} has the size ${extent}`);
  const before = new Set<string>();
  for (const { name, extent, parts = [] } of graph.axes) {
    for (const part of parts) if (!before.has(part)) fault(`axis ${name} goes through ${part}, which is not declared before it`);
    if (extent !== undefined && parts.length > 0) fault(`axis ${name} has parts and a size`);
    before.add(name);
  }
  const tensors = [...graph.inputs, ...graph.outputs];
  for (const side of [graph.inputs, graph.outputs]) if (new Set(side.map(({ name }) => name)).size !== side.length) fault("a tensor is declared twice");
  for (const tensor of tensors) {
    for (const axis of tensor.axes) if (!axes.has(axis)) fault(`tensor ${tensor.name} uses the undeclared axis ${axis}`);
    const { element } = tensor;
    if (element.kind === "uint" && !(Number.isInteger(element.bits) && element.bits >= 1 && element.bits <= 16)) fault(`tensor ${tensor.name} has elements of ${element.bits} bits`);
  }
  const inputs = new Map(graph.inputs.map((tensor) => [tensor.name, tensor]));
  const roots = graph.stores.flatMap(({ indices, value }) => [...indices, value]);
  const obliged = graph.obligations.flatMap(({ claim }) => (claim.kind === "divides" ? [claim.dividend, claim.divisor] : [claim.index, ...claim.under]));
  for (const node of postOrder([...roots, ...obliged])) checkNode(node, inputs, portable ? axes : undefined, fault);
  for (const { output, indices, value } of graph.stores) {
    if (!graph.outputs.includes(output)) fault(`a store into ${output.name}, which is no output`);
    if (indices.length !== output.axes.length) fault(`a store into ${output.name} with ${indices.length} indices`);
    if (portable && !goesThrough(output, indices, axes)) fault(`a store into ${output.name} at other positions than those of its axes`);
    if (isTruth(value)) fault(`a store of a truth into ${output.name}`);
    const own = new Set(indices.flatMap((index) => index.free));
    for (const name of value.free) if (!own.has(name)) fault(`the value of ${output.name} depends on ${name}, which is none of its indices`);
    for (const name of own) if (!name.includes("@")) fault(`the bound index ${name} escapes into ${output.name}`);
  }
  if (portable) {
    if (!IDENTIFIER.test(graph.name)) fault(`it is called ${JSON.stringify(graph.name.slice(0, 80))}`);
    for (const { name } of graph.axes) if (!isAxisName(name)) fault(`an axis is called ${JSON.stringify(name.slice(0, 80))}`);
    for (const { name } of tensors) if (!name.split(".").every((part) => IDENTIFIER.test(part))) fault(`a tensor is called ${JSON.stringify(name.slice(0, 80))}`);
    if (graph.stores.length > graph.outputs.length) fault("an output is stored into twice");
    const deepest = Math.max(0, ...roots.map(({ depth }) => depth));
    if (deepest > DEEPEST) fault(`it nests ${deepest} deep, more than ${DEEPEST}`);
  }
  for (const output of graph.outputs) if (!graph.stores.some((store) => store.output === output)) fault(`nothing is stored into ${output.name}`);
  return found;
}

const sameTensor = (a: Tensor, b: Tensor): boolean =>
  a.element.kind === b.element.kind && (a.element.kind !== "uint" || (b.element.kind === "uint" && a.element.bits === b.element.bits)) &&
  a.axes.length === b.axes.length && a.axes.every((axis, at) => axis === b.axes[at]);

/** @param axes those that the graph declares, of a portable graph: the compiler makes axes of its own */
function checkNode(node: Value, inputs: ReadonlyMap<string, Tensor>, axes: ReadonlyMap<string, AxisDeclaration> | undefined, fault: (text: string) => void): void {
  const portable = axes !== undefined;
  const at = `node ${node.id} (${node.kind})`;
  for (const part of children(node)) if (part.id >= node.id) fault(`${at} is older than its part ${part.id}`);
  const number = (...parts: readonly Value[]): void => {
    for (const part of parts) if (isTruth(part)) fault(`${at} uses the truth ${part.id} as a number`);
  };
  const truth = (...parts: readonly Value[]): void => {
    for (const part of parts) if (!isTruth(part)) fault(`${at} uses the number ${part.id} as a truth`);
  };
  const integer = (...parts: readonly Value[]): void => {
    number(...parts);
    for (const part of parts) if (!part.facts.integer) fault(`${at} needs an integer and has ${part.id}`);
  };
  /** What a portable graph gives as a size is made of sizes. */
  const size = (value: Value): void => {
    integer(value);
    if (portable && !isSize(value)) fault(`${at} has a size that is none`);
  };
  switch (node.kind) {
    case "constant": if (Number.isNaN(node.value)) fault(`${at} is NaN`); break;
    case "truth": break;
    case "extent": {
      const declared = axes?.get(node.axis);
      if (portable && (declared === undefined || declared.extent !== undefined || declared.parts !== undefined)) fault(`${at} is the size of ${node.axis}, which is no axis whose size is open`);
      break;
    }
    case "index":
      size(node.extent);
      if (!/[@#]\d+$/.test(node.name) || !node.name.startsWith(node.axis)) fault(`${at} is called ${node.name}`);
      break;
    case "load": {
      const declared = inputs.get(node.tensor.name);
      if (portable && (declared === undefined || !sameTensor(declared, node.tensor))) fault(`${at} reads ${node.tensor.name}, which is no input`);
      if (node.indices.length !== node.tensor.axes.length) fault(`${at} reads ${node.tensor.name} with ${node.indices.length} indices`);
      integer(...node.indices);
      break;
    }
    case "linear":
      number(...node.terms.map(([, t]) => t));
      if (!Number.isFinite(node.constant) || node.terms.some(([k]) => !Number.isFinite(k) || k === 0)) fault(`${at} has a coefficient that is 0 or not finite`);
      if (node.terms.length === 0) fault(`${at} has no term`);
      break;
    case "product":
      number(...node.factors.map(([b]) => b));
      for (const [base, e] of node.factors) if (!Number.isFinite(e) || e === 0 || (!Number.isInteger(e) && base.facts.low < 0)) fault(`${at} has the exponent ${e}`);
      if (node.factors.length === 0) fault(`${at} has no factor`);
      break;
    case "quotient": integer(node.left, node.right); break;
    case "bitwise": integer(node.left, node.right); break;
    case "apply": number(...node.args); if (node.args.length !== (node.fn === "pow" || node.fn === "atan2" ? 2 : 1)) fault(`${at} has ${node.args.length} arguments`); break;
    case "remainder": case "larger": case "smaller": case "less": case "atMost": case "equal": number(node.left, node.right); break;
    case "not": truth(node.of); break;
    case "and": case "or": truth(...node.of); if (node.of.length < 2) fault(`${at} joins fewer than two`); break;
    case "select": truth(node.condition); number(node.yes, node.no); break;
    case "reduce":
      size(node.extent);
      truth(node.where);
      if (node.op === "any") truth(node.body);
      else number(node.body);
      if (!REDUCE_OPERATORS.includes(node.op)) fault(`${at} has an unknown operator`);
      if (!/#\d+$/.test(node.bound) || !node.bound.startsWith(node.axis)) fault(`${at} binds ${node.bound}`);
      break;
    case "table": case "slot": if (portable) fault(`${at} is the compiler's own`); break;
  }
}

/** A number made of nothing but sizes of axes. */
function isSize(value: Value): boolean {
  switch (value.kind) {
    case "constant": case "extent": return true;
    case "linear": case "product": case "quotient": case "remainder": case "larger": case "smaller": return children(value).every(isSize);
    default: return false;
  }
}

/** Whether the indices of a store go through the whole of their axes, each by itself: so every element is stored once. */
const goesThrough = (output: Tensor, indices: readonly Value[], axes: ReadonlyMap<string, AxisDeclaration>): boolean =>
  new Set(indices.flatMap((index) => (index.kind === "index" ? [index.name] : []))).size === indices.filter(({ kind }) => kind === "index").length &&
  indices.every((index, at) => {
    const axis = axes.get(output.axes[at] ?? "");
    if (axis === undefined) return false;
    if (index.kind === "constant") return index.value === 0 && axis.extent === 1;
    if (index.kind !== "index" || index.axis !== axis.name) return false;
    const { extent } = index;
    if (axis.parts !== undefined) return isSize(extent);
    return axis.extent === undefined ? extent.kind === "extent" && extent.axis === axis.name : extent.kind === "constant" && extent.value === axis.extent;
  });
