import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../spec/diagnostics/catalogue";
import { SOURCE } from "../../spec/diagnostics/catalogue/source";
import { diagnosticsOf, inBody } from "../source/compiling";

/** Module text as it is; a kernel without a name gets one; anything else is a body. */
const program = (text: string): string => (!text.includes("kernel(") ? inBody(text) : /\bkernel\(/.test(text) && text.startsWith("kernel(") ? `export const k = ${text};` : text);

/** Codes that only a file on disk can provoke; `files.test.ts` does. */
const OF_FILES = new Set(["KV1002", "KV1003"]);
/** Faults of a program beyond KV1: their examples are programs too. */
const OTHERS = ["KV2001", "KV2002", "KV2104", "KV2105", "KV2107", "KV3007"] as const;

const entries = [...Object.entries(SOURCE).filter(([code]) => !OF_FILES.has(code)), ...OTHERS.map((code) => [code, CATALOGUE[code]] as const)];

/** `axis("key head")` is not a body by itself. */
const asProgram = (code: string, text: string): string => (code === "KV2104" || code === "KV2105" || code === "KV2107" ? `export const k = kernel({ x: f32(${text}) }, f32(), () => () => 0);` : code === "KV3007" ? `export const k = kernel({ x: ${text} }, f32(), () => () => 0);` : program(text));

describe("the examples of the catalogue", () => {
  it.each(entries)("%s: the example provokes it and the mend compiles", async (code, { example, mend }) => {
    expect((await diagnosticsOf(asProgram(code, example))).map((fault) => fault.code)).toEqual([code]);
    expect(await diagnosticsOf(asProgram(code, mend))).toEqual([]);
  });

  it("every mend differs from its example", () => {
    expect(Object.values(CATALOGUE).filter(({ example, mend }) => example === (mend as string))).toEqual([]);
  });
});
