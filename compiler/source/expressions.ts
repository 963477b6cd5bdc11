/** @file What each kind of expression means. */

import { isTruth } from "../../spec/graph/builder";
import { choose, condition, junction } from "./choose";
import { checkLength } from "./arrays";
import { closureOf, WAITING } from "./functions";
import { describe, fieldsOf, known, list, ofNode, UNDEFINED, type Fault, type Machine, type Meaning, type Scope } from "./meaning";
import { element, items, member } from "./members";
import { binary, computed, isBinaryOperator, joined, unary } from "./operators";
import { propertyKey } from "./patterns";
import { ASSIGNMENT, wordsOf } from "./statements";
import { ts } from "./typescript";

export function expression(machine: Machine, node: ts.Expression, scope: Scope | undefined): Meaning {
  const into = (inner: ts.Expression): Meaning => machine.evaluate(inner, scope);
  if (ts.isIdentifier(node)) return identifier(machine, node, scope);
  if (ts.isNumericLiteral(node)) return known(Number(node.text.replaceAll("_", "")));
  if (ts.isStringLiteralLike(node)) return known(node.text);
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isTypeAssertionExpression(node) || ts.isExpressionWithTypeArguments(node)) return into(node.expression);
  if (ts.isNonNullExpression(node)) return present(machine, into(node.expression), node);
  if (ts.isCallExpression(node)) return call(machine, node, scope);
  if (ts.isPropertyAccessExpression(node)) return access(machine, node, scope, (of) => member(machine, of, node.name.text, node.name));
  if (ts.isElementAccessExpression(node)) return access(machine, node, scope, (of) => element(machine, of, into(node.argumentExpression), node.argumentExpression));
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return closureOf(machine, node, scope);
  if (ts.isConditionalExpression(node)) {
    return choose(machine, condition(machine, into(node.condition), node.condition), () => into(node.whenTrue), () => into(node.whenFalse), node);
  }
  if (ts.isBinaryExpression(node)) return operation(machine, node, scope);
  if (ts.isPrefixUnaryExpression(node)) return prefix(machine, node, scope);
  if (ts.isTemplateExpression(node)) return template(machine, node, scope);
  if (ts.isArrayLiteralExpression(node)) return arrayOf(machine, node.elements, scope, node);
  if (ts.isObjectLiteralExpression(node)) return record(machine, node, scope);
  if (ts.isTypeOfExpression(node)) return known(typeOf(into(node.expression)));
  switch (node.kind) {
    case ts.SyntaxKind.TrueKeyword: return known(true);
    case ts.SyntaxKind.FalseKeyword: return known(false);
    case ts.SyntaxKind.NullKeyword: return known(null);
    default: return machine.refuse(node, refusedExpression(node));
  }
}

function refusedExpression(node: ts.Expression): Fault {
  switch (node.kind) {
    case ts.SyntaxKind.PostfixUnaryExpression: case ts.SyntaxKind.DeleteExpression: return ASSIGNMENT;
    case ts.SyntaxKind.AwaitExpression: case ts.SyntaxKind.YieldExpression: return WAITING;
    case ts.SyntaxKind.NewExpression: case ts.SyntaxKind.ClassExpression: case ts.SyntaxKind.ThisKeyword: case ts.SyntaxKind.SuperKeyword:
      return { code: "KV1106", message: `the language has no objects with identity: no classes, no \`new\`, no \`this\``, expected: "records, arrays and functions", mend: "Write a record, `{ a, b }`, an array, `[a, b]`, or a function that returns one." };
    case ts.SyntaxKind.BigIntLiteral:
      return { code: "KV1114", message: "the language has no big integers", expected: "a number", got: node.getText(), mend: `Write \`${node.getText().replace(/n$/, "")}\`.` };
    case ts.SyntaxKind.RegularExpressionLiteral:
      return { code: "KV1114", message: "the language has no regular expressions", expected: "numbers, strings, conditions, records, arrays and functions", mend: "Use methods of strings: `text.startsWith(…)`, `text.split(…)`." };
    case ts.SyntaxKind.VoidExpression: return missingOperator("void", "Leave it out: an absent value is `undefined`.");
    case ts.SyntaxKind.TaggedTemplateExpression:
      return { code: "KV1119", message: "the language has no tagged templates", expected: "a call", mend: "Call the function: `f(\"text\")`." };
    default: return { code: "KV1119", message: `the language has no ${wordsOf(node.kind)}`, expected: "an expression of the language" };
  }
}

