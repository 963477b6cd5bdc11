/** @file Conditions: decided while compiling where they are known, a select of the graph where they depend on data. */

import { isTruth } from "../../spec/graph/builder";
import type { Value } from "../../spec/graph/node";
import { describe, fieldsOf, known, list, ofNode, type Machine, type Meaning } from "./meaning";
import type { ts } from "./typescript";

/** A condition: known, or a truth of the graph. Numbers are not conditions. */
export function condition(machine: Machine, meaning: Meaning, site: ts.Node): boolean | Value {
  switch (meaning.kind) {
    case "node":
      if (isTruth(meaning.node)) return decided(machine, meaning.node, site) ?? meaning.node;
      return machine.refuse(site, { code: "KV1111", message: "a number stands where a condition is needed", expected: "a comparison", got: "a number", mend: "Compare it: `x !== 0`." });
    case "static":
      if (typeof meaning.value === "number") return machine.refuse(site, { code: "KV1111", message: "a number stands where a condition is needed", expected: "a comparison", got: String(meaning.value), mend: "Compare it: `n !== 0`." });
      return Boolean(meaning.value);
    default: return true;
  }
}

/** Whether the conditions passed on the way say what a condition is. */
function decided(machine: Machine, truth: Value, site: ts.Node): boolean | undefined {
  const { builder, conditions } = machine.body(site, "a condition");
  if (conditions.includes(truth)) return true;
  return conditions.includes(builder.not(truth)) ? false : undefined;
}

/** `test ? yes : no`; a branch that is not taken is not evaluated. */
export function choose(machine: Machine, test: boolean | Value, yes: () => Meaning, no: () => Meaning, site: ts.Node): Meaning {
  if (typeof test === "boolean") return test ? yes() : no();
  const a = machine.under(test, true, yes);
  const b = machine.under(test, false, no);
  return merge(machine, test, a, b, site);
}

/** What is `yes` where a condition on data holds and `no` elsewhere: field by field down to numbers and conditions. */
function merge(machine: Machine, test: Value, yes: Meaning, no: Meaning, site: ts.Node): Meaning {
  if (yes === no || (yes.kind === "static" && no.kind === "static" && yes.value === no.value)) return yes;
  const a = scalar(machine, yes, site);
  const b = scalar(machine, no, site);
  if (a !== undefined && b !== undefined && isTruth(a) === isTruth(b)) return ofNode(machine.body(site, "a condition").builder.select(test, a, b));
  if (yes.kind === "list" && no.kind === "list" && yes.items.length === no.items.length) {
    return list(yes.items.map((item, at) => merge(machine, test, item, no.items[at] ?? item, site)));
  }
  if (yes.kind === "fields" && no.kind === "fields" && yes.fields.size === no.fields.size && [...yes.fields.keys()].every((key) => no.fields.has(key))) {
    return fieldsOf([...yes.fields].map(([key, field]) => [key, merge(machine, test, field, no.fields.get(key) ?? field, site)] as const));
  }
  if (yes.kind === "axis" && no.kind === "axis" && yes.name === no.name && yes.extent === no.extent) return yes;
  const missing = [yes, no].some((side) => side.kind === "static" && side.value === undefined);
  return machine.refuse(site, {
    code: "KV1116",
    message: missing ? "a value is missing where a condition on data goes one way" : "a condition on data chooses between things that are not both numbers or both conditions",
    expected: "two numbers, two conditions, or records of them with the same fields",
    got: `${describe(yes)} and ${describe(no)}`,
    mend: missing ? "Return a number on every way through the function." : "Choose between results: `condition ? f(i) : g(i)`.",
  });
}

function scalar(machine: Machine, meaning: Meaning, site: ts.Node): Value | undefined {
  if (meaning.kind === "node") return meaning.node;
  if (meaning.kind !== "static") return undefined;
  if (typeof meaning.value === "number") return machine.number(meaning, site);
  return typeof meaning.value === "boolean" ? machine.body(site, "a condition").builder.truth(meaning.value) : undefined;
}

/** `left && right` or `left || right`; the right side is evaluated where the left does not decide. */
export function junction(machine: Machine, operator: "&&" | "||", left: Meaning, right: () => Meaning, site: ts.Node, rightSite: ts.Node): Meaning {
  const and = operator === "&&";
  const test = condition(machine, left, site);
  if (typeof test === "boolean") return test === and ? right() : left.kind === "node" ? known(test) : left;
  const { builder } = machine.body(site, `\`${operator}\``);
  const other = machine.under(test, and, right);
  const value = other.kind === "node" ? other.node : other.kind === "static" && typeof other.value === "boolean" ? builder.truth(other.value) : undefined;
  if (value === undefined || !isTruth(value)) {
    return machine.refuse(rightSite, { code: "KV1111", message: `\`${operator}\` joins a condition with something that is none`, expected: "conditions on both sides", got: describe(other), mend: "Say what it is otherwise: `condition ? value : 0`." });
  }
  return ofNode(and ? builder.and(test, value) : builder.or(test, value));
}
