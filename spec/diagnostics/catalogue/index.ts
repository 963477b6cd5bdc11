/**
 * @file Every diagnostic code, each with an example and its mend. KV1: source text. KV2: indices and sizes. KV3: tensors
 * given to a kernel. KV4: devices. KV5: files and command lines. KV6: models and caches.
 */

import { SOURCE } from "./source";
import { INDICES } from "./indices";
import { TENSORS } from "./tensors";
import { DEVICE } from "./device";
import { FILES } from "./files";
import { GRAPHS } from "./graphs";
import { MODELS } from "./models";
import { CACHES } from "./caches";
import { PLANS } from "./plans";
import { SHARDS } from "./shards";
import { SHELL } from "./shell";

export const CATALOGUE = { ...SOURCE, ...INDICES, ...TENSORS, ...DEVICE, ...FILES, ...GRAPHS, ...SHELL, ...SHARDS, ...PLANS, ...MODELS, ...CACHES } as const;

export type Code = keyof typeof CATALOGUE;
