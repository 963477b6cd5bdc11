/** `npm run report`: bundles the report's program as it is in the sources and runs it; `--model NAME`, `--rows N`. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = join(root, ".kvern/report/program.mjs");
process.chdir(root);
mkdirSync(join(root, ".kvern/report"), { recursive: true });
await build({ absWorkingDir: root, entryPoints: ["examples/report/main.node.ts"], outfile, bundle: true, format: "esm", platform: "node", target: "node20", packages: "external", logLevel: "warning" });
await import(pathToFileURL(outfile).href);
