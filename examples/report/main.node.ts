/** @file `npm run report`: computes what is missing, then writes the report. */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { Workshop } from "./compute.node";
import { keyOf, ROWS } from "./rows";
import { subject, subjectNames } from "./subjects.node";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    rows: { type: "string" },
  },
});
const root = process.cwd();
const limit = values.rows === undefined ? Infinity : Number(values.rows);
let computed = 0;
for (const name of subjectNames(root)) {
  if (values.model !== undefined && values.model !== name) continue;
  let said = 0;
  const workshop = new Workshop(await subject(root, name), join(root, ".kvern/report", name), (what, done, total) => {
    if (done < total && performance.now() - said < 10_000) return;
    said = performance.now();
    console.error(`${what}: ${done} of ${total}`);
  });
  for (const row of ROWS) {
    if (computed >= limit || (await workshop.stored(row)) !== undefined) continue;
    const began = performance.now();
    await workshop.compute(row);
    computed++;
    console.error(`${name} ${keyOf(row)}: done in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
}
