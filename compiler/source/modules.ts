/** @file Names that no function binds: constants and functions of modules, imports, globals, and the primitives. */

import { closureOf } from "./functions";
import { GLOBALS, unknownGlobal } from "./globals";
import { Scope, UNDEFINED, type Fault, type Machine, type Meaning, type Namespace } from "./meaning";
import { bind } from "./patterns";
import { PRIMITIVES } from "./primitives";
import { checkConstant } from "./statements";
import { ts } from "./typescript";

/** A machine that can leave the body it is in. */
interface Apart extends Machine {
  apart<T>(action: () => T): T;
}

export class Modules {
  /** Constants of modules, evaluated when first asked for. */
  readonly #constants = new Scope(undefined);
  readonly #busy = new Set<ts.Node>();

  lookUp(machine: Apart, symbol: ts.Symbol, site: ts.Node): Meaning {
    const target = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : machine.checker.getAliasedSymbol(symbol);
    const had = this.#constants.find(target);
    if (had !== undefined) return had;
    const declaration = target.valueDeclaration ?? target.declarations?.[0];
    if (declaration === undefined) return machine.refuse(site, foreign(symbol.name));
    const file = declaration.getSourceFile();
    const inside = machine.origin.inPackage(file);
    if (inside?.startsWith("language/") === true && !ts.isSourceFile(declaration)) {
      return PRIMITIVES[inside.slice("language/".length)]?.[target.name] ?? machine.refuse(site, { code: "KV1201", message: `\`${target.name}\` has no place in a kernel`, expected: "axes, specifications, reductions and functions of the language" });
    }
    if (machine.origin.isLibrary(file)) return this.#global(machine, target, file, site);
    return this.#declared(machine, target, declaration, site);
  }

  #global(machine: Machine, symbol: ts.Symbol, file: ts.SourceFile, site: ts.Node): Meaning {
    const ambient = file.isDeclarationFile && !file.fileName.endsWith(".ts.d.ts") && !ts.isExternalModule(file);
    const known = ambient ? GLOBALS.get(symbol.name) : undefined;
    return known ?? machine.refuse(site, ambient ? unknownGlobal(symbol.name) : foreign(symbol.name));
  }

  #declared(machine: Apart, symbol: ts.Symbol, declaration: ts.Declaration, site: ts.Node): Meaning {
    if (ts.isSourceFile(declaration)) return declaration.fileName.endsWith(".json") ? this.#json(machine, declaration, site) : this.#namespace(symbol);
    if (ts.isFunctionDeclaration(declaration)) {
      const written = symbol.declarations?.find((each): each is ts.FunctionDeclaration => ts.isFunctionDeclaration(each) && each.body !== undefined);
      if (written === undefined) return machine.refuse(site, foreign(symbol.name));
      const closure = closureOf(machine, written, undefined);
      this.#constants.bind(symbol, closure);
      return closure;
    }
    if (ts.isExportAssignment(declaration)) return machine.apart(() => machine.evaluate(declaration.expression, undefined));
    const variable = ts.isBindingElement(declaration) ? rootOf(declaration) : declaration;
    if (variable !== undefined && ts.isVariableDeclaration(variable)) return this.#constant(machine, symbol, variable, site);
    return machine.refuse(site, refusedDeclaration(declaration, symbol.name));
  }

  #constant(machine: Apart, symbol: ts.Symbol, variable: ts.VariableDeclaration, site: ts.Node): Meaning {
    const early: Fault = { code: "KV1124", message: `\`${symbol.name}\` is used before it has a value`, expected: "a constant that stands above its use", mend: "Move the declaration up." };
    const declarations = variable.parent;
    if (!ts.isVariableDeclarationList(declarations) || !ts.isVariableStatement(declarations.parent) || !ts.isSourceFile(declarations.parent.parent)) return machine.refuse(site, early);
    if (variable.initializer === undefined) return machine.refuse(site, foreign(symbol.name));
    if (this.#busy.has(variable)) return machine.refuse(site, early);
    const { initializer } = variable;
    this.#busy.add(variable);
    try {
      machine.apart(() => {
        checkConstant(machine, declarations);
        bind(machine, variable.name, machine.evaluate(initializer, undefined), this.#constants);
      });
    } finally {
      this.#busy.delete(variable);
    }
    return this.#constants.find(symbol) ?? UNDEFINED;
  }

  /** `import * as name`. */
  #namespace(module: ts.Symbol): Namespace {
    return {
      kind: "namespace",
      name: module.name.replaceAll('"', ""),
      member: (name, machine, site) => {
        const found = machine.checker.getExportsOfModule(module).find((exported) => exported.name === name);
        return found === undefined ? undefined : machine.outside(found, site);
      },
    };
  }

  #json(machine: Apart, file: ts.SourceFile, site: ts.Node): Meaning {
    const [statement] = file.statements;
    return statement === undefined || !ts.isExpressionStatement(statement) ? machine.refuse(site, foreign(file.fileName)) : machine.apart(() => machine.evaluate(statement.expression, undefined));
  }
}

function rootOf(element: ts.BindingElement): ts.Node | undefined {
  let node: ts.Node = element;
  while (ts.isBindingElement(node) || ts.isObjectBindingPattern(node) || ts.isArrayBindingPattern(node)) node = node.parent;
  return node;
}

const foreign = (name: string): Fault => ({
  code: "KV1125",
  message: `\`${name}\` comes from where the compiler cannot look: another package, or a declaration without a body`,
  expected: "something written in the language, in your own files or in kvern",
  mend: "Write it in a file of your own, with `const`, functions and expressions.",
});

function refusedDeclaration(declaration: ts.Declaration, name: string): Fault {
  if (ts.isClassDeclaration(declaration)) return { code: "KV1106", message: `\`${name}\` is a class, and the language has none`, expected: "records and functions", mend: "Write a function that returns a record." };
  if (ts.isParameter(declaration) || ts.isBindingElement(declaration)) return { code: "KV1124", message: `\`${name}\` is used before it has a value`, expected: "a parameter that stands before its use" };
  if (ts.isEnumDeclaration(declaration) || ts.isEnumMember(declaration)) return { code: "KV1119", message: `\`${name}\` is an enum, and the language has none`, expected: "a record", mend: "Write `const Kind = { a: 0, b: 1 } as const`." };
  return { code: "KV1119", message: `\`${name}\` is nothing that the language has`, expected: "a constant, a function or a record" };
}
