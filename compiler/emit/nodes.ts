/** @file The nodes of a kernel as code: stages with their items, barriers and loops over tiles. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../spec/graph/node";
import type { Assign, Digit, Node, Pack, Stage } from "../kernel/kernel";
import { holdsHalves } from "../kernel/halves";
import { countOf, fixedSize, flatIndex, isPacked, splitLast, wordsPerRow } from "../kernel/layout";
import { add, atom, bits, call, compare, divide, integerLiteral, modulo, multiply, select, statement, subtract, type Code, element } from "./code";
import { writeCross } from "./cross";
import { codeBits, itemAt, lengthOf, quarters, storedCode, target } from "./memory";
import { effect, named, Scope } from "./scope";
import type { Writer } from "./writer";

/** Writes the nodes of a kernel of `lanes` invocations, `invocation` being the number of this one. */
export function writeNodes(x: Writer, nodes: readonly Node[], lanes: number, invocation: Code): void {
  for (const node of nodes) {
    switch (node.kind) {
      case "stage": writeStage(x, node, lanes, invocation); break;
      case "barrier":
        effect(x, statement("workgroupBarrier()"));
        effect(x, statement("storageBarrier()"));
        break;
      case "loop":
        x.count(node.axis, x.int(node.low), x.int(node.high), () => writeNodes(x, node.body, lanes, invocation));
        break;
      case "cross": writeCross(x, node, lanes, invocation); break;
      case "commit":
        for (const { to, from } of node.moves) {
          const [target, source] = [x.array(to), x.array(from)];
          for (let at = 0; at < lengthOf(target); at++) effect(x, statement(`${x.variable(target)}_${at} = ${x.variable(source)}_${at}`));
        }
        break;
    }
  }
}

/** Names the digits of a number, outer → inner. Extents may be sizes. */
export function bindDigits(x: Writer, scope: Scope, indices: readonly Index[], number: Code): void {
  let rest = number;
  for (let at = indices.length - 1; at >= 0; at--) {
    const index = indices[at];
    if (index === undefined) break;
    const outermost = at === 0;
    // An axis of no position leaves no workgroup to run this; its text must still be valid.
    const extent = index.extent.kind === "constant" ? integerLiteral(Math.max(1, index.extent.value)) : x.int(index.extent);
    scope.indices.set(index.name, named(scope, "d", outermost ? rest : modulo(rest, extent)));
    if (!outermost) rest = named(scope, "d", divide(rest, extent));
  }
}

function writeStage(x: Writer, stage: Stage, lanes: number, invocation: Code): void {
  if (Object.keys(stage.roles).length > 0) throw new InternalError("a stage is printed whose roles have not been carried out");
  const product = stage.lanes.reduce((all, lane) => all * fixedSize(lane), 1);
  const around = x.scope;
  const always = stage.inside === x.builder.true;
  const scope = new Scope(around, [...stage.lanes, ...(always ? stage.digits.map(({ index }) => index) : [])].map(({ name }) => name), [], { isStage: true });
  x.within(scope, () => {
    bindDigits(x, scope, stage.lanes, invocation);
    const body = (): void => {
      bindValues(x, stage.digits);
      for (const item of stage.items) {
        if (item.kind === "pack") writePack(x, item);
        else writeCopies(x, copiesOf(x, item, blockOf(stage)));
      }
    };
    if (always) body();
    else {
      x.branch(x.truth(stage.inside), [stage.inside], body, stage.digits.map(({ index }) => index), otherwiseOf(x, stage));
    }
  });
  const head = product < lanes ? statement("if (", compare("<", invocation, integerLiteral(product)), ")") : undefined;
  around.lines.push({ kind: "nest", head, repeats: false, block: scope, otherwise: undefined });
}

function otherwiseOf(x: Writer, stage: Stage): (() => void) | undefined {
  const { otherwise } = stage;
  if (otherwise === undefined) return undefined;
  return () => {
    for (const item of stage.items) if (item.kind === "assign") writeCopies(x, copiesOf(x, { ...item, value: otherwise, op: "=", over: [], where: x.builder.true }, blockOf(stage)));
  };
}

/** Makes each digit's index known as its value in the current scope. */
function bindValues(x: Writer, digits: readonly Digit[]): void {
  for (const { index, value } of digits) x.scope.indices.set(index.name, x.int(value));
}

/** Axes whose positions are copies in one invocation; a vector's components are, too. */
export const blockOf = ({ block, vector }: Stage): readonly Index[] => (vector === undefined ? block : [...block, vector]);

/** An item for every position of the block axes, as constants, so that what the copies share is computed once. */
function copiesOf(x: Writer, item: Assign, block: readonly Index[]): readonly Assign[] {
  return block.reduce<readonly Assign[]>((items, axis) => items.flatMap((each) => Array.from({ length: fixedSize(axis) }, (_, at): Assign => {
    const put = (value: Value): Value => x.builder.substitute(value, new Map<Value, Value>([[axis, x.builder.constant(at)]]));
    return { ...each, indices: each.indices.map(put), value: put(each.value), where: put(each.where) };
  })), [item]);
}

