/** The compiler knows none of the things that are written in its language. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ts } from "../../compiler/source/typescript";

const FOLDER = new URL("../../compiler/", import.meta.url);
const UNKNOWN = new Set(["softmax", "attention", "rope", "rotary", "cq", "coupled", "codebook", "kivi", "alibi", "sink", "sinks", "rms", "rmsnorm", "layernorm", "llama"]);

/** The words of every name and text of a file: comments are none. */
function wordsOf(text: string): ReadonlySet<string> {
  const words = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node) || ts.isLiteralExpression(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      for (const word of node.text.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []) words.add(word.toLowerCase());
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("file.ts", text, ts.ScriptTarget.Latest));
  return words;
}

describe("no name and no text of the compiler", () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));

  it.each(files)("%s says what it compiles", (name) => {
    expect([...wordsOf(readFileSync(new URL(name, FOLDER), "utf8"))].filter((word) => UNKNOWN.has(word))).toEqual([]);
  });

  it("looks at names and texts, and not at comments", () => {
    expect([...wordsOf("const softmaxOf = `rope ${x}`; // attention\n/* cq */")].sort()).toEqual(["of", "rope", "softmax", "x"]);
    expect(files.length).toBeGreaterThan(100);
  });
});