const missingOperator = (operator: string, mend: string): Fault => ({ code: "KV1112", message: `the language has no operator \`${operator}\``, expected: "+ - * / % ** < <= > >= === !== && || ! ? : ?? & | ^ ~ << >> >>>", got: `\`${operator}\``, mend });

function identifier(machine: Machine, node: ts.Identifier, scope: Scope | undefined): Meaning {
  if (node.text === "undefined") return UNDEFINED;
  if (node.text === "NaN") return computed(machine, NaN, node);
  const symbol = machine.symbolAt(node);
  if (symbol === undefined) return machine.refuse(node, { code: "KV1119", message: `\`${node.text}\` means nothing here` });
  return scope?.find(symbol) ?? machine.outside(symbol, node);
}

function present(machine: Machine, meaning: Meaning, site: ts.Node): Meaning {
  if (meaning.kind !== "static" || (meaning.value !== undefined && meaning.value !== null)) return meaning;
  return machine.refuse(site, { code: "KV1121", message: `\`!\` says that there is a value, and there is none`, expected: "a value", got: String(meaning.value) });
}

/** An access, which `?.` cuts short where there is nothing to access. */
function access(machine: Machine, node: ts.PropertyAccessExpression | ts.ElementAccessExpression, scope: Scope | undefined, read: (of: Meaning) => Meaning): Meaning {
  const of = machine.evaluate(node.expression, scope);
  return ts.isOptionalChain(node) && isNothing(of) ? UNDEFINED : read(of);
}

const isNothing = (meaning: Meaning): boolean => meaning.kind === "static" && (meaning.value === undefined || meaning.value === null);

function call(machine: Machine, node: ts.CallExpression, scope: Scope | undefined): Meaning {
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return machine.refuse(node, WAITING);
  if (node.expression.kind === ts.SyntaxKind.SuperKeyword) return machine.refuse(node, refusedExpression(node.expression));
  const callee = machine.evaluate(node.expression, scope);
  if (ts.isOptionalChain(node) && isNothing(callee)) return UNDEFINED;
  const written = machine.checker.getTypeAtLocation(node.expression);
  if ((written.flags & ts.TypeFlags.Any) !== 0 && machine.origin.inPackage(node.getSourceFile()) === undefined) {
    machine.refuse(node.expression, { code: "KV1109", message: `\`${node.expression.getText()}\` is called through \`any\`, so that its indices are not checked`, expected: "a function whose type says which axes it takes", got: "any", mend: "Leave the annotation out, or write the type: `(t: Index<\"token\">) => number`." });
  }
  const args = node.arguments.flatMap((argument) => (ts.isSpreadElement(argument) ? items(machine, machine.evaluate(argument.expression, scope), argument) : [machine.evaluate(argument, scope)]));
  return machine.call(callee, args, node);
}

function operation(machine: Machine, node: ts.BinaryExpression, scope: Scope | undefined): Meaning {
  // Long chains such as a + b + c + … lean to the left: they are walked, not recursed into.
  const chain: ts.BinaryExpression[] = [];
  let first: ts.Expression = node;
  while (ts.isBinaryExpression(first) && isBinaryOperator(first.operatorToken.getText())) {
    chain.push(first);
    first = first.left;
  }
  if (chain.length === 0) return otherOperation(machine, node, scope);
  return chain.reverse().reduce((left, step) => binary(machine, step.operatorToken.getText(), left, machine.evaluate(step.right, scope), step), machine.evaluate(first, scope));
}

function otherOperation(machine: Machine, node: ts.BinaryExpression, scope: Scope | undefined): Meaning {
  const operator = node.operatorToken.getText();
  const kind = node.operatorToken.kind;
  if (kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment) return machine.refuse(node, ASSIGNMENT);
  const right = (): Meaning => machine.evaluate(node.right, scope);
  switch (operator) {
    case "&&": case "||": return junction(machine, operator, machine.evaluate(node.left, scope), right, node.left, node.right);
    case "??": {
      const left = machine.evaluate(node.left, scope);
      return isNothing(left) ? right() : left;
    }
    case "==": case "!=":
      return machine.refuse(node.operatorToken, { code: "KV1110", message: `\`${operator}\` converts before it compares`, expected: `\`${operator}=\``, got: `\`${operator}\``, mend: `Write \`${operator}=\`.` });
    default:
      return machine.refuse(node.operatorToken, missingOperator(operator, operator === "," ? "Write one expression." : "Ask for the field itself: `record.name === undefined`."));
  }
}

