/** @file The library, written in the language: a compiler inlines it and knows none of it by name. */

export { gelu, sigmoid, silu, softCap } from "./activations";
export { attention, type Attending, type AttentionAxes } from "./attention";
export { alibi, alibiSlope } from "./alibi";
export { concatenated, type Piece } from "./concatenated";
export { addMask, causal, masked, prefix, slidingWindow } from "./masks";
export { dot, linear } from "./products";
export { rope, ropeInterleaved } from "./rope";
export { crossEntropy, logSumExp, softmax } from "./softmax";
export { layerNorm, mean, rmsNorm, variance } from "./statistics";
