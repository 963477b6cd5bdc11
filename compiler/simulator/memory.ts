/**
 * @file The memory that a simulated kernel sees: arrays of numbers which know what was written, by whom, and since when.
 * Between two barriers of a workgroup, an element that one lane writes may be touched by no other; between workgroups of
 * one dispatch, never. An element that nothing has written is poison.
 */

import { f16round } from "@petamoriken/float16";
import type { Element } from "../../spec/graph/node";
import type { Space } from "../kernel/kernel";

export type FaultKind = "race" | "unwritten" | "outside" | "sentinel" | "divergent" | "resources" | "rounded";

/** Something a device would do wrong, or might. */
export interface Fault {
  readonly kind: FaultKind;
  readonly text: string;
}

/** Who touches an element: a workgroup and a lane of it. */
export interface Actor {
  readonly workgroup: number;
  readonly lane: number;
}

/** The last accesses of one element that a later one can collide with. */
interface Trace {
  writer: Actor | undefined;
  writtenIn: number;
  reader: Actor | undefined;
  readIn: number;
  /** Whether lanes of several actors have read it in that phase. */
  crowd: boolean;
}

export class Memory {
  readonly name: string;
  readonly shape: readonly number[];
  readonly element: Element;
  readonly space: Space;
  readonly infinite: boolean;
  /** Logical values; ±∞ where `infinite` says that the sentinel stands for them. */
  readonly values: Float64Array;
  readonly #written: Uint8Array;
  readonly #traces = new Map<number, Trace>();
  readonly #report: (fault: Fault) => void;

  constructor(declared: { readonly name: string; readonly element: Element; readonly space: Space; readonly infinite: boolean }, shape: readonly number[], report: (fault: Fault) => void, values?: ArrayLike<number>) {
    ({ name: this.name, element: this.element, space: this.space, infinite: this.infinite } = declared);
    this.shape = shape;
    const size = shape.reduce((product, extent) => product * extent, 1);
    this.values = new Float64Array(size).fill(NaN);
    this.#written = new Uint8Array(size);
    this.#report = report;
    if (values !== undefined) {
      this.values.set(values);
      this.#written.fill(1);
    }
  }

  /** The number of the element, or undefined outside the array. */
  #offset(indices: readonly number[], verb: string): number | undefined {
    let offset = 0;
    for (const [position, index] of indices.entries()) {
      const extent = this.shape[position] ?? 0;
      if (!(index >= 0 && index < extent) || !Number.isInteger(index)) {
        // What is read of an array without elements is used by nothing: along that axis nothing is computed.
        if (verb !== "reads" || this.values.length > 0) this.#report({ kind: "outside", text: `${verb} ${this.name}[${indices.join(", ")}] of [${this.shape.join(", ")}]` });
        return undefined;
      }
      offset = offset * extent + index;
    }
    return offset;
  }

  /** Reads on behalf of `actor` in the `phase`-th stretch between barriers. Registers and private arrays pass no actor. */
  read(indices: readonly number[], actor: Actor | undefined, phase: number): number {
    const offset = this.#offset(indices, "reads");
    // What is read of an array of integers is one, whatever stands there: it may be an index.
    if (offset === undefined) return this.values.length === 0 && this.element.kind !== "f32" && this.element.kind !== "f16" ? 0 : NaN;
    if (this.#written[offset] === 0) this.#report({ kind: "unwritten", text: `reads ${this.name}[${indices.join(", ")}], which nothing has written` });
    if (actor !== undefined && this.space !== "input") {
      const trace = this.#trace(offset);
      if (trace.writer !== undefined && this.#collides(trace.writer, trace.writtenIn, actor, phase)) this.#race("reads", indices, actor, trace.writer, "writes");
      if (trace.reader !== undefined && trace.readIn === phase && (trace.reader.lane !== actor.lane || trace.reader.workgroup !== actor.workgroup)) trace.crowd = true;
      else if (trace.readIn !== phase) trace.crowd = false;
      trace.reader = actor;
      trace.readIn = phase;
    }
    return this.values[offset] ?? NaN;
  }

  write(indices: readonly number[], value: number, actor: Actor | undefined, phase: number): void {
    const offset = this.#offset(indices, "writes");
    if (offset === undefined) return;
    if (actor !== undefined) {
      const trace = this.#trace(offset);
      if (trace.writer !== undefined && this.#collides(trace.writer, trace.writtenIn, actor, phase)) this.#race("writes", indices, actor, trace.writer, "writes");
      const { reader } = trace;
      if (reader !== undefined && (this.#collides(reader, trace.readIn, actor, phase) || (trace.crowd && trace.readIn === phase))) this.#race("writes", indices, actor, reader, "reads");
      trace.writer = actor;
      trace.writtenIn = phase;
    }
    const stored = this.#stored(value);
    // Outputs are of the type that the user says; what a kernel keeps for itself, it keeps as it is.
    if (this.element.kind === "f16" && this.space !== "buffer" && !Number.isNaN(value) && stored !== value) this.#report({ kind: "rounded", text: `writes ${value} into ${this.name}, whose f16 makes it ${stored}` });
    this.values[offset] = stored;
    this.#written[offset] = 1;
  }

  /** Makes one element poison again. */
  forget(indices: readonly number[]): void {
    const offset = this.#offset(indices, "forgets");
    if (offset !== undefined) this.#written[offset] = 0;
  }

  /** How many elements nothing has written. */
  get unwritten(): number {
    return this.#written.reduce((count, flag) => count + (flag === 0 ? 1 : 0), 0);
  }

  #trace(offset: number): Trace {
    let trace = this.#traces.get(offset);
    if (trace === undefined) this.#traces.set(offset, (trace = { writer: undefined, writtenIn: -1, reader: undefined, readIn: -1, crowd: false }));
    return trace;
  }

  /** Another lane in the same stretch between barriers, or another workgroup at any time. */
  #collides(earlier: Actor, earlierPhase: number, now: Actor, phase: number): boolean {
    if (earlier.workgroup !== now.workgroup) return this.space === "buffer";
    return earlier.lane !== now.lane && earlierPhase === phase;
  }

  #race(verb: string, indices: readonly number[], actor: Actor, other: Actor, otherVerb: string): void {
    const who = ({ workgroup, lane }: Actor): string => `lane ${lane} of workgroup ${workgroup}`;
    this.#report({ kind: "race", text: `${who(actor)} ${verb} ${this.name}[${indices.join(", ")}], which ${who(other)} ${otherVerb} with no barrier between` });
  }

  #stored(value: number): number {
    switch (this.element.kind) {
      case "f32": return Math.fround(value);
      case "f16": return f16round(value);
      case "i32": return Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
      case "u32": return Math.min(Math.max(value, 0), 2 ** 32 - 1);
      case "uint": return Math.min(Math.max(value, 0), 2 ** this.element.bits - 1);
    }
  }
}