function prefix(machine: Machine, node: ts.PrefixUnaryExpression, scope: Scope | undefined): Meaning {
  switch (node.operator) {
    case ts.SyntaxKind.PlusPlusToken: case ts.SyntaxKind.MinusMinusToken: return machine.refuse(node, ASSIGNMENT);
    case ts.SyntaxKind.ExclamationToken: {
      const test = condition(machine, machine.evaluate(node.operand, scope), node.operand);
      return typeof test === "boolean" ? known(!test) : ofNode(machine.body(node, "`!`").builder.not(test));
    }
    case ts.SyntaxKind.PlusToken: return unary(machine, "+", machine.evaluate(node.operand, scope), node);
    case ts.SyntaxKind.MinusToken: return unary(machine, "-", machine.evaluate(node.operand, scope), node);
    case ts.SyntaxKind.TildeToken: return unary(machine, "~", machine.evaluate(node.operand, scope), node);
  }
}

function template(machine: Machine, node: ts.TemplateExpression, scope: Scope | undefined): Meaning {
  const parts = node.templateSpans.map(({ expression: inner, literal }) => {
    const part = machine.evaluate(inner, scope);
    if (part.kind !== "static") return machine.refuse(inner, { code: "KV1117", message: "a text is made of something that is not known while compiling", expected: "strings and numbers that are known", got: describe(part) });
    return String(part.value) + literal.text;
  });
  return joined(machine, [node.head.text, ...parts], "", node);
}

function arrayOf(machine: Machine, elements: readonly ts.Expression[], scope: Scope | undefined, site: ts.Node): Meaning {
  const made = elements.flatMap((part): readonly Meaning[] => {
    if (ts.isSpreadElement(part)) return items(machine, machine.evaluate(part.expression, scope), part);
    return [ts.isOmittedExpression(part) ? UNDEFINED : machine.evaluate(part, scope)];
  });
  checkLength(machine, made.length, site);
  return list(made);
}

function record(machine: Machine, node: ts.ObjectLiteralExpression, scope: Scope | undefined): Meaning {
  const fields = node.properties.flatMap((property): readonly (readonly [string, Meaning])[] => {
    if (property.name?.getText() === "__proto__") return machine.refuse(property, { code: "KV1119", message: "`__proto__` is no field: it changes what kind of thing a record is", expected: "a field of another name" });
    if (ts.isPropertyAssignment(property)) return [[propertyKey(machine, property.name, scope), machine.evaluate(property.initializer, scope)]];
    if (ts.isShorthandPropertyAssignment(property)) {
      const symbol = machine.checker.getShorthandAssignmentValueSymbol(property);
      if (property.name.text === "undefined") return [["undefined", UNDEFINED]];
      if (symbol === undefined) return machine.refuse(property, { code: "KV1119", message: `\`${property.name.text}\` means nothing here` });
      return [[property.name.text, scope?.find(symbol) ?? machine.outside(symbol, property.name)]];
    }
    if (ts.isMethodDeclaration(property)) return [[propertyKey(machine, property.name, scope), closureOf(machine, property, scope)]];
    if (ts.isSpreadAssignment(property)) return spread(machine, machine.evaluate(property.expression, scope), property);
    return machine.refuse(property, { code: "KV1119", message: "the language has no getters or setters", expected: "a field or a function", mend: "Write a function: `{ size: () => n }`." });
  });
  return fieldsOf(fields);
}

function spread(machine: Machine, meaning: Meaning, site: ts.Node): readonly (readonly [string, Meaning])[] {
  if (meaning.kind === "fields") return [...meaning.fields];
  if (isNothing(meaning) || (meaning.kind === "static" && meaning.value === false)) return [];
  if (meaning.kind === "list") return meaning.items.map((item, at) => [String(at), item] as const);
  return machine.refuse(site, { code: "KV1121", message: "something that is no record is spread into one", expected: "a record", got: describe(meaning) });
}

function typeOf(meaning: Meaning): string {
  switch (meaning.kind) {
    case "static": return typeof meaning.value;
    case "closure": case "native": return "function";
    case "node": return isTruth(meaning.node) ? "boolean" : "number";
    default: return "object";
  }
}
