/**
 * @file A fold without barriers: dispatches in which each invocation computes elements by itself.
 *
 *     staged values (no state)   one element per position
 *     tiles                      for each tile: the components without axes of their own, and staged values that read them
 *     parts                      each component over the tiles of a part, repaired to the part's reference
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Index, Value } from "../../../spec/graph/node";
import type { Component } from "../../algebra/derived";
import { infinitiesOf, isInfinite } from "../../kernel/infinities";
import type { Kernel } from "../../kernel/kernel";
import { ceilDivide, GRID, sizeOf, type Shares } from "./axes";
import { autoShares, axesOf, mapKernel, type MapRoles, type Task } from "./map";
import type { ChainPlan } from "./plan";
import { readAnyStaged, readStaged, type Prepared, type Staged } from "./prepare";
import { asRead, asStored, Coarser, joinOf, liveTest, mayBeInfinite, named, repaired, resolve, storedFacts, type ReadState, type Source } from "./state";
import { PlanRefused, type Workshop } from "./workshop";

export interface Chained {
  readonly kernels: readonly Kernel[];
  /** The states of parts. */
  readonly parts: Source;
}

export function chainFold(workshop: Workshop, fold: Prepared, plan: ChainPlan): Chained {
  return new Chain(workshop, fold, plan).make();
}

class Chain {
  readonly #w: Workshop;
  readonly #fold: Prepared;
  readonly #plan: ChainPlan;
  readonly #kernels: Kernel[] = [];
  readonly #name: string;

  constructor(workshop: Workshop, fold: Prepared, plan: ChainPlan) {
    this.#w = workshop;
    this.#fold = fold;
    this.#plan = plan;
    this.#name = fold.fold.name;
    if (plan.part % plan.tile !== 0) throw new PlanRefused(`a part of ${plan.part} positions is not whole tiles of ${plan.tile}`);
    for (const component of fold.components) {
      if (component.extreme !== undefined && component.repair.kind !== "none") throw new PlanRefused(`${component.name} is a position that is repaired`);
      if (component.op === "sum" && component.live.facts.integer && component.body !== workshop.builder.one) throw new PlanRefused(`${component.name} sums integers, which a partial sum in f32 would round`);
    }
  }

