/** @file What the report's figures say of statements of CQ's paper: each with a verdict for each model, from the numbers. */

import { formatName } from "../llama/codebooks";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import { figure, verdict, type Findings } from "./findings";
import { nameOf, type Format } from "./formats";
import { WINDOW, type Row } from "./rows";

export const coupled = (couple: number, bits: number): Format => ({ kind: "coupled", couple, bits });
export const spaced = (bits: number): Format => ({ kind: "perChannel", bits });

export type Weights = "uniform" | "fisher";

/** Codes alone, keys before rotation; of any one seed. */
export const rowOf = (format: Format, weights: Weights, other: Partial<Row> = {}): Row => ({
  format, window: 0, keys: "before", ...(format.kind === "coupled" ? { weights, seed: 1 } : { weights: "none", seed: 0 }), ...other,
});

/** One row has a lower loss than another. */
interface Claim {
  readonly says: string;
  /** Of the paper's table, where it has them: perplexities of LLaMA-7b on WikiText-2. */
  readonly paper: string;
  readonly lower: (weights: Weights) => Row;
  readonly higher: (weights: Weights) => Row;
  /** Claims about the weighting itself are not made for each. */
  readonly weights?: readonly Weights[];
}

const below = (one: Format, other: Format, paper: string): Claim => ({
  says: `${nameOf(one)} below ${nameOf(other)}`,
  paper,
  lower: (weights) => rowOf(one, weights),
  higher: (weights) => rowOf(other, weights),
});

export const ONE_BIT = coupled(8, 8);

export const CLAIMS: readonly Claim[] = [
  below(coupled(2, 8), coupled(1, 4), "5.70, 5.73"),
  below(coupled(1, 4), spaced(4), "5.73, 5.98"),
  below(coupled(4, 8), coupled(1, 2), "5.97, 8.17"),
  below(coupled(1, 2), spaced(2), "8.17, 11779"),
  below(ONE_BIT, coupled(1, 1), "8.09, 321.6"),
  below(coupled(2, 8), coupled(4, 8), "5.70, 5.97"),
  below(coupled(4, 8), coupled(8, 10), "5.97, 6.78"),
  below(coupled(8, 10), ONE_BIT, "6.78, 8.09"),
  below(ONE_BIT, coupled(1, 2), "8.09, 8.17"),
  below(ONE_BIT, spaced(2), "8.09, 11779"),
  { says: `${formatName({ couple: 8, bits: 8 })}: fisher below uniform`, paper: "8.09, 32.12", lower: () => rowOf(ONE_BIT, "fisher"), higher: () => rowOf(ONE_BIT, "uniform"), weights: ["fisher"] },
  { says: `${formatName({ couple: 8, bits: 8 })}: with the newest ${WINDOW} in full below without`, paper: "yes", lower: (weights) => rowOf(ONE_BIT, weights, { window: WINDOW }), higher: (weights) => rowOf(ONE_BIT, weights) },
  { says: `${formatName({ couple: 8, bits: 8 })}: keys coded before rotation below after`, paper: "coded before", lower: (weights) => rowOf(ONE_BIT, weights), higher: (weights) => rowOf(ONE_BIT, weights, { keys: "after" }) },
];

const WEIGHTS: readonly Weights[] = ["fisher", "uniform"];

const SAYS = { lower: "yes", higher: "**no**", "not told apart": "not told apart" } as const;

/** By perplexity, and where that says something else, by KL too. */
export function answer(findings: Findings, { lower, higher }: Claim, weights: Weights): string {
  const of = (part: "nll" | "divergence") => verdict(findings, lower(weights), higher(weights), part);
  const [loss, divergence] = [of("nll"), of("divergence")];
  if (loss === undefined || divergence === undefined) return "";
  return loss === divergence ? SAYS[loss] : `${SAYS[loss]}; by KL ${SAYS[divergence]}`;
}

function missing(): never {
  throw new InternalError("the report compares a row that it does not have");
}

/** The statements with what each model's figures say of them. */
export function claimTable(all: readonly Findings[]): readonly (readonly string[])[] {
  const heading = ["", "paper, LLaMA-7b on WikiText-2", ...all.flatMap(({ name }) => WEIGHTS.map((weights) => `${name}, ${weights}`))];
  return [heading, ...CLAIMS.map((claim) => [claim.says, claim.paper, ...all.flatMap((findings) => WEIGHTS.map((weights) => ((claim.weights ?? WEIGHTS).includes(weights) ? answer(findings, claim, weights) : "")))])];
}

/** What a row's perplexity is above that at full precision, as a share of it. */
export function costOf(findings: Findings, of: Row): number {
  const exact = figure(findings, { format: { kind: "exact" }, window: 0, keys: "before", weights: "none", seed: 0 }, "perplexity") ?? missing();
  return ((figure(findings, of, "perplexity") ?? missing()).mean - exact.mean) / exact.mean;
}

/** The size of group that entropies are spoken of: the largest at which their estimate is not near its ceiling. */
const SPOKEN = 4;

/** The plot of entropies, and what it shows in two sentences. */
export function entropySection({ name, entropies }: Findings): string {
  const mean = (side: string, key: "marginals" | "joint" | "shuffled"): number => {
    const rows = entropies.rows.filter((each) => each.side === side && each.size === SPOKEN);
    return rows.reduce((sum, each) => sum + each[key].mean, 0) / rows.length;
  };
  const bits = (side: string): string => `${mean(side, "marginals").toFixed(1)} bits in sum and ${mean(side, "joint").toFixed(1)} together (${mean(side, "shuffled").toFixed(1)} if they were independent)`;
  const dependent = (["keys", "values"] as const).filter((side) => entropies.rows.every((each) => each.side !== side || each.size === 1 || each.joint.mean < each.shuffled.mean));
  const lower = dependent.length === 2 ? "In every layer, of keys and of values, neighbouring channels together have" : dependent.length === 1 ? `In every layer neighbouring channels of ${dependent.join()} together have` : "Not in every layer have neighbouring channels together";
  return [
    `![entropy of neighbouring channels by size of group](${name}-entropy.svg)`,
    "",
    `Entropies of the calibration vectors in ${entropies.bins} bins a channel, as in CQ's paper: ${SPOKEN} neighbouring channels of keys before rotation have ${bits("keys")}, of values ${bits("values")}.`,
    `${lower} less entropy than the same channels in orders of their own, which is what coupling rests on; no estimate can exceed the ${entropies.ceiling.toFixed(1)} bits of ${entropies.tokens.toLocaleString("en")} tokens, so that figures for 8 channels say little.`,
  ].join("\n");
}
