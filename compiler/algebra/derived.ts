/**
 * @file What the algebra hands to the planner: the rewritten graph, the folds derived from it, the stores over their
 * results, and a record of what was done and what was refused. Plain data; every `Value` belongs to one `GraphBuilder`.
 *
 *     derived    ::= graph, fold…, finish…, step…               folds in order of dependence: one reads only earlier ones
 *     fold       ::= axis[extent] at index, component…          one pass over the positions of one axis
 *     component  ::= name[own…] op= body where guard, repair    in order of dependence
 *     repair     ::= none | × factor | + term
 *     finish     ::= output[index…] = value over slots
 *
 * A *slot* node `name[index…]` reads a component; its indices are values for the component's own axes, in their order.
 *
 * - In `body` and `where` of a component, a slot of the same fold stands for that component's value *after* the element
 *   (or tile) at hand has been taken in; a slot of an earlier fold for its final value.
 * - In a repair, `name@old` and `name@new` (`oldSlot`, `newSlot`) stand for a component before and after the change.
 * - In a finish, a slot stands for the final value; of a component that took in nothing, the identity of its `op`
 *   (sum 0, max −∞, min +∞, argmax and argmin 0, any false).
 *
 * **State.** Each element of a component is *optional*: empty until its guard has held for some position. An empty side
 * is the unit of `merge` and is never computed with: a repair applies to elements that are not empty, and then every
 * component that it reads is not empty either, on both sides (that is what `Component.live` rests on).
 *
 * **Meaning.** With ⊕ the operator, lifted to optional values, and R_c(v; old → new) the repair of component c:
 *
 *     merge(a, b): for c in order:  new.c = R_c(a.c; a → new) ⊕ R_c(b.c; b → new)
 *     step(s, t):  for c in order:  new.c = R_c(s.c; s → new) ⊕ (where_c(t, new) ? body_c(t, new) : empty)
 *
 * so a step is a merge with a single position, a tile step reduces the tile first and then joins it once, and partial
 * results of tiles, parts and machines meet in `merge`, which is associative and commutative over the reals on states
 * that folding can reach.
 */

import type { Graph, Index, ReduceOperator, Span, Store, Value } from "../../spec/graph/node";

export interface Derived {
  /** After split, hoist and the choices of the plan; the folds were derived from it. */
  readonly graph: Graph;
  readonly folds: readonly Fold[];
  /** One for each store of the graph, in its order. No reduction over the axis of a fold is left that a component computes. */
  readonly stores: readonly Finish[];
  readonly record: AlgebraRecord;
}

/** A store whose value reads components through slots, and inputs; `indices` and free axes are those of the graph's store. */
export type Finish = Store;

/** One pass over the positions of `axis`. */
export interface Fold {
  /** Unique within the `Derived`: the axis, then ` 2`, ` 3`, … for further folds over the same axis. */
  readonly name: string;
  readonly axis: string;
  readonly extent: Value;
  /** The position, free in bodies and guards. No component has it among its own axes. */
  readonly index: Index;
  /**
   * 0, or one more than the pass of the fold over the same axis whose finished components this one needs although
   * no repair was found: `because` says why.
   */
  readonly pass: number;
  readonly because: readonly Refusal[];
  readonly components: readonly Component[];
  /** Positions outside change no component: a hull of the components' own domains. */
  readonly domain: Domain;
  /** Where a condition of a body changes along the axis: cuts such that between two of them the bodies get simpler. */
  readonly cuts: readonly Value[];
  /** The fold again, cut at its `cuts`, where a plan asks for it: pieces whose states meet in `merge`. Otherwise none. */
  readonly pieces: readonly Piece[];
  /**
   * Whether the outputs stay the same if the components named here lag behind (are a value of some shorter prefix) and
   * all others are repaired to it: a plan may then rescale rarely. Empty where the outputs do not permit it.
   */
  readonly stale: readonly string[];
}

/** A part of a fold's axis with bodies of its own: positions `offset` + the index of `fold`. */
export interface Piece {
  readonly offset: Value;
  /** Over an axis of its own. Components that can take in nothing there are left out. */
  readonly fold: Fold;
  /** What a component of the whole is called in the piece. */
  readonly names: Readonly<Record<string, string>>;
}

