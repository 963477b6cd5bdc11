/** @file Source text from the file system of Node. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Files, PackageSources } from "./files";

const slashed = (path: string): string => (sep === "/" ? path : path.split(sep).join("/"));

const textOf = (path: string): string | undefined => {
  try {
    return statSync(path).isFile() ? readFileSync(path, "utf8").replace(/^\uFEFF/, "") : undefined;
  } catch {
    return undefined;
  }
};

/** The absolute path, with slashes, of a path given on the command line. */
export const absolute = (path: string): string => slashed(resolve(path));

/** Files on disk; those below the working directory are called by their path from there. */
export function filesOnDisk(): Files {
  return {
    read: textOf,
    name: (path) => {
      const name = slashed(relative(process.cwd(), path)) || ".";
      return name.startsWith("..") ? path : name;
    },
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
