/** @file From source files to graphs: checks types, evaluates what the entry exports, gathers every fault. */

import { KvernError, type Diagnostic } from "../../spec/diagnostics/diagnostic";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { IDENTIFIER } from "../../spec/tensor";
import { check, type Checked } from "./check";
import { Evaluator } from "./evaluator";
import type { Files, PackageSources } from "./files";
import { graphOf } from "./kernels";
import { ts } from "./typescript";

/** How many kernels a file may export. */
const MOST_KERNELS = 1000;

/** Source text that cannot be compiled. */
export class CompileError extends KvernError {
  constructor(diagnostics: readonly [Diagnostic, ...Diagnostic[]], options?: ErrorOptions) {
    super(diagnostics, options);
    this.name = "CompileError";
  }
}

/**
 * The graphs of the kernels that `entry` exports, by name; none if it exports none.
 * @throws CompileError with every type error, or else every fault found in a kernel.
 */
export function compile(files: Files, sources: PackageSources, entry: string, builder = (): GraphBuilder => new GraphBuilder()): ReadonlyMap<string, Graph> {
  if (!/\.[mc]?ts$/.test(entry)) fail([{ code: "KV1003", message: `\`${files.name(entry)}\` is not TypeScript`, file: files.name(entry), expected: "a file whose name ends in .ts", got: `\`${files.name(entry).split("/").at(-1) ?? ""}\`` }]);
  if (files.read(entry) === undefined) fail([{ code: "KV1002", message: `\`${files.name(entry)}\` cannot be read`, file: files.name(entry), expected: "a TypeScript file", got: "no such file" }]);
  const graphs = new Map<string, Graph>();
  const faults: Diagnostic[] = [];
  try {
    const checked = check(files, sources, entry);
    fail(checked.faults);
    const evaluator = new Evaluator(checked);
    const exported = exportedKernels(checked);
    if (exported.length > MOST_KERNELS) fail([{ code: "KV1123", message: "the program grows beyond bounds", file: files.name(entry), expected: `at most ${MOST_KERNELS} kernels in a file`, got: String(exported.length), mend: "What differs by a size alone is one kernel: sizes may be given when it is built." }]);
    for (const symbol of exported) {
      if (evaluator.exhausted) break;
      try {
        evaluator.reported.length = 0;
        if (!IDENTIFIER.test(symbol.name)) {
          evaluator.refuse(symbol.declarations?.[0] ?? checked.entry, { code: "KV1204", message: `a kernel cannot be called ${JSON.stringify(symbol.name.slice(0, 80))}`, expected: "an identifier, which files and functions are called after", mend: "Export it by a name of letters, digits, `_` and `$`." });
        }
        const kernel = evaluator.outside(symbol, symbol.declarations?.[0] ?? checked.entry);
        if (kernel.kind === "kernel") graphs.set(symbol.name, graphOf(evaluator, symbol.name, kernel, builder));
        faults.push(...evaluator.reported);
      } catch (error) {
        if (!(error instanceof KvernError)) throw error;
        faults.push(...evaluator.reported, ...error.diagnostics);
      }
    }
  } catch (error) {
    if (error instanceof KvernError && !(error instanceof CompileError)) fail(error.diagnostics);
    if (!(error instanceof RangeError) || !error.message.includes("call stack")) throw error;
    fail([{ code: "KV1123", message: "the program nests too deeply to be read", file: files.name(entry), expected: "shorter expressions, with names for their parts", mend: "Split it up: `const part = …`." }]);
  }
  fail(distinct(faults));
  return graphs;
}

function fail(diagnostics: readonly Diagnostic[]): void {
  const [first, ...rest] = diagnostics;
  if (first !== undefined) throw new CompileError([first, ...rest]);
}

/** One of each fault: several kernels may share a helper. */
function distinct(faults: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Map(faults.map((fault) => [JSON.stringify([fault.code, fault.file, fault.line, fault.column, fault.message]), fault]));
  return [...seen.values()];
}

/** What the entry exports as a `Kernel` of `spec/language`, in order of name as written. */
function exportedKernels({ checker, entry, origin }: Checked): readonly ts.Symbol[] {
  const module = checker.getSymbolAtLocation(entry);
  if (module === undefined) return [];
  return checker.getExportsOfModule(module).filter((symbol) => {
    const target = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
    if ((target.flags & ts.SymbolFlags.Value) === 0) return false;
    const type = checker.getTypeOfSymbol(target);
    return (type.isUnion() ? type.types : [type]).every((each) => {
      const declared = each.getSymbol();
      return declared?.name === "Kernel" && declared.declarations?.some((declaration) => origin.inPackage(declaration.getSourceFile()) === "language/kernel.ts") === true;
    });
  });
}

