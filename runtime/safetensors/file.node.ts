/** @file Safetensors on disk. A file is written beside its place and then moved there: never half of one. */

import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { readSafetensors, type TensorFile } from "./read";
import { writeSafetensors, type WritableTensor, type WriteOptions } from "./write";

const fs = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");

/** Bytes asked of the system at once; one read gives no more than 2 GiB. */
const CHUNK = 2 ** 30;

/** @throws KvernError KV5001 when the file cannot be read, and as `readSafetensors` */
export async function readSafetensorsFile(file: string): Promise<TensorFile> {
  return readSafetensors(await contents(file), file);
}

async function contents(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const handle = await fs.promises.open(file, "r");
    try {
      const { size } = await handle.stat();
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(CHUNK, size - at), at);
        if (bytesRead === 0) return bytes.subarray(0, at);
        at += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (fault) {
    return unreadable(file, fault);
  }
}

function unreadable(file: string, fault: unknown): never {
  if (fault instanceof KvernError) throw fault;
  return refuse({ code: "KV5001", file, message: "the file cannot be read", got: fault instanceof Error ? fault.message : String(fault) });
}

/** @throws KvernError KV5004 when the file cannot be written, and as `writeSafetensors` */
export async function writeSafetensorsFile(file: string, tensors: Readonly<Record<string, WritableTensor>>, options: WriteOptions = {}): Promise<void> {
  const bytes = writeSafetensors(tensors, options);
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}-${Math.random().toString(36).slice(2)}`);
  try {
    const handle = await fs.promises.open(beside, "wx");
    try {
      for (let at = 0; at < bytes.length; at += CHUNK) await handle.writeFile(bytes.subarray(at, at + CHUNK));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.promises.rename(beside, file);
  } catch (fault) {
    await fs.promises.rm(beside, { force: true });
    refuse({ code: "KV5004", file, message: "the file cannot be written", got: fault instanceof Error ? fault.message : String(fault) });
  }
}
