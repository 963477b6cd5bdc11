/** @file The evaluator: runs source text on meanings, with bounds on what it may spend, and says where faults are. */

import { KvernError, type Diagnostic, type Related } from "../../spec/diagnostics/diagnostic";
import { isTruth } from "../../spec/graph/builder";
import { DEEPEST, type Span, type Value } from "../../spec/graph/node";
import type { Checked, Origin } from "./check";
import type { GrowingBody } from "./body";
import { expression } from "./expressions";
import { functionName } from "./functions";
import { describe, Scope, type Body, type Closure, type Fault, type Machine, type Meaning } from "./meaning";
import { Modules } from "./modules";
import { NOT_A_NUMBER } from "./operators";
import { bindParameters } from "./patterns";
import { isRecursive } from "./recursion";
import { block } from "./statements";
import { ts } from "./typescript";

/** How deep calls may nest, how many expressions may nest in one another, and how many may be evaluated for one kernel, and for all of a file. */
const MOST_CALLS = 128;
const MOST_NESTING = 1200;
const MOST_STEPS = 400_000;
const MOST_STEPS_IN_ALL = 1_000_000;
const MOST_NODES = 60_000;

/** A call that is going on. */
interface Frame {
  readonly closure: Closure;
  readonly site: ts.Node;
}

export class Evaluator implements Machine {
  readonly checker: ts.TypeChecker;
  readonly origin: Origin;
  /** Faults after which evaluation went on. */
  readonly reported: Diagnostic[] = [];
  readonly #modules = new Modules();
  readonly #symbols = new Map<ts.Identifier, ts.Symbol | undefined>();
  /** What calls gave in the body that is being evaluated. */
  #results = new Map<Closure, Map<string, Meaning>>();
  readonly #identities = new WeakMap<Meaning, number>();
  #identityCount = 0;
  #body: GrowingBody | undefined;
  #frames: Frame[] = [];
  #steps = 0;
  #stepsInAll = 0;
  #nesting = 0;

  constructor({ checker, origin }: Checked) {
    this.checker = checker;
    this.origin = origin;
  }

  /** Whether nothing more may be evaluated: every further kernel would be refused. */
  get exhausted(): boolean {
    return this.#stepsInAll > MOST_STEPS_IN_ALL;
  }

  get inBody(): boolean {
    return this.#body !== undefined;
  }

  /** Evaluates with a graph to grow. */
  within<T>(body: GrowingBody, action: () => T): T {
    return this.#elsewhere(body, action);
  }

  /** Evaluates apart from the body and the calls that are going on, as a module's own code is. */
  apart<T>(action: () => T): T {
    return this.#elsewhere(undefined, action);
  }

  #elsewhere<T>(body: GrowingBody | undefined, action: () => T): T {
    const [outerBody, frames, nesting] = [this.#body, this.#frames, this.#nesting];
    this.#body = body;
    this.#frames = [];
    if (body !== undefined) {
      this.#steps = 0;
      this.#results = new Map();
    }
    try {
      return action();
    } finally {
      this.#body = outerBody;
      this.#frames = frames;
      this.#nesting = nesting;
    }
  }

