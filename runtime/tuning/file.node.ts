/** @file Plans in a JSON file. It is written beside its place and then moved there: never half of one. */

import { readPlan } from "../../compiler/plan/stored";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";
import type { PlanFile } from "./store";

const fs = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");

const FORMAT = "kvern-plans";
const VERSION = 1;

/** @throws KvernError KV5001 for a file that cannot be read; KV5401 for one that holds something else */
export function planFile(file: string): PlanFile {
  const plans = new Map(Object.entries(read(file)));
  return {
    get entries() {
      return [...plans];
    },
    get: (key) => plans.get(key),
    set(key, plan) {
      plans.set(key, plan);
      write(file, `${JSON.stringify({ format: FORMAT, version: VERSION, plans: Object.fromEntries(plans) }, undefined, 2)}\n`);
    },
  };
}

function read(file: string): Readonly<Record<string, unknown>> {
  const foreign = (got: string): never =>
    refuse({ code: "KV5401", file, message: "this is no file of plans, or a damaged one", expected: `JSON of the format ${FORMAT}, version ${VERSION}`, got, mend: "Give another file, or remove this one and measure again." });
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (fault) {
    if ((fault as { readonly code?: string }).code === "ENOENT") return {};
    return refuse({ code: "KV5001", file, message: "the file cannot be read", got: fault instanceof Error ? fault.message : String(fault) });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (fault) {
    return foreign(fault instanceof Error ? fault.message : String(fault));
  }
  const { format, version, plans } = (typeof json === "object" && json !== null ? json : {}) as { readonly format?: unknown; readonly version?: unknown; readonly plans?: unknown };
  if (format !== FORMAT) return foreign(format === undefined ? "JSON without a format" : `the format ${shown(format)}`);
  if (version !== VERSION) return foreign(`the version ${shown(version)}`);
  if (typeof plans !== "object" || plans === null || Array.isArray(plans)) return foreign("no record of plans");
  // All of them, also those of other kernels: a file is taken whole or not at all.
  for (const [key, plan] of Object.entries(plans)) readPlan(plan, `the plan ${key} of ${file}`);
  return plans as Readonly<Record<string, unknown>>;
}

function write(file: string, text: string): void {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}-${Math.random().toString(36).slice(2)}`);
  try {
    fs.writeFileSync(beside, text);
    fs.renameSync(beside, file);
  } catch (fault) {
    fs.rmSync(beside, { force: true });
    refuse({ code: "KV5004", file, message: "the file cannot be written", got: fault instanceof Error ? fault.message : String(fault) });
  }
}
