/** @file The plans that are offered for a graph, and those refused, one line each, in the order of their estimated times. */

import { show } from "../../compiler/algebra/show";
import type { Kernel } from "../../compiler/kernel/kernel";
import { enumeratePlans, shapeText, type Candidate } from "../../compiler/plan/fold/choose";
import { HARDWARE, SOFTWARE } from "../../compiler/plan/fold/cost";
import { specialise, type Specialised } from "../../compiler/plan/specialise";
import type { DeviceFeatures, DeviceLimits, Sizes } from "../../compiler/program";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";

/** Four digits: what a change of a rule or a weight moves shows, what rounding does not. */
export const digits = (cost: number): string => cost.toPrecision(4);

export const kernelText = (builder: GraphBuilder, { name, lanes, grid }: Kernel): string => `${name} (${lanes} × ${grid.map(({ extent }) => show(builder, extent)).join(" × ")})`;

/** The kernels of a plan. */
const kernelsOf = ({ scheduled: { kernels } }: Candidate, { builder }: Specialised): string => kernels.map((kernel) => kernelText(builder, kernel)).join(", ");

/** On both kinds of device; `of` is what is said of a plan beside its estimated time and its shape, `every` asks for plans that none would choose. */
export function offered(graph: Graph, set: Sizes, limits: DeviceLimits, features: DeviceFeatures = {}, of: (candidate: Candidate, specialised: Specialised) => string = kernelsOf, every = false): string {
  return [SOFTWARE, HARDWARE].flatMap((profile) => {
    const specialised = specialise(graph, set);
    const { builder, graph: special, fixed } = specialised;
    const { candidates, refused } = enumeratePlans(builder, special, { limits, profile, fixed, features, every });
    return [
      profile.name,
      ...candidates.map((candidate) => `  ${digits(candidate.cost)}  ${candidate.plan.choices.map(({ rule }) => `${rule}, `).join("")}${shapeText(candidate.plan)}: ${of(candidate, specialised)}`),
      ...refused.map(({ rule, at, why }) => `  refused ${rule} at ${at}: ${why}`),
    ];
  }).join("\n");
}
