/** @file What the benchmark of a decode step loads into a page of a browser. */

import { compare, overheads, type Asked, type Overhead, type Result } from "./decode";
import type { GpuJsMode } from "../../runtime/gpujs/library";

/** What is done in a page: steps compared, or what gpu.js itself takes. */
export type Request = Asked | { readonly modes: readonly GpuJsMode[] };

const report = (request: Request): Promise<readonly Result[] | readonly Overhead[]> => ("modes" in request ? overheads(request.modes) : compare(request));

Object.assign(globalThis, { report });