/** Copies of one item: those under one guard are computed together, and then stored. */
function writeCopies(x: Writer, copies: readonly Assign[]): void {
  const [first] = copies;
  if (first === undefined) return;
  writeOver(x, copies, first.over);
}

function writeOver(x: Writer, copies: readonly Assign[], over: readonly Index[]): void {
  const [first, ...rest] = over;
  if (first !== undefined) {
    x.count(first, integerLiteral(0), x.int(first.extent), () => writeOver(x, copies, rest));
    return;
  }
  const guards = new Map<Value, Assign[]>();
  for (const copy of copies) guards.set(copy.where, [...(guards.get(copy.where) ?? []), copy]);
  for (const [where, group] of guards) {
    if (where === x.builder.true) store(x, group);
    else {
      x.ensure([where]);
      x.guard(where, () => store(x, group));
    }
  }
}

function store(x: Writer, group: readonly Assign[]): void {
  x.ensure(group.flatMap(({ indices, value }) => [...indices, value]));
  const ready = group.map(({ array: name, indices, op, value }) => {
    const array = x.array(name);
    if (isPacked(array)) throw new InternalError(`an element of ${name}, which is packed, is stored alone`);
    const { address, condition } = target(x, array, indices);
    // Computed before any is stored; what is guarded, inside its guard.
    return { array, address, op, condition, value, code: condition === undefined ? storedCode(x, array, value) : undefined };
  });
  for (let at = 0; at < ready.length; at++) {
    const one = ready[at];
    if (one === undefined) break;
    const { array, address, op, condition, value, code } = one;
    const four = ready.slice(at, at + 4);
    const together = four.length === 4 && four.every((other, k) => other.condition === undefined && other.array === array && other.op === op && quarters(x, other.address)?.[1] === k && quarters(x, other.address)?.[0] === quarters(x, address)?.[0]);
    if (together && x.wide.has(array.name) && array.arena === undefined && op !== "max=") {
      const [quarter] = quarters(x, address) ?? [address];
      for (const other of four) x.note(array, other.address);
      effect(x, statement(element(x.variable(array), x.modular(quarter)), ` ${op} `, call(holdsHalves(array) ? "vec4h" : "vec4f", ...four.flatMap((other) => (other.code === undefined ? [] : [other.code])))));
      at += 3;
      continue;
    }
    const write = (): void => {
      const stored = code ?? storedCode(x, array, value);
      const place = itemAt(x, array, address);
      effect(x, op === "max=" ? statement(place, " = ", call("max", place, stored)) : statement(place, ` ${op} `, stored));
    };
    if (condition === undefined) write();
    else x.branch(condition, [], write);
  }
}

/** One word: its elements are computed in a loop and put side by side. */
function writePack(x: Writer, item: Pack): void {
  const array = x.array(item.array);
  switch (array.element.kind) {
    case "f16": writeHalves(x, item); break;
    case "uint": writeCodes(x, item, array.element.bits); break;
    default: throw new InternalError(`${item.array} has whole words`);
  }
}

function writeHalves(x: Writer, { array: name, word, element, digits, value }: Pack): void {
  const array = x.array(name);
  const whole = x.declare(x.scope, "w", atom("0u"));
  const first = multiply(x.int(word), integerLiteral(2));
  const low = named(x.scope, "n", first);
  const high = named(x.scope, "n", call("min", add(low, integerLiteral(2)), x.modular(countOf(x.builder, array.shape))));
  x.count(element, low, high, () => {
    bindValues(x, digits);
    x.ensure([value]);
    const shift = call("u32", bits("<<", bits("&", x.int(element), integerLiteral(1)), atom("4u")));
    effect(x, statement(whole, " |= ", bits("<<", storedCode(x, array, value), shift)));
  }, digits.map(({ index }) => index));
  effect(x, statement(itemAt(x, array, word), " = ", whole));
}

function writeCodes(x: Writer, { array: name, row, word, element, digits, value }: Pack, width: number): void {
  const { builder } = x;
  const array = x.array(name);
  const [rows, length] = splitLast(builder, array.shape);
  const whole = x.declare(x.scope, "w", atom("0u"));
  // The elements whose bits reach into the bits 32·word … 32·word + 31 of the row.
  const start = builder.scale(32, word);
  const low = builder.quotient(start, builder.constant(width));
  const high = builder.smaller(builder.linear(1, [[1, builder.quotient(builder.linear(31, [[1, start]]), builder.constant(width))]]), length);
  x.count(element, x.modular(low), x.modular(high), () => {
    bindValues(x, digits);
    x.ensure([value]);
    const shift = x.modular(builder.linear(0, [[width, element], [-1, start]]));
    const code = codeBits(x, width, value);
    const left = bits("<<", code, call("u32", shift));
    const moved = 32 % width === 0 ? left : select(compare("<", shift, integerLiteral(0)), bits(">>", code, call("u32", subtract(integerLiteral(0), shift))), left);
    effect(x, statement(whole, " |= ", moved));
  }, digits.map(({ index }) => index));
  const address = builder.add(builder.multiply(flatIndex(builder, rows, row), wordsPerRow(builder, length, width)), word);
  effect(x, statement(itemAt(x, array, address), " = ", whole));
}

