import { describe, expect, it } from "vitest";
import { CATALOGUE, type Code } from "../../spec/diagnostics/catalogue";
import type { Entry } from "../../spec/diagnostics/catalogue/entry";
import { render } from "../../spec/diagnostics/render";
import { diagnosticsOf, PRELUDE } from "./compiling";

/** Headings by the first digits of codes. */
const AREAS: readonly (readonly [prefix: string, heading: string])[] = [
  ["KV10", "Files, and TypeScript's own faults"],
  ["KV11", "Outside the language"],
  ["KV12", "Kernels and their signatures"],
  ["KV20", "Indices"],
  ["KV21", "Axes and their sizes"],
  ["KV30", "Tensors"],
  ["KV40", "Devices"],
  ["KV41", "Plans"],
  ["KV42", "What gpu.js cannot do"],
  ["KV50", "Files of tensors"],
  ["KV51", "Saved graphs"],
  ["KV52", "The command line"],
  ["KV53", "Shards"],
  ["KV54", "Stored plans"],
  ["KV60", "Models"],
  ["KV61", "Caches"],
];

const code = (text: string): string => (text.includes("`") || text.includes("\n") ? `\n\n  \`\`\`\`ts\n  ${text.replaceAll("\n", "\n  ")}\n  \`\`\`\`\n` : ` \`${text}\``);

function documented(): string {
  const entries: readonly (readonly [string, Entry])[] = Object.entries(CATALOGUE).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = AREAS.flatMap(([prefix, heading]) => {
    const own = entries.filter(([name]) => name.startsWith(prefix));
    if (own.length === 0) return [];
    return [`## ${heading}\n\n${own.map(([name, { title, example, mend }]) => `### ${name}: ${title}\n\n- provoked by:${code(example)}\n- mended by:${code(mend)}\n`).join("\n")}`];
  });
  return `# Diagnostics

Every fault that a user can mend has a code. This page is made from \`spec/diagnostics/catalogue\` by
\`test/source/diagnostics.test.ts\`, which fails when it is not current (\`npx vitest run test/source/diagnostics.test.ts -u\`
makes it anew). Faults of kvern itself have no code: their message begins with \`internal:\`.

An example of KV1 or KV2 without \`kernel(\` stands in the body \`({ x, codes, table }) => (t) => …\` of a kernel with the inputs
\`x: f32(token)\`, \`codes: uint(4)(token)\` and \`table: f32(code)\`, where \`code = axis("code", 16)\`.

${sections.join("\n")}`;
}

describe("the documentation of diagnostics", () => {
  it("is current", async () => {
    await expect(documented()).toMatchFileSnapshot("../../spec/diagnostics.md");
  });

  it("has an area for every code", () => {
    expect(Object.keys(CATALOGUE).filter((name) => !AREAS.some(([prefix]) => name.startsWith(prefix)))).toEqual([]);
  });
});

const TEXT = `const next = (f: (i: number) => number, i: number) =>
  f(i + 1);
export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => next(x, t));
`;

describe("a diagnostic as text", () => {
  it("says what, where, what is legal, and how evaluation came there", async () => {
    const [fault] = await diagnosticsOf(TEXT);
    if (fault === undefined) throw new Error("no fault");
    expect(render(fault, { source: () => PRELUDE + TEXT })).toMatchInlineSnapshot(`
      "program.ts:5:3 - error KV2001: \`x\` may be read outside its axis \`token\`

        4 | const next = (f: (i: number) => number, i: number) =>
      > 5 |   f(i + 1);
          |   ^^^^^^^^
        6 | export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => next(x, t));

        expected: an index from 0 to extent(token) − 1
        got:      an index from 1 to extent(token)
        mend:     Force the index into the axis, \`clamp(i, token)\`, or read only under a condition on it: \`i < extent(token) ? … : 0\`.
        \`next\` is called from here: program.ts:6:74"
    `);
  });

  it("does without the source, and without a place", () => {
    expect(render({ code: "KV5001", message: "`a.safetensors` cannot be read", file: "a.safetensors", got: "no such file" })).toMatchInlineSnapshot(`
      "a.safetensors - error KV5001: \`a.safetensors\` cannot be read

        got:      no such file"
    `);
    expect(render({ code: "KV2101", message: "axis `n` has no size", mend: "set: { n: … }" }, { source: () => "" })).toMatchInlineSnapshot(`
      "error KV2101: axis \`n\` has no size

        mend:     set: { n: … }"
    `);
  });

  it("keeps the lines of a long message together, and shows the first line of a long place", async () => {
    const text = "export const k = kernel({ x: f32(token, channel) }, f32(token, channel), ({ x }) => (t, c) => x(c, t));";
    const [fault] = await diagnosticsOf(text);
    if (fault === undefined) throw new Error("no fault");
    expect(render(fault, { source: () => PRELUDE + text })).toMatchInlineSnapshot(`
      "program.ts:4:97 - error KV1001: TS2345: Argument of type 'Index<"channel">' is not assignable to parameter of type 'Index<"token">'.
          Type 'Index<"channel">' is not assignable to type '{ readonly [axisOfIndex]?: "token" | undefined; }'.
            Types of property '[axisOfIndex]' are incompatible.
              Type '"channel" | undefined' is not assignable to type '"token" | undefined'.
                Type '"channel"' is not assignable to type '"token"'.

        3 | const code = axis("code", 16), row = axis("row", 8);
      > 4 | export const k = kernel({ x: f32(token, channel) }, f32(token, channel), ({ x }) => (t, c) => x(c, t));
          |                                                                                                 ^"
    `);
    const long = { code: "KV1101" satisfies Code, message: "the language has no loops", file: "a.ts", line: 1, column: 3, endLine: 3, endColumn: 2 } as const;
    expect(render(long, { source: () => "  for (;;) {\n  }\n}" })).toMatchInlineSnapshot(`
      "a.ts:1:3 - error KV1101: the language has no loops

      > 1 |   for (;;) {
          |   ^
        2 |   }"
    `);
  });

  it("moves no cursor and turns no text around, wherever the text comes from", () => {
    const evil = "\u001b]0;title\u0007\u001b[2J\u202edne\u009b31m\u007f";
    const fault = { code: "KV1101" satisfies Code, message: `the language has no ${evil}`, got: evil, file: "a.ts", line: 1, column: 1 } as const;
    const text = render(fault, { source: () => `x ${evil}\r\n\ty` });
    expect(text.replace(/[\n\t]/g, "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(text).toContain("> 1 | x \u241b]0;title\u2407\u241b[2J\ufffddne\ufffd31m\u2421\n");
    expect(text).toContain("| \ty");
  });

  it("is coloured where that is asked for", () => {
    const fault = { code: "KV1101" satisfies Code, message: "the language has no loops", file: "a.ts", line: 1, column: 1 } as const;
    const coloured = render(fault, { colour: true, source: () => "for (;;) {}" });
    expect(coloured).toContain("\u001b[31merror\u001b[0m");
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(render(fault, { source: () => "for (;;) {}" }));
  });

  it("has no frame for a line that is not there", () => {
    expect(render({ code: "KV1101", message: "the language has no loops", file: "a.ts", line: 9, column: 1 }, { source: () => "one line" })).toBe("a.ts:9:1 - error KV1101: the language has no loops");
  });
});
