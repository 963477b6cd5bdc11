import { describe, expect, test } from "vitest";
import { Folder } from "./kvern";
import { ATTENTION, DOUBLE } from "./programs";

const folder = new Folder();

/** What `kvern check` says of a file with this text, which must not be in order. */
function faults(text: string): string {
  const { code, stdout, stderr } = folder.kvern("check", folder.write("bad.ts", text));
  expect(stdout).toBe("");
  expect(code).toBe(1);
  return stderr;
}

const HEAD = `import { axis, f32, kernel, sum } from "kvern";
const n = axis("n"), m = axis("m");
`;

describe("files in order", () => {
  test("are listed with their kernels", () => {
    folder.write("double.ts", DOUBLE);
    folder.write("attention.ts", ATTENTION);
    expect(folder.kvern("check", "double.ts", "attention.ts")).toEqual({ code: 0, stdout: "double.ts: double, both\nattention.ts: attend\n", stderr: "" });
  });

  test("are listed in JSON", () => {
    folder.write("double.ts", DOUBLE);
    const { code, stdout } = folder.kvern("check", "double.ts", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ kernels: { "double.ts": ["double", "both"] }, diagnostics: [] });
  });
});

describe("each fault is one message that names the thing", () => {
  test("what a file holds moves no cursor", () => {
    const text = faults(`${HEAD}export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => x("\u001b[2J\u009b31m")); // \u001b]0;title\u0007\u202e\n`);
    expect(text).toContain("\u241b[2J");
    expect(text.replace(/[\n\t]/g, "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  test("a file that does not exist", () => {
    const { code, stderr } = folder.kvern("check", "nowhere.ts");
    expect(code).toBe(1);
    expect(stderr).toMatchInlineSnapshot(`
      "nowhere.ts - error KV1002: \`nowhere.ts\` cannot be read

        expected: a TypeScript file
        got:      no such file
      "
    `);
  });

  test("a file that is not TypeScript", () => {
    const { code, stderr } = folder.kvern("check", folder.write("notes.txt", "hello"));
    expect(code).toBe(1);
    expect(stderr).toMatchInlineSnapshot(`
      "notes.txt - error KV1003: \`notes.txt\` is not TypeScript

        expected: a file whose name ends in .ts
        got:      \`notes.txt\`
      "
    `);
  });

  test("a folder", () => {
    expect(folder.kvern("check", ".").stderr).toBe(". - error KV1003: `.` is not TypeScript\n\n  expected: a file whose name ends in .ts\n  got:      `.`\n");
  });

  test("text that does not parse", () => {
    expect(faults(`${HEAD}export const k = kernel({`)).toMatchInlineSnapshot(`
      "bad.ts:3:26 - error KV1001: TS1005: '}' expected.

        2 | const n = axis("n"), m = axis("m");
      > 3 | export const k = kernel({
          |                          ^
      "
    `);
  });

  test("a type error: indices swapped", () => {
    expect(faults(`${HEAD}export const k = kernel({ x: f32(n, m) }, f32(n, m), ({ x }) => (i, j) => x(j, i));`)).toMatchInlineSnapshot(`
      "bad.ts:3:77 - error KV1001: TS2345: Argument of type 'Index<"m">' is not assignable to parameter of type 'Index<"n">'.
          Type 'Index<"m">' is not assignable to type '{ readonly [axisOfIndex]?: "n" | undefined; }'.
            Types of property '[axisOfIndex]' are incompatible.
              Type '"m" | undefined' is not assignable to type '"n" | undefined'.
                Type '"m"' is not assignable to type '"n"'.

        2 | const n = axis("n"), m = axis("m");
      > 3 | export const k = kernel({ x: f32(n, m) }, f32(n, m), ({ x }) => (i, j) => x(j, i));
          |                                                                             ^
      "
    `);
  });

  test("a fault in a function that is called, and how it came to be called", () => {
    expect(faults(`${HEAD}const next = (f: (i: number) => number, i: number) => f(i + 1);\nexport const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => next(x, i));`)).toMatchInlineSnapshot(`
      "bad.ts:3:55 - error KV2001: \`x\` may be read outside its axis \`n\`

        2 | const n = axis("n"), m = axis("m");
      > 3 | const next = (f: (i: number) => number, i: number) => f(i + 1);
          |                                                       ^^^^^^^^
        4 | export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => next(x, i));

        expected: an index from 0 to extent(n) − 1
        got:      an index from 1 to extent(n)
        mend:     Force the index into the axis, \`clamp(i, n)\`, or read only under a condition on it: \`i < extent(n) ? … : 0\`.
        \`next\` is called from here: bad.ts:4:66
      "
    `);
  });

  test("hundreds of faults: the first fifty, and only lines that a screen has room for", () => {
    const text = faults(Array.from({ length: 200 }, (_, at) => `export const n${at}: number = "${"x".repeat(at === 0 ? 5000 : 1)}";`).join("\n"));
    expect(text.match(/error KV1001/g)?.length).toBe(50);
    expect(text).toMatch(/\n\nand 150 more\n$/);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(1100);
  });

  test("a loop", () => {
    expect(
      faults(`${HEAD}export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => {
  for (const j of [1, 2]) x(i);
  return x(i);
});`),
    ).toMatchInlineSnapshot(`
      "bad.ts:4:3 - error KV1101: the language has no loops

        3 | export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => {
      > 4 |   for (const j of [1, 2]) x(i);
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        5 |   return x(i);

        expected: a reduction, or a method of an array that is known while compiling
        mend:     Along an axis: \`sum(axis, (i) => …)\`, \`max\`, \`any\` …; over an array: \`list.map(…)\`, \`list.reduce(…)\`.
      "
    `);
  });

  test("let", () => {
    expect(
      faults(`${HEAD}export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => {
  let y = x(i);
  return y;
});`),
    ).toMatchInlineSnapshot(`
      "bad.ts:4:3 - error KV1102: \`let\` declares a variable that can change

        3 | export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => {
      > 4 |   let y = x(i);
          |   ^^^^^^^^^^^^
        5 |   return y;

        expected: \`const\`
        got:      \`let\`
        mend:     Declare it with \`const\`; a value that grows along an axis is a reduction: \`sum(axis, (i) => …)\`.
      "
    `);
  });

  test("recursion", () => {
    expect(
      faults(`${HEAD}const f = (k: number): number => (k < 1 ? 0 : f(k - 1));
export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => f(x(i)));`),
    ).toMatchInlineSnapshot(`
      "bad.ts:3:47 - error KV1105: \`f\` calls itself

        2 | const n = axis("n"), m = axis("m");
      > 3 | const f = (k: number): number => (k < 1 ? 0 : f(k - 1));
          |                                               ^^^^^^^^
        4 | export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => f(x(i)));

        expected: functions that do not come back to themselves
        got:      f → f
        mend:     Along an axis, use a reduction: \`sum(axis, (i) => …)\`; a fixed number of steps is an array: \`[0, 1, 2].reduce((x, n) => …, x)\`.
        \`f\` is called from here: bad.ts:4:66
      "
    `);
  });

  test("an index that may lie outside its axis", () => {
    expect(faults(`${HEAD}export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => x(i + 1));`)).toMatchInlineSnapshot(`
      "bad.ts:3:66 - error KV2001: \`x\` may be read outside its axis \`n\`

        2 | const n = axis("n"), m = axis("m");
      > 3 | export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => x(i + 1));
          |                                                                  ^^^^^^^^

        expected: an index from 0 to extent(n) − 1
        got:      an index from 1 to extent(n)
        mend:     Force the index into the axis, \`clamp(i, n)\`, or read only under a condition on it: \`i < extent(n) ? … : 0\`.
      "
    `);
  });

  test("several faults, in one file and another", () => {
    folder.write("one.ts", `${HEAD}export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => x(i - 1));`);
    folder.write("double.ts", DOUBLE);
    const { code, stdout, stderr } = folder.kvern("check", "one.ts", "nowhere.ts", "double.ts");
    expect(code).toBe(1);
    expect(stdout).toBe("double.ts: double, both\n");
    expect(stderr.match(/error KV\d{4}/g)).toEqual(["error KV2001", "error KV1002"]);
  });

  test("in JSON: the code, the message and the place", () => {
    folder.write("one.ts", `${HEAD}export const k = kernel({ x: f32(n) }, f32(n), ({ x }) => (i) => x(i - 1));`);
    const { code, stdout, stderr } = folder.kvern("check", "one.ts", "--json");
    expect(code).toBe(1);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ kernels: {}, diagnostics: [{ code: "KV2001", file: "one.ts", line: 3, column: 66, endLine: 3, endColumn: 74, message: expect.any(String) as string }] });
  });
});
