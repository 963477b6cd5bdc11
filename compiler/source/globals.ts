/** @file The parts of JavaScript's own library that the language has: `Math`, and what works on known values. */

import { isTruth } from "../../spec/graph/builder";
import { BINARY_FUNCTIONS, UNARY_FUNCTIONS, type MathFunction, type Value } from "../../spec/graph/node";
import { checkLength } from "./arrays";
import { describe, fieldsOf, known, list, native, ofNode, UNDEFINED, type Fault, type Machine, type Meaning, type Namespace, type Native } from "./meaning";
import { items } from "./members";
import { computed } from "./operators";

import type { ts } from "./typescript";

/** The number that an argument is, if it is known. */
const knownNumber = (meaning: Meaning): number | undefined => (meaning.kind === "static" && typeof meaning.value === "number" ? meaning.value : undefined);

function numberArgument(machine: Machine, name: string, meaning: Meaning, site: ts.Node): Value {
  if (meaning.kind === "node" ? isTruth(meaning.node) : knownNumber(meaning) === undefined) {
    machine.refuse(site, { code: "KV1121", message: `\`Math.${name}\` is given something that is no number`, expected: "a number", got: describe(meaning) });
  }
  return machine.number(meaning, site);
}

function applied(fn: MathFunction): Native {
  const arity = (BINARY_FUNCTIONS as readonly string[]).includes(fn) ? 2 : 1;
  const compute = (...values: [number, number]): number => (Math[fn])(...values);
  return native(fn, (machine, args, site) => {
    const taken = Array.from({ length: arity }, (_, at) => args[at] ?? UNDEFINED);
    const [x, y = NaN] = taken.map(knownNumber);
    if (x !== undefined && (arity === 1 || !Number.isNaN(y))) return computed(machine, compute(x, y), site);
    const values = taken.map((arg) => numberArgument(machine, fn, arg, site));
    const { builder } = machine.body(site, `Math.${fn}`);
    return ofNode(builder.apply(fn, values));
  });
}

/** Functions of any number of arguments, folded from the left. */
function folded(name: string, empty: number, plain: (...values: number[]) => number, join: (machine: Machine, site: ts.Node, a: Value, b: Value) => Value): Native {
  return native(name, (machine, args, site) => {
    const numbers = args.map(knownNumber);
    if (numbers.every((value) => value !== undefined)) return computed(machine, plain(...numbers), site);
    const [first, ...rest] = args.map((arg) => numberArgument(machine, name, arg, site));
    return first === undefined ? known(empty) : ofNode(rest.reduce((a, b) => join(machine, site, a, b), first));
  });
}

const hypot: Native = native("hypot", (machine, args, site) => {
  const numbers = args.map(knownNumber);
  if (numbers.every((value) => value !== undefined)) return known(Math.hypot(...numbers));
  const { builder } = machine.body(site, "Math.hypot");
  const squares = args.map((arg) => builder.power(numberArgument(machine, "hypot", arg, site), builder.constant(2)));
  return ofNode(builder.apply("sqrt", [builder.add(...squares)]));
});

const MATH: Readonly<Record<string, Meaning>> = {
  ...Object.fromEntries([...UNARY_FUNCTIONS, ...BINARY_FUNCTIONS].map((fn) => [fn, applied(fn)])),
  ...Object.fromEntries((["E", "LN10", "LN2", "LOG10E", "LOG2E", "PI", "SQRT1_2", "SQRT2"] as const).map((name) => [name, known(Math[name])])),
  max: folded("max", -Infinity, Math.max, (machine, site, a, b) => machine.body(site, "Math.max").builder.larger(a, b)),
  min: folded("min", Infinity, Math.min, (machine, site, a, b) => machine.body(site, "Math.min").builder.smaller(a, b)),
  hypot,
};

/** Functions of Math on 32-bit words, which kernels compute with operators instead. */
const WORDS: Readonly<Record<string, readonly [f: (...values: number[]) => number, mend: string]>> = {
  clz32: [Math.clz32, "Use 31 − ⌊log₂ n⌋: `31 - Math.floor(Math.log2(Math.max(n, 1)))`."],
  imul: [Math.imul, "Multiply and keep the bits you need: `(a * b) & 255`, with factors small enough for 32 bits."],
};

function mathMember(name: string, machine: Machine, site: ts.Node): Meaning {
  if (Object.hasOwn(MATH, name)) return MATH[name] ?? UNDEFINED;
  if (name === "random") {
    return machine.refuse(site, { code: "KV1108", message: "`Math.random` gives another number every time, and a kernel is a function of its inputs", expected: "a pure expression", mend: "Make the random numbers an input of the kernel: `noise: f32(token)`." });
  }
  const word = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
  const missing: Fault = { code: "KV1120", message: `kernels have no \`Math.${name}\``, expected: [...UNARY_FUNCTIONS, ...BINARY_FUNCTIONS, "max", "min", "hypot"].join(", "), ...(word === undefined ? {} : { mend: word[1] }) };
  if (word === undefined) return machine.refuse(site, missing);
  return native(name, (inner, args, at) => {
    const numbers = args.map(knownNumber);
    return numbers.every((value) => value !== undefined) ? known(word[0](...numbers)) : inner.refuse(at, missing);
  });
}

const only = (name: string, machine: Machine, args: readonly Meaning[], site: ts.Node): readonly (string | number | boolean | null | undefined)[] =>
  args.map((arg) => (arg.kind === "static" ? arg.value : machine.refuse(site, { code: "KV1117", message: `\`${name}\` takes what is known while compiling`, expected: "a value that is known", got: describe(arg) })));

/** A pure function of known values. */
const plain = (name: string, f: (...args: readonly never[]) => string | number | boolean): Native =>
  native(name, (machine, args, site) => known((f as (...of: readonly unknown[]) => string | number | boolean)(...only(name, machine, args, site))));

