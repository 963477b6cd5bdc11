/** @file What stands after a dot or between brackets: fields of records, items and methods of arrays, and strings. */

import { arrayMethod } from "./arrays";
import { describe, fieldsOf, known, list, native, UNDEFINED, type AxisMeaning, type Fields, type InputMeaning, type KernelMeaning, type Machine, type Meaning } from "./meaning";
import { LONGEST_TEXT, textTooLong } from "./operators";
import type { Element } from "../../spec/graph/node";
import type { ts } from "./typescript";

/** `of.name`. */
export function member(machine: Machine, of: Meaning, name: string, site: ts.Node): Meaning {
  switch (of.kind) {
    case "fields": return of.fields.get(name) ?? UNDEFINED;
    case "list": return listMember(machine, of.items, name, site);
    case "namespace": return of.member(name, machine, site) ?? machine.refuse(site, { code: "KV1119", message: `the language has no \`${of.name}.${name}\`` });
    case "static": return staticMember(machine, of.value, name, site);
    case "axis": return axisFields(of).fields.get(name) ?? UNDEFINED;
    case "tensor": case "encoded": return specMember(of, name);
    case "kernel": return kernelFields(of).fields.get(name) ?? UNDEFINED;
    case "closure": case "native":
      return machine.refuse(site, { code: "KV1119", message: `the language has no methods of functions, such as \`${name}\``, expected: "a call", mend: "Call the function: `f(i)`." });
    case "node":
      return machine.refuse(site, { code: "KV1117", message: `\`${name}\` of a value that depends on data`, expected: "something that is known while compiling", got: describe(of), mend: "Use operators and Math on numbers." });
  }
}

const axisFields = ({ name, extent, parts }: AxisMeaning): Fields =>
  fieldsOf([["kind", known("axis")], ["name", known(name)], ["extent", known(extent)], ...(parts === undefined ? [] : [["parts", list(parts)] as const])]);

const elementFields = (element: Element): Fields =>
  fieldsOf([["kind", known(element.kind)], ...(element.kind === "uint" ? [["bits", known(element.bits)] as const] : [])]);

const inputFields = (inputs: ReadonlyMap<string, InputMeaning>): Fields => fieldsOf(inputs);

const kernelFields = ({ inputs, outputs, single, body }: KernelMeaning): Fields =>
  fieldsOf([["kind", known("kernel")], ["inputs", inputFields(inputs)], ["outputs", (single ? outputs.get("out") : undefined) ?? fieldsOf(outputs)], ["body", body]]);

function specMember(of: InputMeaning, name: string): Meaning {
  switch (name) {
    case "kind": return known(of.kind);
    case "axes": return list(of.axes);
    case "element": return of.kind === "tensor" ? elementFields(of.element) : UNDEFINED;
    case "storage": return of.kind === "encoded" ? inputFields(of.storage) : UNDEFINED;
    case "read": return of.kind === "encoded" ? of.read : UNDEFINED;
    default: return UNDEFINED;
  }
}

function listMember(machine: Machine, parts: readonly Meaning[], name: string, site: ts.Node): Meaning {
  if (name === "length") return known(parts.length);
  if (/^\d+$/.test(name)) return parts[Number(name)] ?? UNDEFINED;
  return arrayMethod(machine, parts, name, site);
}

/** Methods of strings that neither change anything nor depend on the machine. */
const STRING_METHODS = new Set([
  "at", "charAt", "charCodeAt", "codePointAt", "concat", "endsWith", "includes", "indexOf", "lastIndexOf", "padEnd", "padStart", "repeat", "replace",
  "replaceAll", "slice", "split", "startsWith", "substring", "toLowerCase", "toString", "toUpperCase", "trim", "trimEnd", "trimStart", "valueOf",
]);
const NUMBER_METHODS = new Set(["toExponential", "toFixed", "toPrecision", "toString", "valueOf"]);

function staticMember(machine: Machine, value: string | number | boolean | null | undefined, name: string, site: ts.Node): Meaning {
  if (value === undefined || value === null) {
    return machine.refuse(site, { code: "KV1121", message: `\`${name}\` of ${value}`, expected: "a value", got: String(value), mend: "Give an optional value a default: `options.n ?? 0`." });
  }
  if (typeof value === "string") {
    if (name === "length") return known(value.length);
    if (/^\d+$/.test(name)) return known(value[Number(name)]);
  }
  const methods = typeof value === "string" ? STRING_METHODS : typeof value === "number" ? NUMBER_METHODS : new Set<string>();
  if (!methods.has(name)) return machine.refuse(site, { code: "KV1119", message: `the language has no \`${name}\` of a ${typeof value}`, expected: [...methods].join(", ") || "an operator" });
  return native(name, (inner, args, at) => {
    const plain = args.map((arg) => (arg.kind === "static" ? arg.value : inner.refuse(at, { code: "KV1117", message: `\`${name}\` of a ${typeof value} takes what is known while compiling`, expected: "strings and numbers that are known", got: describe(arg) })));
    // `repeat` and the `pad` methods are given the length that they make; the others make at most the square of theirs.
    const length = name === "repeat" ? String(value).length * Number(plain[0]) : name.startsWith("pad") ? Number(plain[0]) : 0;
    if (length > LONGEST_TEXT) inner.refuse(at, textTooLong(length));
    const method = (Object(value) as Readonly<Record<string, (...of: unknown[]) => unknown>>)[name];
    try {
      const made = method?.apply(value, plain);
      return typeof made === "string" && made.length > LONGEST_TEXT ? inner.refuse(at, textTooLong(made.length)) : fromPlain(made);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return inner.refuse(at, { code: "KV1121", message: `\`${name}\` cannot take this: ${error.message}`, got: plain.map(String).join(", ") });
    }
  });
}

/** Strings, numbers and arrays of them as meanings. */
function fromPlain(value: unknown): Meaning {
  if (Array.isArray(value)) return list(value.map(fromPlain));
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? known(value) : UNDEFINED;
}

/** `of[key]`. */
export function element(machine: Machine, of: Meaning, key: Meaning, site: ts.Node): Meaning {
  if (key.kind === "static" && (typeof key.value === "string" || typeof key.value === "number")) {
    if (of.kind === "list" && typeof key.value === "number") return of.items[key.value] ?? UNDEFINED;
    return member(machine, of, String(key.value), site);
  }
  return machine.refuse(site, {
    code: "KV1117",
    message: "an array or a record is read at a place that depends on data",
    expected: "a place that is known while compiling",
    got: describe(key),
    mend: "Choose with conditions (`i === 0 ? a : b`), or make the table an input of the kernel and read it: `table(i)`.",
  });
}

/** The items of something that is spread, taken apart or iterated. */
export function items(machine: Machine, meaning: Meaning, site: ts.Node): readonly Meaning[] {
  if (meaning.kind === "list") return meaning.items;
  if (meaning.kind === "static" && typeof meaning.value === "string") return Array.from(meaning.value, known);
  return machine.refuse(site, { code: "KV1121", message: "something that is no array is spread or taken apart", expected: "an array", got: describe(meaning) });
}
