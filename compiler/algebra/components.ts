/**
 * @file One fold while it grows: reductions over one axis join it one after the other, each becoming components whose
 * repair was found, or are turned away with a reason.
 */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import { asLinear, type GraphBuilder } from "../../spec/graph/builder";
import { isFinite, range } from "../../spec/graph/facts";
import type { Facts, Index, Reduce, ReduceOperator, Slot, Value } from "../../spec/graph/node";
import { mayOverflow } from "../../spec/graph/overflow";
import type { Component, Refusal, Repair, RepairProof } from "./derived";
import { direction } from "./direction";
import { domainOf } from "./domain";
import { freeIndices, openedOrder, replaceAll, replaceOpened, slotsIn } from "./opened";
import { binomial, taylor } from "./polynomial";
import { after, before, expand, type Moving, type ratio, type shift } from "./ratio";
import { show } from "./show";

/** What a reduction is worth in terms of components. */
export interface Result {
  /** The guard of the reduction: where it holds somewhere, `live` may be read. */
  readonly where: Value;
  /** Over slots that are not empty. */
  readonly live: Value;
  /** Over final slots; of a loop that took in nothing, the identity of the operator. */
  readonly final: Value;
}

/** The side conditions on which a fold's soundness rests, each by itself. */
export interface Rules {
  /** The ratio test. */
  readonly growth: typeof ratio;
  /** The difference test, for extremes. */
  readonly shift: typeof shift;
  /** Taylor's coefficients of a polynomial body. */
  readonly taylor: typeof taylor;
  /** Whether one guard implies another: then what the wider one counts is not empty where the narrower one holds. */
  readonly implies: (builder: GraphBuilder, narrow: Value, wide: Value) => boolean;
  /** Why a factor stays in range; undefined where it may not. */
  readonly bounded: (fold: GrowingFold, body: Value, where: Value, names: ReadonlySet<string>) => RepairProof | undefined;
  /** Whether a factor that is free of the position may leave a reduction. */
  readonly mayLeave: (op: ReduceOperator, facts: Facts) => boolean;
  /** Whether what left a loop must be told from the loop's being empty. */
  readonly mayBeEmpty: boolean;
  /** Whether a guard may read components of its own fold. */
  readonly guardMayMove: boolean;
  /** Whether the sum of deviations is looked at before it is dropped. */
  readonly deviationsVanish: (sum: Value, zero: Value) => boolean;
}

/** A finite factor leaves a sum; out of an extreme it must not turn the order around, nor make all positions equal. */
export const mayLeave = (op: ReduceOperator, facts: Facts): boolean =>
  isFinite(facts) && (op === "sum" || (facts.low >= 0 && (facts.nonZero || (op !== "argmax" && op !== "argmin"))));

/** Whether a factor may make a number that is none of what a loop comes to that nothing enters: 0 times it, of a sum; infinity times it, of an extreme. */
const spoilsNothing = (op: ReduceOperator, [base, exponent]: readonly [Value, number]): boolean =>
  (exponent > 0) === (op === "sum") ? mayOverflow(base) : !base.facts.nonZero;

/** `narrow` holds only where `wide` does, seen from their parts. */
export function implies(builder: GraphBuilder, narrow: Value, wide: Value): boolean {
  const parts = (value: Value): readonly Value[] => (value === builder.true ? [] : value.kind === "and" ? value.of : [value]);
  const known = parts(narrow);
  return parts(wide).every((part) => known.includes(part));
}

export class GrowingFold {
  readonly components: Component[] = [];
  readonly because: Refusal[] = [];

  constructor(
    readonly builder: GraphBuilder,
    readonly axis: string,
    readonly index: Index,
    readonly pass: number,
    readonly rules: Rules,
    /** Gives a name that no other component has. */
    readonly fresh: (stem: string) => string,
  ) {}

  named(name: string): Component | undefined {
    return this.components.find((component) => component.name === name);
  }

  /** The components of this fold that a value reads, in order. */
  reads(value: Value): readonly string[] {
    const read = new Set(slotsIn(this.builder, value).map(({ name }) => name));
    return this.components.filter(({ name }) => read.has(name)).map(({ name }) => name);
  }

  /** Makes the reduction part of this fold, or says why it cannot be. Leaves the fold as it was where it refuses. */
  join(op: ReduceOperator, body: Value, where: Value): Result | { readonly why: string } {
    const mark = this.components.length;
    const result = this.#join(op, body, where);
    if ("why" in result) this.components.length = mark;
    return result;
  }

