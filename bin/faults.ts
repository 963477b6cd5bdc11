/** @file How faults leave the shell: as text on the standard error stream, and as an exit code. */

import type { CommanderError } from "commander";
import pc from "picocolors";
import { InternalError, KvernError, type Diagnostic } from "../spec/diagnostics/diagnostic";

export const EXIT = {
  fine: 0,
  /** The user's fault, with a diagnostic. */
  user: 1,
  commandLine: 2,
  /** A fault of kvern. */
  internal: 70,
} as const;

/** How many diagnostics are printed: a file that is something else altogether has thousands. */
const MOST_PRINTED = 50;

/** Prints one or more diagnostics, each with a code frame where its place is known. */
export async function printDiagnostics(diagnostics: readonly Diagnostic[]): Promise<void> {
  const { renderDiagnostics } = await import("./render");
  const printed = renderDiagnostics(diagnostics.slice(0, MOST_PRINTED));
  const more = diagnostics.length - printed.length;
  process.stderr.write(`${[...printed, ...(more > 0 ? [`and ${more} more`] : [])].join("\n\n")}\n`);
}

/** Prints what went wrong. @returns the exit code */
export async function reportFault(fault: unknown): Promise<number> {
  if (fault instanceof KvernError) {
    await printDiagnostics(fault.diagnostics);
    return EXIT.user;
  }
  const internal = fault instanceof InternalError ? fault : new InternalError(fault instanceof Error ? fault.message : String(fault), { cause: fault });
  const trace = (fault instanceof Error ? fault.stack : undefined)?.split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 8) ?? [];
  process.stderr.write(
    [
      pc.red(internal.message),
      ...trace,
      "This is a fault of kvern, not of what you gave it. Please report it, with the command line, the files it names and this text.",
      "",
    ].join("\n"),
  );
  return EXIT.internal;
}

/** Says what is wrong with a command line, in the words of the parser. */
export function reportCommandLine(fault: CommanderError): void {
  // Asked for nothing, the parser has printed the help already.
  if (fault.code === "commander.help") return;
  const [first = "", ...rest] = fault.message.replace(/^error: /, "").split("\n");
  const code = fault.code === "commander.invalidArgument" ? "KV5202" : "KV5201";
  const hints = rest.map((line) => `  ${line}`);
  process.stderr.write([`error ${code}: ${first}`, ...hints, "  kvern --help lists the commands; kvern COMMAND --help its options.", ""].join("\n"));
}
