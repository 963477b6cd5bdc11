/** @file From derived folds and a plan to kernels, in order, and the arrays between them. */

import { InternalError } from "../../../spec/diagnostics/diagnostic";
import { asLinear, type GraphBuilder } from "../../../spec/graph/builder";
import { both } from "../../../spec/graph/facts";
import type { Facts, Store, Value } from "../../../spec/graph/node";
import type { Component, Derived, Fold, Repair } from "../../algebra/derived";
import { holdsTable } from "../../algebra/opened";
import { I32, U32 } from "../../kernel/bounds";
import { withHalves } from "../../kernel/halves";
import { infinitiesOf, isInfinite } from "../../kernel/infinities";
import type { Kernel, KernelArray } from "../../kernel/kernel";
import { scalarType } from "../../kernel/scalar";
import { storageArrays } from "../make";
import { spread } from "../spread";
import { present, type Shares } from "./axes";
import { chainFold } from "./chain";
import { axesOf, mapKernel, type Task } from "./map";
import type { ChainPlan, FoldPlan, FusedPlan, PiecesPlan, StreamedPlan } from "./plan";
import { dependenceOrder } from "./order";
import { prepare, readAnyStaged, readSlots, readStaged, renamedStore, repairText, slotNames, type Prepared, type PreparedPiece, type Staged } from "./prepare";
import { asRead, asStored, bounded, Coarser, isArg, mayBeInfinite, resolve, storedFacts, type ReadState, type Source } from "./state";
import { Stream } from "./stream";
import { Tables, type Table } from "./tables";
import { PlanRefused, Workshop } from "./workshop";

export interface Scheduled {
  readonly kernels: readonly Kernel[];
  readonly arrays: ReadonlyMap<string, KernelArray>;
  readonly temporaries: readonly string[];
}

/** What kernels are scheduled for. */
export interface Target {
  /** Lanes of kernels that say nothing else. */
  readonly lanes: number;
  /** Whether packed elements are written a word at a time; else each has memory of its own. */
  readonly words: boolean;
  /** Whether the device has f16. */
  readonly halves: boolean;
}

export const WORKGROUPS: Target = { lanes: 64, words: true, halves: false };

/** Where the final value of a component is stored. */
const whole = (name: string): string => `${name}.whole`;

/**
 * @throws PlanRefused where the plan cannot be made: the message says what stands in the way
 */
export function schedule(builder: GraphBuilder, derived: Derived, plan: FusedPlan, target = WORKGROUPS): Scheduled {
  return new Schedule(builder, derived, plan, target).all();
}

class Schedule {
  readonly #workshop: Workshop;
  readonly #tables: Tables;
  readonly #kernels: Kernel[] = [];
  /** Components whose final value is stored, and where. */
  readonly #finals = new Map<string, { readonly component: Component; readonly array: string; readonly facts: (live: boolean) => Facts }>();
  /** Components that are computed where they are read: each over its own axes. */
  readonly #inlined = new Map<string, { readonly component: Component; readonly value: Value }>();

  constructor(readonly builder: GraphBuilder, readonly derived: Derived, readonly plan: FusedPlan, readonly target: Target) {
    this.#workshop = new Workshop(builder, derived.graph.name, target.halves);
    const { inputs, outputs } = storageArrays(builder, derived.graph);
    for (const array of [...inputs, ...outputs]) this.#workshop.arrays.set(array.name, array);
    const shared = Object.values(plan.folds).flatMap((fold) => (fold.kind === "pieces" ? Object.values(fold.pieces) : fold.kind === "whole" ? [] : [fold]));
    const together = new Set(shared.flatMap(({ shares }) => Object.entries(shares).flatMap(([axis, { block, vector }]) => (block * vector > 1 ? [axis] : []))));
    this.#tables = new Tables(this.#workshop, (axis) => together.has(axis));
    for (const name of Object.keys(plan.folds)) if (!derived.folds.some((fold) => fold.name === name)) throw new PlanRefused(`the plan has a fold ${name}, which the program has not`);
  }