  symbolAt(name: ts.Identifier): ts.Symbol | undefined {
    if (!this.#symbols.has(name)) this.#symbols.set(name, this.checker.getSymbolAtLocation(name));
    return this.#symbols.get(name);
  }

  evaluate(node: ts.Expression, scope: Scope | undefined): Meaning {
    const body = this.#body;
    const outer = body?.builder.span;
    if (++this.#stepsInAll > MOST_STEPS_IN_ALL) this.refuse(node, tooLarge(`${MOST_STEPS_IN_ALL} expressions in all kernels of a file`));
    if (++this.#steps > MOST_STEPS) this.refuse(node, tooLarge(`${MOST_STEPS} expressions`));
    if (++this.#nesting > MOST_NESTING) this.refuse(node, tooLarge(`${MOST_NESTING} expressions inside each other`));
    if (body !== undefined) {
      if (body.builder.size > MOST_NODES) this.refuse(node, tooLarge(`${MOST_NODES} nodes`));
      if (this.origin.inPackage(node.getSourceFile()) === undefined) body.builder.span = this.origin.placeOf(node);
    }
    try {
      const meaning = expression(this, node, scope);
      if (meaning.kind === "node" && meaning.node.depth > DEEPEST) this.refuse(node, tooLarge(`${DEEPEST} operations one upon the other`));
      return meaning;
    } finally {
      this.#nesting--;
      if (body !== undefined) body.builder.span = outer;
    }
  }

  call(callee: Meaning, args: readonly Meaning[], site: ts.Node): Meaning {
    if (callee.kind === "native") return callee.call(this, args, site);
    if (callee.kind === "namespace" && callee.call !== undefined) return callee.call(this, args, site);
    if (callee.kind === "closure") return this.#invoke(callee, args, site);
    return this.refuse(site, { code: "KV1121", message: "something that is no function is called", expected: "a function", got: describe(callee) });
  }

  #invoke(closure: Closure, args: readonly Meaning[], site: ts.Node): Meaning {
    const { declaration } = closure;
    const active = this.#frames.findIndex((frame) => frame.closure.declaration === declaration);
    if (active >= 0 && isRecursive(this.checker, declaration)) this.refuse(site, recursion(this.#frames.slice(active), closure));
    if (this.#frames.length >= MOST_CALLS) this.refuse(site, tooLarge(`${MOST_CALLS} calls inside each other`));
    const { body, name, parameters } = declaration;
    if (body === undefined) return this.refuse(site, { code: "KV1125", message: `\`${functionName(declaration)}\` has no body to look into`, expected: "a function written in the language" });
    const scope = new Scope(closure.scope);
    if (name !== undefined && ts.isFunctionExpression(declaration) && ts.isIdentifier(name)) {
      const symbol = this.symbolAt(name);
      if (symbol !== undefined) scope.bind(symbol, closure);
    }
    const call = this.#callKey(args);
    const had = call === undefined ? undefined : this.#results.get(closure)?.get(call);
    if (had !== undefined) return had;
    this.#frames.push({ closure, site });
    try {
      bindParameters(this, parameters, args, scope);
      const result = ts.isBlock(body) ? block(this, body.statements, scope) : this.evaluate(body, scope);
      if (call !== undefined) this.#remember(closure, call, result);
      return result;
    } finally {
      this.#frames.pop();
    }
  }

  /** Functions are pure: in one body, under the same conditions, the same arguments give the same. */
  #callKey(args: readonly Meaning[]): string | undefined {
    if (this.#body === undefined) return undefined;
    return `${args.map((arg) => this.#identity(arg)).join(" ")} | ${this.#body.conditions.map(({ id }) => id).join(" ")}`;
  }

  #identity(meaning: Meaning): string {
    if (meaning.kind === "node") return `node ${meaning.node.id}`;
    if (meaning.kind === "static") return typeof meaning.value === "string" ? JSON.stringify(meaning.value) : Object.is(meaning.value, -0) ? "-0" : String(meaning.value);
    let number = this.#identities.get(meaning);
    if (number === undefined) this.#identities.set(meaning, (number = this.#identityCount++));
    return `object ${number}`;
  }

  #remember(closure: Closure, call: string, result: Meaning): void {
    let results = this.#results.get(closure);
    if (results === undefined) this.#results.set(closure, (results = new Map<string, Meaning>()));
    results.set(call, result);
  }

  outside(symbol: ts.Symbol, site: ts.Node): Meaning {
    return this.#modules.lookUp(this, symbol, site);
  }

  body(site: ts.Node, what: string): Body {
    return this.#body ?? this.refuse(site, { code: "KV1201", message: `${what} means something only inside the body of a kernel`, expected: "a place inside a kernel's body", mend: "Move it into the body, or into a function that the body calls." });
  }

  under(condition: Value, holds: boolean, action: () => Meaning): Meaning {
    const body = this.#body;
    if (body === undefined) return action();
    body.conditions.push(holds ? condition : body.builder.not(condition));
    try {
      return action();
    } finally {
      body.conditions.pop();
    }
  }

  number(meaning: Meaning, site: ts.Node): Value {
    const { builder } = this.body(site, "a value that depends on data");
    if (meaning.kind === "node" && !isTruth(meaning.node)) return meaning.node;
    if (meaning.kind === "static" && typeof meaning.value === "number") {
      return Number.isNaN(meaning.value) ? this.refuse(site, NOT_A_NUMBER) : builder.constant(meaning.value);
    }
    const truth = meaning.kind === "node" || (meaning.kind === "static" && typeof meaning.value === "boolean");
    const missing = meaning.kind === "static" && meaning.value === undefined;
    return this.refuse(site, {
      code: "KV1121",
      message: "something that is no number stands where a number is needed",
      expected: "a number",
      got: truth ? "a condition" : describe(meaning),
      mend: truth ? "Make a number of it: `condition ? 1 : 0`." : missing ? "Return a number on every way through the function." : "Use a number here.",
    });
  }

  refuse(site: ts.Node, fault: Fault): never {
    throw new KvernError([this.#placed(site, fault)]);
  }

  report(site: ts.Node, fault: Fault): void {
    this.reported.push(this.#placed(site, fault));
  }

  spanOf(site: ts.Node): Span {
    return this.origin.placeOf(this.#own(site).node);
  }

  ownSite(site: ts.Node): ts.Node {
    return this.#own(site).node;
  }

  #placed(site: ts.Node, fault: Fault): Diagnostic {
    const { node, depth } = this.#own(site);
    const place = this.origin.placeOf(node);
    const related: Related[] = [];
    if (depth < this.#frames.length) {
      const inner = this.#frames.at(-1);
      related.push({ ...this.origin.placeOf(site), note: inner === undefined ? "inside" : `in \`${functionName(inner.closure.declaration)}\`` });
    }
    for (const frame of this.#frames.slice(0, depth).reverse()) {
      if (related.length >= 8) break;
      const above = related.at(-1);
      const here = this.origin.inPackage(frame.site.getSourceFile()) === undefined;
      if (!here || encloses(frame.site, frame.closure.declaration)) continue;
      const step = { ...this.origin.placeOf(frame.site), note: `\`${functionName(frame.closure.declaration)}\` is called from here` };
      if (above?.line !== step.line || above.column !== step.column || above.file !== step.file) related.push(step);
    }
    return { ...fault, ...place, ...(related.length === 0 ? {} : { related }) };
  }

  /** The innermost node of the user's own text, and how many calls lead to it. */
  #own(site: ts.Node): { readonly node: ts.Node; readonly depth: number } {
    const own = (node: ts.Node): boolean => this.origin.inPackage(node.getSourceFile()) === undefined;
    if (own(site)) return { node: site, depth: this.#frames.length };
    for (let depth = this.#frames.length - 1; depth >= 0; depth--) {
      const frame = this.#frames[depth];
      if (frame !== undefined && own(frame.site)) return { node: frame.site, depth };
    }
    return { node: site, depth: this.#frames.length };
  }
}

/** A function written where it is called from, such as the body of a reduction, says nothing new by its call. */
const encloses = (site: ts.Node, declaration: ts.Node): boolean => site.getSourceFile() === declaration.getSourceFile() && site.pos <= declaration.pos && declaration.end <= site.end;

const tooLarge = (limit: string): Fault => ({
  code: "KV1123",
  message: "the program grows beyond bounds",
  expected: `at most ${limit}`,
  mend: "What repeats along an axis is a reduction, `sum(axis, (i) => …)`: it is written, and evaluated, once.",
});

function recursion(frames: readonly Frame[], again: Closure): Fault {
  const names = [...frames.map(({ closure }) => closure), again].map(({ declaration }) => functionName(declaration));
  return {
    code: "KV1105",
    message: `\`${functionName(again.declaration)}\` calls itself`,
    expected: "functions that do not come back to themselves",
    got: names.join(" → "),
    mend: "Along an axis, use a reduction: `sum(axis, (i) => …)`; a fixed number of steps is an array: `[0, 1, 2].reduce((x, n) => …, x)`.",
  };
}
