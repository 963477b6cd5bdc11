/**
 * @file The passes of the algebra, in order, on one page.
 *
 *     simplify   in the factories of `GraphBuilder`: normal forms, ranges, affine indices; each step shrinks
 *     divisors   an open size that divides is at least 1                                                     divisors.ts
 *     known      a loop that no input reaches is a constant                                                   known.ts
 *     split      an axis used through ⌊·/k⌋, ·%k or ·<k becomes its digits                                   split.ts
 *     hoist      in the factories: what does not depend on a loop leaves it
 *     choices    unroll | align | tabulate | group, those of the plan, in its order                          choices.ts
 *     fold       cascades of reductions over one axis become one pass with repairs, or several               folds.ts
 *     domain     loop bounds from guards                                                                     domain.ts
 *     cut        parts of an axis with bodies of their own; a choice, made of what was folded                   cut.ts
 *
 * Choices come before folding, since a fold keeps ordinary expressions as bodies and is derived anew in milliseconds.
 * Splitting comes first, since it shows what depends on what; cutting last, since two loops cut apart before folding
 * would depend on each other.
 */

import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph } from "../../spec/graph/node";
import { applyChoices, CHOICES } from "./choices";
import { applyCuts } from "./cut";
import type { AlgebraRecord, Choice, Derived, Firing } from "./derived";
import type { Rules } from "./components";
import { deriveFolds, RULES } from "./folds";
import { divisors } from "./divisors";
import { known } from "./known";
import { split } from "./split";

/** A graph as the passes hand it on, with what they did so far. */
export interface Passed { readonly graph: Graph; readonly record: AlgebraRecord }

export interface Pass {
  readonly name: string;
  readonly why: string;
  readonly run: (builder: GraphBuilder, graph: Graph) => Passed;
}

/** The passes that every graph goes through before its choices are listed. */
export const CANONICAL: readonly Pass[] = [
  { name: "divisors", why: "a quotient by a size is then known to be finite, and leaves reductions also where the size is open", run: divisors },
  { name: "known", why: "what no input decides is computed once and for all, and its range is known", run: known },
  { name: "split", why: "heads that share a key, channels of one code and rotated pairs get axes of their own", run: split },
];

/** Every set of choices begins with the same passes. */
const brought = new WeakMap<Graph, Passed>();

/** The graph on which choices are listed. `builder` is the one that made the graph. */
export function canonical(builder: GraphBuilder, graph: Graph): Passed {
  let passed = brought.get(graph);
  if (passed === undefined) brought.set(graph, (passed = broughtToForm(builder, graph)));
  return passed;
}

function broughtToForm(builder: GraphBuilder, graph: Graph): Passed {
  let current: Passed = { graph, record: { fired: [], refused: [] } };
  for (const pass of CANONICAL) {
    const next = pass.run(builder, current.graph);
    current = { graph: next.graph, record: joined(current.record, next.record) };
  }
  return current;
}

type Wanted = Pick<Choice, "rule" | "site" | "parameters">;

/** What is derived without any choice: asked for before plans are made, and by one of them. */
const plain = new WeakMap<Graph, Derived>();

/**
 * Everything: canonical passes, the choices of a plan, folds.
 * @throws StaleChoice where the plan was made for another graph.
 */
export function derive(builder: GraphBuilder, graph: Graph, choices: readonly Wanted[] = [], rules: Rules = RULES): Derived {
  if (choices.length > 0 || rules !== RULES) return derivedWith(builder, graph, choices, rules);
  let derived = plain.get(graph);
  if (derived === undefined) plain.set(graph, (derived = derivedWith(builder, graph, [], rules)));
  return derived;
}

function derivedWith(builder: GraphBuilder, graph: Graph, choices: readonly Wanted[], rules: Rules): Derived {
  const split = canonical(builder, graph);
  const fired: Firing[] = [];
  const cuts = choices.filter(({ rule }) => rule === "cut");
  const chosen = applyChoices(builder, split.graph, choices.filter(({ rule }) => rule !== "cut"), CHOICES, (firing) => fired.push(firing));
  const derived = applyCuts(builder, deriveFolds(builder, chosen, rules), cuts);
  return { ...derived, record: joined(joined(split.record, { fired, refused: [] }), derived.record) };
}

const joined = (a: AlgebraRecord, b: AlgebraRecord): AlgebraRecord => ({ fired: [...a.fired, ...b.fired], refused: [...a.refused, ...b.refused] });
