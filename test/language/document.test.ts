/** @file `spec/language.md` says something of every function, reduction and operator that a graph can hold. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BINARY_FUNCTIONS, BITWISE_OPERATORS, REDUCE_OPERATORS, UNARY_FUNCTIONS } from "../../spec/graph/node";

const document = readFileSync(new URL("../../spec/language.md", import.meta.url), "utf8");
const quoted = [...document.matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text.replaceAll("Math.", "").replaceAll("\\|", "|"));

test("every function of Math", () => {
  const missing = [...UNARY_FUNCTIONS, ...BINARY_FUNCTIONS].filter((name) => !quoted.includes(name));
  expect(missing).toEqual([]);
});

test("every reduction", () => {
  expect(REDUCE_OPERATORS.filter((name) => !quoted.includes(name))).toEqual([]);
});

test("every bitwise operator", () => {
  const row = quoted.find((text) => text.includes("<< >>"))?.split(" ") ?? [];
  expect(BITWISE_OPERATORS.filter((operator) => !row.includes(operator))).toEqual([]);
});
