import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compileFile } from "kvern/compiler";

const folder = new URL("../../runtime/cache/", import.meta.url);

test("the graphs that the runtime carries are those of its kernels: node scripts/cache-kernels.mjs makes them anew", async () => {
  const { kernels } = await compileFile(fileURLToPath(new URL("kernels.ts", folder)));
  const compiled = Object.fromEntries(Object.entries(kernels).map(([name, graph]) => [name, { ...graph, spans: [], files: ["runtime/cache/kernels.ts"] }]));
  expect(JSON.parse(readFileSync(new URL("graphs.json", folder), "utf8"))).toEqual(compiled);
});
