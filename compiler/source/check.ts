/**
 * @file Parses and type-checks a file and what it imports. Everything a compile reads goes through here: the user's
 * files, kvern's own sources, and a small library of types in place of TypeScript's, which takes most of a second.
 */

import { InternalError, type Diagnostic, type Place } from "../../spec/diagnostics/diagnostic";
import { folderOf, join, LONGEST_SOURCES, refuseLong, type Files, type PackageSources } from "./files";
import { AMBIENT_MODULES, SMALL_LIBRARY } from "./small-library";
import { Project, ts } from "./typescript";

/** A program that was parsed, and its faults. */
export interface Checked {
  readonly checker: ts.TypeChecker;
  readonly entry: ts.SourceFile;
  /** KV1001 for every fault that TypeScript finds in the user's own files. */
  readonly faults: readonly Diagnostic[];
  readonly origin: Origin;
}

/** Tells the user's files from kvern's and from libraries of types. */
export interface Origin {
  /** The path below `spec/` of a file of kvern itself: `language/axis.ts`. */
  inPackage(file: ts.SourceFile): string | undefined;
  isLibrary(file: ts.SourceFile): boolean;
  placeOf(node: ts.Node): Place;
}

const SMALL_LIBRARY_PATH = "/@types/small.d.ts";
const AMBIENT_PATH = "/@types/ambient.d.ts";
const FULL_LIBRARY_FOLDER = "/node_modules/typescript/lib";

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  types: [],
};

/**
 * Faults that the small library cannot have caused, as it declares nothing otherwise than TypeScript's own does: a type
 * that does not fit, a wrong number of arguments, an operator on the wrong types, implicit `any`. Others may mean that
 * something is missing there.
 */
const SURE: ReadonlySet<number> = new Set([2322, 2345, 2353, 2349, 2362, 2363, 2365, 2367, 2448, 2451, 2454, 2532, 2554, 2555, 2739, 2741, 18046, 18047, 18048, 7006, 7031]);

const isSure = ({ code }: ts.Diagnostic): boolean => code < 2000 || SURE.has(code);

/** Parsed files that do not change: kvern's and the libraries'. A parsed file also keeps what binding found in it. */
const parsed = new Map<string, ts.SourceFile>();

/** The program before: what it found of imports is taken over where nothing changed. */
let latest: ts.Program | undefined;

export function check(files: Files, sources: PackageSources, entry: string): Checked {
  const small = checkWith(files, sources, entry, "small");
  return small.sure ? small.checked : checkWith(files, sources, entry, "full").checked;
}

/** Checks with one of the two libraries; `sure` says that the other would find the same. */
export function checkWith(files: Files, sources: PackageSources, entry: string, library: "small" | "full"): { readonly checked: Checked; readonly sure: boolean } {
  const host = new Host(files, sources, entry, library);
  const roots = library === "small" ? [SMALL_LIBRARY_PATH] : [AMBIENT_PATH];
  const program = ts.createProgram({ rootNames: [...roots, entry], options: host.options, host, ...(latest === undefined ? {} : { oldProgram: latest }) });
  latest = program;
  const origin = originOf(files, sources);
  const file = program.getSourceFile(entry);
  if (file === undefined) throw new InternalError(`${entry} was found and cannot be parsed`);
  const own = program.getSourceFiles().filter((source) => origin.inPackage(source) === undefined && !origin.isLibrary(source));
  const found = own.flatMap((source) => {
    const syntax = program.getSyntacticDiagnostics(source);
    return syntax.length > 0 ? [...syntax] : [...program.getSemanticDiagnostics(source)];
  });
  const checker = program.getTypeChecker();
  const errors = found.filter((fault) => fault.category === ts.DiagnosticCategory.Error && !isOfOtherHalf(fault));
  return { checked: { checker, entry: file, faults: errors.map((error) => faultOf(error, files)), origin }, sure: errors.every(isSure) };
}

/** `Cannot use namespace … as a type`: the types of \`kvern/runtime\` and \`kvern/compiler\`, which are not looked into. */
const NAMESPACE_AS_TYPE = 2709;

function isOfOtherHalf({ code, file, start, length }: ts.Diagnostic): boolean {
  if (code !== NAMESPACE_AS_TYPE || file === undefined || start === undefined) return false;
  const name = file.text.slice(start, start + (length ?? 0)).split(".")[0];
  return file.statements.some((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier) || !/^kvern\/(compiler|runtime)$/.test(statement.moduleSpecifier.text)) return false;
    const bindings = statement.importClause?.namedBindings;
    return bindings !== undefined && (ts.isNamespaceImport(bindings) ? bindings.name.text === name : bindings.elements.some((element) => element.name.text === name));
  });
}

function faultOf({ file, start, length, code, messageText }: ts.Diagnostic, files: Files): Diagnostic {
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  const place = file === undefined || start === undefined ? {} : placeIn(file, files.name(file.fileName), start, start + (length ?? 0));
  return { code: "KV1001", message: `TS${code}: ${text}`, ...place };
}

function placeIn(source: ts.SourceFile, file: string, start: number, end: number): Place {
  const from = source.getLineAndCharacterOfPosition(start);
  const to = source.getLineAndCharacterOfPosition(end);
  return { file, line: from.line + 1, column: from.character + 1, endLine: to.line + 1, endColumn: to.character + 1 };
}