const namespace = (name: string, members: Readonly<Record<string, Meaning>>, call?: Native["call"]): Namespace => ({
  kind: "namespace",
  name,
  member: (key) => (Object.hasOwn(members, key) ? members[key] : undefined),
  ...(call === undefined ? {} : { call }),
});

const fieldsFrom = (machine: Machine, name: string, meaning: Meaning, site: ts.Node): ReadonlyMap<string, Meaning> => {
  if (meaning.kind === "fields") return meaning.fields;
  if (meaning.kind === "list") return new Map(meaning.items.map((item, at) => [String(at), item]));
  return machine.refuse(site, { code: "KV1121", message: `\`Object.${name}\` is given something that is no record`, expected: "a record", got: describe(meaning) });
};

const NUMBER = namespace("Number", {
  ...Object.fromEntries((["MAX_VALUE", "MIN_VALUE", "NaN", "NEGATIVE_INFINITY", "POSITIVE_INFINITY", "EPSILON", "MAX_SAFE_INTEGER", "MIN_SAFE_INTEGER"] as const).map((name) => [name, known(Number[name])])),
  isFinite: plain("Number.isFinite", Number.isFinite), isInteger: plain("Number.isInteger", Number.isInteger), isNaN: plain("Number.isNaN", Number.isNaN),
  isSafeInteger: plain("Number.isSafeInteger", Number.isSafeInteger), parseFloat: plain("Number.parseFloat", Number.parseFloat), parseInt: plain("Number.parseInt", Number.parseInt),
}, (machine, args, site) => {
  const [arg = known(0)] = args;
  if (arg.kind === "node") return isTruth(arg.node) ? ofNode(machine.body(site, "Number").builder.select(arg.node, machine.body(site, "Number").builder.one, machine.body(site, "Number").builder.zero)) : arg;
  return known(Number(only("Number", machine, [arg], site)[0]));
});

const OBJECT = namespace("Object", {
  keys: native("Object.keys", (machine, [of = UNDEFINED], site) => list([...fieldsFrom(machine, "keys", of, site).keys()].map(known))),
  values: native("Object.values", (machine, [of = UNDEFINED], site) => list([...fieldsFrom(machine, "values", of, site).values()])),
  entries: native("Object.entries", (machine, [of = UNDEFINED], site) => list([...fieldsFrom(machine, "entries", of, site)].map(([key, value]) => list([known(key), value])))),
  fromEntries: native("Object.fromEntries", (machine, [of = UNDEFINED], site) =>
    fieldsOf(items(machine, of, site).map((entry) => {
      const [key = UNDEFINED, value = UNDEFINED] = items(machine, entry, site);
      return [String(only("Object.fromEntries", machine, [key], site)[0]), value] as const;
    }))),
  freeze: native("Object.freeze", (_, [of = UNDEFINED]) => of),
  hasOwn: native("Object.hasOwn", (machine, [of = UNDEFINED, key = UNDEFINED], site) => known(fieldsFrom(machine, "hasOwn", of, site).has(String(only("Object.hasOwn", machine, [key], site)[0])))),
});

const ARRAY = namespace("Array", {
  isArray: native("Array.isArray", (_, [of = UNDEFINED]) => known(of.kind === "list")),
  of: native("Array.of", (_, args) => list(args)),
  from: native("Array.from", (machine, [of = UNDEFINED, f], site) => {
    const length = of.kind === "fields" ? knownNumber(of.fields.get("length") ?? UNDEFINED) : undefined;
    if (of.kind === "fields" && length === undefined) machine.refuse(site, { code: "KV1117", message: "the length of an array must be known while compiling", expected: "a number that is known", got: describe(of.fields.get("length") ?? UNDEFINED), mend: "What runs along an axis is an axis: `sum(axis, (i) => …)`." });
    if (length !== undefined) checkLength(machine, length, site);
    const all = length === undefined ? items(machine, of, site) : Array.from({ length }, () => UNDEFINED);
    return list(f === undefined ? all : all.map((item, at) => machine.call(f, [item, known(at)], site)));
  }),
});

const STRING = namespace("String", {}, (machine, args, site) => known(String(only("String", machine, args, site)[0] ?? "")));
const BOOLEAN = namespace("Boolean", {}, (machine, args, site) => {
  const [arg = UNDEFINED] = args;
  if (arg.kind === "node") return isTruth(arg.node) ? arg : machine.refuse(site, { code: "KV1111", message: "a number stands where a condition is needed", expected: "a comparison", got: "a number", mend: "Compare it: `x !== 0`." });
  return known(arg.kind === "static" ? Boolean(arg.value) : true);
});

/** Globals of the language by name. */
export const GLOBALS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["Math", { kind: "namespace", name: "Math", member: mathMember }],
  ["Number", NUMBER], ["Object", OBJECT], ["Array", ARRAY], ["String", STRING], ["Boolean", BOOLEAN],
  ["Infinity", known(Infinity)], ["undefined", UNDEFINED],
  ["isNaN", plain("isNaN", isNaN)], ["isFinite", plain("isFinite", isFinite)], ["parseInt", plain("parseInt", parseInt)], ["parseFloat", plain("parseFloat", parseFloat)],
]);

/** A global that the language does not have. */
export const unknownGlobal = (name: string): Fault => ({
  code: "KV1108",
  message: `\`${name}\` comes from outside the language: a kernel is a function of its inputs and of nothing else`,
  expected: `${[...GLOBALS.keys()].slice(0, 6).join(", ")}, or something written in the language`,
  got: `\`${name}\``,
  mend: "What varies from run to run is an input of the kernel; what is only for debugging stays outside of it.",
});

