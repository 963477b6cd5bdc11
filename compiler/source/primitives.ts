/**
 * @file The primitives of the language. They are known by where they are declared, a file of `spec/language` and a name
 * there, so that a renamed import is one and a local namesake is none. Everything else, the library included, is
 * evaluated from its source text.
 */

import { KvernError } from "../../spec/diagnostics/diagnostic";
import { isTruth } from "../../spec/graph/builder";
import type { ReduceOperator, Value } from "../../spec/graph/node";
import { axis, f16, f32, i32, joined, u32, uint, type ElementType } from "../../spec/language";
import { IDENTIFIER } from "../../spec/tensor";
import { describe, known, native, ofNode, UNDEFINED, type AxisMeaning, type EncodedMeaning, type Fault, type InputMeaning, type KernelMeaning, type Machine, type Meaning, type Native, type TensorMeaning } from "./meaning";
import { items } from "./members";
import type { ts } from "./typescript";

const wrong = (what: string, expected: string, got: Meaning): Fault => ({ code: "KV1121", message: `${what} is of the wrong kind`, expected, got: describe(got) });

function axisArgument(machine: Machine, meaning: Meaning | undefined, site: ts.Node, what: string): AxisMeaning {
  if (meaning?.kind === "axis") return meaning;
  return machine.refuse(site, wrong(what, "an axis", meaning ?? UNDEFINED));
}

/** Runs what `spec/language` says of known arguments, and puts its faults at their place. */
function asWritten<T>(machine: Machine, site: ts.Node, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof KvernError)) throw error;
    const [{ code, message, expected, got, mend }] = error.diagnostics as readonly [KvernError["diagnostics"][number]];
    return machine.refuse(site, { code, message, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }), ...(mend === undefined ? {} : { mend }) });
  }
}

const makeAxis = native("axis", (machine, [name = UNDEFINED, extent = UNDEFINED], site) => {
  if (name.kind !== "static" || typeof name.value !== "string") return machine.refuse(site, { code: "KV1117", message: "the name of an axis must be known while compiling", expected: "a string that is known", got: describe(name) });
  if (extent.kind !== "static" || (extent.value !== undefined && typeof extent.value !== "number")) {
    return machine.refuse(site, { code: "KV1117", message: `the size of the axis \`${name.value}\` must be known while compiling`, expected: "a number that is known", got: describe(extent), mend: "Leave the size out: the inputs bind it." });
  }
  const [text, size] = [name.value, extent.value];
  const made = asWritten(machine, site, () => axis(text, size));
  return { kind: "axis", name: made.name, extent: made.extent };
});

const makeJoined = native("joined", (machine, [name = UNDEFINED, ...args], site) => {
  if (name.kind !== "static" || typeof name.value !== "string") return machine.refuse(site, { code: "KV1117", message: "the name of an axis must be known while compiling", expected: "a string that is known", got: describe(name) });
  const parts = args.map((arg) => axisArgument(machine, arg, site, "an argument of `joined`"));
  const text = name.value;
  const made = asWritten(machine, site, () => joined(text, ...parts));
  return { kind: "axis", name: made.name, extent: made.extent, parts };
});

const tensorOf = (name: string, element: ElementType): Native =>
  native(name, (machine, args, site) => ({ kind: "tensor", element, axes: args.map((arg) => axisArgument(machine, arg, site, `an argument of \`${name}\``)) }));

const uintOf = native("uint", (machine, [bits = UNDEFINED], site) => {
  if (bits.kind !== "static" || typeof bits.value !== "number") return machine.refuse(site, { code: "KV1117", message: "the width of `uint` must be known while compiling", expected: "a number that is known", got: describe(bits) });
  const width = bits.value;
  return tensorOf(`uint(${width})`, asWritten(machine, site, () => uint(width)().element));
});

function inputRecord(machine: Machine, meaning: Meaning, what: string, site: ts.Node): ReadonlyMap<string, InputMeaning> {
  if (meaning.kind !== "fields") return machine.refuse(site, wrong(`${what} record`, "a record of specifications", meaning));
  const specs = new Map<string, InputMeaning>();
  for (const [key, spec] of meaning.fields) {
    checkName(machine, what, key, site);
    if (spec.kind !== "tensor" && spec.kind !== "encoded") return machine.refuse(site, wrong(`${what}, \`${key}\`,`, "a tensor specification: `f32(…)`, `uint(8)(…)`, `encoded(…)` …", spec));
    specs.set(key, spec);
  }
  return specs;
}

function checkName(machine: Machine, what: string, name: string, site: ts.Node): void {
  if (IDENTIFIER.test(name)) return;
  machine.refuse(site, { code: "KV3008", message: `${what} cannot be called ${JSON.stringify(name)}`, expected: "an identifier", got: JSON.stringify(name), mend: "Letters, digits, `_` and `$`; tensors that belong together are the storage of an `encoded`." });
}

const makeEncoded = native("encoded", (machine, [axes = UNDEFINED, storage = UNDEFINED, read = UNDEFINED], site): EncodedMeaning => ({
  kind: "encoded",
  axes: items(machine, axes, site).map((each) => axisArgument(machine, each, site, "an axis of `encoded`")),
  storage: inputRecord(machine, storage, "a storage tensor", site),
  read,
}));