  #join(op: ReduceOperator, body: Value, where: Value): Result | { readonly why: string } {
    const { builder } = this;
    const guard = this.reads(where);
    if (guard.length > 0 && !this.rules.guardMayMove) return { why: `its guard ${show(builder, where)} changes with ${guard.join(", ")}, so what was counted before cannot be told from what was not` };
    const moving = this.reads(body);
    for (const slot of slotsIn(builder, body)) {
      if (moving.includes(slot.name) && slot.indices.some((index) => index.free.includes(this.index.name))) {
        return { why: `${show(builder, slot)} is read at the position itself, and is complete only after the pass` };
      }
    }
    const { inner, outer, guarded } = this.#hoist(op, body, where);
    const made = this.#component(op, inner, where);
    if (!("why" in made)) return this.#result(op, where, guarded, (slot) => outer(slot), [made]);
    // A sum of terms that are repaired each in its own way is as many sums.
    if (op === "sum" && inner.kind === "linear" && inner.terms.length + Math.sign(Math.abs(inner.constant)) > 1) {
      const terms = [...inner.terms, ...(inner.constant === 0 ? [] : [[inner.constant, builder.one] as const])];
      const parts: (readonly [number, Result])[] = [];
      for (const [k, term] of terms) {
        const part = this.#join("sum", term, where);
        if ("why" in part) return part;
        parts.push([k, part]);
      }
      return {
        where,
        live: outer(builder.linear(0, parts.map(([k, part]) => [k, part.live] as const))),
        final: this.#unlessEmpty(op, where, guarded, outer(builder.linear(0, parts.map(([k, part]) => [k, part.final] as const)))),
      };
    }
    return made;
  }

  /**
   * Moves out of the reduction what does not depend on the position, with what is known of earlier results where the
   * guard holds somewhere. `guarded`: the loop must be told from an empty one, since out there the value may be 0 or
   * infinite; a divisor may leave even if it could be 0, for then the element divides by zero itself.
   */
  #hoist(op: ReduceOperator, body: Value, where: Value): { readonly inner: Value; readonly outer: (value: Value) => Value; readonly guarded: boolean } {
    const { builder } = this;
    const isFree = (value: Value): boolean => !value.free.includes(this.index.name);
    const nothing = { inner: body, outer: (value: Value): Value => value, guarded: false };
    if (op === "any") return nothing;
    const position = op === "argmax" || op === "argmin";
    // The same everywhere: an extreme of nothing but zeros, moved there, and the first position of it.
    if (op !== "sum" && isFree(body) && body !== builder.zero && isFinite(body.facts)) {
      return { inner: builder.zero, outer: position ? (value) => value : (value) => builder.add(body, value), guarded: !position && this.#readsSlots(body) };
    }
    const [coefficient, factors] = builder.factors(body);
    if (coefficient === 0) return nothing;
    const out = factors.filter(([base]) => isFree(base) && this.rules.mayLeave(op, base.facts));
    const rest = builder.product(factors.filter((factor) => !out.includes(factor)));
    const scale = op === "sum" || coefficient > 0 ? coefficient : 1;
    if ((out.length > 0 || scale !== 1) && (op === "sum" || rest !== builder.one)) {
      const kept = builder.scale(coefficient / scale, rest);
      const next = op === "sum" ? { inner: kept, outer: (value: Value): Value => value, guarded: false } : this.#hoist(op, kept, where);
      const leaves = builder.product([[builder.constant(scale), 1], ...out]);
      const outer = position ? next.outer : (value: Value): Value => builder.multiply(leaves, next.outer(value));
      const guarded = next.guarded || out.some((factor) => this.#readsSlots(factor[0]) || spoilsNothing(op, factor));
      return { inner: next.inner, outer, guarded: guarded && !position };
    }
    if (op !== "sum" && body.kind === "linear") {
      const leaving = body.terms.filter(([, term]) => isFree(term) && isFinite(term.facts));
      const staying = body.terms.filter((term) => !leaving.includes(term));
      if (leaving.length > 0 || body.constant !== 0) {
        const next = this.#hoist(op, builder.linear(0, staying), where);
        const leaves = builder.linear(body.constant, leaving);
        const outer = position ? next.outer : (value: Value): Value => builder.add(leaves, next.outer(value));
        return { inner: next.inner, outer, guarded: !position && (next.guarded || leaving.some(([, term]) => this.#readsSlots(term) || mayOverflow(term))) };
      }
    }
    return nothing;
  }

  /** What was known of a component where it is not empty is not known out of the loop. */
  #readsSlots(value: Value): boolean {
    return slotsIn(this.builder, value).length > 0;
  }

  #result(op: ReduceOperator, where: Value, guarded: boolean, outer: (slot: Value) => Value, [component]: readonly [Component]): Result {
    return { where, live: outer(component.live), final: this.#unlessEmpty(op, where, guarded, outer(this.finalSlot(component))) };
  }

  /** The slot of a component at the end, which has taken in nothing where it may have. */
  finalSlot(component: Component): Slot {
    const { name, op, own, where, live: { facts } } = component;
    if (where === this.builder.true && this.index.extent.facts.low >= 1) return this.builder.slot(name, own, facts);
    const identity = this.builder.identity(op).facts;
    return this.builder.slot(name, own, {
      ...range(Math.min(facts.low, identity.low), Math.max(facts.high, identity.high)),
      mayBeNegativeInfinity: facts.mayBeNegativeInfinity || op === "max",
      mayBePositiveInfinity: facts.mayBePositiveInfinity || op === "min",
      integer: facts.integer && op !== "max" && op !== "min",
      nonZero: false,
    });
  }

  #unlessEmpty(op: ReduceOperator, where: Value, guarded: boolean, value: Value): Value {
    return guarded && this.rules.mayBeEmpty ? this.builder.select(this.#some(where), value, this.builder.identity(op)) : value;
  }

  /** Whether the guard holds anywhere, from a component that tells. */
  #some(where: Value): Value {
    const { builder } = this;
    const known = builder.reduce("any", this.index, builder.true, where);
    if (!openedOrder(builder, [known]).some((node) => this.#isOwnAny(node))) return known;
    const extreme = this.components.find((component) => component.op === "max" && component.where === where && isFinite(component.body.facts));
    if (extreme !== undefined) return builder.not(builder.equal(this.finalSlot(extreme), builder.constant(-Infinity)));
    return replaceOpened(builder, known, (node) => {
      if (!this.#isOwnAny(node)) return undefined;
      const { where: condition } = builder.openAs(node, numberOf(this.index));
      const counted = this.#component("any", builder.true, condition);
      if ("why" in counted) throw new InternalError(`a guard of a joined reduction is turned away: ${counted.why}`);
      return this.finalSlot(counted);
    });
  }

  #isOwnAny(node: Value): node is Reduce {
    return node.kind === "reduce" && node.op === "any" && node.axis === this.axis && node.extent === this.index.extent;
  }

  #component(op: ReduceOperator, body: Value, where: Value): Component | { readonly why: string } {
    const { builder } = this;
    const had = this.components.find((component) => component.op === op && component.body === body && component.where === where);
    if (had !== undefined) return had;
    const names = new Set(this.reads(body));
    if (names.size === 0) return this.#add(op, body, where, { kind: "none" });
    const moving: Moving = { builder, names, position: this.index.name };
    const found = this.rules.growth(moving, body);
    if (found === "zero") return { why: `${show(builder, body)} is 0` };
    if ("ratio" in found) {
      const factor = found.ratio;
      if (factor === builder.one) return this.#add(op, body, where, { kind: "none" });
      const proof = this.rules.bounded(this, body, where, names);
      const positive = op === "sum" || factor.facts.low >= 0;
      if (op !== "any" && isFinite(factor.facts) && positive && proof !== undefined) return this.#add(op, body, where, { kind: "multiply", factor, proof });
      if (op === "sum") {
        return { why: `the factor ${show(builder, factor)} ${proof === undefined ? "is not known to stay at or below 1, and may overflow where what was summed has vanished" : "may be infinite or negative"}` };
      }
    }
    if (op === "any") return { why: `${show(builder, body)} changes with ${[...names].join(", ")}` };
    if (op !== "sum") {
      const moved = this.rules.shift(moving, body);
      if ("why" in moved) return "why" in found ? found : moved;
      return this.#add(op, body, where, { kind: "add", term: moved.difference, proof: { range: "exact", text: `${show(builder, body)} moves by the same amount at every position` } });
    }
    const mark = this.components.length;
    const made = this.#polynomial(body, where, moving);
    if (made !== undefined) return made;
    this.components.length = mark;
    return "why" in found ? found : { why: "no repair was found" };
  }

  #add(op: ReduceOperator, body: Value, where: Value, repair: Repair): Component | { readonly why: string } {
    const { builder, index } = this;
    let extreme: string | undefined;
    if (op === "argmax" || op === "argmin") {
      const holder = this.#component(op === "argmax" ? "max" : "min", body, where);
      if ("why" in holder) return holder;
      extreme = holder.name;
    }
    const free = new Map([...freeIndices(builder, where), ...freeIndices(builder, body)].map((axis) => [axis.name, axis]));
    free.delete(index.name);
    const own = [...free.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const repaired = repair.kind === "multiply" ? [repair.factor] : repair.kind === "add" ? [repair.term] : [];
    for (const value of repaired) if (value.free.includes(index.name)) throw new InternalError(`a repair depends on the position: ${show(builder, value)}`);
    const named = new Set([body, where, ...repaired].flatMap((value) => slotsIn(builder, value).map((slot) => slot.name.replace(/@(old|new)$/, ""))));
    if (extreme !== undefined) named.add(extreme);
    const name = this.fresh(body === builder.one ? "count" : op);
    const component: Component = {
      name, op, own, body, where, extreme,
      reads: this.components.map((other) => other.name).filter((other) => named.has(other)),
      needs: [...named].filter((other) => this.named(other) === undefined).sort(),
      repair: extreme === undefined ? repair : { kind: "none" },
      live: builder.slot(name, own, this.#liveFacts(op, body, where)),
      domain: domainOf(builder, where, index),
    };
    this.components.push(component);
    return component;
  }

  #liveFacts(op: ReduceOperator, body: Value, where: Value): Facts {
    const { facts } = body;
    const count = this.index.extent.facts.high;
    switch (op) {
      case "max": case "min": return facts;
      case "argmax": case "argmin": return range(0, Math.max(0, count - 1), { integer: true });
      case "any": return range(0, 1, { integer: true });
      case "sum": {
        const least = Math.max(facts.low >= 0 ? facts.low : -Infinity, this.#leastTerm(body, where));
        return range(least === -Infinity ? facts.low * count || -Infinity : least, facts.high <= 0 ? facts.high : facts.high * count, {
          mayBeNegativeInfinity: facts.mayBeNegativeInfinity,
          mayBePositiveInfinity: facts.mayBePositiveInfinity,
          integer: facts.integer,
        });
      }
    }
  }

  /**
   * A sum of terms that are never negative is at least its term at the extreme: exp(k·(e − m)) with m the max or min of
   * e over the same guard is 1 there.
   */
  #leastTerm(body: Value, where: Value): number {
    if (body.facts.low < 0) return -Infinity;
    for (const component of this.components) {
      if ((component.op !== "max" && component.op !== "min") || component.where !== where) continue;
      const there = this.atExtreme(body, component);
      if (there?.kind === "constant" && there.value > 0) return there.value;
    }
    return body.facts.low;
  }

  /** `body` at the position where `component` has its extreme: there its slot is its own body. */
  atExtreme(body: Value, component: Component): Value | undefined {
    if (!this.reads(body).includes(component.name)) return undefined;
    const moving: Moving = { builder: this.builder, names: new Set([component.name]), position: this.index.name };
    const at = new Map<Value, Value>([[component.live, component.body]]);
    const into = (value: Value): Value =>
      value.kind === "apply" && value.fn === "exp" ? this.builder.apply("exp", value.args.map((argument) => replaceAll(this.builder, expand(moving, argument), at))) : replaceAll(this.builder, value, at);
    return body.kind === "product" ? this.builder.product(body.factors.map(([base, exponent]) => [into(base), exponent] as const)) : into(body);
  }

  /** Taylor's formula around a reference: the parts of a polynomial in an earlier result become sums of their own. */
  #polynomial(body: Value, where: Value, moving: Moving): Component | undefined {
    const { builder } = this;
    const parameters = this.#parameters(body, moving);
    const [parameter] = parameters;
    if (parameter === undefined || parameters.size > 1 || parameter.free.includes(moving.position) || !isFinite(parameter.facts)) return undefined;
    const reference = this.#reference(parameter, where);
    if (reference === undefined || !isFinite(reference.facts)) return undefined;
    const symbol = builder.slot("reference", [], range(-Infinity, Infinity));
    const polynomial = replaceAll(builder, body, new Map([[parameter, symbol]]));
    const parts = this.rules.taylor(builder, polynomial, symbol);
    if (parts === undefined || parts.length < 2 || this.reads(polynomial).length > 0) return undefined;
    const at = (value: Value): Value => replaceAll(builder, value, new Map([[symbol, reference]]));
    const every = (): Moving => ({ ...moving, names: new Set(this.components.map(({ name }) => name)) });
    const step = builder.subtract(after(every(), reference), before(every(), reference));
    /** Sums of the derivatives over k!, from the highest down; each is repaired by those above it. */
    const sums: (Value | undefined)[] = [];
    const repairOf = (k: number): Value =>
      builder.linear(0, sums.flatMap((sum, j) => (j <= k || sum === undefined ? [] : [[binomial(j, k), builder.multiply(builder.power(step, builder.constant(j - k)), before(every(), sum))] as const])));
    for (let k = parts.length - 1; k >= 1; k--) {
      const symbolic = parts[k] ?? builder.zero;
      if (this.#vanishes(symbolic, symbol, reference, where)) {
        sums[k] = builder.zero;
        continue;
      }
      const part = at(symbolic);
      if (this.reads(part).length === 0) {
        const joined = this.#join("sum", part, where);
        if ("why" in joined) return undefined;
        sums[k] = joined.live;
        continue;
      }
      const [coefficient, factors] = builder.factors(part);
      const inner = builder.product(factors);
      const made = this.#add("sum", inner, where, additive(builder, builder.scale(1 / coefficient, repairOf(k))));
      if ("why" in made) return undefined;
      sums[k] = builder.scale(coefficient, made.live);
    }
    const made = this.#add("sum", at(polynomial), where, additive(builder, repairOf(0)));
    return "why" in made ? undefined : made;
  }

  /** The largest parts of a polynomial body that are free of the position and move with the state. */
  #parameters(body: Value, moving: Moving): ReadonlySet<Value> {
    const found = new Set<Value>();
    const go = (value: Value): void => {
      if (this.reads(value).length === 0) return;
      if (value.kind === "linear") {
        for (const [, term] of value.terms) go(term);
        return;
      }
      if (!value.free.includes(moving.position)) {
        found.add(value);
        return;
      }
      if (value.kind === "product") for (const [base] of value.factors) go(base);
      else if (value.kind === "select") {
        go(value.yes);
        go(value.no);
      } else found.add(value);
    };
    go(body);
    return found;
  }

  /**
   * What a prefix takes for the parameter. A sum over part of the axis is scaled up to the whole of it, s·N/n, so that a
   * prefix centres on its own mean and not on a fraction of it; extremes, ratios of sums, guarded sums and sums of what has
   * weights stand for themselves: a prefix with most of the weight would be scaled up far beyond what it is a sum of.
   */
  #reference(parameter: Value, where: Value): Value | undefined {
    const { builder } = this;
    const factors = parameter.kind === "product" ? parameter.factors : [[parameter, 1] as const];
    const sums = factors.filter(([base]) => base.kind === "slot" && this.named(base.name)?.op === "sum");
    const others = factors.filter((factor) => !sums.includes(factor) && this.reads(factor[0]).length > 0);
    const [only] = sums;
    if (only === undefined || sums.length > 1 || only[1] !== 1 || others.length > 0 || where !== builder.true) return parameter;
    const summed = only[0].kind === "slot" ? this.named(only[0].name) : undefined;
    if (summed === undefined || summed.where !== builder.true || summed.repair.kind !== "none" || this.#isWeighed(summed.body)) return parameter;
    const count = this.#component("sum", builder.one, builder.true);
    return "why" in count ? undefined : builder.multiply(parameter, builder.divide(this.index.extent, count.live));
  }

  /** Whether several factors change with the position. */
  #isWeighed(body: Value): boolean {
    const [, factors] = this.builder.factors(body);
    return factors.filter(([base]) => base.free.includes(this.index.name)).length > 1;
  }

  /** Whether the sum of `part`, linear in the reference, is 0 on every prefix: deviations from a mean are. */
  #vanishes(part: Value, symbol: Value, reference: Value, where: Value): boolean {
    const { builder } = this;
    const coefficients = taylor(builder, part, symbol, 1);
    const slope = coefficients?.[1];
    if (coefficients === undefined || slope === undefined || slope.free.includes(this.index.name)) return false;
    const fixed = replaceAll(builder, part, new Map([[symbol, builder.zero]]));
    const { inner, outer } = this.#hoist("sum", fixed, where);
    const known = this.components.find((component) => component.op === "sum" && component.body === inner && component.where === where);
    const count = this.components.find((component) => component.op === "sum" && component.body === builder.one && component.where === where);
    if (known === undefined || count === undefined) return false;
    return this.rules.deviationsVanish(builder.add(outer(known.live), builder.multiply(slope, count.live, reference)), builder.zero);
  }
}

