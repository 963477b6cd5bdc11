import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CompileError, compileFile, compileSource } from "kvern/compiler";
import { diagnosticsOf, faultsOf, inBody } from "../source/compiling";
import { BODIES, MODULES } from "./programs";

describe("what the language does not have is refused where it stands", () => {
  it.each(BODIES)("%s", async (_, body, faults) => {
    expect((await faultsOf(inBody(body))).join(", ")).toBe(faults);
  });

  it.each(MODULES)("%s", async (_, text, faults) => {
    expect((await faultsOf(text)).join(", ")).toBe(faults);
  });

  it("every refusal of the language itself says what would be legal", async () => {
    const found = (await Promise.all(BODIES.map(([, body]) => diagnosticsOf(inBody(body))))).flat().filter(({ code }) => /^KV1[12]/.test(code));
    expect(found.filter(({ expected, mend }) => expected === undefined && mend === undefined)).toEqual([]);
  });
});

describe("the way to a fault", () => {
  it("a fault in a helper names the calls that lead to it", async () => {
    const text = "const inner = (n: number) => n & 1;\nconst outer = (n: number) => inner(n);\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => outer(x(t)));";
    const [fault] = await diagnosticsOf(text);
    expect(fault?.related?.map(({ note, line, column }) => `${note} ${line}:${column}`)).toEqual(["`inner` is called from here 5:30", "`outer` is called from here 6:74"]);
  });

  it("a fault in the library is put where the user calls it, with the library's place beside", async () => {
    const text = "const live = (n: number) => (n > 0) as unknown as number;\nexport const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) =>\n  softmax(token, (u) => live(x(u)))(t));";
    const [fault] = await diagnosticsOf(text);
    expect([fault?.line, fault?.column, fault?.endColumn]).toEqual([6, 3, 36]);
    expect(fault?.related?.map(({ note, file }) => `${note} ${file}`)).toEqual(["in `softmax` kvern/spec/library/softmax.ts"]);
  });

  it("a fault in a kernel that the library makes is put where the user asks for it", async () => {
    const text = 'import { encodeCoupled } from "kvern/formats";\nexport const k =\n  encodeCoupled([token, head, axis("channel", 12)], { couple: 8, bits: 4 });';
    expect(await faultsOf(text)).toEqual(["KV2105 6:3"]);
  });
});

describe("files", () => {
  const folder = mkdtempSync(join(tmpdir(), "kvern-refuse-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const codes = async (path: string): Promise<readonly string[]> => {
    try {
      await compileFile(path);
      return [];
    } catch (error) {
      if (error instanceof CompileError) return error.diagnostics.map(({ code }) => code);
      throw error;
    }
  };

  it("KV1002: a file that is not there, or is a folder", async () => {
    expect(await codes(join(folder, "none.ts"))).toEqual(["KV1002"]);
    expect(await codes(join(folder, "..", "folder.ts"))).toEqual(["KV1002"]);
  });

  it("KV1003: a file that is not TypeScript", async () => {
    writeFileSync(join(folder, "kernel.py"), "print(1)");
    expect(await codes(join(folder, "kernel.py"))).toEqual(["KV1003"]);
  });

  it("a file of something else altogether", async () => {
    writeFileSync(join(folder, "noise.ts"), Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 131) % 256)));
    expect(new Set(await codes(join(folder, "noise.ts")))).toEqual(new Set(["KV1001"]));
  });

  it("an empty file exports no kernel", async () => {
    expect(await compileSource({ "empty.ts": "" }, "empty.ts")).toEqual({ kernels: {} });
  });

  it("imports on disk are followed, and faults in them are named by their file", async () => {
    writeFileSync(join(folder, "part.ts"), "export const half = (n: number) => n & 1;\n");
    writeFileSync(join(folder, "whole.ts"), 'import { axis, f32, kernel } from "kvern";\nimport { half } from "./part";\nexport const k = kernel({ x: f32(axis("a")) }, f32(axis("a")), ({ x }) => (t) => half(x(t)));\n');
    await expect(compileFile(join(folder, "whole.ts"))).rejects.toMatchObject({ diagnostics: [{ code: "KV1113", file: join(folder, "part.ts"), line: 1, column: 36, related: [{ file: join(folder, "whole.ts"), line: 3 }] }] });
  });
});
