/** @file What TypeScript itself says of the usual mistakes, in any editor: the message must name the axes involved. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, expect, test } from "vitest";

const HEAD = `
import { axis, evaluate, f32, groupOf, kernel, softmax, sum, type Axis, type Reader } from "kvern";
const head = axis("head"), kvHead = axis("kvHead"), token = axis("token"), channel = axis("channel");
`;

const MISTAKES = {
  swapped: `kernel({ q: f32(head, channel) }, f32(head, channel), ({ q }) => (h, c) => q(c, h));`,
  missing: `kernel({ q: f32(head, channel) }, f32(head), ({ q }) => (h) => q(h));`,
  foreign: `kernel({ k: f32(token, channel) }, f32(head, channel), ({ k }) => (h, c) => k(h, c));`,
  group: `kernel({}, f32(channel), () => (c) => groupOf(c, head, kvHead));`,
  sum: `kernel({ k: f32(token, channel) }, f32(channel), ({ k }) => (c) => sum(channel, (t) => k(t, c)));`,
  weight: `kernel({ k: f32(token) }, f32(head), ({ k }) => (h) => softmax(token, k)(h));`,
  reader: `const first = (x: Reader<[Axis<"head">]>) => x(0); kernel({ k: f32(token) }, f32(), ({ k }) => () => first(k));`,
  output: `const copy: Reader<[Axis<"channel">]> = (c) => c; kernel({}, f32(head), () => copy);`,
  input: `evaluate(kernel({ q: f32(head), k: f32(token) }, f32(), () => () => 0), { q: { shape: [1], data: [1] } });`,
} as const;

const messages = new Map<string, string>();

beforeAll(() => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent({ ...(config.config as object), include: [], files: [] }, ts.sys, root);
  const files = new Map(Object.entries(MISTAKES).map(([name, text]) => [join(dirname(fileURLToPath(import.meta.url)), `mistake-${name}.ts`), HEAD + text]));
  const host = ts.createCompilerHost(options);
  const withMistakes: ts.CompilerHost = {
    ...host,
    fileExists: (path) => files.has(path) || host.fileExists(path),
    getSourceFile: (path, language) => {
      const text = files.get(path);
      return text === undefined ? host.getSourceFile(path, language) : ts.createSourceFile(path, text, language);
    },
  };
  const program = ts.createProgram([...files.keys()], { ...options, noUnusedLocals: false }, withMistakes);
  for (const [path] of files) {
    const faults = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
    const name = /mistake-(\w+)/.exec(path)?.[1] ?? "";
    messages.set(name, faults.map((fault) => ts.flattenDiagnosticMessageText(fault.messageText, "\n")).join("\n---\n"));
  }
});

test("swapped indices", () => {
  expect(messages.get("swapped")).toMatchInlineSnapshot(`
    "Argument of type 'Index<"channel">' is not assignable to parameter of type 'Index<"head">'.
      Type 'Index<"channel">' is not assignable to type '{ readonly [axisOfIndex]?: "head" | undefined; }'.
        Types of property '[axisOfIndex]' are incompatible.
          Type '"channel" | undefined' is not assignable to type '"head" | undefined'.
            Type '"channel"' is not assignable to type '"head"'."
  `);
});
test("a missing index", () => {
  expect(messages.get("missing")).toMatchInlineSnapshot(`"Expected 2 arguments, but got 1."`);
});
test("an index of a foreign axis", () => {
  expect(messages.get("foreign")).toMatchInlineSnapshot(`
    "Argument of type 'Index<"head">' is not assignable to parameter of type 'Index<"token">'.
      Type 'Index<"head">' is not assignable to type '{ readonly [axisOfIndex]?: "token" | undefined; }'.
        Types of property '[axisOfIndex]' are incompatible.
          Type '"head" | undefined' is not assignable to type '"token" | undefined'.
            Type '"head"' is not assignable to type '"token"'."
  `);
});
test("the group of an index of another axis", () => {
  expect(messages.get("group")).toMatchInlineSnapshot(`
    "Argument of type 'Index<"channel">' is not assignable to parameter of type 'Index<"head">'.
      Type 'Index<"channel">' is not assignable to type '{ readonly [axisOfIndex]?: "head" | undefined; }'.
        Types of property '[axisOfIndex]' are incompatible.
          Type '"channel" | undefined' is not assignable to type '"head" | undefined'.
            Type '"channel"' is not assignable to type '"head"'."
  `);
});
test("a sum over another axis", () => {
  expect(messages.get("sum")).toMatchInlineSnapshot(`
    "Argument of type 'Index<"channel">' is not assignable to parameter of type 'Index<"token">'.
      Type 'Index<"channel">' is not assignable to type '{ readonly [axisOfIndex]?: "token" | undefined; }'.
        Types of property '[axisOfIndex]' are incompatible.
          Type '"channel" | undefined' is not assignable to type '"token" | undefined'.
            Type '"channel"' is not assignable to type '"token"'."
  `);
});
test("a weight at an index of another axis", () => {
  expect(messages.get("weight")).toMatchInlineSnapshot(`
    "Argument of type 'Index<"head">' is not assignable to parameter of type 'Index<"token">'.
      Type 'Index<"head">' is not assignable to type '{ readonly [axisOfIndex]?: "token" | undefined; }'.
        Types of property '[axisOfIndex]' are incompatible.
          Type '"head" | undefined' is not assignable to type '"token" | undefined'.
            Type '"head"' is not assignable to type '"token"'."
  `);
});
test("a reader of another axis", () => {
  expect(messages.get("reader")).toMatchInlineSnapshot(`
    "Argument of type 'Reader<readonly [Axis<"token">]>' is not assignable to parameter of type 'Reader<[Axis<"head">]>'.
      Types of parameters 'at_0' and 'at_0' are incompatible.
        Type 'Index<"head">' is not assignable to type 'Index<"token">'.
          Type 'Index<"head">' is not assignable to type '{ readonly [axisOfIndex]?: "token" | undefined; }'.
            Types of property '[axisOfIndex]' are incompatible.
              Type '"head" | undefined' is not assignable to type '"token" | undefined'.
                Type '"head"' is not assignable to type '"token"'."
  `);
});
test("an output over another axis", () => {
  expect(messages.get("output")).toMatchInlineSnapshot(`
    "Type 'Reader<[Axis<"channel">]>' is not assignable to type 'Reader<readonly [Axis<"head">]>'.
      Types of parameters 'at_0' and 'at_0' are incompatible.
        Type 'Index<"head">' is not assignable to type 'Index<"channel">'.
          Type 'Index<"head">' is not assignable to type '{ readonly [axisOfIndex]?: "channel" | undefined; }'.
            Types of property '[axisOfIndex]' are incompatible.
              Type '"head" | undefined' is not assignable to type '"channel" | undefined'.
                Type '"head"' is not assignable to type '"channel"'."
  `);
});
test("a missing input", () => {
  expect(messages.get("input")).toMatchInlineSnapshot(`
    "Argument of type '{ q: { shape: number[]; data: number[]; }; }' is not assignable to parameter of type 'InputTensors<{ q: TensorSpec<readonly [Axis<"head">]>; k: TensorSpec<readonly [Axis<"token">]>; }>'.
      Property 'k' is missing in type '{ q: { shape: number[]; data: number[]; }; }' but required in type 'InputTensors<{ q: TensorSpec<readonly [Axis<"head">]>; k: TensorSpec<readonly [Axis<"token">]>; }>'."
  `);
});
