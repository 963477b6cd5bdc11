/** @file Builds the package once before the tests that run what is shipped. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export default function setup(): void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync(process.execPath, ["scripts/build.mjs", "--types"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
}
