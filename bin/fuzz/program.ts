/**
 * @file Random programs of the language: well-typed kernels over a few small axes, whose indices lie inside their axes and
 * whose results are defined. Printed, each is a file that a user could have written; made as a graph, it is what the
 * front end makes of that file.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import { usedAxes } from "../../spec/graph/used-axes";
import type { Element, Graph, Tensor, Value } from "../../spec/graph/node";
import { build, fits, free, named, print, smaller, type Expression } from "./expression";
import { Maker } from "./maker";
import type { Random } from "./random";
import { AXES, AXIS_NAMES, DECLARED, INPUTS, type AxisName } from "./signature";
import { NOTHING_CALLED, readOf, Writer, type RandomFunction } from "./writer";

interface RandomOutput {
  readonly element: Element;
  readonly axes: readonly AxisName[];
  readonly value: Expression;
}

/** A kernel in the making: what it computes, and over what. */
export interface RandomProgram {
  /** Functions that several places may call, each only those before it. */
  readonly functions: readonly RandomFunction[];
  /** One, called `out`, or several. */
  readonly outputs: readonly RandomOutput[];
}

const SHAPES = [["a"], ["b"], ["a", "b"], ["b", "c"], ["c", "a"], ["a", "d"], ["d"], []] as const satisfies readonly (readonly AxisName[])[];
const INTEGERS = [{ kind: "i32" }, { kind: "uint", bits: 4 }] as const satisfies readonly Element[];
const REAL: Element = { kind: "f32" };

/** A random program; its expressions nest to about `depth` levels. */
export function randomProgram(random: Random, depth = 5): RandomProgram {
  const writer = new Writer(random);
  const functions: RandomFunction[] = [];
  while (functions.length < 2 && random.oneIn(3)) functions.push(writer.function(`f${functions.length}`, { ...NOTHING_CALLED, functions }, depth - 2));
  const output = (): RandomOutput => {
    const axes = random.pick(SHAPES);
    const element = random.oneIn(6) ? random.pick(INTEGERS) : REAL;
    const scope = { ...NOTHING_CALLED, functions, indices: axes.map((axis, at) => named({ axis }, `o${at}`)) };
    return { element, axes, value: writer.write(element === REAL ? "real" : "integer", scope, depth) };
  };
  return { functions, outputs: random.oneIn(4) ? [output(), output()] : [output()] };
}

/** What outputs are called. */
const outputName = ({ outputs }: RandomProgram, at: number): string => (outputs.length === 1 ? "out" : `out${at}`);

const elementText = (element: Element): string => (element.kind === "uint" ? `uint(${element.bits})` : element.kind);

/** The inputs that a text reads. */
const read = (text: string) => [...INPUTS].filter(([name]) => new RegExp(`\\b${name}\\(`).test(text));

/** The file in which the kernel is exported as `k`. */
export function programText(program: RandomProgram): string {
  const { functions, outputs } = program;
  const declared = functions.map(({ name, parameters, value }) => `    const ${name} = (${parameters.map(({ name: each }) => `${each}: number`).join(", ")}) => ${print(value)};`);
  const bodies = outputs.map(({ axes, value }) => `(${axes.map((_, at) => `o${at}`).join(", ")}) =>\n      ${print(value)}`);
  const text = [...declared, ...bodies].join("\n");
  const inputs = read(text);
  const used = new Set(text.match(/\b[A-Za-z]+\b/g));
  const axes = AXIS_NAMES.filter((name) => used.has(name) || outputs.some((output) => output.axes.includes(name)) || inputs.some(([, input]) => input.axes.includes(name)));
  const words = new Set(["kernel", ...outputs.map(({ element }) => element.kind), ...inputs.flatMap(([, input]) => input.words.kvern ?? []), ...IMPORTED.filter((name) => used.has(name)), ...(axes.length === 0 ? [] : ["axis"])]);
  const formats = new Set(inputs.flatMap(([, input]) => input.words["kvern/formats"] ?? []));
  const [spec = "", ...others] = outputs.map(({ element, axes: own }) => `${elementText(element)}(${own.join(", ")})`);
  const [body = "", ...bodiesLeft] = bodies;
  const record = (values: readonly string[]): string => values.map((value, at) => `${outputName(program, at)}: ${value}`).join(", ");
  const result = others.length === 0 ? body : `{\n${[body, ...bodiesLeft].map((each, at) => `      ${outputName(program, at)}: ${each},\n`).join("")}    }`;
  const parameters = inputs.length === 0 ? "" : `{ ${inputs.map(([name]) => name).join(", ")} }`;
  return [
    `import { ${[...words].sort().join(", ")} } from "kvern";`,
    ...(formats.size === 0 ? [] : [`import { ${[...formats].sort().join(", ")} } from "kvern/formats";`]),
    "",
    ...axes.map((name) => `const ${name} = axis("${name}"${AXES[name] === undefined ? "" : `, ${AXES[name]}`});`),
    "",
    "export const k = kernel(",
    `  { ${inputs.map(([name, { text: type }]) => `${name}: ${type}`).join(", ")} },`,
    `  ${others.length === 0 ? spec : `{ ${record([spec, ...others])} }`},`,
    ...(declared.length === 0
      ? [`  (${parameters}) => ${others.length === 0 ? result : `(${result})`},`]
      : [`  (${parameters}) => {`, ...declared, `    return ${result};`, "  },"]),
    ");",
    "",
  ].join("\n");
}

