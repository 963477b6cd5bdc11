/**
 * @file A fold in one dispatch: each workgroup runs through its part of the axis tile by tile, keeps shared values of a
 * tile in workgroup memory and state in registers, repairs the state once per tile, and commits it after all readers of
 * the old one.
 *
 *     for each tile:  staged values and components, in order of dependence
 *                     component := R(component; old → new) ⊕ (⊕ over the tile of its body)
 *                     old := new
 *     afterwards:     partial sums of lanes joined; outputs, or the part's state, stored
 */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import { asLinear } from "../../../spec/graph/builder";
import { children } from "../../../spec/graph/children";
import type { Index, Store, Value } from "../../../spec/graph/node";
import type { Component } from "../../algebra/derived";
import { openedOrder } from "../../algebra/opened";
import { arraysOf } from "../../kernel/access";
import type { Assign, Cross, Kernel, Node, ReduceRole, Stage } from "../../kernel/kernel";
import { infinitiesOf, isInfinite } from "../../kernel/infinities";
import { joinsInSubgroups } from "../../kernel/layout";
import { ceilDivide, GRID, present, sizeOf, spreadAxis, type Shares, type Spread } from "./axes";
import { dependenceOrder } from "./order";
import { readAnyStaged, readStaged, type Prepared, type Staged } from "./prepare";
import { asRead, asStored, emptyOf, isArg, joinOf, liveTest, mayBeInfinite, named, repaired, resolve, storedFacts, type ReadState } from "./state";
import { onlyVector, PlanRefused, type Workshop } from "./workshop";

export interface StreamPlan {
  readonly lanes: number;
  /** Positions of the axis in a tile: a multiple of `lanes`. */
  readonly tile: number;
  /** Positions that one workgroup runs through, a multiple of `tile`; absent: all. */
  readonly part: number | undefined;
  /** Shares of own axes by name; absent: one workgroup for each position. */
  readonly shares: ReadonlyMap<string, Shares>;
  readonly cross: Cross["method"];
  readonly roles: Readonly<Record<string, ReduceRole>>;
}

export interface Streamed {
  readonly kernel: Kernel;
  /** Where the state of each part is found; empty where the outputs were stored. */
  readonly partial: ReadonlyMap<string, string>;
  /** The number of parts; absent where there is one for all. */
  readonly parts: Index | undefined;
}

/** Positions of a tile done by one invocation: slices of the tile are lanes, the rest is done one after the other. */
interface Sliced {
  readonly slice: Index | undefined;
  readonly step: Value;
  /** The position in the tile. */
  readonly position: Value;
  readonly lanes: readonly Index[];
}

/** Neighbours that go through a tile in the same way as one stage, which loads what both read once. */
function sharingLoops(nodes: readonly Node[]): readonly Node[] {
  const merged: Node[] = [];
  for (const node of nodes) {
    const last = merged.at(-1);
    if (node.kind === "stage" && last?.kind === "stage" && shareLoop(last, node)) merged[merged.length - 1] = { ...last, items: [...last.items, ...node.items] };
    else merged.push(node);
  }
  return merged;
}

function shareLoop(first: Stage, second: Stage): boolean {
  const { written } = arraysOf([first]);
  const same = <T>(a: readonly T[], b: readonly T[]): boolean => a.length === b.length && a.every((each, at) => each === b[at]);
  const axes = (stage: Stage): readonly string[] => stage.items.flatMap(({ value }) => (value.kind === "reduce" ? [value] : children(value).filter((part) => part.kind === "reduce"))).map(({ axis }) => axis);
  return same(first.lanes, second.lanes) && same(first.block, second.block) && first.vector === second.vector && first.inside === second.inside && first.otherwise === second.otherwise
    && axes(first).some((axis) => axes(second).includes(axis)) && ![...arraysOf([second]).touched].some((array) => written.has(array));
}

/** More steps than this are a loop rather than copies. */
const COPIES = 8;

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

export class Stream {
  readonly #w: Workshop;
  readonly #fold: Prepared;
  readonly #plan: StreamPlan;
  readonly #spreads = new Map<string, Spread>();
  readonly #moves = new Map<Value, Value>();
  readonly #part: Index | undefined;
  readonly #base: Value;
  readonly #tile: Value;
  readonly #low: Value;
  readonly #high: Value;
  readonly #ragged: boolean;
  /** Components that are joined across lanes in every tile, as others read them. */
  readonly #eager: ReadonlySet<string>;