/**
 * Why a factor never leaves the range of what the source computes: either each state it depends on moves one way and the
 * body falls with it, so 0 ≤ factor ≤ 1; or the body is exp(E) with E = 0 at the position of the extreme, where the
 * factor is then the very value that the source computes.
 */
export function bounded(fold: GrowingFold, body: Value, where: Value, names: ReadonlySet<string>): RepairProof | undefined {
  const { builder } = fold;
  const falls = [...names].every((name) => {
    const component = fold.named(name);
    if (component === undefined || component.repair.kind !== "none") return false;
    const grows = component.op === "max" || (component.op === "sum" && component.body.facts.low >= 0);
    const shrinks = component.op === "min" || (component.op === "sum" && component.body.facts.high <= 0);
    if (!grows && !shrinks) return false;
    return movingParts(fold, body, name).every(({ value, power, positive }) => {
      const way = direction(builder, value, name);
      return way === "still" || (positive && way !== "unknown" && (way === "down") === (grows === power > 0));
    });
  });
  if (falls) {
    const list = [...names];
    const ways = list.map((name) => `‹${name}› only ${fold.named(name)?.op === "min" ? "falls" : "grows"}`);
    return { range: "atMostOne", text: `${ways.join(" and ")}, and every term falls with it` };
  }
  for (const name of names) {
    const component = fold.named(name);
    if (names.size !== 1 || component === undefined || (component.op !== "max" && component.op !== "min") || component.where !== where) continue;
    const exponentials = movingParts(fold, body, name).every(({ value }) => {
      if (value.kind !== "apply" || value.fn !== "exp") return false;
      return fold.atExtreme(value, component) === builder.one;
    });
    if (exponentials) return { range: "computed", text: `at the position of ‹${name}› the exponent is 0, so there the source computes this factor` };
  }
  return undefined;
}

