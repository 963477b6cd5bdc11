/** Plots what `kvern calibrate … --entropy FILE` wrote: `node scripts/report/entropy.mjs FILE.json FILE.svg`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  console.error("node scripts/report/entropy.mjs FILE.json FILE.svg");
  process.exit(2);
}
const root = fileURLToPath(new URL("../..", import.meta.url));
const outfile = join(root, ".kvern/report/plots.mjs");
mkdirSync(join(root, ".kvern/report"), { recursive: true });
await build({ absWorkingDir: root, entryPoints: ["examples/report/plots.ts"], outfile, bundle: true, format: "esm", platform: "node", target: "node20", packages: "external", logLevel: "warning" });
const { entropyPlot } = await import(pathToFileURL(outfile).href);
writeFileSync(to, await entropyPlot(JSON.parse(readFileSync(from, "utf8"))));
