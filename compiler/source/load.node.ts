/**
 * @file Loads a TypeScript module and what it imports as running code, so that a kernel can be evaluated as the
 * TypeScript it is. Types are stripped, not checked: check the file first.
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { ts } from "./typescript";

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
};

/** Says where imports of kvern itself are found: `kvern/formats` to the address of a module. */
export type OwnModules = (specifier: string) => string;

/**
 * The exports of `file`. Its modules are run from a temporary folder, which is gone when this returns.
 * @throws KvernError KV5001 a file that cannot be read; KV5207 a module that cannot be run
 */
export async function loadModule(file: string, own: OwnModules): Promise<Readonly<Record<string, unknown>>> {
  const folder = await mkdtemp(join(tmpdir(), "kvern-"));
  try {
    const modules = new Modules(folder, own);
    const entry = modules.place(resolve(file));
    await modules.write();
    return (await import(entry)) as Readonly<Record<string, unknown>>;
  } catch (fault) {
    if (fault instanceof KvernError) throw fault;
    const [reason = ""] = String(fault).replaceAll(folder, "").split("\n");
    return refuse({ file, code: "KV5207", message: "the module cannot be run", got: reason });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The modules of one program, each with its place in the temporary folder. */
class Modules {
  readonly #folder: string;
  readonly #own: OwnModules;
  readonly #places = new Map<string, string>();

  constructor(folder: string, own: OwnModules) {
    this.#folder = folder;
    this.#own = own;
  }

  /** The address at which the module of `file` will lie. */
  place(file: string): string {
    let place = this.#places.get(file);
    if (place === undefined) {
      place = join(this.#folder, `${this.#places.size}.mjs`);
      this.#places.set(file, place);
    }
    return pathToFileURL(place).href;
  }

  /** Writes every module that has a place, and those that they import. */
  async write(): Promise<void> {
    for (const [file, place] of this.#places) await writeFile(place, await this.#code(file));
  }

  async #code(file: string): Promise<string> {
    let source: string;
    try {
      source = await readFile(file, "utf8");
    } catch {
      return refuse({ code: "KV5001", file, message: "the file cannot be read" });
    }
    if (file.endsWith(".json")) return `export default ${source};`;
    const redirected = redirect((specifier) => this.#resolve(specifier, file));
    return ts.transpileModule(source, { fileName: file, compilerOptions: OPTIONS, transformers: { after: [redirected] } }).outputText;
  }

  #resolve(specifier: string, from: string): string {
    if (specifier === "kvern" || specifier.startsWith("kvern/")) return this.#own(specifier);
    if (isBuiltin(specifier)) return specifier;
    const { resolvedModule } = ts.resolveModuleName(specifier, from, OPTIONS, ts.sys);
    const source = resolvedModule !== undefined && resolvedModule.isExternalLibraryImport !== true && !resolvedModule.resolvedFileName.endsWith(".d.ts");
    return source ? this.place(resolvedModule.resolvedFileName) : pathToFileURL(createRequire(from).resolve(specifier)).href;
  }
}

/** Replaces the specifiers of static imports and re-exports. */
function redirect(to: (specifier: string) => string): ts.TransformerFactory<ts.SourceFile> {
  return ({ factory }) => (file) => {
    const moved = (specifier: ts.Expression): ts.Expression => (ts.isStringLiteral(specifier) ? factory.createStringLiteral(to(specifier.text)) : specifier);
    const statements = file.statements.map((statement) => {
      if (ts.isImportDeclaration(statement)) {
        return factory.updateImportDeclaration(statement, statement.modifiers, statement.importClause, moved(statement.moduleSpecifier), statement.attributes);
      }
      if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
        return factory.updateExportDeclaration(statement, statement.modifiers, false, statement.exportClause, moved(statement.moduleSpecifier), statement.attributes);
      }
      return statement;
    });
    return factory.updateSourceFile(file, statements);
  };
}
