/** @file Writes files of text into a folder: all of them or, where one cannot be written, none. */

import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "../../spec/diagnostics/diagnostic";

/**
 * Writes `texts`, by file name, into `folder`, which is made if need be. They are written beside their places and moved
 * there once all of them are whole.
 * @throws KvernError KV5004 when that cannot be done
 */
export async function writeFolder(folder: string, texts: ReadonlyMap<string, string>): Promise<void> {
  let beside: string | undefined;
  try {
    await mkdir(folder, { recursive: true });
    beside = await mkdtemp(join(folder, ".kvern-"));
    for (const [name, text] of texts) await writeFile(join(beside, name), text);
    for (const name of texts.keys()) await rename(join(beside, name), join(folder, name));
  } catch (fault) {
    refuse({ code: "KV5004", file: folder, message: "the folder cannot be written to", got: fault instanceof Error ? fault.message : String(fault) });
  } finally {
    if (beside !== undefined) await rm(beside, { recursive: true, force: true });
  }
}
