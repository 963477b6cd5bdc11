/**
 * Compiles `runtime/cache/kernels.ts` to `runtime/cache/graphs.json`, which the runtime carries: it has no compiler.
 *
 *     node scripts/build.mjs && node scripts/cache-kernels.mjs
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../runtime/cache/", import.meta.url);
const { compileFile } = await import(new URL("../dist/compiler.js", import.meta.url).href);
const { kernels } = await compileFile(fileURLToPath(new URL("kernels.ts", folder)));
// One kernel a line; places in the source serve messages that no user of a cache meets.
const lines = Object.entries(kernels).map(([name, graph]) => `  ${JSON.stringify(name)}: ${JSON.stringify({ ...graph, spans: [], files: ["runtime/cache/kernels.ts"] })}`);
writeFileSync(new URL("graphs.json", folder), `{\n${lines.join(",\n")}\n}\n`);
