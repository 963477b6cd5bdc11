/**
 * @file A fold as the planner works on it: own axes and position renamed apart from every binder, a presence where
 * nothing else tells an empty side, and the values worth computing once for a position.
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../../spec/graph/builder";
import { children } from "../../../spec/graph/children";
import type { Index, Reduce, Slot, Store, Value } from "../../../spec/graph/node";
import type { Component, Domain, Fold, Repair } from "../../algebra/derived";
import { freeIndices, holdsSlot, openedOrder, openedParts, replaceOpened, slotsIn } from "../../algebra/opened";
import { infinitiesOf, isInfinite } from "../../kernel/infinities";

/** Binders open their axes at the first free number; from here on, numbers are the planner's. */
const APART = 1000;

/** An index that no binder opens. */
export function apart(builder: GraphBuilder, index: Index): Index {
  const k = Number(index.name.slice(index.name.lastIndexOf("@") + 1));
  if (k >= APART) return index;
  const renamed = builder.index(index.axis, index.extent, APART + k);
  if (renamed.kind !== "index") throw new InternalError(`${index.axis} has one position and an index`);
  return renamed;
}

/** Renames the free indices of a value. */
export function renamed(builder: GraphBuilder, value: Value): Value {
  const names = new Map<Value, Value>(freeIndices(builder, value).map((index) => [index, apart(builder, index)]));
  return names.size === 0 ? value : builder.substitute(value, names);
}

export const renamedStore = (builder: GraphBuilder, store: Store): Store => ({
  ...store, indices: store.indices.map((index) => renamed(builder, index)), value: renamed(builder, store.value),
});

/** A value over the fold's position that several readers share: computed once for its own axes and kept. */
export interface Staged {
  readonly name: string;
  readonly value: Value;
  /** Its free axes but the position, in the order of their names. */
  readonly axes: readonly Index[];
  /** What all its readers' guards have in common and it can be told. */
  readonly where: Value;
  /** Components of the same fold that it reads. */
  readonly reads: readonly string[];
}

export interface Prepared {
  readonly fold: Fold;
  readonly index: Index;
  readonly extent: Value;
  readonly components: readonly Component[];
  readonly staged: readonly Staged[];
  readonly domain: Domain;
  /** For a component that repairs read: how an empty side is told from others. */
  readonly presence: ReadonlyMap<string, Presence>;
  readonly pieces: readonly PreparedPiece[];
}

export interface PreparedPiece {
  readonly prepared: Prepared;
  /** Where the piece begins on the axis of the whole. */
  readonly offset: Value;
  /** What a component of the whole is called in the piece. */
  readonly names: Readonly<Record<string, string>>;
}

/** `always`: any position makes it not empty. `extreme`: by its own value. `counted`: by a component of op `any`. */
export type Presence = { readonly kind: "always" } | { readonly kind: "extreme" } | { readonly kind: "counted"; readonly component: string };

export const slotNames = (builder: GraphBuilder, value: Value): ReadonlySet<string> =>
  new Set(slotsIn(builder, value).map(({ name }) => name));

/** The component that a slot of a repair reads. */
export const baseName = (name: string): string => name.replace(/@(old|new)$/, "");

/** Replaces the slots of a value. */
export function readSlots(builder: GraphBuilder, value: Value, read: (slot: Slot) => Value | undefined): Value {
  return replaceOpened(builder, value, (node) => (node.kind === "slot" ? read(node) : holdsSlot(node) ? undefined : node));
}

export const repairText = (repair: Repair): Value | undefined => (repair.kind === "multiply" ? repair.factor : repair.kind === "add" ? repair.term : undefined);

/** The components that the repair of a component reads, itself not counted. */
export function readByRepair(builder: GraphBuilder, component: Component): readonly string[] {
  const text = repairText(component.repair);
  return text === undefined ? [] : [...new Set([...slotNames(builder, text)].map(baseName))];
}

/** Many plans begin with the same fold. */
const prepared = new WeakMap<Fold, { readonly always?: Prepared; readonly perhaps?: Prepared }>();

