/** @file `kvern/compiler`: TypeScript in, portable graphs out. Needs TypeScript, and therefore runs at build time. */

import { saveGraph, type SerialisedGraph } from "../spec/graph/json";
import { compile } from "./source/compile";
import { filesInMemory, join, type Files } from "./source/files";
import { packageSources } from "./source/package";

export { CompileError } from "./source/compile";
export { shard, type Sharded } from "./shard/kernels";
export type { SerialisedGraph } from "../spec/graph/json";

/** The kernels of a file, by the name under which it exports them. Plain data: it may be written as JSON. */
export interface CompiledFile {
  readonly kernels: Readonly<Record<string, SerialisedGraph>>;
}

/**
 * Compiles a file on disk and what it imports.
 * @throws CompileError with a diagnostic for every fault of the source.
 */
export async function compileFile(path: string): Promise<CompiledFile> {
  const { absolute, filesOnDisk } = await import("./source/disk.node");
  return compiled(filesOnDisk(), absolute(path));
}

/**
 * Compiles source text: `files` by path, of which `entry` is one.
 * @throws CompileError with a diagnostic for every fault of the source.
 */
export async function compileSource(files: Readonly<Record<string, string>>, entry: string): Promise<CompiledFile> {
  return compiled(filesInMemory(files), join("/", entry));
}

async function compiled(files: Files, entry: string): Promise<CompiledFile> {
  const graphs = compile(files, await packageSources(), entry);
  return { kernels: Object.fromEntries([...graphs].map(([name, graph]) => [name, saveGraph(graph)])) };
}
