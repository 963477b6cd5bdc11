import type { Command } from "commander";
import { KvernError, type Diagnostic } from "../../spec/diagnostics/diagnostic";
import { printable } from "../../spec/diagnostics/printable";
import { EXIT, printDiagnostics } from "../faults";

interface Options {
  readonly json?: true;
}

/** `kvern check FILE…`: type errors and language errors of every file. */
export function check(program: Command): void {
  program
    .command("check")
    .summary("report type errors and language errors")
    .description("Checks kernels: TypeScript's own errors, and what the language refuses. Exits with 1 if there are any.")
    .argument("<file...>", "TypeScript files that export kernels")
    .option("--json", "print { kernels, diagnostics } instead of text")
    .action(async (files: readonly string[], { json }: Options) => {
      const { kernels, diagnostics } = await checkFiles(files);
      if (json) process.stdout.write(`${JSON.stringify({ kernels, diagnostics }, undefined, 2)}\n`);
      else {
        for (const [file, names] of Object.entries(kernels)) process.stdout.write(`${printable(file)}: ${names.length === 0 ? "no kernels" : names.join(", ")}\n`);
        if (diagnostics.length > 0) await printDiagnostics(diagnostics);
      }
      if (diagnostics.length > 0) process.exitCode = EXIT.user;
    });
}

/** The kernels of every file that is in order, by file, and what is wrong with the others. */
async function checkFiles(files: readonly string[]): Promise<{ kernels: Record<string, readonly string[]>; diagnostics: readonly Diagnostic[] }> {
  const { compileFile } = await import("../../compiler");
  const kernels: Record<string, readonly string[]> = {};
  const diagnostics: Diagnostic[] = [];
  for (const file of new Set(files)) {
    try {
      kernels[file] = Object.keys((await compileFile(file)).kernels);
    } catch (fault) {
      if (!(fault instanceof KvernError)) throw fault;
      diagnostics.push(...fault.diagnostics);
    }
  }
  return { kernels, diagnostics: distinct(diagnostics) };
}

/** Files that import one another report the same faults. */
function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic])).values()];
}