  constructor(workshop: Workshop, fold: Prepared, plan: StreamPlan) {
    this.#w = workshop;
    this.#fold = fold;
    this.#plan = plan;
    const { builder } = workshop;
    const { lanes, tile, part } = plan;
    if (!isPowerOfTwo(lanes) || tile % lanes !== 0) throw new PlanRefused(`a tile of ${tile} positions for ${lanes} lanes: lanes must be a power of two and divide it`);
    if (part !== undefined && part % tile !== 0) throw new PlanRefused(`a part of ${part} positions is not whole tiles of ${tile}`);
    for (const { own } of fold.components) {
      for (const axis of own) {
        if (this.#spreads.has(axis.name)) continue;
        const spread = spreadAxis(builder, axis, plan.shares.get(axis.name) ?? GRID);
        if (spread.inside !== builder.true && (spread.block !== undefined || spread.vector !== undefined)) throw new PlanRefused(`copies along ${axis.axis} reach beyond it`);
        this.#spreads.set(axis.name, spread);
        this.#moves.set(axis, spread.position);
      }
    }
    const { extent } = fold;
    this.#part = part === undefined ? undefined : workshop.axis(`${fold.fold.name} part`, ceilDivide(builder, extent, part));
    this.#base = part === undefined || this.#part === undefined ? builder.zero : builder.scale(part, this.#part);
    const left = ceilDivide(builder, builder.subtract(extent, this.#base), tile);
    const tiles = part === undefined ? left : builder.smaller(builder.constant(part / tile), left);
    this.#tile = builder.index(`${fold.fold.name} tile`, tiles);
    this.#ragged = extent.kind !== "constant" || extent.value % tile !== 0;
    const { lower, upper } = this.#bounds();
    this.#low = lower.reduce<Value>((low, bound) => builder.larger(low, builder.quotient(builder.subtract(bound, this.#base), builder.constant(tile))), builder.zero);
    this.#high = upper.reduce<Value>((high, bound) => builder.smaller(high, ceilDivide(builder, builder.subtract(bound, this.#base), tile)), tiles);
    const read = new Set(fold.components.flatMap(({ reads }) => reads));
    for (const { reads } of fold.staged) for (const name of reads) read.add(name);
    for (const presence of fold.presence.values()) if (presence.kind === "counted") read.add(presence.component);
    this.#eager = new Set(fold.components.filter((component) => read.has(component.name) || isArg(component) || component.repair.kind === "add").map(({ name }) => name));
    this.#check();
  }

  /** Bounds of the fold's domain that a workgroup can know. */
  #bounds(): { readonly lower: readonly Value[]; readonly upper: readonly Value[] } {
    const { builder } = this.#w;
    const grid = new Set([...this.#spreads.values()].flatMap((spread) => (spread.grid === undefined ? [] : [spread.grid.name])));
    const digits = new Set([...this.#spreads.values()].flatMap(({ lane, block, vector }) => present([lane, block, vector])).map(({ name }) => name));
    /** The least or the greatest value over the digits of a workgroup. */
    const extreme = (bound: Value, least: boolean): Value | undefined => {
      const moved = builder.substitute(bound, this.#moves);
      const { constant, terms } = asLinear(moved);
      const kept: (readonly [number, Value])[] = [];
      for (const [k, term] of terms) {
        if (term.kind === "index" && digits.has(term.name)) kept.push([k, (k > 0) === least ? builder.zero : builder.constant(sizeOf(term) - 1)]);
        else if (term.free.every((name) => grid.has(name))) kept.push([k, term]);
        else return undefined;
      }
      return builder.linear(constant, kept);
    };
    const { lower, upper } = this.#fold.domain;
    return { lower: present(lower.map((bound) => extreme(bound, true))), upper: present(upper.map((bound) => extreme(bound, false))) };
  }

  #digits(axes: readonly Index[], which: "lane" | "block" | "vector" | "grid"): readonly Index[] {
    return present(axes.map(({ name }) => this.#spreads.get(name)?.[which]));
  }

  #laneDigits(axes: readonly Index[]): readonly Index[] {
    return [...this.#digits(axes, "lane")].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** How the positions of a tile are shared by the lanes that the digits leave. */
  #sliced(axes: readonly Index[], step = "step"): Sliced {
    const { builder } = this.#w;
    const { lanes, tile } = this.#plan;
    const own = this.#laneDigits(axes);
    const taken = own.reduce((all, lane) => all * sizeOf(lane), 1);
    if (taken > lanes) throw new PlanRefused(`${own.map(({ axis }) => axis).join(" × ")} takes ${taken} lanes of ${lanes}`);
    let slices = 1;
    while (slices * 2 * taken <= lanes && tile % (slices * 2) === 0) slices *= 2;
    const { name } = this.#fold.fold;
    const slice = this.#w.axis(`${name} slice`, builder.constant(slices));
    const each = builder.index(`${name} ${step}`, builder.constant(tile / slices));
    const position = builder.linear(0, [[slices, each], ...(slice === undefined ? [] : [[1, slice] as const])]);
    return { slice, step: each, position, lanes: slice === undefined ? own : [slice, ...own] };
  }

  /** Refuses what registers cannot carry from lane to lane. */
  #check(): void {
    const { components, staged } = this.#fold;
    const lanesOf = (axes: readonly Index[]): string => this.#laneDigits(axes).map(({ name }) => name).join();
    for (const component of components) {
      if (component.op === "sum" && component.live.facts.integer && Math.max(-component.live.facts.low, component.live.facts.high) > 2 ** 24 && component.body !== this.#w.builder.one) {
        throw new PlanRefused(`${component.name} sums integers, which a partial sum in f32 would round`);
      }
      for (const name of component.reads) {
        const read = named(this.#fold, name);
        const lanes = lanesOf(read.own);
        if (lanes !== "" && lanes !== lanesOf(component.own)) throw new PlanRefused(`${component.name} reads ${name}, whose lanes are others`);
      }
      this.#wherePlain(component.where, component.name);
    }
    for (const { name, reads, axes } of staged) {
      for (const each of reads) if (lanesOf(named(this.#fold, each).own) !== "" && lanesOf(named(this.#fold, each).own) !== lanesOf(axes)) throw new PlanRefused(`${name} reads ${each}, whose lanes are others`);
    }
  }

  /** A component of this fold may be read at its own axes only. */
  #wherePlain(where: Value, name: string): void {
    resolve(this.#w.builder, this.#fold, where, () => {
      throw new PlanRefused(`the guard of ${name} reads the fold's state`);
    });
  }

  #ownIndices(component: Component, indices: readonly Value[]): void {
    if (indices.some((index, at) => index !== component.own[at])) throw new PlanRefused(`${component.name} is read at other positions than its own`);
  }

  // Arrays.

  #register(component: Component, suffix: string): string {
    const name = `${component.name}.${suffix}`;
    if (!this.#w.arrays.has(name)) {
      const blocks = this.#digits(component.own, "block");
      const vectors = this.#digits(component.own, "vector");
      this.#w.declare({
        name, shape: [...blocks, ...vectors].map(({ extent }) => extent), element: { kind: "f32" }, space: "register", infinite: mayBeInfinite(component),
        roles: [...blocks.map(() => "block" as const), ...vectors.map(() => "vector" as const)],
      });
    }
    return name;
  }

  #at(component: Component): readonly Value[] {
    return [...this.#digits(component.own, "block"), ...this.#digits(component.own, "vector")];
  }

  #read(component: Component, suffix: string, live: boolean): Value {
    return this.#w.builder.slot(this.#register(component, suffix), this.#at(component), storedFacts(component, live));
  }

  /** The state before and after the tile at hand. */
  readonly #old: ReadState = (component, live, indices) => {
    this.#ownIndices(component, indices);
    return this.#read(component, "state", live);
  };
  readonly #new: ReadState = (component, live, indices) => {
    this.#ownIndices(component, indices);
    return this.#read(component, this.#eager.has(component.name) ? "next" : "state", live);
  };

  #stagedIndices(staged: Staged, position: Value): readonly Value[] {
    return [...this.#laneDigits(staged.axes), position, ...this.#digits(staged.axes, "block"), ...this.#digits(staged.axes, "vector")];
  }

  #stagedSlot(staged: Staged, position: Value): Value {
    const { builder } = this.#w;
    const { negative, positive } = infinitiesOf(staged.value);
    return builder.slot(staged.name, this.#stagedIndices(staged, position), { ...staged.value.facts, mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive });
  }

  // Values.

  #position(inTile: Value): Value {
    return this.#w.builder.add(this.#base, this.#w.builder.scale(this.#plan.tile, this.#tile), inTile);
  }

  /** A value of the fold's loop, for one position of the tile. */
  #here(value: Value, inTile: Value, itself?: Staged): Value {
    const { builder } = this.#w;
    const { staged, index } = this.#fold;
    const slot = (each: Staged): Value => this.#stagedSlot(each, inTile);
    const read = itself === undefined ? readAnyStaged(builder, value, staged, slot) : readStaged(builder, value, staged, slot);
    const resolved = resolve(builder, this.#fold, read, (component, _, indices) => {
      const stored = this.#new(component, true, indices);
      return asRead(builder, component, stored, stored);
    });
    return builder.substitute(resolved, new Map<Value, Value>([...this.#moves, [index, this.#position(inTile)]]));
  }

  #guard(where: Value, inTile: Value): Value {
    const { builder } = this.#w;
    const position = this.#position(inTile);
    const inside = this.#ragged ? builder.less(position, this.#fold.extent) : builder.true;
    return builder.and(inside, builder.substitute(where, new Map<Value, Value>([...this.#moves, [this.#fold.index, position]])));
  }

  #inside(axes: readonly Index[]): Value {
    return this.#w.builder.and(...axes.map(({ name }) => this.#spreads.get(name)?.inside ?? this.#w.builder.true));
  }

  #stage(sliced: Sliced, axes: readonly Index[], items: readonly Assign[], more: Partial<Stage> = {}): Stage {
    return {
      kind: "stage", lanes: sliced.lanes, digits: [], block: this.#digits(axes, "block"), vector: onlyVector(this.#digits(axes, "vector")), roles: this.#plan.roles,
      inside: this.#inside(axes), otherwise: undefined, items, ...more,
    };
  }

  #assign(array: string, indices: readonly Value[], value: Value, more: Partial<Assign> = {}): Assign {
    return { kind: "assign", array, indices, op: "=", value, over: [], where: this.#w.builder.true, ...more };
  }

  /** Computes a staged value for all positions of the tile. */
  #stagedNodes(staged: Staged): readonly Node[] {
    const { builder } = this.#w;
    const sliced = this.#sliced(staged.axes);
    if (!this.#w.arrays.has(staged.name)) {
      const shape = this.#stagedIndices(staged, builder.zero).map((index) => (index.kind === "index" ? index.extent : builder.constant(this.#plan.tile)));
      this.#w.declare({ name: staged.name, shape, element: this.#w.shared(staged.value), space: "workgroup", infinite: isInfinite(infinitiesOf(staged.value)) });
    }
    const step = sliced.step.kind === "index" ? sliced.step : undefined;
    const copied = step !== undefined && sizeOf(step) <= COPIES;
    const item = this.#assign(staged.name, this.#stagedIndices(staged, sliced.position), this.#here(staged.value, sliced.position, staged), {
      over: step !== undefined && !copied ? [step] : [], where: this.#guard(staged.where, sliced.position),
    });
    const block = this.#digits(staged.axes, "block");
    return [this.#stage(sliced, staged.axes, [item], { block: step !== undefined && copied ? [step, ...block] : block })];
  }

  /** The tile's own share of a component, from the positions of one slice. */
  #tileValue(component: Component, sliced: Sliced): Value {
    const { builder } = this.#w;
    const where = this.#guard(component.where, sliced.position);
    const body = this.#here(component.body, sliced.position);
    if (component.extreme !== undefined) {
      const holder = this.#new(named(this.#fold, component.extreme), true, named(this.#fold, component.extreme).own);
      return builder.reduce("min", sliced.step, this.#position(sliced.position), builder.and(where, builder.equal(body, holder)));
    }
    if (component.op === "any") return asStored(builder, component, builder.reduce("any", sliced.step, body, where));
    return builder.reduce(joinOf(component), sliced.step, body, where);
  }

  /** What a tile gives a component that only counts its positions, which every lane knows. */
  #counted({ op, body, where }: Component): Value | undefined {
    const { builder } = this.#w;
    if (op !== "sum" || body.kind !== "constant" || where !== builder.true) return undefined;
    const size = builder.constant(this.#plan.tile);
    return builder.multiply(body, this.#ragged ? builder.smaller(size, builder.subtract(this.#fold.extent, this.#position(builder.zero))) : size);
  }

  /** The state after the tile, given the tile's share. */
  #joined(component: Component, share: Value): Value {
    return this.#w.builder.substitute(this.#joinedOver(component, share), this.#moves);
  }

  #joinedOver(component: Component, share: Value): Value {
    const { builder } = this.#w;
    if (this.#tile === builder.zero) return share;
    const started = builder.less(this.#low, this.#tile);
    const old = this.#read(component, "state", false);
    if (component.extreme !== undefined) {
      const holder = named(this.#fold, component.extreme);
      const live = liveTest(builder, this.#fold, holder, this.#old, started);
      const kept = repaired(builder, this.#fold, holder, this.#old(holder, true, holder.own), this.#old, this.#new);
      const had = builder.not(builder.equal(this.#old(holder, false, holder.own), builder.identity(holder.op)));
      return builder.select(builder.and(live, had, builder.equal(kept, this.#new(holder, true, holder.own))), old, share);
    }
    const join = joinOf(component);
    const live = liveTest(builder, this.#fold, component, this.#old, started);
    const before = component.repair.kind === "none"
      ? old
      : builder.select(live, repaired(builder, this.#fold, component, this.#read(component, "state", join === "sum" ? false : true), this.#old, this.#new), emptyOf(builder, component));
    switch (join) {
      case "sum": return builder.add(before, share);
      case "max": return builder.larger(before, share);
      case "min": return builder.smaller(before, share);
    }
  }

  #cross(registers: readonly string[], sliced: Sliced, op: Cross["op"], needed: Cross["needed"]): readonly Node[] {
    if (sliced.slice === undefined) return [];
    const { lanes, slice } = sliced;
    const method = this.#plan.cross === "subgroup" && !joinsInSubgroups(lanes, [slice]) ? "tree" : this.#plan.cross;
    return [{ kind: "cross", registers, lanes, over: [slice], op, method, needed }];
  }

  #componentNodes(component: Component): readonly Node[] {
    const { builder } = this.#w;
    const sliced = this.#sliced(component.own);
    const share = this.#tileValue(component, sliced);
    const at = this.#at(component);
    const otherwise = emptyOf(builder, component);
    if (!this.#eager.has(component.name)) {
      // With a loop, lanes that have no position keep what the state began with.
      const idle = this.#tile === builder.zero && this.#inside(component.own) !== builder.true ? otherwise : undefined;
      return [this.#stage(sliced, component.own, [this.#assign(this.#register(component, "state"), at, this.#joined(component, share))], { otherwise: idle })];
    }
    const next = this.#register(component, "next");
    const update = (value: Value): Stage => this.#stage(sliced, component.own, [this.#assign(next, at, this.#joined(component, value))], { otherwise: this.#inside(component.own) === builder.true ? undefined : otherwise });
    const counted = this.#counted(component);
    if (sliced.slice === undefined || counted !== undefined) return [update(counted ?? share)];
    const tile = this.#register(component, "tile");
    const partial = this.#stage(sliced, component.own, [this.#assign(tile, at, share)], { otherwise: this.#inside(component.own) === builder.true ? undefined : otherwise });
    return [partial, ...this.#cross([tile], sliced, joinOf(component), "all"), update(this.#read(component, "tile", false))];
  }

  /** @param stores outputs to store from the state, where one workgroup has all of it. */
  make(stores: readonly Store[] | undefined): Streamed {
    const { builder } = this.#w;
    const { components } = this.#fold;
    const { name } = this.#fold.fold;
    const round = sharingLoops(dependenceOrder(builder, this.#fold).flatMap((each) => ("op" in each ? this.#componentNodes(each) : this.#stagedNodes(each))));
    const looped = this.#tile.kind === "index" ? this.#tile : undefined;
    if (looped === undefined && this.#tile !== builder.zero) throw new InternalError("a loop over tiles has no axis");
    // A part that exists has a tile; all of an axis may have none.
    const single = looped === undefined;
    if (single && this.#part === undefined && this.#fold.extent.facts.low < 1) throw new InternalError("a single tile of an axis that may be empty");
    const body: Node[] = [];
    if (!single) {
      for (const component of components) {
        const sliced = this.#sliced(component.own);
        body.push(this.#stage(sliced, component.own, [this.#assign(this.#register(component, "state"), this.#at(component), emptyOf(builder, component))], { inside: builder.true }));
      }
      const moves = components.filter((component) => this.#eager.has(component.name)).map((component) => ({ to: this.#register(component, "state"), from: this.#register(component, "next") }));
      body.push({ kind: "loop", axis: looped, low: this.#low, high: this.#high, body: moves.length === 0 ? round : [...round, { kind: "commit", moves }] });
    } else body.push(...round);
    const final = (component: Component): string => (single && this.#eager.has(component.name) ? "next" : "state");
    for (const component of components) {
      if (this.#eager.has(component.name)) continue;
      const scalar = this.#laneDigits(component.own).length === 0;
      body.push(...this.#cross([this.#register(component, "state")], this.#sliced(component.own), joinOf(component), stores !== undefined && scalar ? "all" : "owners"));
    }
    const grid = [...present([this.#part]), ...[...this.#spreads.values()].flatMap((spread) => present([spread.grid]))];
    const partial = new Map<string, string>();
    if (stores !== undefined) for (const store of stores) body.push(this.#storeNode(store, final));
    else {
      for (const component of components) {
        partial.set(component.name, `${component.name}.part`);
        body.push(this.#partNode(component, final(component)));
      }
    }
    return { kernel: this.#w.kernel(name, grid, this.#plan.lanes, body), partial, parts: this.#part };
  }

  #first(sliced: Sliced, axes: readonly Index[]): Value {
    const { builder } = this.#w;
    const names = new Set(axes.map(({ name }) => name));
    const absent = [...this.#spreads].filter(([name]) => !names.has(name)).flatMap(([, { grid }]) => present([grid]));
    return builder.and(...[...present([sliced.slice]), ...absent].map((digit) => builder.equal(digit, builder.zero)));
  }

  #partNode(component: Component, suffix: string): Node {
    const name = `${component.name}.part`;
    const { own } = component;
    const parts = present([this.#part]);
    this.#w.declare({ name, shape: [...parts, ...own].map(({ extent }) => extent), element: { kind: "f32" }, space: "buffer", infinite: mayBeInfinite(component) });
    const sliced = this.#sliced(own);
    const indices = [...parts, ...own.map((axis) => this.#moves.get(axis) ?? axis)];
    return this.#stage(sliced, own, [this.#assign(name, indices, this.#read(component, suffix, false), { where: this.#first(sliced, own) })]);
  }

  /** The axes of a store, which must be own axes of the fold. */
  #storeAxes({ indices, value }: Store): readonly Index[] {
    const found = new Map<string, Index>();
    for (const part of [...indices, value]) {
      for (const node of openedOrder(this.#w.builder, [part])) {
        if (node.kind !== "index" || !part.free.includes(node.name)) continue;
        if (!this.#spreads.has(node.name)) throw new PlanRefused(`an output has the axis ${node.axis}, which no component has`);
        found.set(node.name, node);
      }
    }
    return [...found.values()];
  }

  #storeNode(store: Store, final: (component: Component) => string): Node {
    const { builder } = this.#w;
    const axes = this.#storeAxes(store);
    if (store.output.element.kind === "f16" || store.output.element.kind === "uint") throw new PlanRefused(`the output ${store.output.name} is packed`);
    const lanes = this.#laneDigits(axes).map(({ name }) => name).join();
    const sliced = this.#sliced(axes);
    const read = resolve(builder, this.#fold, store.value, (component, _, indices) => {
      this.#ownIndices(component, indices);
      const own = this.#laneDigits(component.own).map(({ name }) => name).join();
      if (own !== "" && own !== lanes) throw new PlanRefused(`an output reads ${component.name} in other lanes`);
      return asRead(builder, component, this.#read(component, final(component), false), this.#read(component, final(component), true));
    });
    const put = (value: Value): Value => builder.substitute(value, this.#moves);
    return this.#stage(sliced, axes, [this.#assign(store.output.name, store.indices.map(put), put(read), { where: this.#first(sliced, axes) })]);
  }
}
