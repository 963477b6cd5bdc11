/** @file The nodes of a kernel as code: stages with their items, barriers and loops over tiles. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Index, Value } from "../../spec/graph/node";
import type { Assign, Digit, Item, Node, Pack, Stage } from "../kernel/kernel";
import { countOf, flatIndex, splitLast, wordsPerRow } from "../kernel/layout";
import { add, atom, bits, call, compare, divide, integerLiteral, modulo, multiply, select, statement, subtract, type Code, type Text } from "./code";
import { codeBits, itemAt, storedCode, target } from "./memory";
import { Scope } from "./scope";
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
      case "cross": case "commit": throw new InternalError(`the WGSL printer does not print a ${node.kind} yet`);
    }
  }
}

function effect(x: Writer, text: Text): void {
  x.scope.lines.push({ kind: "effect", text });
}

/** Names the digits of a number, outer → inner. Extents may be sizes. */
export function bindDigits(x: Writer, scope: Scope, indices: readonly Index[], number: Code): void {
  let rest = number;
  for (let at = indices.length - 1; at >= 0; at--) {
    const index = indices[at];
    if (index === undefined) break;
    const outermost = at === 0;
    const extent = x.int(index.extent);
    scope.indices.set(index.name, named(scope, "d", outermost ? rest : modulo(rest, extent)));
    if (!outermost) rest = named(scope, "d", divide(rest, extent));
  }
}

function named(scope: Scope, hint: string, value: Code): Code {
  if (value.kind === "name") return value;
  const name = { kind: "name", block: scope, hint, value } as const;
  scope.lines.push({ kind: "let", name });
  return name;
}

function sizeOf(index: Index): number {
  if (index.extent.kind !== "constant") throw new InternalError(`the lane axis ${index.name} has no fixed size`);
  return index.extent.value;
}

function writeStage(x: Writer, stage: Stage, lanes: number, invocation: Code): void {
  if (stage.vector !== undefined) throw new InternalError("the WGSL printer does not print vectors yet");
  for (const [axis, role] of Object.entries(stage.roles)) if (role.kind !== "serial" || role.step !== 1) throw new InternalError(`the WGSL printer does not print ${axis} as ${role.kind} yet`);
  const product = stage.lanes.reduce((all, lane) => all * sizeOf(lane), 1);
  const around = x.scope;
  const always = stage.inside === x.builder.true;
  const scope = new Scope(around, [...stage.lanes, ...(always ? stage.digits.map(({ index }) => index) : [])].map(({ name }) => name));
  x.within(scope, () => {
    bindDigits(x, scope, stage.lanes, invocation);
    const body = (): void => {
      bindValues(x, stage.digits);
      for (const item of stage.items) writeItem(x, item, stage);
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
    for (const item of stage.items) if (item.kind === "assign") writeAssign(x, { ...item, value: otherwise, op: "=" }, stage.block);
  };
}

/** Makes each digit's index known as its value in the current scope. */
function bindValues(x: Writer, digits: readonly Digit[]): void {
  for (const { index, value } of digits) x.scope.indices.set(index.name, x.int(value));
}

function writeItem(x: Writer, item: Item, stage: Stage): void {
  if (item.kind === "pack") writePack(x, item);
  else writeAssign(x, item, stage.block);
}

/** For every position of the block axes, as constants: unrolled, so that what the copies share is computed once. */
function writeAssign(x: Writer, item: Assign, block: readonly Index[]): void {
  const [first, ...rest] = block;
  if (first === undefined) {
    writeOver(x, item, item.over);
    return;
  }
  for (let at = 0; at < sizeOf(first); at++) {
    const put = (value: Value): Value => x.builder.substitute(value, new Map<Value, Value>([[first, x.builder.constant(at)]]));
    writeAssign(x, { ...item, indices: item.indices.map(put), value: put(item.value), where: put(item.where) }, rest);
  }
}

function writeOver(x: Writer, item: Assign, over: readonly Index[]): void {
  const [first, ...rest] = over;
  if (first !== undefined) x.count(first, integerLiteral(0), x.int(first.extent), () => writeOver(x, item, rest));
  else if (item.where === x.builder.true) store(x, item);
  else {
    x.ensure([item.where]);
    x.guard(item.where, () => store(x, item));
  }
}

function store(x: Writer, { array: name, indices, op, value }: Assign): void {
  const array = x.array(name);
  if (array.element.kind === "f16" || array.element.kind === "uint") throw new InternalError(`an element of ${name}, which is packed, is stored alone`);
  x.ensure([...indices, value]);
  const { address, condition } = target(x, array, indices);
  const write = (): void => {
    const code = storedCode(x, array.element, value);
    const place = itemAt(x, array, address);
    effect(x, op === "max=" ? statement(place, " = ", call("max", place, code)) : statement(place, ` ${op} `, code));
  };
  if (condition === undefined) write();
  else x.branch(condition, [], write);
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
    effect(x, statement(whole, " |= ", bits("<<", storedCode(x, array.element, value), shift)));
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