/** The graph of the program, with no place in any text. */
export function programGraph(program: RandomProgram, builder?: GraphBuilder): Graph {
  const { functions, outputs } = program;
  const maker = new Maker(DECLARED, builder);
  const names = (parameters: readonly { readonly name: string }[], values: readonly Value[]): ReadonlyMap<string, Value> =>
    new Map(parameters.map(({ name }, at) => [name, values[at] ?? maker.builder.zero]));
  for (const { name, parameters, value } of functions) maker.functions.set(name, (...values) => build(value, maker, names(parameters, values)));
  const text = [...functions, ...outputs].map(({ value }) => print(value)).join("\n");
  const inputs = read(text).flatMap(([, { tensors }]) => tensors);
  const stores = outputs.map(({ element, axes, value }, at) => {
    const output: Tensor = { name: outputName(program, at), element, axes };
    const along = (rest: readonly AxisName[], indices: readonly Value[]): { readonly indices: readonly Value[]; readonly value: Value } => {
      const [axis, ...others] = rest;
      if (axis === undefined) return { indices, value: build(value, maker, names(axes.map((_, k) => ({ name: `o${k}` })), indices)) };
      let inner: { readonly indices: readonly Value[]; readonly value: Value } = { indices, value: maker.builder.zero };
      maker.along(axis, (index) => (inner = along(others, [...indices, index])).value);
      return inner;
    };
    return { output, ...along(axes, []) };
  });
  const { obligations } = maker;
  const met = Object.entries(DECLARED).map(([name, extent]) => (extent === undefined ? { name } : { name, extent }));
  const declared = usedAxes(met, [...inputs, ...stores.map(({ output }) => output)], stores, obligations);
  return { name: "k", axes: declared, inputs, outputs: stores.map(({ output }) => output), stores, obligations, spans: new Map() };
}

/** What programs use of `kvern` beside axes, kernels and element types. */
const IMPORTED = ["all", "any", "argmax", "argmin", "clamp", "extent", "logSumExp", "max", "min", "softmax", "sum"] as const;

/** Smaller programs than this one: fewer outputs, fewer functions, smaller expressions. */
export function* smallerPrograms(program: RandomProgram): Generator<RandomProgram> {
  const { functions, outputs } = program;
  if (outputs.length > 1) for (const output of outputs) yield { ...program, outputs: [output] };
  for (const unused of functions.filter(({ name }) => ![...functions, ...outputs].some(({ value }) => calls(value, name)))) {
    yield { ...program, functions: functions.filter((each) => each !== unused) };
  }
  for (const [from, to] of SIMPLER) {
    const simpler = <Each extends { readonly value: Expression }>(each: Each): Each => ({ ...each, value: reading(each.value, from, to) });
    if ([...functions, ...outputs].some(({ value }) => value !== reading(value, from, to))) yield { functions: functions.map(simpler), outputs: outputs.map(simpler) };
  }
  for (const [at, output] of outputs.entries()) {
    for (const inlined of inlinings(output.value, functions)) yield { ...program, outputs: outputs.with(at, { ...output, value: inlined }) };
    for (const value of smaller(output.value)) yield { ...program, outputs: outputs.with(at, { ...output, value }) };
  }
  for (const [at, each] of functions.entries()) {
    for (const value of smaller(each.value)) yield { ...program, functions: functions.with(at, { ...each, value }) };
  }
}

/** Inputs, and others with some of their axes only, that may be read in their place. */
const SIMPLER = [...INPUTS].flatMap(([from, input]) =>
  [...INPUTS].filter(([to, { axes, sort }]) => to !== from && fits(sort, input.sort) && axes.length < input.axes.length && axes.every((axis) => input.axes.includes(axis))).map(([to]) => [from, to] as const));

/** The value with every read of `from` a read of `to`, which has some of its axes. */
function reading(value: Expression, from: string, to: string): Expression {
  const parts = value.parts.map((part) => reading(part, from, to));
  const [old, simpler] = [INPUTS.get(from), INPUTS.get(to)];
  if (value.reads === from && old !== undefined && simpler !== undefined) {
    const read = readOf(to, simpler, simpler.axes.flatMap((axis) => parts[old.axes.indexOf(axis)] ?? []));
    // A code that is read as a position stays one.
    return typeof value.sort === "object" ? value : { ...read, sort: value.sort };
  }
  return parts.every((part, at) => part === value.parts[at]) ? value : { ...value, parts };
}

const calls = (value: Expression, name: string): boolean => value.calls === name || value.parts.some((part) => calls(part, name));

/** The value, where it is a call, as the body of what it calls, if that reads no parameter. */
function* inlinings(value: Expression, functions: readonly RandomFunction[]): Generator<Expression> {
  const called = functions.find(({ name }) => name === value.calls);
  if (called !== undefined && free(called.value).size === 0) yield called.value;
}
