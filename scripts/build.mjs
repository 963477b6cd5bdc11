/**
 * Builds the package into dist/: one module for each entry of `exports` and the command, with shared chunks, so that
 * every entry throws the same error classes; packages stay imports. With `--types` also the declarations, whose relative
 * imports get the extensions that Node's own resolution asks for.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist");
const types = join(out, "types");
const withTypes = process.argv.includes("--types");

// What an earlier build left must not be shipped; declarations cost more than the rest and stay until they are asked for.
for (const name of existsSync(out) ? readdirSync(out) : []) {
  if (withTypes || name !== "types") rmSync(join(out, name), { recursive: true });
}
await build({
  absWorkingDir: root,
  entryPoints: [
    { in: "spec/index.ts", out: "kvern" },
    { in: "spec/formats/index.ts", out: "formats" },
    { in: "compiler/index.ts", out: "compiler" },
    { in: "runtime/index.ts", out: "runtime" },
    { in: "bin/kvern.ts", out: "bin/kvern" },
    { in: "runtime/codebook/worker.node.ts", out: "workers/codebook" },
    { in: "bin/calibrate/worker.ts", out: "workers/context" },
  ],
  outdir: out,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  sourcemap: true,
  sourcesContent: false,
  // The compiler reads the language's own sources as it reads the user's; a bundle carries them, so that it works in a browser.
  define: { KVERN_SOURCES: JSON.stringify(languageSources()) },
  logLevel: "warning",
});
chmodSync(join(out, "bin/kvern.js"), 0o755);

if (withTypes) {
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  execFileSync(process.execPath, [compiler, "-p", "tsconfig.types.json"], { cwd: root, stdio: "inherit" });
  for (const file of readdirSync(types, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".d.ts")) extend(join(types, file));
  }
}

/** The text of every file that the language, its library and its formats are made of, by path from the root. */
function languageSources() {
  const files = readdirSync(join(root, "spec"), { recursive: true, encoding: "utf8" }).map((file) => `spec/${file}`);
  const needed = files.filter((file) => file.endsWith(".ts") && (!/^spec\/(graph|interpreter)\//.test(file) || file === "spec/graph/node.ts"));
  return Object.fromEntries(needed.sort().map((file) => [file, readFileSync(join(root, file), "utf8")]));
}

/** Writes `"./axis"` as `"./axis.js"` and `"../tensor"` as `"../tensor/index.js"` in a file of declarations. */
function extend(file) {
  const text = readFileSync(file, "utf8");
  writeFileSync(
    file,
    text.replace(/(\bfrom\s*|\bimport\s*\(?\s*)"(\.\.?\/[^"]*|\.\.?)"/g, (_, before, specifier) => {
      const target = join(dirname(file), specifier);
      const found = [".js", "/index.js"].find((end) => existsSync(`${target}${end.replace(/js$/, "d.ts")}`));
      if (found === undefined) throw new Error(`${file}: no declarations for ${specifier}`);
      return `${before}"${specifier}${found}"`;
    }),
  );
}
