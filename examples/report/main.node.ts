/**
 * @file `npm run report`: computes the rows that are missing, each stored in `.kvern/report` as soon as it is there, and
 * writes `report/` from all there are.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { progressBar } from "../../bin/progress";
import { VECTORS, Workshop } from "./compute.node";
import { exactPerplexity, modelSection, pointsOf, type Findings } from "./markdown";
import { perplexityPlot } from "./plots";
import { keyOf, ROWS } from "./rows";
import { subject, subjectNames, type Subject } from "./subjects.node";
import { COMPARISON, INTRODUCTION } from "./words";

const { values: options } = parseArgs({
  options: {
    /** Compute the rows of this model only. */
    model: { type: "string" },
    /** Compute at most so many rows. */
    rows: { type: "string" },
  },
});
const root = process.cwd();
const limit = options.rows === undefined ? Infinity : Number(options.rows);
const progress = progressBar();
let computed = 0;
const sections: string[] = [];
await mkdir(join(root, "report"), { recursive: true });
for (const name of subjectNames(root)) {
  const about = await subject(root, name);
  const workshop = new Workshop(about, join(root, ".kvern/report", name), (what, done, total) => progress.show(what, done, total));
  const findings = await findingsOf(about, workshop);
  const exact = exactPerplexity(findings);
  // Nothing is said of a model before its first row, which is that at full precision.
  if (exact === undefined) continue;
  sections.push(modelSection(findings));
  await writeFile(join(root, "report", `${name}.svg`), await perplexityPlot(name, pointsOf(findings), exact));
}
progress.clear();
await writeFile(join(root, "report/README.md"), `${[INTRODUCTION, ...sections, COMPARISON].join("\n\n")}\n`);

async function findingsOf(about: Subject, workshop: Workshop): Promise<Findings> {
  const results: [string, Awaited<ReturnType<Workshop["compute"]>>["contexts"]][] = [];
  for (const row of ROWS) {
    const wanted = (options.model ?? about.name) === about.name && computed < limit;
    const stored = await workshop.stored(row);
    const result = stored ?? (wanted ? await workshop.compute(row) : undefined);
    if (result === undefined) continue;
    if (stored === undefined) {
      computed++;
      progress.clear();
      console.error(`${about.name}: ${keyOf(row)}`);
    }
    results.push([keyOf(row), result.contexts]);
  }
  const tokens = about.heldout.reduce((sum, context) => sum + context.length - 1, 0);
  return { name: about.name, shape: about.loaded.model.config, calibrationVectors: VECTORS, heldout: { contexts: about.heldout.length, tokens }, results: new Map(results) };
}
