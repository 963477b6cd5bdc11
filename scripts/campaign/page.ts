/** @file What a campaign loads into a page of a browser. */

import { searching } from "./searching";

Object.assign(globalThis, { report: searching((prepare) => prepare) });
