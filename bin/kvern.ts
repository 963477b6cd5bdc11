#!/usr/bin/env node
/** @file The command `kvern`. */

import { shell } from "./shell";

// A reader that stops early, such as `head`, is no fault.
process.stdout.on("error", (fault: NodeJS.ErrnoException) => {
  if (fault.code !== "EPIPE") throw fault;
});
await shell(process.argv.slice(2));
