/** @file The kernels of `examples/attention.ts`, by the same names, for models that rotate channels 2p and 2p + 1 together. */

import { decodingCoupled, decodingExact, encoding, prefillingCoupled, prefillingExact } from "../../attention";

export const decodeExact = decodingExact("interleaved");
export const prefillExact = prefillingExact("interleaved");

export const encode2c8b = encoding(2, 8);
export const decode2c8b = decodingCoupled("interleaved", 2, 8);
export const prefill2c8b = prefillingCoupled("interleaved", 2, 8);

export const encode4c8b = encoding(4, 8);
export const decode4c8b = decodingCoupled("interleaved", 4, 8);
export const prefill4c8b = prefillingCoupled("interleaved", 4, 8);

export const encode8c8b = encoding(8, 8);
export const decode8c8b = decodingCoupled("interleaved", 8, 8);
export const prefill8c8b = prefillingCoupled("interleaved", 8, 8);
