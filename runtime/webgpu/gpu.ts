/**
 * @file One WebGPU device. Everything that can fail on it runs inside error scopes, so that no fault stays silent, and
 * everything that waits for it stops waiting when it is lost.
 */

import type { DeviceLimits } from "../../compiler/program";
import { InternalError, KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { describeAdapter, type Found } from "./found";

/** Limits that a kernel may need more of than WebGPU promises. */
const WANTED_LIMITS = [
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
] as const satisfies readonly (keyof GPUSupportedLimits)[];

const WANTED_FEATURES = ["subgroups", "shader-f16", "timestamp-query"] as const;

/** What a device may be asked for: WebGPU's limits of the same names. */
export type Limits = DeviceLimits & { readonly maxBufferSize: number };

/** What WebGPU promises of every device. */
export const DEFAULT_LIMITS: Limits = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxBufferSize: 256 * 2 ** 20,
};

type Reject = (fault: unknown) => void;

/** What open devices come from: Dawn's devices do not survive the collection of their instance. */
const held = new Set<Found>();

export class Gpu {
  readonly name: string;
  /** What kernels may use: the adapter's limits, less where the opener asked for less. */
  readonly limits: Limits;
  readonly features: ReadonlySet<string>;
  readonly device: GPUDevice;

  readonly #found: Found;
  #loss: { readonly reason: string; readonly message: string } | undefined;
  #closed = false;
  readonly #waiting = new Set<Reject>();
  readonly #busy = new Set<Promise<unknown>>();

  private constructor(found: Found, device: GPUDevice, limits: Limits) {
    this.#found = found;
    held.add(found);
    this.name = describeAdapter(found.adapter);
    this.device = device;
    this.limits = limits;
    this.features = new Set(WANTED_FEATURES.filter((feature) => device.features.has(feature)));
    void device.lost.then(({ reason, message }) => {
      if (this.#closed) return;
      this.#loss = { reason, message };
      for (const reject of this.#waiting) reject(this.#lost("the device's work"));
    });
  }

  /**
   * Opens a device with as much as the adapter has of what kernels can use.
   * @param caps limits to stay below, so that a large device can be treated as a small one
   */
  static async open(found: Found, caps: Partial<Limits>): Promise<Gpu> {
    const { adapter } = found;
    const limits = Object.fromEntries(
      WANTED_LIMITS.map((limit) => [limit, Math.min(adapter.limits[limit], caps[limit] ?? Infinity)]),
    ) as unknown as Limits;
    const device = await adapter
      .requestDevice({
        label: "kvern",
        // No device can be had with less than WebGPU's defaults.
        requiredLimits: Object.fromEntries(WANTED_LIMITS.map((limit) => [limit, Math.max(limits[limit], DEFAULT_LIMITS[limit])])),
        requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
      })
      .catch((fault: unknown) =>
        refuse({ code: "KV4001", message: `${describeAdapter(adapter)} gives no device`, got: fault instanceof Error ? fault.message : String(fault) }),
      );
    return new Gpu(found, device, limits);
  }

  /** @throws KvernError KV4005 when the device is closed, KV4004 when it is lost; `what` is what was going to be done */
  ensureUsable(what: string): void {
    if (this.#closed) refuse({ code: "KV4005", message: `${what}: the device has been closed`, mend: "Close a device after its last use." });
    if (this.#loss !== undefined) throw this.#lost(what);
  }

  #lost(what: string): KvernError {
    const { reason = "", message = "" } = this.#loss ?? {};
    return new KvernError([{
      code: "KV4004",
      message: `${what}: the device ${this.name} was lost with everything on it`,
      got: message === "" ? reason : `${reason}: ${message}`,
      mend: "Open a device again, prepare the kernels again, and give the inputs again; tensors that were kept on the device are gone.",
    }]);
  }

  /**
   * Does `work` at once and settles when the device has judged it.
   * @throws KvernError KV4006 out of memory, KV4004 lost; InternalError for what the device finds invalid
   */
  async scoped<Result>(what: string, work: () => Result): Promise<Result> {
    this.ensureUsable(what);
    const { device } = this;
    // Innermost last. Pushed and popped without a pause between, so that scopes of concurrent work never interleave.
    const filters = ["internal", "out-of-memory", "validation"] as const;
    for (const filter of filters) device.pushErrorScope(filter);
    let outcome: { readonly result: Result } | { readonly thrown: unknown };
    try {
      outcome = { result: work() };
    } catch (thrown) {
      outcome = { thrown };
    }
    const verdicts = [...filters].reverse().map(async (filter) => ({ filter, fault: await device.popErrorScope() }));
    const judged = await this.alive(what, Promise.all(verdicts));
    const found = (filter: GPUErrorFilter): GPUError | null => judged.find((verdict) => verdict.filter === filter)?.fault ?? null;
    // Memory first: what is made of a buffer that could not be had is invalid for no other reason.
    const memory = found("out-of-memory");
    if (memory !== null) {
      refuse({
        code: "KV4006",
        message: `${what}: ${this.name} is out of memory`,
        got: memory.message,
        mend: "Give smaller inputs, or destroy tensors that are kept on the device.",
      });
    }
    const fault = found("validation") ?? found("internal");
    if (fault !== null) throw new InternalError(`${what}: the device refuses: ${fault.message}`);
    if ("thrown" in outcome) throw this.#explained(what, outcome.thrown);
    return outcome.result;
  }

  /**
   * Waits for something of the device's, but not longer than the device lives.
   * @throws KvernError KV4004 lost; InternalError for what the device refuses
   */
  alive<Result>(what: string, promise: Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const stop: Reject = () => reject(this.#lost(what));
      this.#waiting.add(stop);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(stop));
    }).then(
      (result) => {
        // A lost device may also let its promises resolve, with nothing behind them.
        if (this.#loss !== undefined) throw this.#lost(what);
        return result;
      },
      (fault: unknown) => {
        throw this.#explained(what, fault);
      },
    );
  }

  /** What a call of WebGPU's failed with, as a fault of ours. */
  #explained(what: string, fault: unknown): unknown {
    if (fault instanceof KvernError || fault instanceof InternalError) return fault;
    if (this.#loss !== undefined) return this.#lost(what);
    return new InternalError(`${what}: the device refuses: ${fault instanceof Error ? fault.message : String(fault)}`, { cause: fault });
  }

  /** Runs something that `close` must wait for. */
  busy<Result>(action: Promise<Result>): Promise<Result> {
    this.#busy.add(action);
    const done = (): void => void this.#busy.delete(action);
    action.then(done, done);
    return action;
  }

  /** Waits for what is running, runs `release`, and lets go of the device. A second call does nothing. */
  async close(release: () => void): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#busy);
    release();
    this.device.destroy();
    await this.device.lost;
    held.delete(this.#found);
  }
}
