/** @file What a rule that is a choice looks like: it is tried on an opened node and gives what to put there, or why not. */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import type { Choice } from "./derived";

export interface Replacement {
  readonly value: Value;
  readonly parameters: Readonly<Record<string, string>>;
  /** Why it is legal, in one sentence. */
  readonly proof: string;
}

export interface Attempt {
  readonly rule: Choice["rule"];
  /** Before → after, and under which condition. */
  readonly law: string;
  /** Undefined where the rule has nothing to do with the node; `why` at a near miss. */
  readonly try: (builder: GraphBuilder, graph: Graph, node: Value) => Replacement | { readonly why: string } | undefined;
}