/** @param options `mayBeEmpty`: the side at hand may have no position at all, so that even without a guard its state may be empty */
export function prepare(builder: GraphBuilder, fold: Fold, { mayBeEmpty = false }: { readonly mayBeEmpty?: boolean } = {}): Prepared {
  const which = mayBeEmpty ? "perhaps" : "always";
  const known = prepared.get(fold);
  const had = known?.[which];
  if (had !== undefined) return had;
  const made = preparedAnew(builder, fold, mayBeEmpty);
  prepared.set(fold, { ...known, [which]: made });
  return made;
}

function preparedAnew(builder: GraphBuilder, fold: Fold, mayBeEmpty: boolean): Prepared {
  const rename = (value: Value): Value => renamed(builder, value);
  const domainOf = (domain: Domain): Domain => ({ lower: domain.lower.map(rename), upper: domain.upper.map(rename), exact: domain.exact });
  const components = fold.components.map((component): Component => {
    const { repair } = component;
    return {
      ...component,
      own: component.own.map((own) => apart(builder, own)),
      body: rename(component.body),
      where: rename(component.where),
      live: rename(component.live),
      repair: repair.kind === "multiply" ? { ...repair, factor: rename(repair.factor) } : repair.kind === "add" ? { ...repair, term: rename(repair.term) } : repair,
      domain: domainOf(component.domain),
    };
  });
  const index = apart(builder, fold.index);
  const { all, presence } = present(builder, components, mayBeEmpty);
  const pieces = fold.pieces.map(({ fold: piece, offset, names }) => ({ prepared: prepare(builder, piece, { mayBeEmpty }), offset, names }));
  return { fold, index, extent: fold.extent, components: all, staged: stagedOf(builder, fold.name, index, all), domain: domainOf(fold.domain), presence, pieces };
}

/** Adds, before each component that repairs read and that does not say itself whether it is empty, one that does. */
function present(builder: GraphBuilder, components: readonly Component[], mayBeEmpty: boolean): { readonly all: readonly Component[]; readonly presence: ReadonlyMap<string, Presence> } {
  const read = new Set(components.flatMap((component) => readByRepair(builder, component)));
  const presence = new Map<string, Presence>();
  const all: Component[] = [];
  for (const component of components) {
    if (read.has(component.name)) {
      if (component.where === builder.true && !mayBeEmpty) presence.set(component.name, { kind: "always" });
      else if ((component.op === "max" || component.op === "min") && !isInfinite(infinitiesOf(component.body))) presence.set(component.name, { kind: "extreme" });
      else {
        const name = `${component.name} present`;
        presence.set(component.name, { kind: "counted", component: name });
        all.push({
          name, op: "any", own: component.own, body: builder.true, where: component.where, reads: [], needs: component.needs, repair: { kind: "none" },
          extreme: undefined, live: builder.slot(name, component.own, builder.true.facts), domain: component.domain,
        });
      }
    }
    all.push(component);
  }
  return { all, presence };
}

const isHeavy = (node: Value): boolean => node.kind === "reduce" || (node.kind === "apply" && node.fn !== "floor" && node.fn !== "abs");

interface Use {
  readonly readers: Set<Component>;
  /** Whether it is wholly inside another node with the same readers. */
  covered: boolean;
}

/**
 * Nodes over the position that hold a reduction or a function of `Math`, read no axis bound inside the body, and are
 * shared by components or lack an axis of their reader. The outermost for each set of readers.
 */
