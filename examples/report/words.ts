/** @file What the report says beside its figures. */

import { WINDOW } from "./rows";

export const INTRODUCTION = `# What cache formats cost

\`npm run report\` computes this page: perplexity on held-out text, and the mean Kullback-Leibler divergence (KL, nats a token)
of a model's predictions from its own at full precision, for formats of the key/value cache. Every key and value of the past
goes through its code, but for the newest ${WINDOW} tokens (the query's own included) in the rows that say so. Keys are coded before
they are rotated, unless a row says after.

- *INTn per channel*: evenly spaced numbers over the range that a channel had in the calibration text. *INTn per token*: over the range
  of a token's channels in a head, a scale and a zero in f16 each.
- *grid of n per channel*: n numbers of each channel learned by k-means, as KVQuant has them, without its outliers.
- *CQ-⟨c⟩c⟨b⟩b*: 2^b centroids for c neighbouring channels of a head, learned by k-means++ and 12 iterations at most; *fisher* weighs a token in
  a group by the sum of its squared gradients of the loss over the group's channels.
- Bytes per token: keys and values of all layers, packed as \`spec/formats.md\` says, in rows of whole words; where a head's codes are
  shorter than a word, the word counts. Full precision is f32; in f16 it would be half.

Figures over several k-means seeds are means, with the least and the largest. Nothing is claimed of a difference that lies inside such a
range, or of rows with one seed that differ by less than ranges beside them. The forward pass is the plain one of \`examples/llama\` (weights and
activations f32, sums f64), which is faster than compiled kernels on a software device; \`test/report\` holds a compiled row to it.`;

export const COMPARISON = `## Beside the paper's table

CQ's paper has LLaMA-7b on WikiText-2 (perplexity 5.68 in FP16): INT4 5.98 and INT2 11779; KVQuant without outliers 5.73, 8.17 and 321.6 with 4, 2 and 1 bit; CQ-2c8b 5.70, CQ-4c8b 5.97,
CQ-8c10b 6.78, CQ-8c8b 8.09. For tales:

- At 2 bits and at 1 the order is the paper's: coupled centroids before grids of single channels, grids before even spacing. CQ at 1 bit does better than INT2.
- At 4 bits perplexity tells nothing apart: some formats come out below full precision. By KL the order is the same.
- Even spacing and grids do not collapse as they do there (INT2: four units above full precision, not thousands; a grid of 2: below twice). Ranges and grids are
  fitted here to text of the same kind as is scored, and the model has four layers for errors to pass through, not thirty-two.
- Fisher weights do not do here what they do there (CQ-8c8b: from 32.12 to 8.09). They help grids of few levels, at 2 bits and at 1, in perplexity and in KL. Of CQ-8c8b they lower KL
  and raise perplexity a little, in each of three seeds. Why is not shown; plain k-means leaves them little to mend here, where it costs a tenth of the perplexity and not five times as much.
- A window of the newest 32 tokens takes back about half of what a 1-bit cache costs, as in the paper.`;
