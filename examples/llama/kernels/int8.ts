import * as operators from "./operators";

export const embedding = operators.embedding("int8");
export const attentionInputs = operators.attentionInputs("int8");
export const residual = operators.residual("int8");
export const feedForward = operators.feedForward("int8");
export const newestLogits = operators.newestLogits("int8");
export const allLogits = operators.allLogits("int8");
