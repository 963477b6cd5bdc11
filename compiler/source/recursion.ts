/**
 * @file Which functions can come to call themselves, as far as their text says. A function that is merely active twice,
 * such as a softmax inside the scores of another, does not mention itself and is not recursive.
 */

import type { FunctionLike } from "./meaning";
import { ts } from "./typescript";

const known = new WeakMap<FunctionLike, boolean>();

/** Whether the text of a function mentions, directly or through others, a name under which it is itself known. */
export function isRecursive(checker: ts.TypeChecker, declaration: FunctionLike): boolean {
  const had = known.get(declaration);
  if (had !== undefined) return had;
  const found = mentionsItself(checker, declaration);
  known.set(declaration, found);
  return found;
}

function mentionsItself(checker: ts.TypeChecker, declaration: FunctionLike): boolean {
  const seen = new Set<ts.Node>();
  const pending: ts.Node[] = [declaration];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const mentioned of mentions(checker, node)) {
      if (contains(mentioned, declaration)) return true;
      if (seen.has(mentioned)) continue;
      seen.add(mentioned);
      pending.push(mentioned);
    }
  }
  return false;
}

const contains = (outer: ts.Node, inner: ts.Node): boolean => outer.getSourceFile() === inner.getSourceFile() && outer.pos <= inner.pos && inner.end <= outer.end;

/** Declarations of constants, functions and fields of records that stand in the text of a node. */
function mentions(checker: ts.TypeChecker, root: ts.Node): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const field = declarationOf(checker.getSymbolAtLocation(node.name));
      // `record.field` mentions the field, and of the record nothing else.
      if (field !== undefined && isField(field)) {
        found.push(field);
        if (ts.isIdentifier(node.expression)) return;
      }
      visit(node.expression);
      return;
    }
    if (ts.isIdentifier(node)) {
      const symbol = ts.isShorthandPropertyAssignment(node.parent) ? checker.getShorthandAssignmentValueSymbol(node.parent) : checker.getSymbolAtLocation(node);
      const declaration = declarationOf(symbol === undefined || (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol));
      if (declaration !== undefined && node.parent !== declaration && (ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration) || ts.isFunctionExpression(declaration))) found.push(declaration);
      return;
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(root, visit);
  return found;
}

const declarationOf = (symbol: ts.Symbol | undefined): ts.Node | undefined => symbol?.valueDeclaration;

const isField = (node: ts.Node): boolean => ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node) || ts.isShorthandPropertyAssignment(node);
