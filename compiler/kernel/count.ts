/**
 * @file What a kernel does, counted on its loops as they are scheduled. Bytes: every element that a workgroup loads from
 * a buffer or stores to one, once per workgroup however many of its lanes and steps touch it; of elements found through
 * other elements at most the whole tensor. Operations: arithmetic, comparisons and functions on values, each at the scope in
 * which it is computed, times the lanes that compute it; positions and codes are not counted. Where a guard compares positions, what
 * it leaves out is not counted.
 *
 * Workgroups that do different things, by their positions, are counted one by one up to a number of them along each axis
 * of the grid, beyond it at evenly spaced positions, each for its neighbours.
 */

import { isTruth } from "../../spec/graph/builder";
import { children } from "../../spec/graph/children";
import type { Opener } from "../../spec/graph/print";
import type { Index, Load, Reduce, Slot, Value } from "../../spec/graph/node";
import type { Sizes } from "../program";
import { Bounder, type Bounds } from "./bounds";
import { Footprints, WORDS, type Memory } from "./footprints";
import { boundsUnder, partsOf, shareOf } from "./guards";
import type { Digit, Item, Kernel, KernelArray, Node, Stage } from "./kernel";
import { combinations, positionOf, type Positions } from "./positions";

export interface KernelCount {
  readonly workgroups: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly operations: number;
  /** Bytes of each array in a buffer. */
  readonly traffic: readonly Traffic[];
  /** Guards over positions that leave something out. */
  readonly guards: readonly GuardCount[];
}

/** What a guard over positions comes to. */
export interface GuardCount {
  readonly guard: Value;
  /** Of the positions at which it is asked, the share at which it holds. */
  readonly share: number;
  /** Workgroups in which it holds everywhere, somewhere, and nowhere. */
  readonly live: number;
  readonly mixed: number;
  readonly dead: number;
}

export interface Traffic {
  readonly array: string;
  readonly read: number;
  readonly written: number;
}

/** What one dispatch does under sizes that are all known. `opener` reads the bodies of its reductions. */
export function countOf(kernel: Kernel, sizes: Sizes, opener: Opener, memory: Memory = WORDS): KernelCount {
  return new Counter(kernel, sizes, opener, memory).total();
}

/** Positions along an axis of the grid that are counted one by one. */
const ONE_BY_ONE = 16;

/** Something that is repeated: a stage for its live lanes, a loop, what a guard lets through. Inner scopes refer to the one around them. */
interface Scope {
  readonly outer: Scope | undefined;
  /** Names of the indices that it gives. */
  readonly names: ReadonlySet<string>;
  /** How often its inside is done by one workgroup, all lanes together. */
  readonly times: number;
  /** What holds inside. */
  readonly guards: readonly Value[];
}

/** What one workgroup does. */
interface Work {
  readonly read: Footprints;
  readonly written: Footprints;
  operations: number;
  /** How often each guard is asked, and how often it holds. */
  readonly asked: Map<Value, { readonly times: number; readonly held: number }>;
}

interface Asked extends Omit<GuardCount, "guard" | "share"> {
  readonly times: number;
  readonly held: number;
}

type Ranges = ReadonlyMap<string, Bounds>;

class Counter {
  readonly #kernel: Kernel;
  readonly #sizes: Sizes;
  readonly #opener: Opener;
  readonly #memory: Memory;
  readonly #arrays: ReadonlyMap<string, KernelArray>;
  readonly #shapes = new Map<KernelArray, readonly number[]>();
  readonly #everywhere: Bounder;

  constructor(kernel: Kernel, sizes: Sizes, opener: Opener, memory: Memory) {
    this.#memory = memory;
    this.#kernel = kernel;
    this.#sizes = sizes;
    this.#opener = opener;
    this.#arrays = new Map(kernel.arrays.map((array) => [array.name, array]));
    this.#everywhere = bounderOf(sizes, new Map());
  }

