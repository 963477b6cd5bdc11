/** @file Functions of the source text as meanings. */

import type { Closure, Fault, FunctionLike, Machine, Scope } from "./meaning";
import { ts } from "./typescript";

export function closureOf(machine: Machine, declaration: FunctionLike, scope: Scope | undefined): Closure {
  const { modifiers, asteriskToken } = declaration;
  const marked = modifiers?.find(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword);
  if (marked !== undefined || asteriskToken !== undefined) machine.refuse(marked ?? asteriskToken ?? declaration, WAITING);
  return { kind: "closure", declaration, scope };
}

export const WAITING: Fault = {
  code: "KV1104",
  message: "a kernel waits for nothing: the language has no `async`, `await`, `yield` or generators",
  expected: "a plain function",
  mend: "Take what is waited for as an input of the kernel.",
};

/** What a function is called where it is written. */
export function functionName({ name, parent }: FunctionLike): string {
  if (name !== undefined) return name.getText();
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText();
  return "a function";
}
