/** @file From a kernel as the evaluator knows it to its graph: readers for the inputs, a store for each output. */

import { isTruth, type GraphBuilder } from "../../spec/graph/builder";
import { usedAxes } from "../../spec/graph/used-axes";
import type { Element, Graph, Store, Tensor, Value } from "../../spec/graph/node";
import { GrowingBody, SizeFound } from "./body";
import type { Evaluator } from "./evaluator";
import { isIntegral } from "./integers";
import { describe, fieldsOf, native, ofNode, UNDEFINED, type AxisMeaning, type Body, type FunctionLike, type InputMeaning, type KernelMeaning, type Machine, type Meaning, type Native } from "./meaning";
import { member } from "./members";
import { ts } from "./typescript";

/**
 * The graph of a kernel that is exported as `name`. Faults after which work could go on are in `evaluator.reported`.
 * @param builder makes what the graph is made with
 */
export function graphOf(evaluator: Evaluator, name: string, kernel: KernelMeaning, builder: () => GraphBuilder): Graph {
  const fixed = new Map<string, AxisMeaning>();
  for (;;) {
    const before = evaluator.reported.length;
    try {
      return grow(evaluator, name, kernel, new GrowingBody(fixed, evaluator, builder()));
    } catch (error) {
      if (!(error instanceof SizeFound)) throw error;
      evaluator.reported.length = before;
      fixed.set(error.axis.name, error.axis);
    }
  }
}

function grow(evaluator: Evaluator, name: string, kernel: KernelMeaning, body: GrowingBody): Graph {
  const { inputs, outputs, single, site } = kernel;
  const tensors: Tensor[] = [];
  const stores = evaluator.within(body, () => {
    body.builder.span = evaluator.spanOf(site);
    // The axes of the signature come first, in its order.
    for (const [key, spec] of inputs) declare(body, key, spec, tensors, site);
    for (const { axes } of outputs.values()) for (const axis of axes) body.extent(axis, site);
    const readers = fieldsOf([...inputs].map(([key, spec]) => [key, reader(body, key, spec)] as const));
    const elements = evaluator.call(kernel.body, [readers], site);
    return [...outputs].map(([key, spec]) => store(evaluator, body, { name: key, element: spec.element, axes: spec.axes.map((axis) => axis.name) }, spec.axes, single ? elements : member(evaluator, elements, key, site), site));
  });
  const { obligations, builder } = body;
  const axes = usedAxes(body.axes, [...tensors, ...stores.map(({ output }) => output)], stores, obligations);
  return { name, axes, inputs: tensors, outputs: stores.map(({ output }) => output), stores, obligations, spans: builder.spans };
}

/** Notes the axes and the tensors behind an input, under dotted names. */
function declare(body: Body, name: string, spec: InputMeaning, tensors: Tensor[], site: ts.Node): void {
  for (const axis of spec.axes) body.extent(axis, site);
  if (spec.kind === "tensor") tensors.push({ name, element: spec.element, axes: spec.axes.map((axis) => axis.name) });
  else for (const [key, inner] of spec.storage) declare(body, `${name}.${key}`, inner, tensors, site);
}

/** The function by which a body reads an input. */
function reader(body: Body, name: string, spec: InputMeaning): Native {
  if (spec.kind === "tensor") {
    const tensor: Tensor = { name, element: spec.element, axes: spec.axes.map((axis) => axis.name) };
    return native(name, (machine, args, site) => ofNode(body.load(tensor, spec.axes, indices(machine, name, spec.axes, args, site), site)));
  }
  const storage = fieldsOf([...spec.storage].map(([key, inner]) => [key, reader(body, `${name}.${key}`, inner)] as const));
  let read: Meaning | undefined;
  return native(name, (machine, args, site) => {
    const at = indices(machine, name, spec.axes, args, site);
    body.inside(name, spec.axes, at, site);
    read ??= machine.call(spec.read, [storage], site);
    return ofNode(machine.number(machine.call(read, at.map(ofNode), site), site));
  });
}

/** One index for each axis; a function that takes fewer may be called with more, as everywhere in JavaScript. */
function indices(machine: Machine, name: string, axes: readonly AxisMeaning[], args: readonly Meaning[], site: ts.Node): Value[] {
  return axes.map((axis, at) => {
    const arg = args[at] ?? UNDEFINED;
    const isNumber = arg.kind === "node" ? !isTruth(arg.node) : arg.kind === "static" && typeof arg.value === "number";
    if (!isNumber) machine.refuse(site, { code: "KV1121", message: `\`${name}\` is read without an index for its axis \`${axis.name}\``, expected: `${axes.length} ${axes.length === 1 ? "index" : "indices"}`, got: describe(arg), mend: `Call it as \`${name}(${axes.map(({ name: each }) => each).join(", ")})\`.` });
    return machine.number(arg, site);
  });
}

function store(evaluator: Evaluator, body: Body, output: Tensor, axes: readonly AxisMeaning[], element: Meaning, site: ts.Node): Store {
  if (element.kind !== "closure" && element.kind !== "native") {
    evaluator.refuse(site, { code: "KV3010", message: `the body does not compute the output \`${output.name}\``, expected: "a function of its indices", got: describe(element), mend: `Return a function: \`(${output.axes.map((_, at) => `i${at}`).join(", ")}) => …\`.` });
  }
  const of = element.kind === "closure" && ownDeclaration(evaluator, element.declaration) ? resultSite(element.declaration) : site;
  const at: Value[] = [];
  const descend = (rest: readonly AxisMeaning[]): Value => {
    const [axis, ...others] = rest;
    if (axis !== undefined) {
      return body.along(axis, site, (index) => {
        at.push(index);
        return descend(others);
      });
    }
    return evaluator.number(evaluator.call(element, at.map(ofNode), site), of);
  };
  const value = descend(axes);
  checkIntegral(evaluator, output, value, of);
  return { output, indices: at, value };
}

/** Where a function says what it returns: its expression, or its last statement. */
const resultSite = (declaration: FunctionLike): ts.Node => {
  const { body } = declaration;
  return body === undefined ? declaration : ts.isBlock(body) ? (body.statements.at(-1) ?? body) : body;
};

const ownDeclaration = (evaluator: Evaluator, node: ts.Node): boolean => evaluator.origin.inPackage(node.getSourceFile()) === undefined;

const isInteger = ({ kind }: Element): boolean => kind !== "f32" && kind !== "f16";

function checkIntegral(evaluator: Evaluator, { name, element }: Tensor, value: Value, site: ts.Node): void {
  if (!isInteger(element) || isIntegral(value)) return;
  const infinite = value.facts.mayBeNegativeInfinity || value.facts.mayBePositiveInfinity;
  evaluator.report(site, {
    code: "KV3009",
    message: `the output \`${name}\` is of integers, and its value is not proved to be one`,
    expected: "an integer",
    got: infinite ? "a number that may be infinite" : "a number that may not be an integer",
    mend: infinite ? "A `max` or `min` over an empty axis is infinite: bound it, `Math.max(0, max(…))`." : "`Math.round(x)` or `Math.floor(x)` makes an integer; what does not fit its type saturates.",
  });
}
