import * as operators from "./operators";

export const embedding = operators.embedding("f16");
export const attentionInputs = operators.attentionInputs("f16");
export const residual = operators.residual("f16");
export const feedForward = operators.feedForward("f16");
export const newestLogits = operators.newestLogits("f16");
export const allLogits = operators.allLogits("f16");
