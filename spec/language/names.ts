/** @file Names of inputs, storages and outputs are identifiers: a dot separates an input from its storage. */

import { refuse } from "../diagnostics/diagnostic";
import { IDENTIFIER } from "../tensor";

/** @throws KvernError KV3008 for a key of `record` that is not an identifier. */
export const checkNames = (what: string, record: object): void => {
  for (const name of Object.keys(record)) {
    if (!IDENTIFIER.test(name)) refuse({ code: "KV3008", message: `${what} cannot be called ${JSON.stringify(name)}`, expected: "an identifier" });
  }
};
