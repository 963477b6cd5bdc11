/**
 * Bundles the package into dist/: one module for each entry of `exports` and the command, with shared chunks, so that
 * every entry throws the same error classes. Packages stay imports. Type declarations are `tsc`'s (see `npm run build`).
 */
import { rm } from "node:fs/promises";
import { build } from "esbuild";

const out = new URL("../dist/", import.meta.url).pathname;
await rm(out, { recursive: true, force: true });
await build({
  absWorkingDir: new URL("..", import.meta.url).pathname,
  entryPoints: [
    { in: "spec/index.ts", out: "kvern" },
    { in: "spec/formats/index.ts", out: "formats" },
    { in: "compiler/index.ts", out: "compiler" },
    { in: "runtime/index.ts", out: "runtime" },
    { in: "bin/kvern.ts", out: "bin/kvern" },
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
  logLevel: "warning",
});
