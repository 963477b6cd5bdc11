/** @file Statements of a function's body: constants, nested functions, `if` and `return`. */

import { choose, condition } from "./choose";
import { closureOf, WAITING } from "./functions";
import { Scope, UNDEFINED, type Fault, type Machine, type Meaning } from "./meaning";
import { bind } from "./patterns";
import { ts } from "./typescript";

type Statements = readonly ts.Statement[];

/** What a block returns; `rest` is what follows it if it returns nothing by itself. */
export function block(machine: Machine, statements: Statements, outer: Scope | undefined, rest: () => Meaning = () => UNDEFINED): Meaning {
  const scope = new Scope(outer);
  for (const statement of statements) {
    if (!ts.isFunctionDeclaration(statement) || statement.name === undefined) continue;
    const symbol = machine.symbolAt(statement.name);
    if (symbol !== undefined && statement.body !== undefined) scope.bind(symbol, closureOf(machine, statement, scope));
  }
  return from(machine, statements, 0, scope, rest);
}

function from(machine: Machine, statements: Statements, start: number, scope: Scope, rest: () => Meaning): Meaning {
  for (let at = start; at < statements.length; at++) {
    const statement = statements[at];
    if (statement === undefined) break;
    if (ts.isReturnStatement(statement)) return statement.expression === undefined ? UNDEFINED : machine.evaluate(statement.expression, scope);
    if (ts.isIfStatement(statement)) return choice(machine, statement, scope, () => from(machine, statements, at + 1, scope, rest));
    if (ts.isBlock(statement)) return block(machine, statement.statements, scope, () => from(machine, statements, at + 1, scope, rest));
    if (ts.isVariableStatement(statement)) constants(machine, statement.declarationList, scope);
    else if (!isNothing(statement)) refuse(machine, statement, scope);
  }
  return rest();
}

function refuse(machine: Machine, statement: ts.Statement, scope: Scope): never {
  // A call that acts is refused for what it does, rather than for doing nothing.
  if (ts.isExpressionStatement(statement) && ts.isCallExpression(statement.expression)) machine.evaluate(statement.expression, scope);
  return machine.refuse(statement, refusedStatement(statement));
}

/** Statements without meaning: types, nested functions (bound before), `"use strict"`. */
const isNothing = (statement: ts.Statement): boolean =>
  ts.isFunctionDeclaration(statement) || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) || ts.isEmptyStatement(statement) ||
  (ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression));

function choice(machine: Machine, { expression, thenStatement, elseStatement }: ts.IfStatement, scope: Scope, rest: () => Meaning): Meaning {
  const branch = (statement: ts.Statement): Meaning => block(machine, ts.isBlock(statement) ? statement.statements : [statement], scope, rest);
  const test = condition(machine, machine.evaluate(expression, scope), expression);
  return choose(machine, test, () => branch(thenStatement), () => (elseStatement === undefined ? rest() : branch(elseStatement)), expression);
}

export function constants(machine: Machine, declarations: ts.VariableDeclarationList, scope: Scope): void {
  checkConstant(machine, declarations);
  for (const { name, initializer } of declarations.declarations) {
    if (initializer !== undefined) bind(machine, name, machine.evaluate(initializer, scope), scope);
  }
}

/** Refuses `let`, `var` and `using`. */
export function checkConstant(machine: Machine, declarations: ts.VariableDeclarationList): void {
  const word = /^(?:await\s+)?(\w+)/.exec(declarations.getText())?.[1] ?? "var";
  if (word === "const") return;
  machine.refuse(declarations, { code: "KV1102", message: `\`${word}\` declares a variable that can change`, expected: "`const`", got: `\`${word}\``, mend: "Declare it with `const`; a value that grows along an axis is a reduction: `sum(axis, (i) => …)`." });
}

const LOOP: Fault = {
  code: "KV1101",
  message: "the language has no loops",
  expected: "a reduction, or a method of an array that is known while compiling",
  mend: "Along an axis: `sum(axis, (i) => …)`, `max`, `any` …; over an array: `list.map(…)`, `list.reduce(…)`.",
};

function refusedStatement(statement: ts.Statement): Fault {
  switch (statement.kind) {
    case ts.SyntaxKind.ForStatement: case ts.SyntaxKind.ForOfStatement: case ts.SyntaxKind.ForInStatement: case ts.SyntaxKind.WhileStatement: case ts.SyntaxKind.DoStatement:
      return LOOP;
    case ts.SyntaxKind.SwitchStatement:
      return { code: "KV1122", message: "the language has no `switch`", expected: "`if (…) return …` or `? :`", mend: "Write the cases as `if (n === 0) return …;`, one after another." };
    case ts.SyntaxKind.TryStatement: case ts.SyntaxKind.ThrowStatement:
      return { code: "KV1107", message: "the language has no exceptions", expected: "a value for every case", mend: "Return a number for the case, or guard it: `condition ? value : 0`." };
    case ts.SyntaxKind.ClassDeclaration:
      return { code: "KV1106", message: "the language has no classes", expected: "records and functions", mend: "Write a function that returns a record: `const make = (n: number) => ({ n, twice: () => 2 * n })`." };
    case ts.SyntaxKind.ExpressionStatement: return refusedExpressionStatement((statement as ts.ExpressionStatement).expression);
    case ts.SyntaxKind.EnumDeclaration:
      return { code: "KV1119", message: "the language has no `enum`", expected: "a record", mend: "Write `const Kind = { a: 0, b: 1 } as const`." };
    case ts.SyntaxKind.LabeledStatement: case ts.SyntaxKind.BreakStatement: case ts.SyntaxKind.ContinueStatement: return LOOP;
    default:
      return { code: "KV1119", message: `the language has no ${wordsOf(statement.kind)}`, expected: "`const`, functions, `if` and `return`" };
  }
}

function refusedExpressionStatement(expression: ts.Expression): Fault {
  let inner = expression;
  while (ts.isParenthesizedExpression(inner)) inner = inner.expression;
  if (ts.isBinaryExpression(inner) && inner.operatorToken.kind >= ts.SyntaxKind.FirstAssignment && inner.operatorToken.kind <= ts.SyntaxKind.LastAssignment) return ASSIGNMENT;
  if (ts.isPrefixUnaryExpression(inner) || ts.isPostfixUnaryExpression(inner)) {
    if (inner.operator === ts.SyntaxKind.PlusPlusToken || inner.operator === ts.SyntaxKind.MinusMinusToken) return ASSIGNMENT;
  }
  if (ts.isDeleteExpression(inner)) return ASSIGNMENT;
  if (ts.isAwaitExpression(inner) || ts.isYieldExpression(inner)) return WAITING;
  return {
    code: "KV1118",
    message: "this statement does nothing: its value is not used, and nothing in the language acts",
    expected: "`const … = …` or `return …`",
    mend: ts.isCallExpression(inner) ? "Use what the call gives: `return f(i);`." : "Remove it, or return it.",
  };
}

export const ASSIGNMENT: Fault = {
  code: "KV1103",
  message: "the language changes nothing: there is no assignment",
  expected: "a new `const` for every value",
  mend: "Name the new value: `const next = …`; a total along an axis is `sum(axis, (i) => …)`.",
};

/** `ForStatement` as "for statement". */
export const wordsOf = (kind: ts.SyntaxKind): string => (ts.SyntaxKind[kind]).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
