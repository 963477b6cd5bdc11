/**
 * @file Kernels without barriers: each element of some arrays is computed by one invocation, several elements by the
 * same where they share work.
 */

import { openedOrder } from "../../algebra/opened";
import type { Index, Value } from "../../../spec/graph/node";
import type { Assign, Kernel, ReduceRole, Stage } from "../../kernel/kernel";
import { GRID, present, sizeOf, spreadAxis, type Shares, type Spread } from "./axes";
import { onlyVector, type Workshop } from "./workshop";

/** `array[indices] = value` for every position of its free axes. */
export interface Task {
  readonly array: string;
  readonly indices: readonly Value[];
  readonly value: Value;
  /** Further items that the same invocation does after, or before it. */
  readonly op?: Assign["op"];
  readonly over?: readonly Index[];
  readonly where?: Value;
}

export interface MapRoles {
  /** Shares by index name; without, `autoShares` decides. */
  readonly shares?: ReadonlyMap<string, Shares>;
  readonly lanes: number;
  readonly roles?: Readonly<Record<string, ReduceRole>>;
}

/** The free axes of tasks, outer → inner as the indices of the first task mention them. */
export function axesOf(workshop: Workshop, tasks: readonly Task[]): readonly Index[] {
  const found = new Map<string, Index>();
  for (const { indices, value, over = [] } of tasks) {
    const serial = new Set(over.map(({ name }) => name));
    for (const part of [...indices, value]) {
      if (part.free.every((name) => found.has(name) || serial.has(name))) continue;
      for (const node of openedOrder(workshop.builder, [part])) {
        if (node.kind === "index" && part.free.includes(node.name) && !serial.has(node.name) && !found.has(node.name)) found.set(node.name, node);
      }
    }
  }
  return [...found.values()];
}

/** Lanes for the innermost axes, as many as divide; of an axis whose size is open, what is left. */
export function autoShares(axes: readonly Index[], lanes: number): ReadonlyMap<string, Shares> {
  const shares = new Map<string, Shares>();
  let left = lanes;
  for (const axis of [...axes].reverse()) {
    const size = sizeOf(axis);
    let lane = 1;
    while (lane * 2 <= left && (size % (lane * 2) === 0 || lane < size)) lane *= 2;
    shares.set(axis.name, { lane, block: 1, vector: 1 });
    left = Math.floor(left / lane);
  }
  return shares;
}

export function mapKernel(workshop: Workshop, name: string, tasks: readonly Task[], { shares, lanes, roles = {} }: MapRoles): Kernel {
  const { builder } = workshop;
  const axes = axesOf(workshop, tasks);
  const given = shares ?? autoShares(axes, lanes);
  const spreads = axes.map((axis) => spreadAxis(builder, axis, given.get(axis.name) ?? GRID));
  const laneDigits = present(spreads.map(({ lane }) => lane));
  const product = laneDigits.reduce((all, lane) => all * sizeOf(lane), 1);
  const grid = present(spreads.map((spread) => spread.grid));
  return workshop.kernel(name, grid, product, stagesOf(workshop, spreads, tasks, roles));
}

/** One stage, or two where copies in one invocation may reach beyond an axis: all inside, and one by one. */
export function stagesOf(workshop: Workshop, spreads: readonly Spread[], tasks: readonly Task[], roles: Readonly<Record<string, ReduceRole>>): readonly Stage[] {
  const { builder } = workshop;
  const moves = new Map<Value, Value>(spreads.map(({ index, position }) => [index, position]));
  const put = (value: Value): Value => builder.substitute(value, moves);
  const ragged = spreads.filter(({ inside, block, vector }) => inside !== builder.true && (block !== undefined || vector !== undefined));
  const plain = builder.and(...spreads.filter((spread) => !ragged.includes(spread)).map(({ inside }) => inside));
  const vector = onlyVector(present(spreads.map((spread) => spread.vector)));
  const digits = new Set(spreads.flatMap(({ grid, lane, block, vector }) => present([grid, lane, block, vector])).map(({ name }) => name));
  const items = (guard: Value): readonly Assign[] => tasks.map((task): Assign => {
    const value = put(task.value);
    const indices = task.indices.map(put);
    // An axis whose extent changes is another one, also where it is counted; of one position, none.
    const over = (task.over ?? []).map(put).filter((axis): axis is Index => axis.kind === "index");
    // An axis that the task does not have: the invocation at its first position does it for all.
    const mentioned = new Set([...indices, value, ...over.map(({ extent }) => extent)].flatMap(({ free }) => free));
    const idle = spreads.flatMap((spread) => present([spread.grid, spread.lane, spread.block, spread.vector])).filter(({ name }) => digits.has(name) && !mentioned.has(name));
    const first = idle.map((digit) => builder.equal(digit, builder.zero));
    return { kind: "assign", array: task.array, indices, op: task.op ?? "=", value, over, where: builder.and(guard, ...first, put(task.where ?? builder.true)) };
  });
  const stage = (inside: Value, guard: Value): Stage => ({
    kind: "stage", lanes: present(spreads.map(({ lane }) => lane)), digits: [], block: present(spreads.map(({ block }) => block)),
    vector, roles, inside, otherwise: undefined, items: items(guard),
  });
  if (ragged.length === 0) return [stage(plain, builder.true)];
  // The last copy is inside: then all are.
  const last = (spread: Spread): Value => {
    const ends = new Map<Value, Value>(present([spread.block, spread.vector]).map((digit) => [digit, builder.constant(sizeOf(digit) - 1)]));
    return builder.substitute(spread.inside, ends);
  };
  const whole = builder.and(...ragged.map(last));
  return [
    stage(builder.and(plain, whole), builder.true),
    stage(builder.and(plain, builder.not(whole)), builder.and(...ragged.map(({ inside }) => inside))),
  ];
}
