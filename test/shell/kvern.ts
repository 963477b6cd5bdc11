/** @file Runs the built command as a child process, in a folder of its own. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder that is gone when the tests of the file are over. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "kvern-test-"));

  constructor() {
    afterAll(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Writes a file and returns its name. */
  write(name: string, contents: string | Uint8Array): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    return name;
  }

  list(name = "."): readonly string[] {
    return readdirSync(join(this.path, name)).sort();
  }

  /** Runs `kvern` with these arguments in this folder. */
  kvern(...args: readonly string[]): Ended {
    return this.node(join(ROOT, "dist/bin/kvern.js"), ...args);
  }

  /** What TypeScript says of the project in this folder, or in one inside it; nothing if it is in order. */
  tsc(compilerOptions: Readonly<Record<string, unknown>>, include: string): string {
    this.write("tsconfig.json", JSON.stringify({ compilerOptions: { target: "ES2022", strict: true, types: [], ...compilerOptions }, include: [include] }));
    return this.node(join(ROOT, "node_modules/typescript/bin/tsc"), "-p", this.path).stdout;
  }

  node(...args: readonly string[]): Ended {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: this.path, encoding: "utf8", env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "" } });
    return { code: status, stdout, stderr };
  }
}
