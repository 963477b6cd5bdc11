/**
 * @file Choices: rewrites that are legal but do not always pay. They are listed with proof and cost, and made only where
 * a plan asks; a plan whose site is gone is refused.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Span, Value } from "../../spec/graph/node";
import { openedOrder, placeOf, replaceOpened } from "./opened";
import type { Attempt } from "./attempt";
import type { Choice, Firing, Refusal } from "./derived";
import { group } from "./group";
import { align, unroll } from "./pair";
import { show } from "./show";
import { tabulate } from "./tabulate";
import { type AxisSizes, workOf } from "./work";

/** In the order in which a plan makes them: pairing first, since it changes what depends on what. */
export const CHOICES: readonly Attempt[] = [unroll, align, tabulate, group];

export interface Listed {
  readonly choices: readonly Choice[];
  readonly refused: readonly Refusal[];
}

/** A node's text, cut short, with a hash of the whole: readable, and still one node's own. */
export function siteOf(builder: GraphBuilder, node: Value): string {
  const text = show(builder, node);
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return text.length <= 80 ? text : `${text.slice(0, 68)}… #${(hash >>> 0).toString(16).padStart(8, "0")}`;
}

interface Site { readonly site: string; readonly parameters: Readonly<Record<string, string>>; readonly proof: string; readonly span: Span | undefined }

/** Tries a rule everywhere, outermost first; replaces where `take` agrees. */
function everywhere(builder: GraphBuilder, graph: Graph, attempt: Attempt, take: (site: Site) => boolean, miss: (refusal: Refusal) => void): Graph {
  const done = new Map<Value, Value>();
  const made = new Map<Value, Site>();
  const missed = new Map<Value, string>();
  const into = (value: Value): Value =>
    replaceOpened(builder, value, (node) => {
      if (made.has(node)) return undefined;
      const found = attempt.try(builder, graph, node);
      if (found === undefined) return undefined;
      if ("why" in found) {
        missed.set(node, found.why);
        return undefined;
      }
      const site = { site: siteOf(builder, node), parameters: found.parameters, proof: found.proof, span: placeOf(builder, node) };
      made.set(node, site);
      return take(site) ? found.value : undefined;
    }, done);
  const stores = graph.stores.map((store) => {
    const value = into(store.value);
    return value === store.value ? store : { ...store, value };
  });
  // What was missed around a site that was found is no refusal: the rule fired at the right size.
  for (const [node, why] of missed) {
    const below = new Set(openedOrder(builder, [node]));
    if ([...made.keys(), ...missed.keys()].some((other) => other !== node && below.has(other))) continue;
    miss({ rule: attempt.rule, at: siteOf(builder, node), why, span: placeOf(builder, node) });
  }
  if (stores.every((store, at) => store === graph.stores[at])) return graph;
  const known = new Set(graph.axes.map(({ name }) => name));
  const fresh = new Map<string, number>();
  for (const node of openedOrder(builder, stores.map(({ value }) => value))) {
    if (node.kind === "index" && !known.has(node.axis) && node.extent.kind === "constant") fresh.set(node.axis, node.extent.value);
  }
  return { ...graph, axes: [...graph.axes, ...[...fresh].map(([name, extent]) => ({ name, extent }))], stores };
}

/** The choices a graph offers now, with their cost for these sizes; made one by one, since one may open or close another. */
export function listChoices(builder: GraphBuilder, graph: Graph, sizes: AxisSizes, rules: readonly Attempt[] = CHOICES): Listed {
  const choices: Choice[] = [];
  const refused = new Map<string, Refusal>();
  const without = workOf(builder, graph, sizes);
  for (const attempt of rules) {
    const sites = new Map<string, Site>();
    everywhere(builder, graph, attempt, (site) => {
      sites.set(keyOf({ ...site, rule: attempt.rule }), site);
      return true;
    }, (refusal) => void refused.set(`${refusal.rule} ${refusal.at}`, refusal));
    for (const [key, site] of sites) {
      const changed = everywhere(builder, graph, attempt, (other) => keyOf({ ...other, rule: attempt.rule }) === key, () => undefined);
      choices.push({ rule: attempt.rule, site: site.site, parameters: site.parameters, proof: site.proof, cost: { without, with: workOf(builder, changed, sizes) }, span: site.span });
    }
  }
  return { choices, refused: [...refused.values()] };
}

type Wanted = Pick<Choice, "rule" | "site" | "parameters">;

const keyOf = ({ rule, site, parameters }: Wanted): string => JSON.stringify([rule, site, Object.entries(parameters).sort()]);

/** A plan asks for a choice that the graph does not offer: it was made for another program, or another version. */
export class StaleChoice extends InternalError {
  constructor(readonly choice: Wanted, readonly offered: readonly string[]) {
    super(`the plan asks for ${choice.rule} at ${choice.site}, which this graph does not offer${offered.length === 0 ? "" : `; it offers ${offered.join("; ")}`}`);
    this.name = "StaleChoice";
  }
}

/**
 * Makes the choices of a plan, in its order.
 * @param made hears of each
 * @throws StaleChoice where a site is gone.
 */
export function applyChoices(builder: GraphBuilder, graph: Graph, choices: readonly Wanted[], rules: readonly Attempt[] = CHOICES, made: (firing: Firing) => void = () => undefined): Graph {
  let current = graph;
  for (const choice of choices) {
    const attempt = rules.find(({ rule }) => rule === choice.rule);
    const offered: string[] = [];
    const wanted = keyOf(choice);
    if (attempt !== undefined) {
      current = everywhere(builder, current, attempt, (site) => {
        const key = keyOf({ ...site, rule: attempt.rule });
        if (key === wanted && !offered.includes(key)) made({ rule: attempt.rule, at: site.site, proof: site.proof, span: site.span });
        offered.push(key);
        return key === wanted;
      }, () => undefined);
    }
    if (!offered.includes(wanted)) throw new StaleChoice(choice, offered);
  }
  return current;
}