/** A part of a fold's state: one optional value for every position of its own axes. */
export interface Component {
  /** The name of its slots, unique within the `Derived`. */
  readonly name: string;
  readonly op: ReduceOperator;
  /** Free indices, each of a different name; the state has one element per combination of positions. */
  readonly own: readonly Index[];
  /** Free in `index` of the fold and in `own`. For argmax and argmin, what is compared. */
  readonly body: Value;
  /** The element at `index` counts only where this holds. Never reads a component of the same fold. */
  readonly where: Value;
  /** Components of the same fold that `body` or `repair` reads: earlier in the list. */
  readonly reads: readonly string[];
  /** Components of earlier folds that `body` or `where` reads: final, so constants of this fold. */
  readonly needs: readonly string[];
  readonly repair: Repair;
  /**
   * For argmax and argmin: the component, a max or min of the same body and guard, that holds the extreme value. A new
   * position wins if its body beats that value, or equals it and the position is lower.
   */
  readonly extreme: string | undefined;
  /** The slot as others of the fold read it: with what is known of the value when it is not empty. */
  readonly live: Value;
  /** The part of the axis on which `where` can hold. */
  readonly domain: Domain;
}

/**
 * What becomes of a component's value when the components it reads move on. With f(t, m) the body and m → m′:
 * `multiply`: f(t, m′) = factor · f(t, m) for all t. `add`: the reduction of f(·, m′) is that of f(·, m) plus `term`.
 * Expressions are over `@old` and `@new` slots, own axes and inputs, never over the fold's position.
 */
export type Repair =
  | { readonly kind: "none" }
  | { readonly kind: "multiply"; readonly factor: Value; readonly proof: RepairProof }
  | { readonly kind: "add"; readonly term: Value; readonly proof: RepairProof };

export interface RepairProof {
  /**
   * `atMostOne`: 0 ≤ factor ≤ 1, so a repair never overflows. `computed`: the factor is a value that the source itself
   * computes at the position of the extreme. `exact`: a difference of references, finite like them.
   */
  readonly range: "atMostOne" | "computed" | "exact";
  /** One sentence, for people. */
  readonly text: string;
}

/**
 * Bounds of a loop, as integer values free of the loop's position: position ≥ each of `lower`, position < each of
 * `upper` (0 and the extent are understood). `exact`: the guard holds at every position inside.
 */
export interface Domain {
  readonly lower: readonly Value[];
  readonly upper: readonly Value[];
  readonly exact: boolean;
}

/** A rewrite that was considered and not made. */
export interface Refusal {
  readonly rule: string;
  /** Where, in the notation of `show`. */
  readonly at: string;
  /** What stood in the way, and where it helps, what would be legal. */
  readonly why: string;
  /** Where the user wrote it; absent for what is no part of the program, such as a plan. */
  readonly span?: Span | undefined;
}

/** A rewrite that was made. */
export interface Firing {
  readonly rule: string;
  readonly at: string;
  /** Why it is legal, where the rule has more to say than its law. */
  readonly proof?: string;
  /** Where the user wrote it. */
  readonly span?: Span | undefined;
}

export interface AlgebraRecord {
  readonly fired: readonly Firing[];
  readonly refused: readonly Refusal[];
}

/**
 * A rewrite that a plan may make or leave: legal (`proof` says why), with what it costs. Plain text, so that a plan can
 * be stored; `rule`, `site` and `parameters` find it again, and `applyChoices` refuses a plan whose site is gone.
 */
export interface Choice {
  readonly rule: "unroll" | "align" | "tabulate" | "group" | "cut";
  /** The node rewritten, in the notation of `show`; of a cut, the fold and the points. */
  readonly site: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly proof: string;
  /** Work of the whole graph with this choice alone, and without it, for the sizes the choices were listed for. */
  readonly cost: { readonly without: Work; readonly with: Work };
  /** Where the user wrote it. */
  readonly span?: Span | undefined;
}

/** What a graph costs when every value is computed once for each combination of its free axes. */
export interface Work {
  /** Elements read from inputs and tables. */
  readonly loads: number;
  /** Additions, multiplications, comparisons, selections. */
  readonly operations: number;
  /** Divisions, roots, exponentials and other functions. */
  readonly special: number;
}
