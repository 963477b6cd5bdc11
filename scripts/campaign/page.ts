/** @file What a campaign loads into a page of a browser. */

import { searching } from "./searching";

const beat = (): void => (globalThis as { readonly beat?: () => void }).beat?.();

Object.assign(globalThis, { report: searching((prepare) => prepare, beat) });
