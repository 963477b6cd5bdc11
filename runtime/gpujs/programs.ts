/**
 * @file The programs of one kernel, and what has been compiled of them. The first run fixes every size in the texts; an
 * axis whose size then changes is left open, with room for twice what it has needed, so that a cache may grow by a token
 * at a time without anything being compiled again.
 */

import { lowerScript, type ScriptProgram } from "../../compiler/lower-gpujs";
import type { Ranges } from "../../compiler/emit/gpujs/exact";
import type { Graph } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor/check";
import type { Chain } from "./chain";
import type { GpuJsTensor } from "./tensor";

/** Compiled chains that a kernel keeps. */
const KEPT = 16;
/** Those of them that may hold inputs: where more are asked for, inputs are handed over at every run. */
const HOLDING = 12;

export class Programs {
  readonly name: string;
  /** The program for the sizes that are fixed for every run. */
  readonly program: ScriptProgram;
  readonly #graph: Graph;
  readonly #set: Sizes;
  readonly #retire: (chain: Chain) => void;
  readonly #programs = new Map<string, ScriptProgram>();
  readonly #chains = new Map<string, Chain>();
  readonly #holding = new Set<string>();
  /** Axes whose sizes have changed between runs. */
  readonly #open = new Set<string>();
  #last: Sizes | undefined;
  #checked = "";

  /**
   * @param retire lets go of a chain, of which runs may still be under way
   * @throws KvernError as `lowerScript`
   */
  constructor(graph: Graph, set: Sizes, retire: (chain: Chain) => void) {
    this.name = graph.name;
    this.#graph = graph;
    this.#set = set;
    this.#retire = retire;
    this.program = lowerScript(graph, { set });
    this.#programs.set(JSON.stringify(set), this.program);
  }

  /** The program for a run. */
  for(sizes: Sizes): ScriptProgram {
    const before = this.#last;
    this.#last = sizes;
    if (before !== undefined) for (const axis of this.program.open) if (before[axis] !== sizes[axis]) this.#open.add(axis);
    const fixed: Record<string, number> = { ...this.#set };
    for (const axis of this.program.open) if (!this.#open.has(axis)) fixed[axis] = sizes[axis] ?? 0;
    const key = JSON.stringify(fixed);
    let program = this.#programs.get(key);
    if (program === undefined) this.#programs.set(key, (program = lowerScript(this.#graph, { set: fixed })));
    return program;
  }

  /** @throws KvernError as `ScriptProgram.check` */
  check(program: ScriptProgram, sizes: Sizes, ranges: Ranges): void {
    const key = JSON.stringify([program.fixed, sizes, [...ranges]]);
    if (key === this.#checked) return;
    program.check(sizes, ranges);
    this.#checked = key;
  }

  /**
   * The compiled chain for a run.
   * @param resident inputs that have been given unchanged before, by name: a chain may hold them
   */
  chain(program: ScriptProgram, capacity: Sizes, resident: ReadonlyMap<string, GpuJsTensor>, make: (held: ReadonlySet<string>) => Chain): Chain {
    const plain = JSON.stringify([program.fixed, capacity]);
    const holding = JSON.stringify([program.fixed, capacity, [...resident].map(([name, { held }]) => [name, held])]);
    const holds = resident.size > 0 && (this.#holding.has(holding) || this.#holding.size < HOLDING);
    const key = holds ? holding : plain;
    let chain = this.#chains.get(key);
    if (chain === undefined) {
      chain = make(new Set(holds ? resident.keys() : []));
      if (holds) {
        this.#holding.add(key);
        for (const tensor of resident.values()) tensor.whenGone(() => this.#drop(key));
      }
    }
    // The one used last stands last.
    this.#chains.delete(key);
    this.#chains.set(key, chain);
    const [oldest] = this.#chains.keys();
    if (this.#chains.size > KEPT && oldest !== undefined) this.#drop(oldest);
    return chain;
  }

  #drop(key: string): void {
    const chain = this.#chains.get(key);
    this.#holding.delete(key);
    if (chain === undefined) return;
    this.#chains.delete(key);
    this.#retire(chain);
  }
}

/** Room for each open axis: the next power of two, unless gpu.js could not number the elements of an array then. */
export function capacityOf(program: ScriptProgram, sizes: Sizes): Sizes {
  const exactly = Object.fromEntries(program.open.map((axis) => [axis, sizes[axis] ?? 0]));
  const roomy = Object.fromEntries(Object.entries(exactly).map(([axis, size]) => [axis, size === 0 ? 0 : 2 ** Math.ceil(Math.log2(size))]));
  return program.fits(roomy) ? roomy : exactly;
}
