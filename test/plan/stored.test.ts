/** @file Plans that come from outside: each part of one, missing or of another kind, is named with what was expected. */

import { describe, expect, test } from "vitest";
import { PLAN_FORMAT, PLAN_VERSION, readPlan } from "../../compiler/plan/stored";
import { KvernError } from "../../spec/diagnostics/diagnostic";

const STREAM = { kind: "stream", lanes: 64, tile: 256, part: 512, shares: { h: { lane: 4, block: 1, vector: 2 } }, roles: { c: { kind: "serial", step: 4 }, l: { kind: "unroll" }, p: { kind: "vector" } }, cross: "tree" };
const CHAIN = { kind: "chain", lanes: 64, tile: 32, part: 128, copies: 2, shares: {}, roles: {} };
const PLAN = {
  format: PLAN_FORMAT, version: PLAN_VERSION, kernel: "k", graph: "0123456789abcdef", set: { n: 0 }, upTo: { token: 512 }, device: "a device",
  plan: { choices: [{ rule: "tabulate", site: "Σ", parameters: { key: "codes" } }], folds: { a: { kind: "whole" }, b: { kind: "whole", staged: true }, c: STREAM, d: CHAIN, e: { kind: "pieces", pieces: { first: STREAM, second: CHAIN } } } },
};

/** The plan with one part replaced, or taken out. */
function changed(path: string, value?: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(PLAN)) as unknown;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const of = keys.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], copy) as Record<string, unknown>;
  if (value === undefined) Reflect.deleteProperty(of, last);
  else of[last] = value;
  return copy;
}

function refusal(json: unknown): string {
  try {
    readPlan(json, "a.plan");
  } catch (fault) {
    if (!(fault instanceof KvernError)) throw fault;
    return fault.diagnostics.map(({ code, got = "", expected = "" }) => `${code}: ${got}; ${expected}`).join("\n");
  }
  return "read";
}

describe("a stored plan", () => {
  test("that is whole is read as it is", () => {
    expect(readPlan(PLAN, "a.plan")).toBe(PLAN);
    for (const whole of [changed("plan", "direct"), changed("plan.folds.c.part"), changed("plan.folds.b.staged", false), changed("plan.folds.e.pieces", {}), changed("plan.choices", [])]) expect(refusal(whole)).toBe("read");
  });

  test.each<readonly [path: string, value: unknown, says: string]>([
    ["format", "kvern-graph", 'the format "kvern-graph"; kvern-plan'],
    ["version", undefined, `the version missing; the version ${PLAN_VERSION}`],
    ["kernel", 3, "kernel is 3; a text"],
    ["graph", null, "graph is null; a text"],
    ["device", {}, "device is object; a text"],
    ["set", [], "set is a list; a record"],
    ["set.n", -1, "set.n is -1; a whole number from 0 to 2147483647"],
    ["upTo.token", 2 ** 31, "upTo.token is 2147483648; a whole number from 0 to 2147483647"],
    ["plan", "fast", 'plan is "fast"; a record'],
    ["plan.choices", {}, "plan.choices is object; a list"],
    ["plan.choices.0.rule", undefined, "plan.choices[0].rule is missing; a text"],
    ["plan.choices.0.site", 0, "plan.choices[0].site is 0; a text"],
    ["plan.choices.0.parameters.key", true, "plan.choices[0].parameters.key is boolean; a text"],
    ["plan.folds", undefined, "plan.folds is missing; a record"],
    ["plan.folds.a.kind", "half", "plan.folds.a.kind is half; whole, pieces, stream, chain"],
    ["plan.folds.a.staged", "yes", 'plan.folds.a.staged is "yes"; true or false'],
    ["plan.folds.b.staged", 1, "plan.folds.b.staged is 1; true or false"],
    ["plan.folds.c.lanes", 0, "plan.folds.c.lanes is 0; a whole number from 1 to 65536"],
    ["plan.folds.c.tile", 65537, "plan.folds.c.tile is 65537; a whole number from 1 to 65536"],
    ["plan.folds.c.part", 1.5, "plan.folds.c.part is 1.5; a whole number from 1 to 65536"],
    ["plan.folds.c.shares.h", 4, "plan.folds.c.shares.h is 4; a record"],
    ["plan.folds.c.shares.h.lane", undefined, "plan.folds.c.shares.h.lane is missing; a whole number from 1 to 65536"],
    ["plan.folds.c.shares.h.block", 0, "plan.folds.c.shares.h.block is 0; a whole number from 1 to 65536"],
    ["plan.folds.c.shares.h.vector", 3, "plan.folds.c.shares.h.vector is 3; 1, 2 or 4"],
    ["plan.folds.c.roles.c.kind", "parallel", "plan.folds.c.roles.c.kind is parallel; serial, unroll, vector"],
    ["plan.folds.c.roles.c.step", 0, "plan.folds.c.roles.c.step is 0; a whole number from 1 to 65536"],
    ["plan.folds.c.cross", "ring", "plan.folds.c.cross is ring; gather, tree, subgroup"],
    ["plan.folds.d.part", undefined, "plan.folds.d.part is missing; a whole number from 1 to 65536"],
    ["plan.folds.d.copies", undefined, "plan.folds.d.copies is missing; a whole number from 1 to 65536"],
    ["plan.folds.e.pieces", undefined, "plan.folds.e.pieces is missing; a record"],
    ["plan.folds.e.pieces.first.kind", "whole", "plan.folds.e.pieces.first.kind is whole; stream, chain"],
    ["plan.folds.e.pieces.second.copies", -2, "plan.folds.e.pieces.second.copies is -2; a whole number from 1 to 65536"],
  ])("is refused where %s is %j", (path, value, says) => {
    expect(refusal(changed(path, value))).toBe(`KV5401: ${says}`);
  });

  test.each([[null, "it is null; a record"], [[], "it is a list; a record"], ["x".repeat(100), `it is "${"x".repeat(40)}"; a record`], [undefined, "it is missing; a record"]])("is no %j", (json, says) => {
    expect(refusal(json)).toBe(`KV5401: ${says}`);
  });
});
