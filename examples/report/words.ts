/** @file What the report says beside its figures. */

import { costOf, coupled, ONE_BIT, rowOf, spaced, type Weights } from "./comparison";
import { figure, verdict, type Findings } from "./findings";
import type { Format } from "./formats";
import { WINDOW, type Row } from "./rows";

export const INTRODUCTION = `# What cache formats cost

\`npm run report\` computes this page (the first time in more than an hour on one core; what is finished is kept in \`.kvern\`):
perplexity on held-out text, and the mean Kullback-Leibler divergence (KL, nats a token) of a model's predictions from its own at full precision, for formats of the key/value cache. Every key and value of the past
goes through its code, but for the newest ${WINDOW} tokens (the query's own included) in the rows that say so. Keys are coded before
they are rotated, unless a row says after.

- *INTn per channel*: evenly spaced numbers over the range that a channel had in the calibration text. *INTn per token*: over the range
  of a token's channels in a head, a scale and a zero in f16 each.
- *grid of n per channel*: n numbers of each channel learned by k-means, as KVQuant has them, without its outliers.
- *CQ-⟨c⟩c⟨b⟩b*: 2^b centroids for c neighbouring channels of a head, learned by k-means++ and 12 iterations at most; *fisher* weighs a token in
  a group by the sum of its squared gradients of the loss over the group's channels.
- Bytes per token: keys and values of all layers, packed as \`spec/formats.md\` says, in rows of whole words; where a head's codes are
  shorter than a word, the word counts. Full precision is f32; in f16 it would be half.

Figures over several k-means seeds are means, with the least and the largest. Two rows are *told apart* where every seed of the one is below
every seed of the other and the mean difference exceeds two standard errors over the held-out contexts, in which rows are paired. The forward pass is the plain one of \`examples/llama\` (weights and
activations f32, sums f64), which is faster than compiled kernels on a software device; \`test/report\` holds a compiled row to it.`;

export const COMPARISON = `## Beside the paper's table

Statements of CQ's paper, with its perplexities (5.68 in FP16; grids are KVQuant's without outliers), and whether they hold here for codebooks
learned with either weighting: yes, no, or not told apart, which is to say that seeds disagree or the difference is within two standard errors
over the held-out contexts. Where KL says something else than perplexity, it is named.`;

/** A share in hundredths; without a minus where nothing is left of it when it is rounded. */
const percent = (share: number): string => `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0).replace(/^-(?=[0.]+$)/, "").replace("-", "−")} %`;

/** Perplexities of LLaMA-7b on WikiText-2 in CQ's paper. */
export const PAPER = { exact: 5.68, int2: 11_779, gridOf2: 321.6, uniform8c8b: 32.12 } as const;

/** A figure of each model. */
const each = (all: readonly Findings[], of: (findings: Findings) => string): string => all.map((findings) => `${of(findings)} (${findings.name})`).join(", ");

/** Where the order is another than in the paper's table, and why; its figures are those of the tables above. */
export function reasons(all: readonly Findings[]): string {
  const cost = (format: Format, weights: Weights = "uniform", other: Partial<Row> = {}) => (findings: Findings): number => costOf(findings, rowOf(format, weights, other));
  const costs = (of: (findings: Findings) => number): string => each(all, (findings) => percent(of(findings)));
  const change = (format: Format): string => each(all, (findings) => `${shift(findings, format, "perplexity")} in perplexity, ${shift(findings, format, "divergence")} in KL`);
  const back = (findings: Findings): number => 1 - cost(ONE_BIT, "uniform", { window: WINDOW })(findings) / cost(ONE_BIT)(findings);
  return [
    `- Formats of single channels do not collapse here as they do there: INT2 per channel costs ${costs(cost(spaced(2)))} of the perplexity, where the paper goes from ${PAPER.exact} to ${PAPER.int2}, and a grid of 2 costs ${costs(cost(coupled(1, 1)))}, where it goes to ${PAPER.gridOf2}. Ranges and grids are fitted to text of the same kind as is scored, and these models have ${each(all, ({ shape }) => String(shape.layers))} layers for errors to pass through, not 32.`,
    `- CQ-8c8b, at 1 bit, and a grid of 4, at 2 bits, are as good as equal in the paper. Here the grid costs ${costs(cost(coupled(1, 2)))}, CQ-8c8b ${costs(cost(ONE_BIT))}: which is before the other is the model's.`,
    ...all.filter((findings) => findings.shape.headDim === 8 && verdict(findings, rowOf(ONE_BIT, "uniform"), rowOf(coupled(4, 8), "uniform"), "nll") === "lower").map(({ name }) => `- On ${name}, whose heads have 8 channels, codes of 8 channels are before codes of 4 at twice the bits. Squared error is not the reason: the best two codes of 4 channels err no more than the best one of 8. One code is a whole key or value there; whether that is the reason is not shown. The codes of a head fit into one word there, so that they all take the same bytes.`),
    `- At 4 bits formats that are fitted to channels are near full precision: CQ-2c8b costs ${costs(cost(coupled(2, 8)))}, a grid of 16 ${costs(cost(coupled(1, 4)))}, INT4 per channel ${costs(cost(spaced(4)))}. KL, which looks at all of a prediction and not at one token of it, tells more of them apart.`,
    `- Fisher weights do less here than there. They change CQ-8c8b by ${change(ONE_BIT)}; a grid of 2 by ${change(coupled(1, 1))}. In the paper plain k-means takes CQ-8c8b to ${PAPER.uniform8c8b}, and there is that much to mend; here it costs ${costs(cost(ONE_BIT))}.`,
    `- A window of the newest ${WINDOW} tokens takes back ${costs(back)} of what CQ-8c8b costs.`,
    "- Of KVQuant the grids alone are compared, not its 1 % of outliers in full precision, with which it is before CQ on C4 in the paper's table.",
  ].join("\n");
}

/** By how much Fisher weights change a figure. */
function shift(findings: Findings, format: Format, part: "perplexity" | "divergence"): string {
  const of = (weights: Weights): number => figure(findings, rowOf(format, weights), part)?.mean ?? NaN;
  const share = of("fisher") / of("uniform") - 1;
  return `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`;
}
