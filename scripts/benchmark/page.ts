/** @file What the benchmark of a decode step loads into a page of a browser. */

import { costs, type Costs } from "./costs";
import { compare, type Asked, type Result } from "./decode";
import type { GpuJsMode } from "../../runtime/gpujs/library";

/** What is done in a page: steps compared, or what gpu.js itself takes. */
export type Request = Asked | { readonly modes: readonly GpuJsMode[] };

const report = (request: Request): Promise<readonly Result[] | readonly Costs[]> => ("modes" in request ? costs(request.modes) : compare(request));

Object.assign(globalThis, { report });
