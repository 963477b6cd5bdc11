/** @file Where source text comes from, apart from any file system. Paths are absolute and use slashes. */

import { refuse } from "../../spec/diagnostics/diagnostic";

/** How many characters the files of a program may have in all, kvern's own and declarations of types apart: reading and checking takes seconds, and hundreds of megabytes, for each million. */
export const LONGEST_SOURCES = 2 ** 21;

/** @throws KvernError KV1123 */
export function refuseLong(file: string, characters: number): never {
  return refuse({
    code: "KV1123",
    message: "the program grows beyond bounds",
    file,
    expected: `at most ${LONGEST_SOURCES} characters of source text in all its files`,
    got: String(characters),
    mend: "Numbers in bulk are inputs: keep them in a safetensors file.",
  });
}

export interface Files {
  /** The text of a file, or undefined if there is none. */
  read(path: string): string | undefined;
  /** What diagnostics call it. */
  name(path: string): string;
}

/** The sources of kvern itself, which the evaluator reads as it reads the user's. */
export interface PackageSources {
  /** The folder in which `spec/` lies. */
  readonly root: string;
  /** The text of a file below it. */
  read(path: string): string | undefined;
}

/** Files held in memory, by path relative to `/`. */
export const filesInMemory = (texts: Readonly<Record<string, string>>): Files => {
  const byPath = new Map(Object.entries(texts).map(([name, text]) => [join("/", name), { name, text }]));
  return {
    read: (path) => byPath.get(path)?.text,
    name: (path) => byPath.get(path)?.name ?? path.replace(/^\//, ""),
  };
};

/** `name` seen from the folder `base`, without `.` and `..`. */
export function join(base: string, name: string): string {
  const absolute = name.startsWith("/") || /^[A-Za-z]:\//.test(name) ? name : `${base}/${name}`;
  const parts: string[] = [];
  for (const part of absolute.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return /^[A-Za-z]:\//.test(absolute) ? parts.join("/") : `/${parts.join("/")}`;
}

export const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0)) || "/";
