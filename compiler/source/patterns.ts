/** @file Binding of names: constants, parameters, destructuring with defaults and rests. */

import { describe, fieldsOf, list, UNDEFINED, type Machine, type Meaning, type Scope } from "./meaning";
import { items, member } from "./members";
import { ts } from "./typescript";

/** Binds the names of `name` to the parts of `meaning`. */
export function bind(machine: Machine, name: ts.BindingName, meaning: Meaning, scope: Scope): void {
  if (ts.isIdentifier(name)) {
    const symbol = machine.symbolAt(name);
    if (symbol !== undefined) scope.bind(symbol, meaning);
  } else if (ts.isObjectBindingPattern(name)) bindFields(machine, name, meaning, scope);
  else bindItems(machine, name, meaning, scope);
}

function bindFields(machine: Machine, pattern: ts.ObjectBindingPattern, meaning: Meaning, scope: Scope): void {
  if (meaning.kind === "static" && (meaning.value === undefined || meaning.value === null)) {
    machine.refuse(pattern, { code: "KV1121", message: `${describe(meaning)} is taken apart`, expected: "a record", got: describe(meaning), mend: "Give the parameter a default: `({ n } = { n: 1 }) => …`." });
  }
  const taken = new Set<string>();
  for (const element of pattern.elements) {
    if (element.dotDotDotToken !== undefined) {
      if (meaning.kind !== "fields") machine.refuse(element, { code: "KV1121", message: "the rest of something that is no record", expected: "a record", got: describe(meaning) });
      bind(machine, element.name, fieldsOf([...meaning.fields].filter(([key]) => !taken.has(key))), scope);
      continue;
    }
    const key = propertyKey(machine, element.propertyName ?? element.name, scope);
    taken.add(key);
    bindElement(machine, element, member(machine, meaning, key, element), scope);
  }
}

function bindItems(machine: Machine, pattern: ts.ArrayBindingPattern, meaning: Meaning, scope: Scope): void {
  const parts = items(machine, meaning, pattern);
  pattern.elements.forEach((element, at) => {
    if (ts.isOmittedExpression(element)) return;
    if (element.dotDotDotToken !== undefined) bind(machine, element.name, list(parts.slice(at)), scope);
    else bindElement(machine, element, parts[at] ?? UNDEFINED, scope);
  });
}

function bindElement(machine: Machine, { name, initializer }: ts.BindingElement, meaning: Meaning, scope: Scope): void {
  const missing = meaning.kind === "static" && meaning.value === undefined;
  bind(machine, name, missing && initializer !== undefined ? machine.evaluate(initializer, scope) : meaning, scope);
}

/** The key that a property name stands for. */
export function propertyKey(machine: Machine, name: ts.PropertyName | ts.BindingName, scope: Scope | undefined): string {
  if (ts.isIdentifier(name)) return name.text;
  if (ts.isStringLiteral(name) || ts.isNoSubstitutionTemplateLiteral(name)) return name.text;
  if (ts.isNumericLiteral(name)) return String(Number(name.text));
  if (ts.isComputedPropertyName(name)) {
    const key = machine.evaluate(name.expression, scope);
    if (key.kind === "static" && (typeof key.value === "string" || typeof key.value === "number")) return String(key.value);
    return machine.refuse(name, { code: "KV1117", message: "the name of a field must be known while compiling", expected: "a string or a number", got: describe(key) });
  }
  return machine.refuse(name, { code: "KV1119", message: "the language has no fields of this kind", expected: "a field with a plain name" });
}

/** Parameters of a function bound to arguments; what is left out is undefined or its default. */
export function bindParameters(machine: Machine, parameters: readonly ts.ParameterDeclaration[], args: readonly Meaning[], scope: Scope): void {
  parameters.forEach((parameter, at) => {
    if (ts.isIdentifier(parameter.name) && parameter.name.text === "this") return;
    if (parameter.dotDotDotToken !== undefined) {
      bind(machine, parameter.name, list(args.slice(at)), scope);
      return;
    }
    const given = args[at] ?? UNDEFINED;
    const missing = given.kind === "static" && given.value === undefined;
    bind(machine, parameter.name, missing && parameter.initializer !== undefined ? machine.evaluate(parameter.initializer, scope) : given, scope);
  });
}
