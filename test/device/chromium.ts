/**
 * @file A headless Chromium with WebGPU for tests: the system's, else the one that comes through npm, with the shared
 * libraries that come with it where the system lacks them.
 */

import { chromium, type Browser } from "playwright-core";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

import { tarFiles } from "../../runtime/webgpu/tar";

export interface LaunchedChromium {
  readonly browser: Browser;
  close(): Promise<void>;
}

const FLAGS = [
  "--enable-unsafe-webgpu", "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/**
 * Launches a browser, or prints in one line why there is none.
 * @param interrupted what a signal to end does to it; where it goes on, who launches it must listen to signals, and close it
 */
export async function launchChromium(interrupted: "closes" | "goes on" = "closes"): Promise<LaunchedChromium | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "kvern-chromium-"));
  const faults: string[] = [];
  const closes = interrupted === "closes";
  for (const candidate of [systemChromium, packagedChromium, packagedChromiumWithLibraries]) {
    try {
      const found = await candidate(folder);
      if (found === undefined) continue;
      const browser = await chromium.launch({ executablePath: found.executable, args: FLAGS, env: { ...process.env, ...found.env }, handleSIGINT: closes, handleSIGTERM: closes, handleSIGHUP: closes });
      return {
        browser,
        close: async () => {
          await browser.close();
          await rm(folder, { recursive: true, force: true });
        },
      };
    } catch (fault) {
      faults.push(`${candidate.name}: ${fault instanceof Error ? fault.message : String(fault)}`);
    }
  }
  await rm(folder, { recursive: true, force: true });
  console.error(`\n*** NO CHROMIUM HERE: browser tests are skipped. ${faults.join("; ") || "none is installed"}\n`);
  return undefined;
}

interface Candidate {
  readonly executable: string;
  readonly env: Readonly<Record<string, string>>;
}

async function systemChromium(): Promise<Candidate | undefined> {
  const executable = "/usr/bin/chromium";
  return Promise.resolve(existsSync(executable) ? { executable, env: {} } : undefined);
}

/** The package unpacks into the system's folder for temporary files, which other processes may be unpacking to as well. */
async function packagedChromium(folder: string): Promise<Candidate | undefined> {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    const { default: packaged } = await import("@sparticuz/chromium");
    return { executable: await packaged.executablePath(), env: {} };
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

async function packagedChromiumWithLibraries(folder: string): Promise<Candidate | undefined> {
  const found = await packagedChromium(folder);
  if (found === undefined) return undefined;
  const libraries = join(folder, "libraries");
  await mkdir(libraries, { recursive: true });
  const archive = join(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")), "..", "..", "bin", "al2023.tar.br");
  for (const [name, content] of tarFiles(brotliDecompressSync(await readFile(archive)))) await writeFile(join(libraries, basename(name)), content, { mode: 0o755 });
  return { ...found, env: { LD_LIBRARY_PATH: libraries } };
}
