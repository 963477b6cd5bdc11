import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileSource } from "kvern/compiler";
import { ts } from "../../compiler/source/typescript";
import { loadGraph } from "../../spec/graph/json";
import { faults } from "../../spec/graph/validate";
import { KvernError } from "../../spec/diagnostics/diagnostic";

/** A linear congruential generator: the same mutants every time. */
const random = (seed: number) => (below: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};

const tokensOf = (text: string): string[] => text.match(/\s+|\/\*[^]*?\*\/|\/\/.*|[A-Za-z_$][\w$]*|\d[\w.]*|"[^"\n]*"|=>|===|!==|&&|\|\||\?\?|\.\.\.|\*\*|[^\s\w]/g) ?? [];

/** What a hand may type where it should not. */
const STRAY = ["x", "0", "-1", "1e400", "NaN", "null", "undefined", "()", "[]", "{}", "=>", "?", ":", "...", "await", "this", "new", "for", "let", "any", "as never", "!", "%", "/ 0", "** 0.5", "'", "`", "\u0000", "9007199254740993n", "kernel", "sum", "extent(token)", "/* "];

function mutant(text: string, next: (below: number) => number): string {
  const tokens = tokensOf(text);
  for (let changes = 1 + next(3); changes > 0; changes--) {
    const at = next(tokens.length);
    const other = next(tokens.length);
    switch (next(6)) {
      case 0: tokens.splice(at, 1); break;
      case 1: tokens.splice(at, 0, tokens[at] ?? ""); break;
      case 2: [tokens[at], tokens[other]] = [tokens[other] ?? "", tokens[at] ?? ""]; break;
      case 3: tokens[at] = tokens[other] ?? ""; break;
      case 4: tokens.splice(at, 0, ` ${STRAY[next(STRAY.length)] ?? ""} `); break;
      default: tokens.splice(at, 1 + next(6));
    }
  }
  return tokens.join("");
}

/** Puts expressions in the place of others: the text stays a program, whatever it means. */
function graft(text: string, next: (below: number) => number): string {
  let grown = text;
  for (let changes = 1 + next(2); changes > 0; changes--) {
    const file = ts.createSourceFile("mutant.ts", grown, ts.ScriptTarget.ES2022, true);
    const found: ts.Expression[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node)) return;
      if (ts.isExpression(node) && !ts.isIdentifier(node.parent)) found.push(node);
      ts.forEachChild(node, visit);
    };
    visit(file);
    const target = found[next(found.length)];
    const donor = found[next(found.length)];
    if (target === undefined || donor === undefined) break;
    const put = next(4) === 0 ? (STRAY[next(STRAY.length)] ?? "") : donor.getText();
    grown = `${grown.slice(0, target.getStart())}${ts.isIdentifier(donor) || next(2) === 0 ? put : `(${put})`}${grown.slice(target.getEnd())}`;
  }
  return grown;
}

/** Without the type checker, mutants reach the evaluator however ill typed they are. */
const UNCHECKED = `// @ts-nocheck
import { any, argmax, axis, clamp, encoded, extent, f32, groupOf, i32, kernel, max, softmax, sum, uint } from "kvern";
import { coupled } from "kvern/formats";
const token = axis("token"), head = axis("head", 8), group = axis("group", 2), channel = axis("channel", 16);
const scale = (n: number) => n * Math.sqrt(2);
const shapes = { half: (n: number) => Math.floor(n / 2), list: [1, 2, 3].map((n) => n * 2), ...{ by: { a: 1, b: "text" } } };
const packed = (bits: number) => encoded([token, channel], { codes: uint(bits)(token, channel), low: f32(token) }, ({ codes, low }) => (t, c) => codes(t, c) + low(t));
function last<T>(list: readonly T[]) { const [first, ...rest] = list; return rest.length === 0 ? first : rest.at(-1); }
export const one = kernel({ x: f32(token, channel), p: packed(4) }, f32(token), (inputs) => {
  const { x, p, ...rest } = inputs;
  if (Object.keys(rest).length > 0) return (t) => t;
  return (t) => {
    const best = argmax(channel, (c) => x(t, c));
    const shifted = t > 0 ? x(t - 1, best) : p(t, clamp(best + 1, channel));
    if (shifted < 0 && !any(token, (u) => x(u, 0) === 1)) return scale(shifted);
    return shapes.list.reduce((a, b) => a + b * shifted, 0) % 7 + (shapes.half(5) & 3) + \`\${shapes.by.b}\`.length;
  };
});
export const two = kernel({ q: f32(head, channel), n: i32(), keys: coupled([token, head, channel], { couple: 4, bits: 2 }) }, { a: i32(head), b: f32(head) }, ({ q, n, keys }) => ({
  a: (h) => Math.round(max(channel, (c) => q(h, c)) > n() ? groupOf(h, head, group) : extent(group)),
  b: (h) => softmax(channel, (c) => q(h, c) ** 2)(0) + sum(token, (t) => keys(t, h, 3) / last([1, h + 1])) - [h, 1].map((v, at) => v >> at | 0).length,
}));
`;

const DECODE = readFileSync(new URL("../../examples/decode.ts", import.meta.url), "utf8");

const RUNS = Number(process.env["KVERN_MUTANTS"] ?? 120);

describe("mutated sources", () => {
  it.each([
    ["tokens of the example", DECODE, mutant, 12],
    ["tokens of a program that is not type-checked", UNCHECKED, mutant, 34],
    ["expressions of a program that is not type-checked", UNCHECKED, graft, 56],
  ])("%s: compiled or refused, never anything else", async (_, text, mutate, seed) => {
    const next = random(seed);
    await compileSource({ "mutant.ts": text }, "mutant.ts");
    const counts = { compiled: 0, types: 0, language: 0 };
    for (let run = 0; run < RUNS; run++) {
      const source = mutate(text, next);
      try {
        const { kernels } = await compileSource({ "mutant.ts": source }, "mutant.ts");
        for (const kernel of Object.values(kernels)) expect(faults(loadGraph(kernel).graph), source).toEqual([]);
        counts.compiled++;
      } catch (error) {
        if (!(error instanceof KvernError)) throw new Error(`this mutant is neither compiled nor refused:\n${source}`, { cause: error });
        expect(error.diagnostics.every(({ file, line }) => file === undefined || file.startsWith("kvern/") || (file === "mutant.ts" && line !== undefined))).toBe(true);
        if (error.diagnostics[0]?.code === "KV1001") counts.types++;
        else counts.language++;
      }
    }
    // Mutants that all die in the type checker would say nothing of the evaluator.
    expect(counts.compiled).toBeGreaterThan(RUNS / 40);
    if (mutate === mutant) expect(counts.types).toBeGreaterThan(RUNS / 40);
    if (text === UNCHECKED) expect(counts.language).toBeGreaterThan(mutate === graft ? RUNS / 4 : RUNS / 40);
  }, 600_000);
});
