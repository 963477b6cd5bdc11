/** Compiles source text that needs no imports of its own: the language is there, and a few axes. */

import { CompileError, compileSource } from "kvern/compiler";
import type { Diagnostic } from "../../spec/diagnostics/diagnostic";
import { loadGraph, type LoadedGraph } from "../../spec/graph/json";
import { printGraph } from "../../spec/graph/print";
import { faults } from "../../spec/graph/validate";

/** Three lines that stand above every program of a test, so that its own first line is line 4. */
export const PRELUDE = `import { all, any, argmax, argmin, axis, clamp, encoded, extent, f16, f32, groupOf, i32, joined, kernel, max, min, softmax, sum, u32, uint, type Axis, type Index } from "kvern";
const token = axis("token"), channel = axis("channel"), head = axis("head"), kvHead = axis("kvHead");
const code = axis("code", 16), row = axis("row", 8);
`;
export const FIRST_LINE = 4;

/** A kernel whose body is `text`: statements if it returns, an expression otherwise. */
export const inBody = (text: string): string =>
  `export const k = kernel({ x: f32(token), codes: uint(4)(token), table: f32(code) }, f32(token), ({ x, codes, table }) => (t) => {\n${/\breturn\b/.test(text) ? text : `return ${text};`}\n});\n`;

/** The line on which the text of `inBody` stands. */
export const BODY_LINE = FIRST_LINE + 1;

export const compiled = async (text: string, more: Readonly<Record<string, string>> = {}): Promise<Readonly<Record<string, LoadedGraph>>> => {
  const { kernels } = await compileSource({ "program.ts": PRELUDE + text, ...more }, "program.ts");
  return Object.fromEntries(
    Object.entries(kernels).map(([name, saved]) => {
      const loaded = loadGraph(saved);
      const found = faults(loaded.graph);
      if (found.length > 0) throw new Error(`the graph of ${name} is not well formed:\n${found.join("\n")}`);
      return [name, loaded];
    }),
  );
};

export const printed = async (text: string, more: Readonly<Record<string, string>> = {}): Promise<string> =>
  Object.values(await compiled(text, more)).map(({ builder, graph }) => printGraph(builder, graph)).join("\n");

/** What the only output of a body means: the lines of its graph below the signature. */
export const meaning = async (text: string): Promise<string> => {
  const lines = (await printed(inBody(text))).split("\n");
  return lines.slice(lines.findIndex((line) => line.startsWith("output")) + 1).join("\n").trim();
};

export const diagnosticsOf = async (text: string, more: Readonly<Record<string, string>> = {}): Promise<readonly Diagnostic[]> => {
  try {
    await compiled(text, more);
    return [];
  } catch (error) {
    if (error instanceof CompileError) return error.diagnostics;
    throw error;
  }
};

/** `KV1101 5:1`: codes and places. */
export const faultsOf = async (text: string, more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> =>
  (await diagnosticsOf(text, more)).map(({ code, file, line, column }) => `${code} ${file === "program.ts" ? "" : `${file ?? "?"}:`}${line ?? "?"}:${column ?? "?"}`);