/** The powers of which a body is built and that move with the state: each must behave for their product to. */
function movingParts(fold: GrowingFold, body: Value, name: string): readonly { readonly value: Value; readonly power: number; readonly positive: boolean }[] {
  const { builder } = fold;
  const moving: Moving = { builder, names: new Set([name]), position: fold.index.name };
  const found: { value: Value; power: number; positive: boolean }[] = [];
  const go = (value: Value, power: number): void => {
    if (!slotsIn(builder, value).some((slot) => slot.name === name)) return;
    if (value.kind === "product") for (const [base, exponent] of value.factors) go(base, power * exponent);
    else if (value.kind === "linear" && value.constant === 0 && value.free.includes(fold.index.name)) for (const [, term] of asLinear(value).terms) go(term, power);
    else if (value.kind === "select" && value.free.includes(fold.index.name) && !slotsIn(builder, value.condition).some((slot) => slot.name === name)) {
      go(value.yes, power);
      go(value.no, power);
    } else if (value.kind === "apply" && value.fn === "exp") {
      const [argument] = value.args;
      found.push({ value: argument === undefined ? value : builder.apply("exp", [expand(moving, argument)]), power, positive: true });
    } else found.push({ value, power, positive: value.facts.low >= 0 });
  };
  go(body, 1);
  return found;
}

const additive = (builder: GraphBuilder, term: Value): Repair =>
  term === builder.zero ? { kind: "none" } : { kind: "add", term, proof: { range: "exact", text: "Taylor's formula around the reference, exact for a polynomial" } };

/** The k of `axis@k`. */
export const numberOf = (index: Index): number => Number(index.name.slice(index.name.lastIndexOf("@") + 1));
