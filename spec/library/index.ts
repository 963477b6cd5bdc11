/** @file The library, written in the language: a compiler inlines it and knows none of it by name. */

export { evenly } from "./evenly";
export { crossEntropy, logSumExp, softmax } from "./softmax";
