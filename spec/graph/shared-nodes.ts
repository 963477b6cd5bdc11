/**
 * @file The nodes of one builder by what they are made of: nodes of one kind over the same parts are one node. A hash table of
 * its own, as every step of every pass looks nodes up and a key in text would be made for each look.
 */

import type { Facts, Tensor, Value } from "./node";

/** What a node is made of: all but what its table adds. */
export type Bare<V> = V extends Value ? Omit<V, "id" | "facts" | "free" | "levels" | "depth"> : never;

/** Slots of a table that begins. */
const FIRST = 1024;

/** Open addressing: a node stands in the first free slot from where its hash points to; half of the slots stay free. */
export class SharedNodes {
  #slots: (Value | undefined)[] = new Array<Value | undefined>(FIRST);
  #hashes = new Int32Array(FIRST);
  #count = 0;
  #hash = 0;
  /** Another for every table, so that no file can be made whose nodes all meet in one slot. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  /** The slot of the node that `bare` is, or the free one where it belongs. @param facts of a slot: two are one where as much is known of them */
  find(bare: Bare<Value>, facts: Facts | undefined): number {
    const hash = (this.#hash = hashOf(bare, facts, this.#seed));
    const last = this.#slots.length - 1;
    for (let place = hash & last; ; place = (place + 1) & last) {
      const node = this.#slots[place];
      if (node === undefined || (this.#hashes[place] === hash && isSame(node, bare, facts))) return place;
    }
  }

  at(place: number): Value | undefined {
    return this.#slots[place];
  }

  /** Puts a new node into the slot that was just found for it. */
  put(place: number, node: Value): Value {
    this.#slots[place] = node;
    this.#hashes[place] = this.#hash;
    if (2 * ++this.#count > this.#slots.length) this.#grow();
    return node;
  }

  #grow(): void {
    const [slots, hashes] = [this.#slots, this.#hashes];
    const last = 2 * slots.length - 1;
    this.#slots = new Array<Value | undefined>(last + 1);
    this.#hashes = new Int32Array(last + 1);
    for (let at = 0; at < slots.length; at++) {
      if (slots[at] === undefined) continue;
      const hash = hashes[at] ?? 0;
      let place = hash & last;
      while (this.#slots[place] !== undefined) place = (place + 1) & last;
      this.#slots[place] = slots[at];
      this.#hashes[place] = hash;
    }
  }
}

/** A number for each kind. */
const KINDS: Readonly<Record<Value["kind"], number>> = {
  constant: 1, truth: 2, extent: 3, index: 4, load: 5, slot: 6, linear: 7, product: 8, apply: 9, bitwise: 10, not: 11, and: 12, or: 13, select: 14, reduce: 15, table: 16,
  quotient: 17, remainder: 18, larger: 19, smaller: 20, less: 21, atMost: 22, equal: 23,
};

const mixed = (hash: number, value: number): number => {
  const next = Math.imul(hash ^ value, 0x9e3779b1);
  return next ^ (next >>> 15);
};

const real = new Float64Array(1);
const words = new Int32Array(real.buffer);

/** Of a number that need be no integer. */
function withNumber(hash: number, value: number): number {
  if ((value | 0) === value) return mixed(hash, value);
  real[0] = value;
  return mixed(mixed(hash, words[0] ?? 0), words[1] ?? 0);
}

function withText(hash: number, text: string): number {
  let all = mixed(hash, text.length);
  for (let at = 0; at < text.length; at++) all = mixed(all, text.charCodeAt(at));
  return all;
}

function withAll(hash: number, values: readonly Value[]): number {
  let all = hash;
  for (const { id } of values) all = mixed(all, id);
  return all;
}

function hashOf(bare: Bare<Value>, facts: Facts | undefined, seed: number): number {
  const hash = mixed(seed, KINDS[bare.kind]);
  switch (bare.kind) {
    case "constant": return withNumber(hash, bare.value);
    case "truth": return mixed(hash, bare.value ? 1 : 0);
    case "extent": return withText(hash, bare.axis);
    case "index": return mixed(withText(hash, bare.name), bare.extent.id);
    case "load": return withAll(mixed(withText(hash, bare.tensor.name), infinitiesIn(bare.tensor)), bare.indices);
    case "slot": return withAll(facts === undefined ? hash : withNumber(withNumber(withText(hash, bare.name), facts.low), facts.high), bare.indices);
    case "linear": {
      let all = withNumber(hash, bare.constant);
      for (const [k, { id }] of bare.terms) all = mixed(withNumber(all, k), id);
      return all;
    }
    case "product": {
      let all = hash;
      for (const [{ id }, exponent] of bare.factors) all = mixed(withNumber(all, exponent), id);
      return all;
    }
    case "apply": return withAll(withText(hash, bare.fn), bare.args);
    case "bitwise": return mixed(mixed(withText(hash, bare.op), bare.left.id), bare.right.id);
    case "not": return mixed(hash, bare.of.id);
    case "and": case "or": return withAll(hash, bare.of);
    case "select": return mixed(mixed(mixed(hash, bare.condition.id), bare.yes.id), bare.no.id);
    case "reduce": return mixed(mixed(mixed(withText(withText(hash, bare.op), bare.bound), bare.extent.id), bare.where.id), bare.body.id);
    case "table": return mixed(mixed(mixed(withText(hash, bare.bound), bare.extent.id), bare.body.id), bare.at.id);
    case "quotient": case "remainder": case "larger": case "smaller": case "less": case "atMost": case "equal":
      return mixed(mixed(hash, bare.left.id), bare.right.id);
  }
}

const infinitiesIn = ({ infinities }: Tensor): number => (infinities === undefined ? 0 : (infinities.negative ? 1 : 0) + (infinities.positive ? 2 : 0));

function areSame(a: readonly Value[], b: readonly Value[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

type Pair = readonly [unknown, unknown];

function arePairs(a: readonly Pair[], b: readonly Pair[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at]?.[0] !== b[at]?.[0] || a[at]?.[1] !== b[at]?.[1]) return false;
  return true;
}

const sameFacts = (a: Facts, b: Facts): boolean =>
  a === b || (a.low === b.low && a.high === b.high && a.mayBeNegativeInfinity === b.mayBeNegativeInfinity && a.mayBePositiveInfinity === b.mayBePositiveInfinity && a.nonZero === b.nonZero && a.integer === b.integer);

function isSame(node: Value, bare: Bare<Value>, facts: Facts | undefined): boolean {
  switch (node.kind) {
    case "constant": return bare.kind === "constant" && node.value === bare.value;
    case "truth": return bare.kind === "truth" && node.value === bare.value;
    case "extent": return bare.kind === "extent" && node.axis === bare.axis;
    case "index": return bare.kind === "index" && node.name === bare.name && node.extent === bare.extent;
    case "load": return bare.kind === "load" && node.tensor.name === bare.tensor.name && infinitiesIn(node.tensor) === infinitiesIn(bare.tensor) && areSame(node.indices, bare.indices);
    case "slot": return bare.kind === "slot" && node.name === bare.name && areSame(node.indices, bare.indices) && facts !== undefined && sameFacts(node.facts, facts);
    case "linear": return bare.kind === "linear" && node.constant === bare.constant && arePairs(node.terms, bare.terms);
    case "product": return bare.kind === "product" && arePairs(node.factors, bare.factors);
    case "apply": return bare.kind === "apply" && node.fn === bare.fn && areSame(node.args, bare.args);
    case "bitwise": return bare.kind === "bitwise" && node.op === bare.op && node.left === bare.left && node.right === bare.right;
    case "not": return bare.kind === "not" && node.of === bare.of;
    case "and": return bare.kind === "and" && areSame(node.of, bare.of);
    case "or": return bare.kind === "or" && areSame(node.of, bare.of);
    case "select": return bare.kind === "select" && node.condition === bare.condition && node.yes === bare.yes && node.no === bare.no;
    case "reduce": return bare.kind === "reduce" && node.op === bare.op && node.bound === bare.bound && node.extent === bare.extent && node.where === bare.where && node.body === bare.body;
    case "table": return bare.kind === "table" && node.bound === bare.bound && node.extent === bare.extent && node.body === bare.body && node.at === bare.at;
    case "quotient": case "remainder": case "larger": case "smaller": case "less": case "atMost": case "equal":
      return bare.kind === node.kind && node.left === bare.left && node.right === bare.right;
  }
}