function originOf(files: Files, sources: PackageSources): Origin {
  const spec = `${sources.root}/spec/`;
  const inPackage = (file: ts.SourceFile): string | undefined => (file.fileName.startsWith(spec) ? file.fileName.slice(spec.length) : undefined);
  const names = new Map<ts.SourceFile, string>();
  const name = (file: ts.SourceFile): string => {
    let found = names.get(file);
    if (found === undefined) {
      const inside = inPackage(file);
      names.set(file, (found = inside === undefined ? files.name(file.fileName) : `kvern/spec/${inside}`));
    }
    return found;
  };
  const places = new Map<ts.Node, Place>();
  return {
    inPackage,
    isLibrary: (file) => file.isDeclarationFile || file.fileName.includes("/node_modules/"),
    placeOf: (node) => {
      let place = places.get(node);
      if (place === undefined) {
        const file = node.getSourceFile();
        places.set(node, (place = placeIn(file, name(file), node.getStart(file), node.getEnd())));
      }
      return place;
    },
  };
}

/** What TypeScript asks of its surroundings. */
class Host implements ts.CompilerHost {
  readonly options: ts.CompilerOptions;
  readonly #files: Files;
  readonly #sources: PackageSources;
  readonly #folder: string;
  /** Of the program's own files, so far. */
  #characters = 0;

  constructor(files: Files, sources: PackageSources, entry: string, library: "small" | "full") {
    this.#folder = folderOf(entry);
    this.#files = files;
    this.#sources = sources;
    this.options = library === "small" ? { ...OPTIONS, noLib: true } : { ...OPTIONS, lib: ["lib.es2023.d.ts", "lib.dom.d.ts"], types: ["node"] };
  }

  readFile(path: string): string | undefined {
    if (path === SMALL_LIBRARY_PATH) return SMALL_LIBRARY;
    if (path === AMBIENT_PATH) return AMBIENT_MODULES;
    if (path.startsWith(`${FULL_LIBRARY_FOLDER}/`)) return fullLibrary().get(path);
    return this.#isOwn(path) ? this.#sources.read(path) : this.#files.read(path);
  }

  #isOwn(path: string): boolean {
    return path.startsWith(`${this.#sources.root}/spec/`);
  }

  fileExists(path: string): boolean {
    return this.readFile(path) !== undefined;
  }

  getSourceFile(path: string, version: ts.ScriptTarget | ts.CreateSourceFileOptions): ts.SourceFile | undefined {
    const lasting = path.startsWith("/@types/") || path.startsWith(`${FULL_LIBRARY_FOLDER}/`) || this.#isOwn(path);
    const had = parsed.get(path);
    if (had !== undefined) return had;
    const text = this.readFile(path);
    if (text === undefined) return undefined;
    if (!lasting && !path.endsWith(".d.ts") && path !== SMALL_LIBRARY_PATH && path !== AMBIENT_PATH && (this.#characters += text.length) > LONGEST_SOURCES) refuseLong(this.#files.name(path), this.#characters);
    const file = ts.createSourceFile(path, text, version, true);
    if (lasting) parsed.set(path, file);
    return file;
  }

  resolveModuleNameLiterals(literals: readonly ts.StringLiteralLike[], from: string): readonly ts.ResolvedModuleWithFailedLookupLocations[] {
    return literals.map(({ text }) => {
      const own = this.#resolveOwn(text, from);
      if (own !== undefined) return { resolvedModule: { resolvedFileName: own, extension: ".ts", isExternalLibraryImport: false } };
      // What else kvern has is no part of the language: see AMBIENT_MODULES.
      return text.startsWith("kvern/") ? { resolvedModule: undefined } : ts.resolveModuleName(text, from, this.options, this);
    });
  }

  /** The language by its names, and what its own files import of each other. */
  #resolveOwn(name: string, from: string): string | undefined {
    const { root } = this.#sources;
    if (name === "kvern") return `${root}/spec/index.ts`;
    if (name === "kvern/formats") return `${root}/spec/formats/index.ts`;
    if (!name.startsWith(".") || !this.#isOwn(from)) return undefined;
    const path = join(folderOf(from), name);
    return [`${path}.ts`, `${path}/index.ts`].find((candidate) => this.fileExists(candidate));
  }

  getDefaultLibFileName(): string {
    return `${FULL_LIBRARY_FOLDER}/lib.d.ts`;
  }
  getDefaultLibLocation(): string {
    return FULL_LIBRARY_FOLDER;
  }
  /** Where the search for `@types` begins. */
  getCurrentDirectory(): string {
    return this.#folder;
  }
  getCanonicalFileName(path: string): string {
    return path;
  }
  useCaseSensitiveFileNames(): boolean {
    return true;
  }
  getNewLine(): string {
    return "\n";
  }
  writeFile(): void {
    // Nothing is emitted.
  }
}

let library: ReadonlyMap<string, string> | undefined;

/** TypeScript's own library of types, which ts-morph carries. */
function fullLibrary(): ReadonlyMap<string, string> {
  if (library === undefined) {
    const project = new Project({ useInMemoryFileSystem: true, compilerOptions: { lib: ["lib.es2023.d.ts", "lib.dom.d.ts"] } });
    project.createSourceFile("/empty.ts", "export {};");
    library = new Map(project.getProgram().compilerObject.getSourceFiles().map((file) => [file.fileName, file.text]));
  }
  return library;
}
