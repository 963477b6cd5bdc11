/** @file `kvern/compiler`: TypeScript in, portable graphs out. Needs TypeScript, and therefore runs at build time. */

import { GraphBuilder } from "../spec/graph/builder";
import { LiteralBuilder } from "../spec/graph/literal";
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

export interface CompileOptions {
  /**
   * Leaves sums and products of reals as they are written, unmerged and in their order: a graph whose bound counts every
   * rounding of the source. Such a graph is there to be interpreted; compilers do better on normal forms.
   */
  readonly literal?: boolean;
}

/**
 * Compiles a file on disk and what it imports.
 * @throws CompileError with a diagnostic for every fault of the source.
 */
export async function compileFile(path: string, options: CompileOptions = {}): Promise<CompiledFile> {
  const { absolute, filesOnDisk } = await import("./source/disk.node");
  return compiled(filesOnDisk(), absolute(path), options);
}

/**
 * Compiles source text: `files` by path, of which `entry` is one.
 * @throws CompileError with a diagnostic for every fault of the source.
 */
export async function compileSource(files: Readonly<Record<string, string>>, entry: string, options: CompileOptions = {}): Promise<CompiledFile> {
  return compiled(filesInMemory(files), join("/", entry), options);
}

async function compiled(files: Files, entry: string, { literal = false }: CompileOptions): Promise<CompiledFile> {
  const graphs = compile(files, await packageSources(), entry, () => (literal ? new LiteralBuilder() : new GraphBuilder()));
  return { kernels: Object.fromEntries([...graphs].map(([name, graph]) => [name, saveGraph(graph)])) };
}
