/**
 * The random programs of `kvern fuzz --backend gpujs --form graph` in a page of a headless Chromium, where gpu.js has modes
 * that Node lacks: `node scripts/campaign-browser.mjs --mode webgl2 --runs 2000 --seed 1 --shard 1/4`. Every result is written
 * to `.kvern/campaign-MODE.jsonl` (`--results FILE`) as soon as it is known, and a program is not tried again while sources
 * stay as they are, unless it failed. A failure is made small, printed, and written beside the results. A page that breaks or falls silent
 * is opened again; a program that loses two is a failure. Exits with 1 where there was one.
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const internals = fileURLToPath(new URL("../dist/campaign/command.js", import.meta.url));
mkdirSync(new URL("../dist/campaign", import.meta.url), { recursive: true });
// Two folders below the root, where the harness of the tests is as well: it looks for its files from there.
await build({ absWorkingDir: root, entryPoints: ["scripts/campaign/command.ts"], outfile: internals, bundle: true, format: "esm", platform: "node", target: "node20", packages: "external", logLevel: "warning" });
const { browserCampaign } = await import(internals);
await browserCampaign(process.argv.slice(2), root);
