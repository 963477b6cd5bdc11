/** @file Diagnostics as a terminal shows them, with frames of the files that can be read. */

import { readFileSync } from "node:fs";
import pc from "picocolors";
import type { Diagnostic } from "../spec/diagnostics/diagnostic";
import { render } from "../spec/diagnostics/render";

/** Diagnostics as text, in their order; each file that they name is read once. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): readonly string[] {
  const texts = new Map<string, string | undefined>();
  const source = (file: string): string | undefined => {
    if (!texts.has(file)) texts.set(file, textOf(file));
    return texts.get(file);
  };
  return diagnostics.map((diagnostic) => render(diagnostic, { source, colour: pc.isColorSupported }));
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
