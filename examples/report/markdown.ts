/** @file The report as text, from whatever rows there are. */

import type { AttentionShape } from "../llama/backend";
import { summary, type ContextScore } from "./evaluate";
import { bitsPerChannel, bytesPerToken, fixedBytes, nameOf, type Format } from "./formats";
import type { Point } from "./plots";
import { keyOf, ROWS, WINDOW, withoutSeed, type Row } from "./rows";

/** What is known of one model. */
export interface Findings {
  readonly name: string;
  readonly shape: AttentionShape;
  readonly calibrationVectors: number;
  readonly heldout: { readonly contexts: number; readonly tokens: number };
  /** By key of the row. */
  readonly results: ReadonlyMap<string, readonly ContextScore[]>;
}

/** A figure over the seeds that were computed. */
interface Figure {
  readonly mean: number;
  readonly least: number;
  readonly largest: number;
  readonly seeds: number;
}

type Part = "perplexity" | "divergence";

/** Rows that differ in nothing but their seed, as one; nothing where none was computed. */
function figure(findings: Findings, row: Row, part: Part): Figure | undefined {
  const key = withoutSeed(row);
  const values = ROWS.filter((other) => withoutSeed(other) === key).flatMap((other) => {
    const scores = findings.results.get(keyOf(other));
    return scores === undefined ? [] : [summary(scores)[part]];
  });
  if (values.length === 0) return undefined;
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, least: Math.min(...values), largest: Math.max(...values), seeds: values.length };
}

const shown = (value: number): string => (value >= 1000 ? value.toFixed(0) : value >= 100 ? value.toFixed(1) : value.toFixed(3));

/** The mean, with the least and the largest where there are several seeds. */
function cell(found: Figure | undefined): string {
  if (found === undefined) return "";
  return found.seeds === 1 ? shown(found.mean) : `${shown(found.mean)} (${shown(found.least)} – ${shown(found.largest)})`;
}

const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heading, heading.map((_, at) => (at === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const isExact = ({ format }: Row): boolean => format.kind === "exact";

/** One line for each format and weighting, in the order of the bits. */
function lines(): readonly Row[] {
  const seen = new Set<string>();
  const first = ROWS.filter((row) => {
    if (row.window !== 0 || row.keys !== "before" || row.seed > 1 || seen.has(keyOf(row))) return false;
    seen.add(keyOf(row));
    return true;
  });
  return [...first].sort((a, b) => bitsPerChannel(b.format) - bitsPerChannel(a.format) || nameOf(a.format).localeCompare(nameOf(b.format)) || b.weights.localeCompare(a.weights));
}

function mainTable(findings: Findings): string {
  const heading = ["cache", "k-means", "bit", "bytes per token", "perplexity", "KL", `perplexity, newest ${WINDOW} in full`, "KL", "perplexity, keys after rotation", "KL"];
  const rows = lines().map((row) => {
    const windowed = { ...row, window: WINDOW };
    const after = { ...row, keys: "after" as const };
    const cells = [row, windowed, after].flatMap((each) => (isExact(row) && each !== row ? ["", ""] : [cell(figure(findings, each, "perplexity")), cell(figure(findings, each, "divergence"))]));
    return [nameOf(row.format), row.weights === "none" ? "" : row.weights, String(bitsPerChannel(row.format)), bytesPerToken(row.format, findings.shape).toLocaleString("en"), ...cells];
  });
  return table(heading, rows.filter((row) => row.slice(4).some((text) => text !== "")));
}

function fixedTable(findings: Findings): string {
  const formats = new Map(ROWS.map(({ format }) => [nameOf(format), format]));
  const rows = [...formats].filter(([, format]) => fixedBytes(format, findings.shape) > 0).map(([name, format]) => [name, fixedBytes(format, findings.shape).toLocaleString("en")]);
  return table(["cache", "bytes"], rows);
}


/** Of CQ rows over codes alone, in the order of their mean perplexity: which neighbours the seeds tell apart. */
function seedOrder(findings: Findings): readonly string[] {
  const rows = lines().filter(({ format }) => format.kind === "coupled" && format.couple > 1);
  const found = rows.flatMap((row) => {
    const of = figure(findings, row, "perplexity");
    return of === undefined || of.seeds < 2 ? [] : [{ name: `${nameOf(row.format)} ${row.weights}`, of }];
  });
  const ordered = [...found].sort((a, b) => a.of.mean - b.of.mean);
  return ordered.slice(1).map(({ name, of }, at) => {
    const before = ordered[at] ?? { name, of };
    const apart = before.of.largest < of.least;
    return `- ${before.name} and ${name}: ${apart ? "apart in every seed" : "not told apart by the seeds"}`;
  });
}

export function pointsOf(findings: Findings): readonly Point[] {
  return lines().flatMap((row) => {
    const found = figure(findings, row, "perplexity");
    if (found === undefined || isExact(row) || row.weights === "fisher") return [];
    return [{ format: nameOf(row.format), family: familyOf(row.format), bytes: bytesPerToken(row.format, findings.shape), perplexity: found.mean }];
  });
}

function familyOf(format: Format): string {
  switch (format.kind) {
    case "exact":
      return "full precision";
    case "perChannel":
      return "uniform per channel";
    case "perToken":
      return "uniform per token";
    case "coupled":
      return format.couple === 1 ? "grid per channel" : "coupled (CQ)";
  }
}

export const exactPerplexity = (findings: Findings): number | undefined => figure(findings, lines()[0] ?? missing(), "perplexity")?.mean;

function missing(): never {
  throw new Error("internal: the report has no rows");
}

/** The tables of one model. */
export function modelSection(findings: Findings): string {
  const { name, calibrationVectors, heldout, results, shape } = findings;
  const absent = ROWS.filter((row) => !results.has(keyOf(row))).length;
  const order = seedOrder(findings);
  return [
    `## ${name}`,
    "",
    `${shape.layers} layers, ${shape.heads} query heads over ${shape.kvHeads} key/value heads of dimension ${shape.headDim}. Held out: ${heldout.tokens.toLocaleString("en")} scored tokens in ${heldout.contexts} contexts. Formats are fitted to ${calibrationVectors.toLocaleString("en")} calibration tokens.`,
    ...(absent === 0 ? [] : ["", `${absent} of ${ROWS.length} rows have not been computed: \`npm run report\` goes on with them.`]),
    "",
    `![perplexity against bytes per token](${name}.svg)`,
    "",
    mainTable(findings),
    "",
    "Bytes that do not grow with the tokens: codebooks, or scales and zeros.",
    "",
    fixedTable(findings),
    ...(order.length === 0 ? [] : ["", "CQ formats over codes alone, from the least perplexity to the largest, each against the next:", "", ...order]),
  ].join("\n");
}
