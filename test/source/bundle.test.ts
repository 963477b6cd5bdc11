import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { compileSource } from "kvern/compiler";
import { check } from "../../compiler/source/check";
import { filesInMemory } from "../../compiler/source/files";
import { packageSources } from "../../compiler/source/package";
import { ts } from "../../compiler/source/typescript";

const spec = fileURLToPath(new URL("../../spec/", import.meta.url));

/** What the build puts in the place of `KVERN_SOURCES`: every TypeScript file below `spec/`. */
const embedded = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(spec, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => [`spec/${name}`, readFileSync(spec + name, "utf8")]),
  );

const DECODE = readFileSync(new URL("../../examples/decode.ts", import.meta.url), "utf8");

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe("the sources of the language", () => {
  it("may come with a bundle instead of the disk, and give the same graph", async () => {
    const fromDisk = await compileSource({ "decode.ts": DECODE }, "decode.ts");
    vi.stubGlobal("KVERN_SOURCES", embedded());
    vi.resetModules();
    const again = await import("../../compiler/source/package");
    expect((await again.packageSources()).root).toBe("/@kvern");
    const bundled = await import("../../compiler");
    expect(await bundled.compileSource({ "decode.ts": DECODE }, "decode.ts")).toEqual(fromDisk);
  });
});

describe("a second compile", () => {
  it("parses nothing of kvern again: that is what makes it fast", async () => {
    const sources = await packageSources();
    const languageFile = (): ts.SourceFile | undefined => {
      const { checker, entry } = check(filesInMemory({ "decode.ts": DECODE }), sources, "/decode.ts");
      const [first] = entry.statements;
      const names = first !== undefined && ts.isImportDeclaration(first) ? first.importClause?.namedBindings : undefined;
      const name = names !== undefined && ts.isNamedImports(names) ? names.elements[0]?.name : undefined;
      const symbol = name === undefined ? undefined : checker.getSymbolAtLocation(name);
      return symbol === undefined ? undefined : checker.getAliasedSymbol(symbol).declarations?.[0]?.getSourceFile();
    };
    const file = languageFile();
    expect(file?.fileName).toContain("/spec/language/");
    expect(languageFile()).toBe(file);
  });
});