function stagedOf(builder: GraphBuilder, fold: string, index: Index, components: readonly Component[]): readonly Staged[] {
  const uses = new Map<Value, Use>();
  const heavy = new Map<Value, boolean>();
  const weighs = (node: Value): boolean => {
    let known = heavy.get(node);
    if (known === undefined) {
      known = isHeavy(node) || openedParts(builder, node).some(weighs);
      heavy.set(node, known);
    }
    return known;
  };
  for (const component of components) {
    const walk = (node: Value, bound: ReadonlySet<string>, seen: Set<Value>): void => {
      if (!node.free.includes(index.name) || seen.has(node)) return;
      seen.add(node);
      if (node.kind !== "index" && node.kind !== "load" && !node.free.some((name) => bound.has(name)) && !node.facts.integer && weighs(node)) {
        const use = uses.get(node) ?? { readers: new Set<Component>(), covered: false };
        uses.set(node, use);
        use.readers.add(component);
      }
      if (node.kind === "reduce") {
        const opened = builder.open(node);
        const inner = new Set([...bound, opened.index.name]);
        walk(opened.where, inner, new Set());
        walk(opened.body, inner, new Set());
      } else for (const part of children(node)) walk(part, bound, seen);
    };
    walk(component.body, new Set(), new Set());
  }
  const names = new Set(components.map(({ name }) => name));
  const worth = [...uses].filter(([node, { readers }]) => {
    if (readers.size > 1) return true;
    const [only] = readers;
    return only !== undefined && node !== only.body && only.own.some(({ name }) => !node.free.includes(name));
  });
  const key = ({ readers }: Use): string => [...readers].map(({ name }) => name).sort().join("\n");
  const kept = worth.filter(([node, use]) => !worth.some(([other, otherUse]) => other !== node && key(otherUse) === key(use) && contains(builder, other, node)));
  const ordered = [...kept].sort(([a], [b]) => a.id - b.id);
  const all = ordered.map(([value, { readers }], at): Staged => {
    const axes = freeIndices(builder, value).filter((axis) => axis !== index);
    const known = new Set([...axes.map(({ name }) => name), index.name]);
    const guards = [...readers].map(({ where }) => (where.kind === "and" ? where.of : [where]));
    const [first = [], ...others] = guards;
    const shared = first.filter((guard) => guard.free.every((name) => known.has(name)) && others.every((other) => other.includes(guard)));
    const reads = [...slotNames(builder, value)].filter((name) => names.has(name));
    // What reads state may be computed only where that is not empty: where the readers' guards hold.
    const told = guards.every((guard) => guard.every((part) => part === builder.true || shared.includes(part)));
    return { name: `${fold} value ${at + 1}`, value, axes, where: builder.and(...shared), reads: told ? reads : ["untold", ...reads] };
  });
  return all.filter(({ reads }) => reads[0] !== "untold" || reads.length === 1).map((each) => (each.reads[0] === "untold" ? { ...each, reads: [] } : each));
}

function contains(builder: GraphBuilder, whole: Value, part: Value): boolean {
  return whole.id > part.id && openedOrder(builder, openedParts(builder, whole)).includes(part);
}

/** Reads staged values, but the one named, from where `read` finds them. */
export function readStaged(builder: GraphBuilder, value: Value, staged: readonly Staged[], read: (staged: Staged) => Value): Value {
  return stagedRead(builder, value, staged, (node, found) => (node === value ? undefined : read(found)));
}

/** As `readStaged`, where the value may be a staged one itself. */
export function readAnyStaged(builder: GraphBuilder, value: Value, staged: readonly Staged[], read: (staged: Staged) => Value): Value {
  return stagedRead(builder, value, staged, (_, found) => read(found));
}

function stagedRead(builder: GraphBuilder, value: Value, staged: readonly Staged[], read: (node: Value, found: Staged) => Value | undefined): Value {
  const by = new Map(staged.map((each) => [each.value, each]));
  // No axis of a staged value is bound around it: what lacks one that all of them have holds none of them.
  const [first, ...others] = staged;
  const all = first === undefined ? [] : first.value.free.filter((name) => others.every((other) => other.value.free.includes(name)));
  return replaceOpened(builder, value, (node) => {
    const found = by.get(node);
    if (found !== undefined) return read(node, found);
    return by.size === 0 || all.some((name) => !node.free.includes(name)) ? node : undefined;
  });
}

export const isReduce = (value: Value): value is Reduce => value.kind === "reduce";