  all(): Scheduled {
    const { builder, derived, plan } = this;
    const folds = derived.folds.map((fold) => this.#withTables(fold));
    const stores = derived.stores.map((store) => ({ ...renamedStore(builder, store), value: renamedStore(builder, { ...store, value: this.#tables.read(store.value) }).value }));
    const pending = new Set(this.#tables.all);
    this.#tablesReady(pending, folds);
    const stored = new Set<Store>();
    for (const [at, fold] of folds.entries()) {
      const later = folds.slice(at + 1);
      const mine = new Set(fold.components.map(({ name }) => name));
      const reads = (value: Value): boolean => [...slotNames(builder, value)].some((name) => mine.has(name));
      const needed = [...pending].some(({ task }) => reads(task.value)) || later.some(({ components }) => components.some(({ body, where }) => reads(body) || reads(where)));
      // The outputs that read this fold and none still to come.
      const ready = stores.filter((store) => !stored.has(store) && reads(store.value) && !later.some(({ components }) => components.some(({ name }) => slotNames(builder, store.value).has(name))));
      const read = ready.map((store) => ({ ...store, value: this.#readFinals(store.value) }));
      const prepared = prepare(builder, this.#withFinals(fold));
      const done = this.#fold(prepared, plan.folds[fold.name] ?? { kind: "whole" }, read, needed || stores.some((store) => !ready.includes(store) && reads(store.value)));
      if (done) for (const store of ready) stored.add(store);
      this.#tablesReady(pending, later);
    }
    this.#store(stores.filter((store) => !stored.has(store)).map((store) => ({ ...store, value: this.#readFinals(store.value) })));
    return { kernels: this.#kernels, arrays: this.#workshop.arrays, temporaries: this.#workshop.temporaries };
  }

  /** Computes the tables that read no fold still to come. */
  #tablesReady(pending: Set<Table>, later: readonly Fold[]): void {
    const open = new Set(later.flatMap(({ components }) => components.map(({ name }) => name)));
    for (const table of pending) {
      if ([...slotNames(this.builder, table.task.value)].some((name) => open.has(name))) continue;
      pending.delete(table);
      this.#kernels.push(mapKernel(this.#workshop, table.name, [{ ...table.task, value: this.#readFinals(table.task.value) }], { lanes: this.target.lanes }));
    }
  }

  #mapFold(fold: Fold, value: (value: Value) => Value): Fold {
    const repaired = (repair: Repair): Repair => (repair.kind === "multiply" ? { ...repair, factor: value(repair.factor) } : repair.kind === "add" ? { ...repair, term: value(repair.term) } : repair);
    const components = fold.components.map((component) => ({ ...component, body: value(component.body), where: value(component.where), repair: repaired(component.repair) }));
    return { ...fold, components, pieces: fold.pieces.map((piece) => ({ ...piece, fold: this.#mapFold(piece.fold, value) })) };
  }

  /** The fold itself where it reads no table, so that it is prepared once for many plans. */
  #withTables(fold: Fold): Fold {
    return valuesOf(fold).some(holdsTable) ? this.#mapFold(fold, (value) => this.#tables.read(value)) : fold;
  }

  /** The fold itself where no other is done. */
  #withFinals(fold: Fold): Fold {
    return this.#finals.size + this.#inlined.size > 0 ? this.#mapFold(fold, (value) => this.#readFinals(value)) : fold;
  }

  /** Components of folds that are done, read from where they are stored. */
  #readFinals(value: Value): Value {
    return readSlots(this.builder, value, (slot) => {
      const inlined = this.#inlined.get(slot.name);
      if (inlined !== undefined) {
        const { component: { own }, value: computed } = inlined;
        return this.builder.substitute(computed, new Map<Value, Value>(own.flatMap((axis, k) => (slot.indices[k] === undefined || slot.indices[k] === axis ? [] : [[axis, slot.indices[k]] as const]))));
      }
      const found = this.#finals.get(slot.name);
      if (found === undefined) return undefined;
      const { component, array, facts } = found;
      // Of a truth, and of a position of nothing, another number is stored than the slot stands for.
      const asStands = (live: boolean): boolean => component.op !== "any" && (live || !isArg(component));
      const read = (live: boolean): Value => this.builder.slot(array, slot.indices, asStands(live) ? both(facts(live), slot.facts) : facts(live));
      return asRead(this.builder, component, read(false), read(true));
    });
  }

  /** Runs a fold; returns whether `stores` were stored with it. `needed`: others read its components. */
  #fold(prepared: Prepared, plan: FoldPlan, stores: readonly Store[], needed: boolean): boolean {
    switch (plan.kind) {
      case "whole":
        if (plan.staged === true) this.#stagedFold(prepared, stores, needed);
        else for (const component of prepared.components) this.#wholeComponent(prepared, component, (value) => value);
        return false;
      case "stream": return this.#streamedFold(prepared, plan, stores, needed);
      case "chain": {
        const { kernels, parts } = chainFold(this.#workshop, prepared, plan);
        this.#kernels.push(...kernels);
        return this.#merged(prepared, [parts], stores, needed);
      }
      case "pieces":
        if (prepared.pieces.length === 0) throw new PlanRefused(`${prepared.fold.name} is not cut into pieces`);
        return this.#merged(prepared, prepared.pieces.map((piece) => this.#piece(piece, plan)), stores, needed);
    }
  }

  #sharesOf(prepared: Prepared, shares: StreamedPlan["shares"]): ReadonlyMap<string, Shares> {
    const own = prepared.components.flatMap((component) => component.own);
    return new Map(own.flatMap(({ axis, name }) => (shares[axis] === undefined ? [] : [[name, shares[axis]] as const])));
  }

  #streamedFold(prepared: Prepared, plan: StreamedPlan, stores: readonly Store[], needed: boolean): boolean {
    const { builder } = this;
    const stream = (): Stream => new Stream(this.#workshop, prepared, { ...plan, part: plan.part, shares: this.#sharesOf(prepared, plan.shares) });
    if (plan.part === undefined && !needed && stores.length > 0 && this.#storable(prepared, stores)) {
      this.#kernels.push(stream().make(stores).kernel);
      return true;
    }
    const { kernel, partial, parts } = stream().make(undefined);
    this.#kernels.push(kernel);
    const array = (component: Component): string => partial.get(component.name) ?? lost(component.name);
    if (parts === undefined) {
      for (const component of prepared.components) this.#finals.set(component.name, { component, array: array(component), facts: (live) => storedFacts(component, live) });
      return false;
    }
    return this.#merged(prepared, [{ index: parts, fine: (component, live, indices) => builder.slot(array(component), [parts, ...indices], storedFacts(component, live)) }], stores, needed);
  }

  /** The parts of a piece, as states of the whole. A piece that is empty has no part, so that each of them has a position. */
  #piece({ prepared, offset, names }: PreparedPiece, plan: PiecesPlan): Source {
    const { builder } = this;
    const { name, extent } = prepared.fold;
    const own = plan.pieces[name];
    if (own === undefined) throw new PlanRefused(`the plan does not say how to run ${name}`);
    const source = own.kind === "chain" ? this.#chainedPiece(prepared, own) : this.#streamedPiece(prepared, own);
    const inPiece = (component: Component): Component | undefined => {
      const called = names[component.name] ?? presentIn(component.name);
      return prepared.components.find((each) => each.name === called);
    };
    /** What says in the piece whether a component that repairs read is empty is called after it. */
    const presentIn = (whole: string): string | undefined => {
      const of = names[whole.replace(/ present$/, "")];
      return of === undefined ? undefined : `${of} present`;
    };
    const fine: ReadState = (component, live, indices) => {
      const found = inPiece(component);
      // A position counts from where the piece begins.
      if (found !== undefined) return isArg(found) ? builder.add(offset, source.fine(found, live, indices)) : source.fine(found, live, indices);
      // The piece can tell without it.
      const of = prepared.components.find((each) => `${each.name} present` === presentIn(component.name));
      if (of === undefined) throw new InternalError(`${component.name} is not in ${name}`);
      if (prepared.presence.get(of.name)?.kind !== "extreme") return builder.one;
      return builder.select(builder.equal(source.fine(of, false, indices), builder.identity(of.op)), builder.zero, builder.one);
    };
    if (extent.kind === "constant" && extent.value === 0) throw new InternalError(`${name} has no position`);
    return { index: source.index, fine, has: (component) => inPiece(component) !== undefined || presentIn(component.name) !== undefined };
  }

  #chainedPiece(prepared: Prepared, plan: ChainPlan): Source {
    if (prepared.extent === this.builder.one) throw new PlanRefused(`${prepared.fold.name} has one position, too few for a chain`);
    const { kernels, parts } = chainFold(this.#workshop, prepared, plan);
    this.#kernels.push(...kernels);
    return parts;
  }

  #streamedPiece(prepared: Prepared, plan: StreamedPlan): Source {
    const { builder } = this;
    if (plan.part === undefined) throw new PlanRefused(`${prepared.fold.name} is not cut into parts, of which an empty piece has none`);
    const { kernel, partial, parts } = new Stream(this.#workshop, prepared, { ...plan, part: plan.part, shares: this.#sharesOf(prepared, plan.shares) }).make(undefined);
    this.#kernels.push(kernel);
    return {
      index: parts ?? builder.zero,
      fine: (component, live, indices) => builder.slot(partial.get(component.name) ?? lost(component.name), [...(parts === undefined ? [] : [parts]), ...indices], storedFacts(component, live)),
    };
  }

  /** Whether a workgroup that has the whole state can store these outputs itself. */
  #storable(prepared: Prepared, stores: readonly Store[]): boolean {
    const own = new Map(prepared.components.flatMap((component) => component.own).map((axis) => [axis.name, axis]));
    const names = new Map(prepared.components.map((component) => [component.name, component]));
    return stores.every((store) => {
      if (store.output.element.kind === "f16" || store.output.element.kind === "uint") return false;
      if (axesOf(this.#workshop, [{ array: store.output.name, indices: store.indices, value: store.value }]).some(({ name }) => !own.has(name))) return false;
      let plain = true;
      readSlots(this.builder, store.value, (slot) => {
        const component = names.get(slot.name);
        if (component !== undefined && slot.indices.some((index, at) => index !== component.own[at])) plain = false;
        return undefined;
      });
      return plain;
    });
  }

  /** The merge of parts: into the outputs, and where others read components, into arrays. */
  #merged(prepared: Prepared, sources: readonly Source[], stores: readonly Store[], needed: boolean): boolean {
    const { builder } = this;
    const coarser = new Coarser(builder, prepared, sources);
    if (!needed && stores.length > 0) {
      this.#store(stores.map((store) => ({
        ...store,
        value: resolve(builder, prepared, store.value, (component, _, indices) => {
          const merged = (live: boolean): Value => bounded(builder, component, coarser.at(component, live, indices));
          // Merged, a position is the least of reals, +∞ among them; where there is one, it is on the axis.
          const live = isArg(component) ? builder.clamp(builder.floor(merged(true)), prepared.extent) : merged(true);
          return asRead(builder, component, merged(false), live);
        }),
      })));
      return true;
    }
    for (const component of prepared.components) this.#storeFinal(component, coarser.stored(component));
    return false;
  }

  #storeFinal(component: Component, value: Value): void {
    const array = whole(component.name);
    this.#workshop.declare({ name: array, shape: component.own.map(({ extent }) => extent), element: { kind: "f32" }, space: "buffer", infinite: mayBeInfinite(component) });
    this.#kernels.push(mapKernel(this.#workshop, component.name, [{ array, indices: component.own, value }], { lanes: this.target.lanes }));
    this.#finals.set(component.name, { component, array, facts: (live) => storedFacts(component, live) });
  }

  /** A component over the whole axis by itself, reading those before it from memory, and what is staged as `read` does. */
  #wholeComponent(prepared: Prepared, component: Component, read: (value: Value) => Value, alone = false): void {
    if (component.name.endsWith(" present")) return;
    const { builder } = this;
    const from = (value: Value): Value => this.#readFinals(read(value));
    const reduced = builder.reduce(component.op, prepared.index, from(component.body), from(component.where));
    if (alone) {
      this.#inlined.set(component.name, { component, value: reduced });
      return;
    }
    const scalar = component.op === "any" ? "f32" : scalarType(reduced);
    if (scalar === "i32" || scalar === "u32") this.#storeInteger(component, reduced, scalar);
    else if (isArg(component)) throw new InternalError(`the position ${component.name} is no integer`);
    else this.#storeFinal(component, component.op === "any" ? asStored(builder, component, reduced) : reduced);
  }

  /** Whether no two elements of an output read the same element of a component. */
  #atOwn(store: Store, { name }: Component): boolean {
    const axes = axesOf(this.#workshop, [taskOf(store)]).length;
    let own = true;
    readSlots(this.builder, store.value, (slot) => {
      if (slot.name === name && new Set(slot.indices.filter(({ kind }) => kind === "index")).size < axes) own = false;
      return undefined;
    });
    return own;
  }

  /** The same, with what several components read stored for each position, and what one output alone reads left to it. */
  #stagedFold(prepared: Prepared, stores: readonly Store[], needed: boolean): void {
    const { builder } = this;
    const { staged, components, index } = prepared;
    const slot = ({ name, value, axes }: Staged): Value => {
      const { negative, positive } = infinitiesOf(value);
      return builder.slot(name, [...axes, index], { ...value.facts, mayBeNegativeInfinity: negative, mayBePositiveInfinity: positive });
    };
    const within = new Set([...components, ...staged].flatMap(({ reads }) => reads));
    const reads = (store: Store, { name }: Component): boolean => slotNames(builder, store.value).has(name);
    for (const each of dependenceOrder(builder, prepared)) {
      if ("op" in each) {
        const readers = stores.filter((store) => reads(store, each));
        const alone = !needed && !within.has(each.name) && readers.length === 1 && readers.every((store) => this.#atOwn(store, each));
        this.#wholeComponent(prepared, each, (value) => readAnyStaged(builder, value, staged, slot), alone);
        continue;
      }
      const axes = [...each.axes, index];
      this.#workshop.declare({ name: each.name, shape: axes.map(({ extent }) => extent), element: { kind: "f32" }, space: "buffer", infinite: isInfinite(infinitiesOf(each.value)) });
      const value = this.#readFinals(readStaged(builder, each.value, staged, slot));
      this.#kernels.push(mapKernel(this.#workshop, each.name, [{ array: each.name, indices: axes, value, where: this.#readFinals(each.where) }], { lanes: this.target.lanes }));
    }
  }

  /** A final value that is computed as an integer, and so never infinite. */
  #storeInteger(component: Component, value: Value, scalar: "i32" | "u32"): void {
    // Neither truth nor position: read as it is stored.
    const plain: Component = { ...component, op: "sum" };
    const array = whole(component.name);
    const [least, most] = scalar === "u32" ? U32 : I32;
    const facts: Facts = { ...value.facts, low: Math.max(value.facts.low, least), high: Math.min(value.facts.high, most) };
    this.#workshop.declare({ name: array, shape: component.own.map(({ extent }) => extent), element: { kind: scalar }, space: "buffer", infinite: false });
    this.#kernels.push(mapKernel(this.#workshop, component.name, [{ array, indices: component.own, value }], { lanes: this.target.lanes }));
    this.#finals.set(component.name, { component: plain, array, facts: () => facts });
  }

  #store(stores: readonly Store[]): void {
    const groups = new Map<string, Store[]>();
    for (const store of stores) {
      const kind = store.output.element.kind;
      const packed = this.target.words && (kind === "f16" || kind === "uint");
      const axes = axesOf(this.#workshop, [taskOf(store)]).map(({ name }) => name).sort().join();
      const key = packed ? `packed ${store.output.name}` : axes;
      groups.set(key, [...(groups.get(key) ?? []), store]);
    }
    for (const [key, group] of groups) {
      const name = group.map(({ output }) => output.name).join(", ");
      if (key.startsWith("packed ")) for (const store of group) this.#packed(store);
      else this.#kernels.push(mapKernel(this.#workshop, name, group.map(taskOf), { lanes: this.target.lanes }));
    }
  }

  #packed(split: Store): void {
    const { builder } = this;
    const store = this.#whole(split);
    const axes = axesOf(this.#workshop, [taskOf(store)]);
    // An axis of one position has no index of its own.
    const own = store.indices.filter((index) => index !== builder.zero);
    if (own.length !== axes.length || own.some((index, at) => index !== axes[at])) throw new PlanRefused(`the packed output ${store.output.name} is stored at computed positions`);
    const { arrays, temporaries, name } = this.#workshop;
    const unit = { array: this.#workshop.array(store.output.name), axes, indices: store.indices, value: store.value };
    const kernel = spread({ name, builder, arrays, temporaries, units: [unit] }, unit, this.target.lanes);
    this.#kernels.push(this.target.halves ? withHalves(kernel) : kernel);
  }

  /** A store at the digits of its axes as one at the axes themselves, where the digits are all there are. */
  #whole(store: Store): Store {
    const { builder } = this;
    const { shape } = this.#workshop.array(store.output.name);
    const digits = new Map<Value, Value>();
    const indices = store.indices.map((index, at) => {
      const { constant, terms } = asLinear(index);
      const inner = [...terms].sort(([a], [b]) => a - b);
      let covered: Value = builder.one;
      for (const [k, digit] of inner) {
        if (digit.kind !== "index" || covered.kind !== "constant" || covered.value !== k || digits.has(digit)) return index;
        covered = builder.scale(k, digit.extent);
      }
      const extent = shape[at];
      if (index.kind === "index" || constant !== 0 || inner.length === 0 || extent === undefined || covered !== extent) return index;
      const whole = builder.index(store.output.axes[at] ?? store.output.name, extent, WHOLE);
      inner.forEach(([k, digit], place) => {
        const above = builder.quotient(whole, builder.constant(k));
        digits.set(digit, place === inner.length - 1 || digit.kind !== "index" ? above : builder.remainder(above, digit.extent));
      });
      return whole;
    });
    return digits.size === 0 ? store : { ...store, indices: indices.map((index) => builder.substitute(index, digits)), value: builder.substitute(store.value, digits) };
  }
}

/** The values of which a fold is made, its pieces' among them. */
const valuesOf = ({ components, pieces }: Fold): readonly Value[] =>
  [...components.flatMap(({ body, where, repair }) => [body, where, ...present([repairText(repair)])]), ...pieces.flatMap(({ fold }) => valuesOf(fold))];

/** The number of the indices that stand for the axes of an output: beyond those of binders, folds and tables. */
const WHOLE = 3000;

const taskOf = ({ output, indices, value }: Store): Task => ({ array: output.name, indices, value });

function lost(name: string): never {
  throw new InternalError(`the state of ${name} was not stored`);
}
