/**
 * @file A kernel whose plan is chosen by measuring. The first run of a class of sizes takes the inputs it is given, runs the
 * few best plans on them, leaves out what differs from the interpreter by more than its bound, and keeps the fastest for
 * all further runs of the class; a store may have it already.
 */

import type { Explanation } from "../../compiler/explain/explain";
import type { Program } from "../../compiler/program";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Element } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor/check";
import type { TensorData } from "../../spec/tensor/tensor";
import type { DeviceTensor, PreparedKernel, RunInput, RunInputs, Runnable, RunOptions } from "../device";
import { isBufferTensor, isDeviceTensor, RunCheck, type Kernel } from "../kernel";
import type { Contest, Contestant } from "./contest";
import { measured } from "./measure";
import { samples, type Sample } from "./samples";
import type { PlanStore, TuneOptions } from "./store";

/** What measuring asks of a device. */
export interface Bench {
  compile(program: Program, kernel: Kernel, check: RunCheck): Promise<Runnable>;
  upload(element: Element, tensor: TensorData): Promise<DeviceTensor>;
  /** Settles when all that was begun has been done. */
  idle(): Promise<void>;
}

interface Chosen {
  readonly contestant: Contestant;
  readonly runnable: Runnable;
}

type Outputs = Record<string, TensorData | DeviceTensor>;

export class Tuned {
  readonly #check: RunCheck;
  readonly #choices = new Map<string, Promise<Chosen>>();
  readonly #chosen = new Map<string, Contestant>();
  readonly #plans: PlanStore;
  readonly #clock: () => number;

  /** @throws KvernError KV21nn, as `RunCheck` */
  constructor(readonly contest: Contest, readonly bench: Bench, { plans = new Map<string, unknown>(), clock = () => performance.now() }: TuneOptions) {
    this.#check = new RunCheck(contest.loaded.kernel, contest.set);
    this.#plans = plans;
    this.#clock = clock;
  }

  get prepared(): PreparedKernel {
    const { name, inputs, outputs } = this.contest.loaded.graph;
    return {
      name, inputs, outputs,
      run: ((given: RunInputs, options: RunOptions = {}) => this.#run(given, options)) as PreparedKernel["run"],
      explain: (sizes = {}) => this.#explain(sizes),
    };
  }

  async #run(inputs: RunInputs, options: RunOptions): Promise<Outputs> {
    const { sizes } = this.#check.check(inputs, options);
    const key = this.contest.key(sizes);
    let choice = this.#choices.get(key);
    if (choice === undefined) {
      choice = this.#choose(key, sizes, inputs, options);
      this.#choices.set(key, choice);
      choice.then(({ contestant }) => this.#chosen.set(key, contestant), () => this.#choices.delete(key));
    }
    return (await choice).runnable.run(inputs, options);
  }

  /** The plan that was chosen for these sizes; before that, the one that is estimated to take least time. */
  #explain(sizes: Sizes): Explanation {
    const all = { ...this.contest.set, ...sizes };
    const contestant = this.#chosen.get(this.contest.key(all)) ?? this.contest.several(all)[0];
    if (contestant === undefined) throw new InternalError(`there is no plan for ${this.contest.loaded.graph.name}`);
    return contestant.explain(sizes);
  }

  async #compiled(contestant: Contestant): Promise<Chosen> {
    return { contestant, runnable: await this.bench.compile(contestant.program, this.contest.loaded.kernel, this.#check) };
  }

  async #choose(key: string, sizes: Sizes, inputs: RunInputs, { set = {} }: RunOptions): Promise<Chosen> {
    const { graph } = this.contest.loaded;
    const kept: unknown = await this.#plans.get(key);
    if (kept !== undefined) return this.#compiled(this.contest.replay(kept, `what is kept for ${key}`));
    const contestants = this.contest.several(sizes);
    const [first, ...others] = contestants;
    if (first === undefined) throw new InternalError(`there is no plan for ${graph.name}`);
    // Buffers of the caller's cannot be read back to be checked against.
    if (others.length === 0 || Object.values(inputs).some(isBufferTensor)) return this.#compiled(first);
    const all = await Promise.all(contestants.map((contestant) => this.#compiled(contestant)));
    const host = await Promise.all(Object.entries(inputs).map(async ([name, input]) => [name, await onHost(input)] as const));
    const expected = samples(this.contest.loaded, Object.fromEntries(host), sizes);
    const placed: Record<string, RunInput> = {};
    const uploaded: DeviceTensor[] = [];
    try {
      for (const { name, element } of graph.inputs) {
        const input = inputs[name];
        if (input === undefined || isDeviceTensor(input) || isBufferTensor(input)) continue;
        const tensor = await this.bench.upload(element, input);
        uploaded.push(tensor);
        placed[name] = tensor;
      }
      const given = { ...inputs, ...placed };
      const right: Chosen[] = [];
      for (const choice of all) if (agrees(await choice.runnable.run(given, { set }), expected)) right.push(choice);
      if (right.length === 0) throw new InternalError(`no plan for ${graph.name} stays within the bound`);
      const times = await measured(right.map(({ runnable }) => () => this.#once(runnable, given, set)), this.#clock);
      const best = right[times.indexOf(Math.min(...times))];
      if (best === undefined) throw new InternalError("nothing was measured");
      await this.#plans.set(key, best.contestant.stored);
      return best;
    } finally {
      for (const tensor of uploaded) tensor.destroy();
    }
  }

  async #once(runnable: Runnable, inputs: RunInputs, set: Sizes): Promise<void> {
    const outputs = await runnable.run(inputs, { set, device: true });
    try {
      await this.bench.idle();
    } finally {
      for (const output of Object.values(outputs)) output.destroy();
    }
  }
}

async function onHost(input: RunInput): Promise<TensorData> {
  if (isDeviceTensor(input)) return input.read();
  if (isBufferTensor(input)) throw new InternalError("a buffer of the caller's was to be read");
  return input;
}

/** Whether a plan gives what the interpreter gives, as far as was looked. */
function agrees(outputs: Outputs, expected: readonly Sample[]): boolean {
  return expected.every(({ output, at, value, bound }) => {
    const tensor = outputs[output];
    const seen = tensor !== undefined && !isDeviceTensor(tensor) ? Number(tensor.data[at]) : NaN;
    return seen === value || bound === Infinity || Math.abs(seen - value) <= bound;
  });
}