  #declare(name: string, shape: readonly Value[], infinite: boolean): void {
    this.#w.declare({ name, shape, element: { kind: "f32" }, space: "buffer", infinite });
  }

  #shares(axes: readonly Index[], preset: ReadonlyMap<string, Shares>): MapRoles {
    const { shares, lanes, roles } = this.#plan;
    const all = new Map<string, Shares>();
    for (const axis of axes) {
      const given = preset.get(axis.name) ?? shares[axis.axis];
      if (given !== undefined) all.set(axis.name, given);
    }
    const taken = [...all.values()].reduce((product, { lane }) => product * lane, 1);
    const rest = autoShares(axes.filter(({ name }) => !all.has(name)), Math.max(1, Math.floor(lanes / taken)));
    return { shares: new Map([...rest, ...all]), lanes, roles };
  }

  /** Axes of a staged value in memory: those that invocations read together last. */
  #stagedOrder(staged: Staged): readonly (Index | "position")[] {
    const together = (axis: Index): boolean => this.#together(axis);
    return [...staged.axes.filter((axis) => !together(axis)), "position", ...staged.axes.filter(together)];
  }

  #stagedSlot(staged: Staged, position: Value): Value {
    const { negative, positive } = infinitiesOf(staged.value);
    const indices = this.#stagedOrder(staged).map((axis) => (axis === "position" ? position : axis));
    return this.#w.builder.slot(staged.name, indices, { ...staged.value.facts, mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive });
  }

  make(): Chained {
    const { builder } = this.#w;
    const { components, staged, extent } = this.#fold;
    const { tile, part } = this.#plan;
    for (const each of staged) this.#declare(each.name, this.#stagedOrder(each).map((axis) => (axis === "position" ? extent : axis.extent)), isInfinite(infinitiesOf(each.value)));
    for (const each of staged.filter(({ reads }) => reads.length === 0)) this.#staged(each);

    const read = new Set(components.flatMap(({ reads }) => reads));
    for (const { reads } of staged) for (const name of reads) read.add(name);
    for (const presence of this.#fold.presence.values()) if (presence.kind === "counted") read.add(presence.component);
    /** Components that are kept for each tile: what others read, or what is as small. */
    const leads = components.filter(({ name }) => read.has(name));
    const axesOfLeads = new Set(leads.flatMap(({ own }) => own.map(({ name }) => name)));
    const kept = components.filter(({ own, name }) => read.has(name) || own.every((axis) => axesOfLeads.has(axis.name)));
    const tiles = ceilDivide(builder, extent, tile);
    const parts = ceilDivide(builder, extent, part);
    const i = builder.index(`${this.#name} tile`, tiles);
    const p = builder.index(`${this.#name} part`, parts);

    if (kept.length > 0) this.#tiles(kept, staged.filter(({ reads }) => reads.length > 0), i);

    for (const component of components) this.#declareLevel(component, "part", p);
    const leading = components.filter((component) => kept.includes(component));
    for (const group of this.#alike(leading)) this.#parts(group, kept, tiles, p, () => undefined);
    // What is not kept for each tile is repaired straight to the part's reference, which is there by now.
    const wide = components.filter((component) => !kept.includes(component));
    const reference = (component: Component, live: boolean, indices: readonly Value[]): Value | undefined =>
      kept.includes(component) ? builder.slot(`${component.name}.part`, this.#levelIndices(component, indices, p), storedFacts(component, live)) : undefined;
    for (const group of this.#alike(wide.filter((component) => keyOf(builder, component) === undefined))) this.#parts(group, kept, tiles, p, reference);
    for (const component of wide) if (keyOf(builder, component) !== undefined) this.#histogram(component, tiles, p, reference);
    const fine: ReadState = (component, live, indices) => builder.slot(`${component.name}.part`, this.#levelIndices(component, indices, p), storedFacts(component, live));
    return { kernels: this.#kernels, parts: { index: p, fine } };
  }

  /** Components with equal own axes. */
  #alike(components: readonly Component[]): readonly (readonly Component[])[] {
    const groups = new Map<string, Component[]>();
    for (const component of components) {
      const key = component.own.map(({ name }) => name).sort().join();
      groups.set(key, [...(groups.get(key) ?? []), component]);
    }
    return [...groups.values()];
  }

  /** The tiles of a part, as an axis. */
  #tilesOf(tiles: Value, part: Value): { readonly axis: Value; readonly tile: Value } {
    const { builder } = this.#w;
    const each = this.#plan.part / this.#plan.tile;
    const even = tiles.kind === "constant" && tiles.value % each === 0;
    const count = even ? builder.constant(each) : builder.smaller(builder.constant(each), builder.subtract(tiles, builder.scale(each, part)));
    const axis = builder.index(`${this.#name} tile of part`, count);
    return { axis, tile: builder.linear(0, [[each, part], [1, axis]]) };
  }

  /** The state of a part, from its tiles: of components that are kept for each, or straight from the positions. */
  #parts(group: readonly Component[], kept: readonly Component[], tiles: Value, part: Value, reference: Coarser["kept"]): void {
    const { builder } = this.#w;
    const { axis, tile } = this.#tilesOf(tiles, part);
    const moved = (component: Component, indices: readonly Value[]): Map<Value, Value> => new Map(component.own.flatMap((own, k) => (indices[k] === undefined || indices[k] === own ? [] : [[own, indices[k]] as const])));
    const fine: ReadState = (component, live, indices) =>
      kept.includes(component) ? this.#tileSlot(component, live, indices, tile) : builder.substitute(this.#tileValue(component, tile, `${this.#name} step`), moved(component, indices));
    const coarser = new Coarser(builder, this.#fold, [{ index: axis, fine }], reference);
    const tasks = group.map((component): Task => ({ array: `${component.name}.part`, indices: this.#levelIndices(component, component.own, part), value: coarser.stored(component) }));
    this.#kernels.push(mapKernel(this.#w, `${group.map(({ name }) => name).join(", ")} of parts`, tasks, this.#partShares(group[0]?.own ?? [], part)));
  }

  #partShares(own: readonly Index[], part: Value): MapRoles {
    const axes = [...(part.kind === "index" ? [part] : []), ...own];
    return this.#shares(axes, new Map<string, Shares>(part.kind === "index" ? [[part.name, GRID]] : []));
  }

  /** Sums by key: an invocation owns all keys of what it sums, clears them and adds each position to its own. */
  #histogram(component: Component, tiles: Value, part: Value, reference: Coarser["kept"]): void {
    const { builder } = this.#w;
    const found = keyOf(builder, component);
    if (found === undefined) throw new InternalError(`${component.name} has no key`);
    const { axis: tileAxis, tile } = this.#tilesOf(tiles, part);
    const { step, position } = this.#within(tile, `${this.#name} step`);
    const here = (value: Value): Value => builder.substitute(this.#readHere(value, position, tile), new Map<Value, Value>([[this.#fold.index, position]]));
    const fine: ReadState = (other, live, indices) => this.#tileSlot(other, live, indices, tile);
    const now: ReadState = (other, live, indices) => reference(other, live, indices) ?? fine(other, live, indices);
    const value = repaired(builder, this.#fold, component, here(component.body), fine, now);
    const live = liveTest(builder, this.#fold, component, fine, builder.true);
    const array = `${component.name}.part`;
    const at = (key: Value): readonly Value[] => this.#levelIndices(component, component.own.map((axis) => (axis === found.axis ? key : axis)), part);
    const over = [tileAxis, step].filter((axis): axis is Index => axis.kind === "index");
    const key = builder.substitute(found.key, new Map<Value, Value>([[this.#fold.index, position]]));
    const rest = builder.substitute(found.rest, new Map<Value, Value>([[this.#fold.index, position]]));
    const tasks: readonly Task[] = [
      { array, indices: at(found.axis), value: builder.zero, over: [found.axis] },
      { array, indices: at(key), value, op: "+=", over, where: builder.and(live, rest) },
    ];
    this.#kernels.push(mapKernel(this.#w, `${component.name} of parts`, tasks, this.#partShares(component.own.filter((axis) => axis !== found.axis), part)));
  }

  /** The memory order of a component at a level: the level first, what invocations read together last. */
  #levelIndices(component: Component, indices: readonly Value[], level: Value): readonly Value[] {
    return [level, ...inOrder(component, (axis) => this.#together(axis), component.own.map((axis, k) => indices[k] ?? axis))];
  }

  #declareLevel(component: Component, suffix: string, level: Value): void {
    const extent = level.kind === "index" ? level.extent : this.#w.builder.one;
    this.#declare(`${component.name}.${suffix}`, [extent, ...inOrder(component, (axis) => this.#together(axis), component.own.map((axis) => axis.extent))], mayBeInfinite(component));
  }

  /** Whether invocations read neighbours along an axis together. */
  #together(axis: Index): boolean {
    const given = this.#plan.shares[axis.axis];
    return given !== undefined && given.block * given.vector > 1;
  }

  /** A staged value that reads no state: one element for each position. */
  #staged(staged: Staged): void {
    const { builder } = this.#w;
    const { index } = this.#fold;
    const value = readStaged(builder, staged.value, this.#fold.staged, (other) => this.#stagedSlot(other, index));
    const task: Task = { array: staged.name, indices: this.#stagedOrder(staged).map((axis) => (axis === "position" ? index : axis)), value, where: staged.where };
    const lanes = Math.max(1, this.#plan.lanes);
    const preset = new Map<string, Shares>([[index.name, { lane: lanes, block: this.#plan.copies, vector: 1 }]]);
    for (const axis of staged.axes) preset.set(axis.name, this.#plan.shares[axis.axis] ?? GRID);
    this.#kernels.push(mapKernel(this.#w, staged.name, [task], { shares: new Map([...preset].map(([name, share]) => [name, name === index.name ? share : { ...share, lane: 1 }])), lanes, roles: this.#plan.roles }));
  }

  /** The positions of a tile, as an axis of their own that ends where the fold's does. */
  #within(tile: Value, name: string): { readonly step: Value; readonly position: Value } {
    const { builder } = this.#w;
    const size = this.#plan.tile;
    const start = builder.scale(size, tile);
    const even = this.#fold.extent.kind === "constant" && this.#fold.extent.value % size === 0;
    const step = builder.index(name, even ? builder.constant(size) : builder.smaller(builder.constant(size), builder.subtract(this.#fold.extent, start)));
    return { step, position: builder.add(start, step) };
  }

  /** What a tile gives a component, with earlier components as the tile leaves them. */
  #tileValue(component: Component, tile: Value, stepName: string): Value {
    const { builder } = this.#w;
    const { step, position } = this.#within(tile, stepName);
    const here = (value: Value): Value => builder.substitute(this.#readHere(value, position, tile), new Map<Value, Value>([[this.#fold.index, position]]));
    const body = here(component.body);
    const where = builder.substitute(component.where, new Map<Value, Value>([[this.#fold.index, position]]));
    if (component.extreme !== undefined) {
      const holder = named(this.#fold, component.extreme);
      return builder.reduce("min", step, position, builder.and(where, builder.equal(body, this.#tileSlot(holder, true, holder.own, tile))));
    }
    if (component.op === "any") return asStored(builder, component, builder.reduce("any", step, body, where));
    return builder.reduce(joinOf(component), step, body, where);
  }

  #tileSlot(component: Component, live: boolean, indices: readonly Value[], tile: Value): Value {
    return this.#w.builder.slot(`${component.name}.tile`, this.#levelIndices(component, indices, tile), storedFacts(component, live));
  }

  #readHere(value: Value, position: Value, tile: Value, itself?: Staged): Value {
    const { builder } = this.#w;
    const slot = (each: Staged): Value => this.#stagedSlot(each, position);
    const read = itself === undefined ? readAnyStaged(builder, value, this.#fold.staged, slot) : readStaged(builder, value, this.#fold.staged, slot);
    return resolve(builder, this.#fold, read, (component, _, indices) => {
      const stored = this.#tileSlot(component, true, indices, tile);
      return asRead(builder, component, stored, stored);
    });
  }

  /** One invocation does a tile: its small components, and the staged values that read them. */
  #tiles(kept: readonly Component[], staged: readonly Staged[], tile: Value): void {
    const { builder } = this.#w;
    const { components } = this.#fold;
    for (const component of kept) this.#declareLevel(component, "tile", tile);
    const tasks: Task[] = [];
    const done = new Set<string>();
    const addStaged = (each: Staged): void => {
      if (done.has(each.name)) return;
      done.add(each.name);
      for (const other of staged) if (other !== each && readsValue(builder, each.value, other)) addStaged(other);
      const { step, position } = this.#within(tile, `${this.#name} of tile`);
      const put = (value: Value): Value => builder.substitute(value, new Map<Value, Value>([[this.#fold.index, position]]));
      tasks.push({
        array: each.name, indices: this.#stagedOrder(each).map((axis) => (axis === "position" ? position : axis)), value: put(this.#readHere(each.value, position, tile, each)),
        over: step.kind === "index" ? [step] : [], where: put(each.where),
      });
    };
    for (const component of components.filter((each) => kept.includes(each))) {
      for (const each of staged) if (readsValue(builder, component.body, each)) addStaged(each);
      tasks.push({ array: `${component.name}.tile`, indices: this.#levelIndices(component, component.own, tile), value: this.#tileValue(component, tile, `${this.#name} step`) });
    }
    for (const each of staged) addStaged(each);
    // An invocation reads only what it has written itself: what has other axes is another dispatch.
    const groups: { readonly key: string; readonly tasks: Task[] }[] = [];
    for (const task of tasks) {
      const axes = axesOf(this.#w, [task]);
      const key = axes.map(({ name }) => name).sort().join();
      const last = groups.at(-1);
      if (last?.key === key) last.tasks.push(task);
      else groups.push({ key, tasks: [task] });
    }
    for (const group of groups) {
      const preset = new Map<string, Shares>();
      for (const axis of axesOf(this.#w, group.tasks)) preset.set(axis.name, { ...(this.#plan.shares[axis.axis] ?? GRID), lane: 1 });
      if (tile.kind === "index") preset.set(tile.name, { lane: Math.min(16, this.#plan.lanes), block: 1, vector: 1 });
      this.#kernels.push(mapKernel(this.#w, group.tasks.map(({ array }) => array).join(", "), group.tasks, { shares: preset, lanes: this.#plan.lanes, roles: this.#plan.roles }));
    }
  }
}

/** What belongs to the own axes of a component, those that invocations read together last. */
function inOrder<T>(component: Component, together: (axis: Index) => boolean, list: readonly T[]): readonly T[] {
  const apart = list.filter((_, at) => component.own[at] !== undefined && !together(component.own[at]));
  return [...apart, ...list.filter((_, at) => component.own[at] !== undefined && together(component.own[at]))];
}

/** Of a sum over the positions at which a key has the value of one of its own axes: the axis, the key, and the rest of its guard. */
function keyOf(builder: GraphBuilder, component: Component): { readonly axis: Index; readonly key: Value; readonly rest: Value } | undefined {
  if (component.op !== "sum") return undefined;
  const guards = component.where.kind === "and" ? component.where.of : [component.where];
  for (const guard of guards) {
    if (guard.kind !== "equal") continue;
    const rest = builder.and(...guards.filter((other) => other !== guard));
    for (const [axis, key] of [[guard.left, guard.right], [guard.right, guard.left]] as const) {
      if (axis.kind !== "index" || !component.own.includes(axis)) continue;
      if ([key, rest, component.body].every(({ free }) => !free.includes(axis.name)) && key.facts.low >= 0 && key.facts.high < sizeOf(axis)) return { axis, key, rest };
    }
  }
  return undefined;
}

function readsValue(builder: GraphBuilder, value: Value, staged: Staged): boolean {
  let found = false;
  readAnyStaged(builder, value, [staged], (each) => {
    found = true;
    return each.value;
  });
  return found;
}
