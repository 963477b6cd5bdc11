/**
 * @file A plan as it is kept: for which graph, sizes and device it was chosen, and the plan itself. Plain data. One that comes
 * from outside is read whole or refused: nothing in it is trusted but what this file has looked at, and what replaying
 * it then finds is said with a code.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import type { SerialisedGraph } from "../../spec/graph/json";
import { StaleChoice } from "../algebra/choices";
import { lowerAll, type Lowering, type LowerOptions } from "../lower";
import type { Sizes } from "../program";
import type { Graph } from "../../spec/graph/node";
import { UnfitPlan } from "./fold/choose";
import type { FusedPlan } from "./fold/plan";

export const PLAN_FORMAT = "kvern-plan";
/** Raised when an old reader would misread a new plan. */
export const PLAN_VERSION = 1;

export interface StoredPlan {
  readonly format: typeof PLAN_FORMAT;
  readonly version: typeof PLAN_VERSION;
  readonly kernel: string;
  /** What the graph computes, as `graphKey` names it. */
  readonly graph: string;
  /** Sizes that are part of the text. */
  readonly set: Sizes;
  /** The longest that each open axis may be in the class of sizes that it was chosen for. */
  readonly upTo: Sizes;
  /** The device it was measured on. */
  readonly device: string;
  /** `direct`: a dispatch for every reduction. */
  readonly plan: FusedPlan | "direct";
}

/** Names what a graph computes: the same for the same nodes, wherever they were written. */
export function graphKey({ axes, inputs, outputs, nodes, stores }: SerialisedGraph): string {
  const text = JSON.stringify([axes, inputs, outputs, nodes, stores]);
  return [0x811c9dc5, 0x01234567].map((seed) => {
    let hash = seed;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, "0");
  }).join("");
}

/**
 * Reads what is claimed to be a stored plan.
 * @param from where it comes from, for the diagnostic
 * @throws KvernError KV5401 for anything else, and for a part that is damaged
 */
export function readPlan(json: unknown, from: string): StoredPlan {
  const damaged = (what: string, expected: string): never =>
    refuse({ code: "KV5401", message: `${from} is no stored plan, or a damaged one`, expected, got: what, mend: "Measure again, with `tune`, and let it be written anew." });
  const record = (value: unknown, what: string): Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : damaged(`${what} is ${typeText(value)}`, "a record");
  const text = (value: unknown, what: string): string => (typeof value === "string" ? value : damaged(`${what} is ${typeText(value)}`, "a text"));
  const count = (value: unknown, what: string, least = 1, most = MOST): number =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : damaged(`${what} is ${typeText(value)}`, `a whole number from ${least} to ${most}`);
  const one = (value: unknown, of: readonly string[], what: string): void => {
    if (!of.includes(text(value, what))) damaged(`${what} is ${String(value)}`, of.join(", "));
  };
  const each = (value: unknown, what: string, check: (value: unknown, what: string) => void): void => {
    for (const [name, part] of Object.entries(record(value, what))) check(part, `${what}.${name}`);
  };
  const size = (value: unknown, what: string): number => count(value, what, 0, 2 ** 31 - 1);
  const share = (value: unknown, what: string): void => {
    const { lane, block, vector } = record(value, what);
    count(lane, `${what}.lane`);
    count(block, `${what}.block`);
    if (![1, 2, 4].includes(count(vector, `${what}.vector`))) damaged(`${what}.vector is ${String(vector)}`, "1, 2 or 4");
  };
  const role = (value: unknown, what: string): void => {
    const { kind, step } = record(value, what);
    one(kind, ["serial", "unroll", "vector"], `${what}.kind`);
    if (kind === "serial") count(step, `${what}.step`);
  };
  const fold = (value: unknown, what: string, kinds: readonly string[] = ["whole", "pieces", ...IN_PIECES]): void => {
    const { kind, lanes, tile, part, pieces, staged, copies, shares, cross, roles } = record(value, what);
    one(kind, kinds, `${what}.kind`);
    if (kind === "whole") {
      if (staged !== undefined && typeof staged !== "boolean") damaged(`${what}.staged is ${typeText(staged)}`, "true or false");
      return;
    }
    if (kind === "pieces") {
      each(pieces, `${what}.pieces`, (piece, name) => fold(piece, name, IN_PIECES));
      return;
    }
    count(lanes, `${what}.lanes`);
    count(tile, `${what}.tile`);
    each(shares, `${what}.shares`, share);
    each(roles, `${what}.roles`, role);
    if (kind === "chain" || part !== undefined) count(part, `${what}.part`);
    if (kind === "chain") count(copies, `${what}.copies`);
    else one(cross, ["gather", "tree", "subgroup"], `${what}.cross`);
  };
  const stored = record(json, "it");
  if (stored["format"] !== PLAN_FORMAT) damaged(`the format ${typeText(stored["format"])}`, PLAN_FORMAT);
  if (stored["version"] !== PLAN_VERSION) damaged(`the version ${typeText(stored["version"])}`, `the version ${PLAN_VERSION}`);
  for (const name of ["kernel", "graph", "device"]) text(stored[name], name);
  for (const name of ["set", "upTo"]) each(stored[name], name, size);
  const { plan } = stored;
  if (plan !== "direct") {
    const { choices, folds } = record(plan, "plan");
    if (!Array.isArray(choices)) damaged(`plan.choices is ${typeText(choices)}`, "a list");
    for (const [at, choice] of (choices as readonly unknown[]).entries()) {
      const { rule, site, parameters } = record(choice, `plan.choices[${at}]`);
      text(rule, `plan.choices[${at}].rule`);
      text(site, `plan.choices[${at}].site`);
      each(parameters, `plan.choices[${at}].parameters`, text);
    }
    each(folds, "plan.folds", fold);
  }
  return json as StoredPlan;
}

/** How a piece of a fold may be run. */
const IN_PIECES = ["stream", "chain"] as const;

/** The largest number in a plan: of lanes, positions, copies. */
const MOST = 65536;

const typeText = (value: unknown): string => (value === null ? "null" : value === undefined ? "missing" : typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeof value === "number" ? String(value) : Array.isArray(value) ? "a list" : typeof value);

/**
 * Lowers a graph by a plan that comes from outside.
 * @throws KvernError KV5402 where the program has no such site or fold, or the device cannot run it
 */
export function lowerStored(graph: Graph, { kernel, plan }: Pick<StoredPlan, "kernel" | "plan">, options: Omit<LowerOptions, "plans" | "fused">): Lowering {
  try {
    return lowerAll(graph, { ...options, ...(plan === "direct" ? { plans: "direct" } : { fused: plan }) });
  } catch (fault) {
    if (!(fault instanceof StaleChoice) && !(fault instanceof UnfitPlan)) throw fault;
    return refuse({
      code: "KV5402", message: `the stored plan for \`${kernel}\` cannot be replayed`, expected: "a plan that was made for this program, by this version, for a device that has as much",
      got: fault.message.replace(/^internal: /, ""), mend: "Measure again: `tune`.",
    });
  }
}
