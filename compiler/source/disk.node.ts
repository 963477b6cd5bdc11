/** @file Source text from the file system of Node. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { LONGEST_SOURCES, refuseLong, type Files, type PackageSources } from "./files";

const slashed = (path: string): string => (sep === "/" ? path : path.split(sep).join("/"));

/** Bytes that a character of JavaScript takes at most as UTF-8, and some over. */
const WIDEST = 4;

const textOf = (path: string): string | undefined => {
  let bytes: number;
  try {
    const status = statSync(path);
    if (!status.isFile()) return undefined;
    bytes = status.size;
  } catch {
    return undefined;
  }
  // What is too long however it is read is not read at all.
  if (bytes > WIDEST * LONGEST_SOURCES && !path.endsWith(".d.ts")) refuseLong(nameOf(path), bytes);
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch {
    return undefined;
  }
};

function nameOf(path: string): string {
  const name = slashed(relative(process.cwd(), path)) || ".";
  return name.startsWith("..") ? path : name;
}

/** The absolute path, with slashes, of a path given on the command line. */
export const absolute = (path: string): string => slashed(resolve(path));

/** Files on disk; those below the working directory are called by their path from there. */
export function filesOnDisk(): Files {
  return {
    read: textOf,
    name: nameOf,
  };
}

/** The package this file belongs to, from its sources or from its build. Its files are read once. */
export function packageOnDisk(): PackageSources {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "spec", "index.ts"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new InternalError("the sources of the language are not beside the compiler");
    folder = parent;
  }
  const root = slashed(folder);
  const texts = new Map<string, string | undefined>();
  return {
    root,
    read: (path) => {
      if (!path.startsWith(`${root}/spec/`)) return undefined;
      if (!texts.has(path)) texts.set(path, textOf(path));
      return texts.get(path);
    },
  };
}
