/**
 * @file What a calibration has done so far, on disk beside the file it is to write, so that it can be taken up again
 * after any interruption. The journal is only appended to: records of a length (u32, little-endian), the SHA-256 of what
 * follows, and a safetensors file. A last record that was cut off, or does not have its sum, counts as never written.
 */

import { createHash } from "node:crypto";
import { constants, open, rm, type FileHandle } from "node:fs/promises";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { readSafetensors, type TensorFile } from "../../runtime/safetensors/read";
import { writeSafetensors, type WritableTensor } from "../../runtime/safetensors/write";

const HEAD = 4 + 32;

export type Metadata = Readonly<Record<string, string>>;

export class Journal {
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly file: string,
    private readonly handle: FileHandle,
    private end: number,
  ) {}

  /**
   * Opens the journal of a job, or begins one. `onRecord` is told every record of an earlier run, in order.
   * @throws KvernError KV6021 where the journal is of a job with other settings, KV5004 where it cannot be written
   */
  static async open(file: string, settings: Metadata, onRecord: (record: TensorFile) => void): Promise<Journal> {
    const handle = await opened(file);
    try {
      const { size } = await handle.stat();
      let end = 0;
      for (;;) {
        const record = await recordAt(handle, end, size, file);
        if (record === undefined) break;
        if (end === 0) requireSame(file, settings, record.content.metadata);
        else onRecord(record.content);
        end = record.end;
      }
      await handle.truncate(end);
      const journal = new Journal(file, handle, end);
      if (end === 0) await journal.append({}, settings);
      return journal;
    } catch (fault) {
      await handle.close();
      throw fault;
    }
  }

  /** Adds a record, after those that are still being written. */
  append(tensors: Readonly<Record<string, WritableTensor>>, metadata: Metadata): Promise<void> {
    const writing = this.#writing.then(async () => {
      const content = writeSafetensors(tensors, { metadata });
      const record = new Uint8Array(HEAD + content.length);
      new DataView(record.buffer).setUint32(0, content.length, true);
      record.set(createHash("sha256").update(content).digest(), 4);
      record.set(content, HEAD);
      await this.handle.write(record, 0, record.length, this.end);
      this.end += record.length;
    });
    this.#writing = writing;
    return writing;
  }

  /** Leaves the journal for a later run. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.handle.close();
  }

  /** The job is done. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.file, { force: true });
  }
}

async function opened(file: string): Promise<FileHandle> {
  try {
    // Made where it is not there, and not emptied where it is.
    return await open(file, constants.O_RDWR | constants.O_CREAT);
  } catch (fault) {
    return refuse({ code: "KV5004", file, message: "the journal of the calibration cannot be written", got: fault instanceof Error ? fault.message : String(fault) });
  }
}

async function recordAt(handle: FileHandle, at: number, size: number, file: string): Promise<{ readonly content: TensorFile; readonly end: number } | undefined> {
  if (at + HEAD > size) return undefined;
  const head = await bytesAt(handle, at, HEAD);
  const length = new DataView(head.buffer).getUint32(0, true);
  const end = at + HEAD + length;
  if (end > size) return undefined;
  const content = await bytesAt(handle, at + HEAD, length);
  if (!createHash("sha256").update(content).digest().equals(head.subarray(4))) return undefined;
  return { content: readSafetensors(content, file), end };
}

async function bytesAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await handle.read(bytes, 0, length, at);
  return bytes;
}

function requireSame(file: string, settings: Metadata, before: Metadata): void {
  for (const name of new Set([...Object.keys(settings), ...Object.keys(before)])) {
    if (settings[name] === before[name]) continue;
    refuse({
      code: "KV6021",
      file,
      message: `a calibration that was interrupted had another ${name}`,
      expected: before[name] ?? "none",
      got: settings[name] ?? "none",
      mend: "Give the options it had to take it up again, another --out, or remove the journal.",
    });
  }
}
