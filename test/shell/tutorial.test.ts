/** @file `examples/tutorial.md`, executed: its commands run on its files, in the order in which a reader meets them. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { Folder, ROOT } from "./kvern";

/** A fenced block: what its fence says, and its lines. */
interface Block {
  readonly language: string;
  readonly file: string;
  readonly text: string;
}

const text = readFileSync(join(ROOT, "examples/tutorial.md"), "utf8");
const blocks: readonly Block[] = [...text.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(([, language = "", file = "", body = ""]) => ({ language, file, text: body }));

/** A command of a console block, and what the block says that it prints. */
interface Command {
  readonly line: string;
  readonly prints: string;
}

const commandsOf = (console: string): readonly Command[] =>
  console.split(/^\$ /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    return { line: part.slice(0, end), prints: part.slice(end + 1) };
  });

const files = blocks.filter(({ language }) => language !== "console");
const commands = blocks.filter(({ language }) => language === "console").flatMap(({ text: body }) => commandsOf(body));

/** A pattern of what is printed: `…` is a part of a line, or, on a line of its own, any lines. */
const pattern = (prints: string): RegExp =>
  new RegExp(`^${prints.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/^…\n/gm, "(?:.*\\n)*").replaceAll("…", ".*")}$`);

const folder = new Folder();

beforeAll(() => {
  mkdirSync(join(folder.path, "node_modules"));
  symlinkSync(ROOT, join(folder.path, "node_modules/kvern"));
  folder.write("package.json", '{ "type": "module" }');
  for (const { file, text: body } of files) folder.write(file, body);
});

/** What a command prints in the reader's folder, to either stream. */
function printed(line: string): string {
  const command = line.replace(/^npx kvern /, `node ${join(ROOT, "dist/bin/kvern.js")} `);
  const { stdout } = spawnSync("sh", ["-c", `${command} 2>&1`], { cwd: folder.path, encoding: "utf8", env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "" } });
  return stdout;
}

test("every block is a file, each of another name, or commands", () => {
  expect(files.map(({ file }) => file)).not.toContain("");
  expect(new Set(files.map(({ file }) => file)).size).toBe(files.length);
  expect(commands.length).toBeGreaterThan(0);
});

test.each(commands)("$line", ({ line, prints }) => {
  expect(printed(line)).toMatch(pattern(prints));
});
