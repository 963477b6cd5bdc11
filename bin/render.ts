/** @file Diagnostics as people read them: one line that says it, and the source it is about. */

import { readFileSync } from "node:fs";
import { codeFrameColumns } from "@babel/code-frame";
import pc from "picocolors";
import { summary, type Diagnostic } from "../spec/diagnostics/diagnostic";
import { printable } from "../spec/diagnostics/printable";

/** The summary of a diagnostic and, where its place can be read, a frame of the lines around it. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const text = printable(summary(diagnostic)).replace(/ ?error (KV\d{4})/, (all, code: string) => all.replace(`error ${code}`, `${pc.red("error")} ${pc.dim(code)}`));
  const frame = codeFrame(diagnostic);
  return frame === undefined ? text : `${text}\n\n${frame}`;
}

function codeFrame({ file, line, column, endLine, endColumn }: Diagnostic): string | undefined {
  if (file === undefined || line === undefined) return undefined;
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const start = { line, column: column ?? 1 };
  const end = endLine === undefined ? {} : { end: { line: endLine, ...(endColumn === undefined ? {} : { column: endColumn }) } };
  return codeFrameColumns(printable(source), { start, ...end }, { highlightCode: false, linesAbove: 1, linesBelow: 1 });
}
