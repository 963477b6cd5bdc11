/** @file Failures as files: a program to paste, and its inputs. */

import { join } from "node:path";
import { writeSafetensorsFile } from "../../runtime/safetensors/files";
import { writeFolder } from "../built/folder";
import type { Found } from "./fuzz";
import { reproName } from "./printed";

/** @throws KvernError KV5004 where the folder cannot be written to */
export async function writeRepros(folder: string, failures: readonly Found[]): Promise<void> {
  for (const { seed, repro, inputs } of failures) {
    await writeFolder(folder, new Map([[`${reproName(seed)}.ts`, repro.text]]));
    if (Object.keys(inputs).length > 0) await writeSafetensorsFile(join(folder, `${reproName(seed)}.safetensors`), inputs);
  }
}
