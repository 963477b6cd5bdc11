/** @file The report as text, from whatever rows there are. */

import { bitsPerChannel, bytesPerToken, fixedBytes, nameOf, payloadBits, type Format } from "./formats";
import { figure, verdict, type Figure, type Findings } from "./findings";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { claimTable, entropySection } from "./comparison";
import type { Point } from "./plots";
import { keyOf, ROWS, WINDOW, type Row } from "./rows";
import { COMPARISON, INTRODUCTION, reasons } from "./words";

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

/** Learned rows over codes alone, in the order of their mean perplexity: which neighbours are told apart. */
function order(findings: Findings): readonly string[] {
  const found = lines().flatMap((row) => {
    const of = row.format.kind === "coupled" ? figure(findings, row, "perplexity") : undefined;
    return of === undefined || of.seeds < 2 ? [] : [{ row, name: `${nameOf(row.format)} ${row.weights}`, of }];
  });
  const ordered = [...found].sort((a, b) => a.of.mean - b.of.mean);
  return ordered.slice(1).map(({ row, name }, at) => {
    const before = ordered[at] ?? missing();
    const apart = verdict(findings, before.row, row, "nll") === "lower";
    return `- ${before.name} and ${name}: ${apart ? "told apart" : "not told apart"}`;
  });
}

/** Of formats whose codebooks are learned from vectors that count alike. */
export function pointsOf(findings: Findings): readonly Point[] {
  return lines().flatMap((row) => {
    const [perplexity, divergence] = [figure(findings, row, "perplexity"), figure(findings, row, "divergence")];
    if (perplexity === undefined || divergence === undefined || isExact(row) || row.weights === "fisher") return [];
    return [{ format: nameOf(row.format), family: familyOf(row.format), bits: payloadBits(row.format, findings.shape), perplexity: perplexity.mean, divergence: divergence.mean }];
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

export const exactPerplexity = (findings: Findings): number => figure(findings, lines()[0] ?? missing(), "perplexity")?.mean ?? missing();

function missing(): never {
  throw new InternalError("the report has no rows");
}

function comparison(all: readonly Findings[]): string {
  const [heading = [], ...rows] = claimTable(all);
  return [COMPARISON, table(heading, rows), reasons(all)].join("\n\n");
}

/** The whole report. */
export const page = (all: readonly Findings[]): string => `${[INTRODUCTION, ...all.map(modelSection), comparison(all)].join("\n\n")}\n`;

/** The tables of one model. */
export function modelSection(findings: Findings): string {
  const { name, calibrationVectors, heldout, results, shape } = findings;
  const absent = ROWS.filter((row) => !results.has(keyOf(row))).length;
  const neighbours = order(findings);
  const tokens = heldout.reduce((a, b) => a + b, 0);
  return [
    `## ${name}`,
    "",
    `${shape.layers} layers, ${shape.heads} query heads over ${shape.kvHeads} key/value heads of dimension ${shape.headDim}. Held out: ${tokens.toLocaleString("en")} scored tokens in ${heldout.length} contexts. Formats are fitted to ${calibrationVectors.toLocaleString("en")} calibration tokens.`,
    ...(absent === 0 ? [] : ["", `${absent} of ${ROWS.length} rows have not been computed: \`npm run report\` goes on with them.`]),
    "",
    `![perplexity and divergence against bits per channel](${name}.svg)`,
    "",
    mainTable(findings),
    "",
    "Bytes that do not grow with the tokens: codebooks, or scales and zeros.",
    "",
    fixedTable(findings),
    ...(neighbours.length === 0 ? [] : ["", "Learned formats over codes alone, from the least perplexity to the largest, each against the next:", "", ...neighbours]),
    "",
    entropySection(findings),
  ].join("\n");
}
