/** @file Diagnostics as people read them: one line that says it, the source it is about, and what would be legal. */

import { codeFrameColumns } from "@babel/code-frame";
import type { Diagnostic, Place } from "./diagnostic";
import { printable } from "./printable";

export interface RenderOptions {
  /** The text of a file that a diagnostic names, if it can be had; without it there is no frame. */
  readonly source?: (file: string) => string | undefined;
  /** Colours for a terminal. */
  readonly colour?: boolean;
}

type Paint = (text: string) => string;

const painted = (colour: boolean, code: number): Paint => (colour ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text);

/**
 * A diagnostic as text, without a line feed at the end:
 *
 *     attention.ts:3:16 - error KV2001: `x` may be read outside its axis `token`
 *
 *       2 |   ({ x }) => (t) =>
 *     > 3 |     sum(token, (u) => x(u + 1)),
 *         |                       ^^^^^^^^
 *
 *       expected: an index from 0 to extent(token) − 1
 *       got:      an index from 1 to extent(token)
 *       mend:     …
 */
export function render(diagnostic: Diagnostic, { source = () => undefined, colour = false }: RenderOptions = {}): string {
  const [red, dim, bold] = [painted(colour, 31), painted(colour, 2), painted(colour, 1)];
  const { code, message, expected, got, mend, related = [] } = diagnostic;
  const [first = "", ...more] = printable(message).split("\n");
  const detail = [["expected", expected], ["got", got], ["mend", mend]] as const;
  const width = "expected: ".length;
  const lines = detail.flatMap(([name, text]) => (text === undefined ? [] : [`  ${dim(`${name}:`.padEnd(width))}${printable(text).replaceAll("\n", `\n${" ".repeat(width + 2)}`)}`]));
  const trail = related.map((step) => `  ${dim(`${step.note}:`)} ${printable(step.file)}:${step.line}:${step.column}`);
  const frame = frameOf(diagnostic, source, colour);
  const blocks = [
    [`${placeText(diagnostic, bold)}${red("error")} ${dim(`${code}:`)} ${first}`, ...more.map((line) => `  ${line}`)],
    frame === undefined ? [] : [frame],
    [...lines, ...trail],
  ];
  return blocks.filter((block) => block.length > 0).map((block) => block.join("\n")).join("\n\n");
}

function placeText({ file, line, column }: Partial<Place>, bold: Paint): string {
  if (file === undefined) return "";
  return line === undefined ? `${bold(printable(file))} - ` : `${bold(`${printable(file)}:${line}:${column ?? 1}`)} - `;
}

/** The lines around a place. A fault that covers many lines is shown by its first. */
function frameOf({ file, line, column = 1, endLine, endColumn }: Partial<Place>, source: (file: string) => string | undefined, colour: boolean): string | undefined {
  if (file === undefined || line === undefined) return undefined;
  const text = source(file);
  const lines = text === undefined ? [] : text.split("\n");
  if (text === undefined || line > lines.length) return undefined;
  // Nobody reads a line that is longer than a screen, such as that of a file that was made by a program.
  if (lines.slice(Math.max(line - 2, 0), line + 1).some((each) => each.length > LONGEST_LINE)) return undefined;
  const end = endLine === line && endColumn !== undefined ? { end: { line, column: Math.max(endColumn, column + 1) } } : {};
  return codeFrameColumns(printable(text), { start: { line, column }, ...end }, { linesAbove: 1, linesBelow: 1, forceColor: colour });
}

/** Characters of a line that a frame has room for. */
const LONGEST_LINE = 1000;
