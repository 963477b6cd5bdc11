/** @file Safetensors on disk, in Node only. */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { TensorFile } from "./read";
import type { WritableTensor, WriteOptions } from "./write";

/**
 * Reads a safetensors file. In a browser, fetch its bytes and give them to `readSafetensors`.
 * @throws KvernError KV5001 the file cannot be read; KV5002 it is damaged; KV5003 its elements cannot be read
 */
export async function readSafetensorsFile(file: string): Promise<TensorFile> {
  if (!hasFiles()) refuse({ code: "KV5001", file, message: "there are no files here", mend: "Fetch the bytes and give them to `readSafetensors`." });
  return (await import("./file.node")).readSafetensorsFile(file);
}

/**
 * Writes a safetensors file, whole or not at all.
 * @throws KvernError KV5004 the file cannot be written; KV5005 the tensors cannot be
 */
export async function writeSafetensorsFile(file: string, tensors: Readonly<Record<string, WritableTensor>>, options: WriteOptions = {}): Promise<void> {
  if (!hasFiles()) refuse({ code: "KV5004", file, message: "there are no files here", mend: "Take the bytes that `writeSafetensors` gives." });
  await (await import("./file.node")).writeSafetensorsFile(file, tensors, options);
}

function hasFiles(): boolean {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  return process?.versions?.node !== undefined;
}