  total(): KernelCount {
    const grid = this.#kernel.grid.map(({ name, extent }) => ({ name, size: this.#everywhere.of(extent)[1] }));
    const workgroups = grid.reduce((count, { size }) => count * Math.max(0, size), 1);
    if (workgroups === 0) return { workgroups, bytesRead: 0, bytesWritten: 0, operations: 0, traffic: [], guards: [] };
    const [read, written] = [new Map<string, number>(), new Map<string, number>()];
    const add = (to: Map<string, number>, times: number, bytes: ReadonlyMap<string, number>): void => bytes.forEach((count, name) => void to.set(name, (to.get(name) ?? 0) + times * count));
    let operations = 0;
    const asked = new Map<Value, Asked>();
    const deciding = this.#deciding();
    const places = grid.map(({ name, size }) => (deciding.has(name) ? spaced(size) : [{ position: 0, stands: size }]));
    for (const chosen of combinations(places.map(({ length }, at) => ({ name: String(at), size: length })))) {
      const at = new Map<string, number>();
      let stands = 1;
      places.forEach((along, axis) => {
        const place = along[chosen.get(String(axis)) ?? 0];
        if (place === undefined) return;
        at.set(grid[axis]?.name ?? "", place.position);
        stands *= place.stands;
      });
      const work = this.#workgroup(at);
      add(read, stands, work.read.bytes());
      add(written, stands, work.written.bytes());
      operations += stands * work.operations;
      for (const [guard, { times, held }] of work.asked) {
        const all = asked.get(guard) ?? { times: 0, held: 0, live: 0, mixed: 0, dead: 0 };
        const kind = held === 0 ? "dead" : held === times ? "live" : "mixed";
        asked.set(guard, { ...all, times: all.times + stands * times, held: all.held + stands * held, [kind]: all[kind] + stands });
      }
    }
    const traffic = this.#kernel.arrays.flatMap(({ name }): readonly Traffic[] => {
      const moved = { array: name, read: Math.round(read.get(name) ?? 0), written: Math.round(written.get(name) ?? 0) };
      return moved.read + moved.written === 0 ? [] : [moved];
    });
    // A guard on lanes alone says who stores; one that mentions workgroups or loops says what is left out.
    const outside = new Set([...this.#kernel.grid, ...loopsIn(this.#kernel.body)].map(({ name }) => name));
    for (const { index, value } of digitsIn(this.#kernel.body)) if (value.free.some((name) => outside.has(name))) outside.add(index.name);
    const guards = [...asked].flatMap(([guard, { times, held, live, mixed, dead }]) => (held === times || !guard.free.some((name) => outside.has(name)) ? [] : [{ guard, share: held / times, live, mixed, dead }]));
    const sum = (of: (moved: Traffic) => number): number => traffic.reduce((all, moved) => all + of(moved), 0);
    return { workgroups, bytesRead: sum((moved) => moved.read), bytesWritten: sum((moved) => moved.written), operations: Math.round(operations), traffic, guards };
  }

  /** The grid axes whose positions decide how much is done: those that guards and bounds mention. */
  #deciding(): ReadonlySet<string> {
    const names = new Set<string>();
    const seen = new Set<Value>();
    const mention = (value: Value): void => value.free.forEach((name) => names.add(name));
    const into = (value: Value): void => {
      if (seen.has(value)) return;
      seen.add(value);
      if (value.kind === "index") return;
      if (value.kind === "reduce") {
        const { where, body } = this.#opener.open(value);
        for (const part of [value.extent, where]) mention(part);
        for (const part of [where, body]) into(part);
      } else children(value).forEach(into);
    };
    // A digit is as wide as its lanes: of a ragged axis the guard of the stage says what is left.
    const visit = (node: Node): void => {
      if (node.kind === "loop") {
        for (const bound of [node.low, node.high]) mention(bound);
        node.body.forEach(visit);
      }
      if (node.kind !== "stage") return;
      const digits = new Map(node.digits.map(({ index, value }) => [index.name, value]));
      mention(node.inside);
      into(node.inside);
      for (const item of node.items) {
        if (item.kind === "assign") {
          for (const part of [item.where, ...item.over.map(({ extent }) => extent)]) mention(part);
          for (const part of [item.where, ...item.indices]) into(part);
        }
        into(item.value);
      }
      for (const [name, value] of digits) if (names.has(name)) mention(value);
    };
    this.#kernel.body.forEach(visit);
    return names;
  }

  #shape(array: KernelArray): readonly number[] {
    let shape = this.#shapes.get(array);
    if (shape === undefined) this.#shapes.set(array, (shape = array.shape.map((size) => this.#everywhere.of(size)[1])));
    return shape;
  }

  #workgroup(grid: Positions): Work {
    const footprints = (): Footprints => new Footprints(this.#arrays, (array) => this.#shape(array), this.#memory);
    const work: Work = { read: footprints(), written: footprints(), operations: 0, asked: new Map() };
    const ranges = new Map([...grid].map(([name, position]) => [name, [position, position] as const]));
    this.#nodes(this.#kernel.body, grid, ranges, 1, work);
    return work;
  }

  /** @param ranges of grid positions and of the loops around. @param times how often the nodes are run */
  #nodes(nodes: readonly Node[], grid: Positions, ranges: Ranges, times: number, work: Work): void {
    for (const node of nodes) {
      switch (node.kind) {
        case "stage": this.#stage(node, grid, ranges, times, work); break;
        case "loop": {
          const bounder = bounderOf(this.#sizes, ranges);
          const [low, high] = [bounder.of(node.low)[0], bounder.of(node.high)[1]];
          if (high > low) this.#nodes(node.body, grid, new Map(ranges).set(node.axis.name, [low, high - 1]), times * (high - low), work);
          break;
        }
        // Every lane but one is combined into another, for each register.
        case "cross": work.operations += node.registers.length * (this.#kernel.lanes - 1) * times; break;
        case "barrier": case "commit": break;
      }
    }
  }

  #stage(stage: Stage, grid: Positions, around: Ranges, times: number, work: Work): void {
    const { live, asked } = this.#live(stage, grid, bounderOf(this.#sizes, around));
    note(work.asked, stage.inside, asked * times, live.length * times);
    if (live.length === 0) {
      work.operations += operationsIn(stage.inside) * asked * times;
      return;
    }
    const ranges = new Map(around);
    for (const { name } of [...stage.lanes, ...stage.digits.map(({ index }) => index)]) {
      const positions = live.flatMap((at) => at.get(name) ?? []);
      if (positions.length > 0) ranges.set(name, [Math.min(...positions), Math.max(...positions)]);
    }
    const fixed = [...stage.block, ...(stage.vector === undefined ? [] : [stage.vector])];
    const sizes = fixed.map((axis) => [axis.name, this.#everywhere.of(axis.extent)[1]] as const);
    for (const [name, size] of sizes) ranges.set(name, [0, size - 1]);
    const names = new Set([...around.keys(), ...stage.lanes.map(({ name }) => name), ...stage.digits.map(({ index }) => index.name)]);
    const asking: Scope = { outer: undefined, names, times: asked * times, guards: [] };
    const alive: Scope = { outer: undefined, names, times: live.length * times, guards: partsOf(stage.inside) };
    const lanes = sizes.length === 0 ? alive : repeated(alive, sizes.map(([name]) => name), sizes.reduce((count, [, size]) => count * size, 1));
    const values = new Values(this.#opener, this.#sizes, work, live, ranges);
    work.operations += values.count(stage.inside, asking);
    for (const item of stage.items) this.#item(item, lanes, values, work);
  }

  #item(item: Item, lanes: Scope, values: Values, work: Work): void {
    const array = this.#arrays.get(item.array);
    if (item.kind === "pack") {
      const bits = array === undefined ? 32 : this.#memory.bitsOf(array);
      const each = Math.ceil(32 / bits);
      // A word is stored whole, by the lane that has it; of its row, as many elements as there are.
      const row = item.row.map((index) => values.reach(index, lanes));
      const last = values.reach(item.word, lanes);
      const shape = array === undefined ? [] : this.#shape(array);
      const width = shape.at(-1) ?? 1;
      const words = { between: [Math.floor((last.between[0] * 32) / bits), Math.ceil(((last.between[1] + 1) * 32) / bits) - 1] as const, most: Math.min(last.most * (32 / bits), width) };
      work.written.add(item.array, item.row.length === shape.length - 1 ? [...row, words] : [], lanes.times * (32 / bits));
      // The elements of a word: a run of them, which the row may end.
      const length = Math.min(each, width);
      values.range(item.element.name, item.digits.length > 0 ? [0, each - 1] : words.between);
      const elements = repeated(lanes, [item.element.name, ...item.digits.map(({ index }) => index.name)], length);
      work.operations += values.count(item.value, elements);
      return;
    }
    let scope = lanes;
    for (const axis of item.over) scope = repeated(scope, [axis.name], values.enter(axis));
    work.operations += values.count(item.where, scope);
    const inside = values.guarded(scope, item.where);
    work.operations += values.count(item.value, inside) + (item.op === "=" ? 0 : inside.times);
    const reach = item.indices.map((index) => values.reach(index, inside));
    const most = values.combinations(item.indices);
    if (inside.times > 0) {
      work.written.add(item.array, reach, most);
      // What is added to was set first, by the same lanes: it is the same memory, but it is also read.
      if (item.op !== "=") work.read.add(item.array, reach, most);
    }
    for (const index of item.indices) values.count(index, inside);
  }

  /** The lanes that do something, each by its positions, digits included; and how many there are that might. */
  #live(stage: Stage, grid: Positions, bounder: Bounder): { readonly live: readonly Positions[]; readonly asked: number } {
    const live: Positions[] = [];
    let asked = 0;
    for (const lane of combinations(stage.lanes.map(({ name, extent }) => ({ name, size: this.#everywhere.of(extent)[1] })))) {
      asked++;
      const at = new Map([...grid, ...lane]);
      for (const { index, value } of stage.digits) {
        const position = positionOf(value, this.#sizes, at);
        if (position !== undefined) at.set(index.name, position);
      }
      const inside = positionOf(stage.inside, this.#sizes, at);
      if (inside === undefined ? shareOf(stage.inside, bounder) > 0 : inside !== 0) live.push(at);
    }
    return { live, asked };
  }
}

function bounderOf(sizes: Sizes, ranges: Ranges): Bounder {
  return new Bounder((axis) => {
    const size = sizes[axis];
    return size === undefined ? [0, Infinity] : [size, size];
  }, undefined, (name) => ranges.get(name));
}

const loopsIn = (nodes: readonly Node[]): readonly Index[] => nodes.flatMap((node) => (node.kind === "loop" ? [node.axis, ...loopsIn(node.body)] : []));

const digitsIn = (nodes: readonly Node[]): readonly Digit[] => nodes.flatMap((node) => (node.kind === "loop" ? digitsIn(node.body) : node.kind === "stage" ? node.digits : []));

function note(asked: Work["asked"], guard: Value, times: number, held: number): void {
  const known = asked.get(guard) ?? { times: 0, held: 0 };
  asked.set(guard, { times: known.times + times, held: known.held + held });
}

const repeated = (outer: Scope, names: readonly string[], size: number): Scope => ({ outer, names: new Set(names), times: outer.times * size, guards: outer.guards });

/** Positions from 0 to `size` − 1, each with how many it stands for; the last stands for itself, since it may be ragged. */
function spaced(size: number): readonly { readonly position: number; readonly stands: number }[] {
  if (size <= ONE_BY_ONE) return Array.from({ length: size }, (_, position) => ({ position, stands: 1 }));
  const others = size - 1;
  return [
    ...Array.from({ length: ONE_BY_ONE - 1 }, (_, at) => {
      const [from, to] = [Math.floor((at * others) / (ONE_BY_ONE - 1)), Math.floor(((at + 1) * others) / (ONE_BY_ONE - 1))];
      return { position: Math.floor((from + to) / 2), stands: to - from };
    }),
    { position: others, stands: 1 },
  ];
}

/** Counts values once for each scope they are computed in. */
class Values {
  readonly #opener: Opener;
  readonly #work: Work;
  readonly #live: readonly Positions[];
  /** Of every index that is known: its bounds. */
  readonly #ranges: Map<string, Bounds>;
  readonly #sizes: Sizes;
  #bounder: Bounder;
  readonly #counted = new Map<Scope, Set<Value>>();
  readonly #loops = new Map<string, { readonly outer: Scope; readonly loop: Scope; readonly inside: Scope }>();

  constructor(opener: Opener, sizes: Sizes, work: Work, live: readonly Positions[], ranges: Ranges) {
    this.#opener = opener;
    this.#work = work;
    this.#live = live;
    this.#ranges = new Map(ranges);
    this.#sizes = sizes;
    this.#bounder = bounderOf(sizes, this.#ranges);
  }

  /** Makes the positions of an index known. */
  range(name: string, between: Bounds): void {
    this.#ranges.set(name, between);
    this.#bounder = bounderOf(this.#sizes, this.#ranges);
  }

  /** Makes an index known that takes all positions of its axis here, and says how many those are. */
  enter(index: Index): number {
    const size = Math.max(0, this.#bounder.of(index.extent)[1]);
    this.range(index.name, [0, size - 1]);
    return size;
  }

  /** What a guard lets through; it binds the axes that it mentions. */
  guarded(scope: Scope, where: Value): Scope {
    const parts = partsOf(where);
    if (parts.length === 0) return scope;
    const times = scope.times * shareOf(where, this.#bounder);
    note(this.#work.asked, where, scope.times, times);
    return { outer: scope, names: new Set(where.free), times, guards: [...scope.guards, ...parts] };
  }

  /** The operations of `value` and its parts that are not counted yet, where `scope` is the innermost around it. */
  count(value: Value, scope: Scope): number {
    const own = scopeOf(value, scope);
    let counted = this.#counted.get(own);
    if (counted === undefined) this.#counted.set(own, (counted = new Set()));
    if (counted.has(value)) return 0;
    counted.add(value);
    switch (value.kind) {
      case "load": return this.#load(value, value.tensor.name, own);
      case "slot": return this.#load(value, value.name, own);
      case "reduce": return this.#reduce(value, own);
      // The extent of an axis is known when a loop over it begins.
      case "index": return 0;
      default: return operationsOf(value) * own.times + children(value).reduce((sum, part) => sum + this.count(part, own), 0);
    }
  }

  #reduce(reduce: Reduce, outer: Scope): number {
    const { index, where, body } = this.#opener.open(reduce);
    const size = this.enter(index);
    const key = `${index.name} ${reduce.extent.id} ${where.id}`;
    let made = this.#loops.get(key);
    if (made?.outer !== outer) {
      const loop = repeated(outer, [index.name], size);
      const inside = this.guarded(loop, where);
      // What the guard lets through is computed inside of it.
      this.#loops.set(key, (made = { outer, loop, inside: inside === loop ? loop : { ...inside, names: new Set([...inside.names, index.name]) } }));
    }
    return made.inside.times + this.count(where, made.loop) + (made.inside.times === 0 ? 0 : this.count(body, made.inside));
  }

  /** Elements that are read through other elements make those read too; the address itself is not counted. */
  #load(load: Load | Slot, name: string, scope: Scope): number {
    if (scope.times > 0) this.#work.read.add(name, load.indices.map((index) => this.reach(index, scope)), this.combinations([load]));
    for (const index of load.indices) this.count(index, scope);
    return 0;
  }

  /** What one index of an access reaches. */
  reach(index: Value, scope: Scope): { readonly between: Bounds; readonly most: number } {
    return { between: boundsUnder(index, scope.guards, this.#bounder), most: this.combinations([index]) };
  }

  /** How many combinations of positions the axes of these values take in a workgroup. */
  combinations(values: readonly Value[]): number {
    const names = [...new Set(values.flatMap(({ free }) => free))];
    const lanes = names.filter((name) => this.#live[0]?.has(name) === true);
    const combined = lanes.length === 0 ? 1 : new Set(this.#live.map((at) => lanes.map((name) => at.get(name)).join())).size;
    return names.reduce((count, name) => {
      if (lanes.includes(name)) return count;
      const range = this.#ranges.get(name);
      return count * (range === undefined ? 1 : range[1] - range[0] + 1);
    }, combined);
  }
}

/** The innermost scope around `scope`, itself included, that gives an index which occurs in `value`. */
function scopeOf(value: Value, scope: Scope): Scope {
  let own = scope;
  while (own.outer !== undefined && !value.free.some((name) => own.names.has(name))) own = own.outer;
  return own;
}

/** The operations of a value that reads nothing and has no loops. */
function operationsIn(value: Value, seen = new Set<Value>()): number {
  if (seen.has(value) || value.kind === "index") return 0;
  seen.add(value);
  return operationsOf(value) + children(value).reduce((sum, part) => sum + operationsIn(part, seen), 0);
}

/** The operations of a node itself, once; those on positions and codes are none. */
function operationsOf(value: Value): number {
  if (isTruth(value) ? children(value).every(({ facts }) => facts.integer) : value.facts.integer) return 0;
  switch (value.kind) {
    case "linear": return value.terms.filter(([k]) => Math.abs(k) !== 1).length + value.terms.length - (value.constant === 0 ? 1 : 0);
    case "product": return value.factors.length - 1 + value.factors.filter(([, exponent]) => exponent !== 1).length;
    case "quotient": case "remainder": case "apply": case "bitwise": case "larger": case "smaller": case "select":
    case "less": case "atMost": case "equal": case "not": return 1;
    case "and": case "or": return value.of.length - 1;
    case "constant": case "truth": case "extent": case "index": case "load": case "slot": case "reduce": case "table": return 0;
  }
}
