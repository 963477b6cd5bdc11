/** @file Names in the block comments of what `kvern build` writes. */

import { printable } from "../../spec/diagnostics/printable";

/** A name, on one line, in which nothing ends the comment that it stands in. */
export const inComment = (name: string): string => printable(name).replaceAll("*/", "* /").replace(/[\n\u2028\u2029]/g, " ");
