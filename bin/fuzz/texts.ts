/** @file Random programs as texts, each in a file of its own, through the whole front end. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { fuzzPrograms, type Report, type Search } from "./fuzz";
import { programText } from "./program";

/** Random programs, each written, compiled, and run on random inputs. */
export async function fuzzTexts(search: Search): Promise<Report> {
  const { compileSource } = await import("../../compiler");
  const folder = await mkdtemp(join(tmpdir(), "kvern-fuzz-"));
  let count = 0;
  try {
    return await fuzzPrograms(search, async (program) => {
      const file = join(folder, `${count++}.ts`);
      const text = programText(program);
      await writeFile(file, text);
      const { kernels: { k } } = await compileSource({ "kernel.ts": text }, "kernel.ts");
      if (k === undefined) throw new InternalError("the kernel `k` is not among the compiled");
      return { file, graph: k };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
