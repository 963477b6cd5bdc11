/**
 * @file What comes of a plan in which one thing was changed, as in a file that was damaged or edited: it is refused with a
 * reason, or its kernels compute what the interpreter does. Nothing breaks, and nothing is computed wrongly.
 */

import { describe, expect, test } from "vitest";
import { Random } from "../../bin/fuzz/random";
import { StaleChoice } from "../../compiler/algebra/choices";
import { enumeratePlans, replayPlan, type Candidate } from "../../compiler/plan/fold/choose";
import { HARDWARE, SOFTWARE } from "../../compiler/plan/fold/cost";
import type { FusedPlan } from "../../compiler/plan/fold/plan";
import { specialise } from "../../compiler/plan/specialise";
import { PROGRAMS, SMALL } from "../algebra/programs";
import { drawn, expectHeld } from "../every-plan/held";
import { altered } from "./altered";
import { LIMITS } from "./limits";

/** Plans of a program that are changed for each kind of device, one change of so many that is tried, and changes that are simulated. */
const EVERY = process.env["KVERN_EVERY_PLAN"] === "all";
const [PLANS, TRIED, SIMULATED] = EVERY ? [100, 1, Infinity] : [4, 7, 6];
const TOKENS = 150;

describe("an altered plan is refused, or right", { timeout: EVERY ? 7_200_000 : 120_000 }, () => {
  test.each(["plain", "coded", "rotated", "window", "tail", "softCap", "rms", "layer", "logTotal"] as const)("of %s", async (name) => {
    const random = new Random(name.length);
    const { graph } = PROGRAMS[name](SMALL);
    const sizes = Object.fromEntries(graph.axes.flatMap(({ name: axis, extent }) => (extent === undefined ? [[axis, axis === "token" ? TOKENS : axis === "coded" ? 100 : axis === "tail" ? 50 : 7]] : [])));
    const specialised = specialise(graph, {});
    const { builder, graph: special, fixed } = specialised;
    const measured = drawn(graph, sizes, 5, {}, TOKENS);
    const reasons = new Map<string, number>();
    let [held, all] = [0, 0];
    for (const profile of [HARDWARE, SOFTWARE]) {
      const options = { limits: LIMITS, profile, fixed, features: {} };
      const { candidates } = enumeratePlans(builder, special, options);
      const some = candidates.length <= PLANS ? candidates : Array.from({ length: PLANS }, (_, k) => candidates[Math.floor((k * candidates.length) / PLANS)]).filter((each) => each !== undefined);
      const plans: readonly FusedPlan[] = some.flatMap(({ plan }) => [...altered(plan, special.axes.map(({ name: axis }) => axis))]).filter(() => random.oneIn(TRIED));
      for (const plan of plans) {
        all++;
        const made = replayed(plan);
        if (typeof made === "string") {
          expect(made.length, JSON.stringify(plan)).toBeGreaterThan(10);
          expect(made).not.toMatch(/undefined|NaN|\[object/);
          const reason = made.startsWith("internal: the plan asks for") ? "a choice that is not offered" : made.replaceAll(/\d+/g, "#");
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        } else if (random.whole(1, plans.length) <= SIMULATED) held += simulated(plan, made);
      }
      function simulated(plan: FusedPlan, made: Candidate): number {
        try {
          return expectHeld(specialised, made, measured, JSON.stringify(plan));
        } catch (fault) {
          throw new Error(`${JSON.stringify(plan)}: ${String(fault)}`, { cause: fault });
        }
      }
      function replayed(plan: FusedPlan): ReturnType<typeof replayPlan> {
        try {
          return replayPlan(builder, special, plan, options);
        } catch (fault) {
          if (fault instanceof StaleChoice) return fault.message;
          throw new Error(`${JSON.stringify(plan)}: ${String(fault)}`, { cause: fault });
        }
      }
    }
    expect(held).toBeGreaterThan(0);
    const text = [`${all} plans`, ...[...reasons].map(([reason, count]) => `${count} refused: ${reason}`).sort()];
    if (EVERY) console.log(`${name}: ${held} elements held\n${text.join("\n")}`);
    else await expect(`${text.join("\n")}\n`).toMatchFileSnapshot(`../golden/altered/${name}.txt`);
  });
});
