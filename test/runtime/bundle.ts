/** @file The runtime bundled as for a browser, with no setting but the platform: the file that runs everywhere. */

import { build } from "esbuild";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Bundle {
  readonly file: string;
  readonly folder: string;
  /** What the bundle imports from outside itself. */
  readonly imports: readonly string[];
  remove(): void;
}

/** Bundles an entry of the repository into a folder below it, where Node finds the packages that are installed here. */
export async function bundleForBrowsers(entry: string): Promise<Bundle> {
  const root = new URL("../../", import.meta.url).pathname;
  mkdirSync(join(root, ".kvern"), { recursive: true });
  const folder = mkdtempSync(join(root, ".kvern", "bundle-"));
  const file = join(folder, "bundle.mjs");
  const { metafile } = await build({ entryPoints: [join(root, entry)], absWorkingDir: root, outfile: file, bundle: true, format: "esm", platform: "browser", target: "es2022", metafile: true, logLevel: "silent" });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return { file, folder, imports, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
