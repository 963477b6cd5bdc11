import * as operators from "./operators";

export const embedding = operators.embedding("f32");
export const attentionInputs = operators.attentionInputs("f32");
export const residual = operators.residual("f32");
export const feedForward = operators.feedForward("f32");
export const newestLogits = operators.newestLogits("f32");
export const allLogits = operators.allLogits("f32");