const makeKernel = native("kernel", (machine, [inputs = UNDEFINED, output = UNDEFINED, body = UNDEFINED], site): KernelMeaning => {
  if (machine.inBody) machine.refuse(site, { code: "KV1201", message: "a kernel is made inside the body of another", expected: "kernels beside each other", mend: "Move it out, to the top of the file, or write what it computes as a function." });
  const taken = inputRecord(machine, inputs, "an input", site);
  const single = output.kind === "tensor";
  const outputs = single ? new Map([["out", output]]) : outputRecord(machine, output, site);
  for (const name of outputs.keys()) {
    if (!taken.has(name)) continue;
    const mend = single ? "A single output is called `out`: rename the input, or name the output: `{ next: f32(token) }`." : "Rename one of them.";
    machine.refuse(site, { code: "KV1203", message: `an input and an output are both called \`${name}\``, expected: "names that differ", got: `\`${name}\` twice`, mend });
  }
  return { kind: "kernel", inputs: taken, outputs, single, body, site: machine.ownSite(site) };
});

function outputRecord(machine: Machine, meaning: Meaning, site: ts.Node): ReadonlyMap<string, TensorMeaning> {
  if (meaning.kind !== "fields") return machine.refuse(site, wrong("the output of a kernel", "a tensor specification or a record of them", meaning));
  if (meaning.fields.size === 0) machine.refuse(site, { code: "KV1202", message: "a kernel without outputs computes nothing", expected: "at least one output", got: "{}", mend: "Name an output: `{ out: f32(token) }`." });
  const specs = new Map<string, TensorMeaning>();
  for (const [key, spec] of meaning.fields) {
    checkName(machine, "an output", key, site);
    if (spec.kind !== "tensor") return machine.refuse(site, wrong(`the output \`${key}\``, "a tensor specification: `f32(…)`, `uint(8)(…)` …", spec));
    specs.set(key, spec);
  }
  return specs;
}

const extent = native("extent", (machine, [of], site) => {
  const which = axisArgument(machine, of, site, "the argument of `extent`");
  if (!machine.inBody && which.extent !== undefined) return known(which.extent);
  return ofNode(machine.body(site, "the size of an axis that the inputs bind").extent(which, site));
});

const clamp = native("clamp", (machine, [index = UNDEFINED, along], site) => {
  const which = axisArgument(machine, along, site, "the second argument of `clamp`");
  const body = machine.body(site, "`clamp`");
  return ofNode(body.builder.clamp(machine.number(index, site), body.extent(which, site)));
});

const groupOf = native("groupOf", (machine, [index = UNDEFINED, along, groups], site) => {
  const which = axisArgument(machine, along, site, "the second argument of `groupOf`");
  const into = axisArgument(machine, groups, site, "the third argument of `groupOf`");
  const body = machine.body(site, "`groupOf`");
  const at = machine.number(index, site);
  if (!at.facts.integer) machine.refuse(site, { code: "KV2002", message: "`groupOf` is given a number that may not be an integer", expected: `an index of \`${which.name}\``, mend: "Math.floor(i) makes an index of a number." });
  body.divides(which, into, site);
  // The first position is in the first group, however long the groups are.
  if (at === body.builder.zero) return known(0);
  const [size, count] = [body.extent(which, site), body.extent(into, site)];
  return ofNode(body.builder.quotient(at, body.builder.quotient(size, count)));
});

/** A reduction along an axis: its body is evaluated once, with a new free index. */
const reduction = (name: string, op: ReduceOperator): Native =>
  native(name, (machine, [along, f = UNDEFINED], site) => {
    const which = axisArgument(machine, along, site, `the first argument of \`${name}\``);
    const body = machine.body(site, `\`${name}\``);
    return ofNode(body.along(which, site, (index) => {
      const element = machine.call(f, [ofNode(index)], site);
      const value = op === "any" ? truth(machine, element, name, site) : machine.number(element, site);
      return body.builder.reduce(op, index, value);
    }));
  });

function truth(machine: Machine, meaning: Meaning, name: string, site: ts.Node): Value {
  if (meaning.kind === "node" && isTruth(meaning.node)) return meaning.node;
  if (meaning.kind === "static" && typeof meaning.value === "boolean") return machine.body(site, `\`${name}\``).builder.truth(meaning.value);
  return machine.refuse(site, { code: "KV1111", message: `\`${name}\` asks for a condition`, expected: "a comparison", got: describe(meaning), mend: "Compare it: `x(i) !== 0`." });
}

const all = native("all", (machine, [along, f = UNDEFINED], site) => {
  const which = axisArgument(machine, along, site, "the first argument of `all`");
  const body = machine.body(site, "`all`");
  const { builder } = body;
  return ofNode(builder.not(body.along(which, site, (index) => builder.reduce("any", index, builder.not(truth(machine, machine.call(f, [ofNode(index)], site), "all", site))))));
});

/** File below `spec/language`, and name. */
export const PRIMITIVES: Readonly<Record<string, Readonly<Record<string, Meaning>>>> = {
  "axis.ts": { axis: makeAxis, joined: makeJoined },
  "encoded.ts": { encoded: makeEncoded },
  "kernel.ts": { kernel: makeKernel },
  "positions.ts": { clamp, groupOf },
  "reductions.ts": { sum: reduction("sum", "sum"), max: reduction("max", "max"), min: reduction("min", "min"), argmax: reduction("argmax", "argmax"), argmin: reduction("argmin", "argmin"), any: reduction("any", "any"), all },
  "sizes.ts": { extent },
  "tensor-spec.ts": { f32: tensorOf("f32", f32().element), f16: tensorOf("f16", f16().element), i32: tensorOf("i32", i32().element), u32: tensorOf("u32", u32().element), uint: uintOf },
};

