/**
 * @file `npm run report`: computes the rows that are missing, each stored in `.kvern/report` as soon as it is there, and
 * writes `report/` from all there are.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { progressBar } from "../../bin/progress";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { VECTORS, Workshop } from "./compute.node";
import { fromStored, toStored, type Findings } from "./findings";
import { exactPerplexity, page, pointsOf } from "./markdown";
import { costPlot, entropyPlot } from "./plots";
import { keyOf, ROWS } from "./rows";
import { subject, subjectNames, type Subject } from "./subjects.node";

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
const write = (name: string, text: string): Promise<void> => writeFile(join(root, "report", name), text);
let computed = 0;
const all: Findings[] = [];
await mkdir(join(root, "report"), { recursive: true });
for (const name of subjectNames(root)) {
  const about = await subject(root, name);
  const workshop = new Workshop(about, join(root, ".kvern/report", name), (what, done, total) => progress.show(what, done, total));
  const results = await resultsOf(about, workshop);
  // Nothing is said of a model before its first row, which is that at full precision.
  if (!results.has(keyOf(ROWS[0] ?? missing()))) continue;
  const { layers, heads, kvHeads, headDim, positions, ropeTheta, ropeLayout } = about.loaded.model.config;
  const stored = toStored({
    name,
    shape: { layers, heads, kvHeads, headDim, positions, ropeTheta, ropeLayout },
    calibrationVectors: VECTORS,
    heldout: about.heldout.map((context) => context.length - 1),
    entropies: await workshop.entropies(),
    results,
  });
  // What is committed is all that the page and its plots are made from.
  const findings = fromStored(stored);
  all.push(findings);
  await write(`${name}.json`, `${JSON.stringify(stored)}\n`);
  await write(`${name}.svg`, await costPlot(name, pointsOf(findings), exactPerplexity(findings)));
  await write(`${name}-entropy.svg`, await entropyPlot(findings.entropies));
}
progress.clear();
await write("README.md", page(all));

async function resultsOf(about: Subject, workshop: Workshop): Promise<Findings["results"]> {
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
  return new Map(results);
}

function missing(): never {
  throw new InternalError("the report has no rows");
}
