import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { globals } from "webgpu";

import { compileSource } from "../../compiler";
import type { DeviceTensor, PreparedKernel, Runnable } from "../../runtime/device";
import { WebGpuDevice } from "../../runtime/webgpu/device";
import { lowered } from "../../runtime/lowering";
import { InternalError, KvernError } from "../../spec/diagnostics/diagnostic";
import { tensor, type TensorData } from "../../spec/tensor/tensor";
import { describeOnDevice, prepareProgram } from "../device/harness";
import { squaredSum } from "../runtime/programs";
import { FALLIBLE, FAULTS, INFALLIBLE, withFault, type Fault, type Witness } from "./injector";

const floats = (...values: number[]): Float32Array => Float32Array.from(values);
const X = tensor([3], floats(1, 2, 3));
const Y = tensor([3], floats(0.5, -2, 4));

/** What a user does with a device, step by step; a step may be done again after it failed. */
interface Session {
  /** Each step with what it must give. */
  readonly steps: readonly (readonly [string, () => Promise<unknown>, unknown])[];
  readonly device: WebGpuDevice;
  /** Tensors the user holds on the device. */
  readonly held: number;
  close(): Promise<void>;
}

const opened = (): Promise<WebGpuDevice> => WebGpuDevice.open({ adapter: "software" }, lowered);

/** A kernel whose sizes are known, run on tensors of the host and on its own results. */
class Fixed implements Session {
  #device: WebGpuDevice | undefined;
  #kernel: Runnable | undefined;
  #y: DeviceTensor | undefined;
  #kept: DeviceTensor | undefined;

  readonly steps: Session["steps"] = [
    ["open", async () => void (this.#device = await opened()), undefined],
    ["prepare", async () => void (this.#kernel = await prepareProgram(this.device, squaredSum())), undefined],
    ["upload", async () => void (this.#y = await this.device.upload({ kind: "f32" }, Y)), undefined],
    ["run", async () => (await this.kernel.run({ x: X, y: this.y }))["out"], tensor([3], floats(2.25, 0, 49))],
    ["keep", async () => void (this.#kept = (await this.kernel.run({ x: X, y: this.y }, { keep: ["out"] }))["out"]), undefined],
    ["chain", async () => (await this.kernel.run({ x: this.kept, y: this.y }))["out"], tensor([3], floats(2.75 ** 2, 4, 53 ** 2))],
    ["read", () => this.kept.read(), tensor([3], floats(2.25, 0, 49))],
  ];

  get device(): WebGpuDevice {
    return this.#device ?? missing("device");
  }
  get kernel(): Runnable {
    return this.#kernel ?? missing("kernel");
  }
  get y(): DeviceTensor {
    return this.#y ?? missing("uploaded tensor");
  }
  get kept(): DeviceTensor {
    return this.#kept ?? missing("kept tensor");
  }
  get held(): number {
    return Number(this.#y !== undefined) + Number(this.#kept !== undefined);
  }

  async close(): Promise<void> {
    await this.#device?.close();
  }
}

const { kernels } = await compileSource({ "k.ts": `import { axis, f32, kernel, softmax, sum } from "kvern";
  const n = axis("n"), m = axis("m");
  export const weighted = kernel({ s: f32(n), v: f32(n, m) }, f32(m), ({ s, v }) => (j) => { const weight = softmax(n, (i) => s(i)); return sum(n, (i) => weight(i) * v(i, j)); });` }, "k.ts");

const ones = (count: number): Float32Array => new Float32Array(count).fill(1);
const equal = (n: number): { readonly s: TensorData; readonly v: TensorData } => ({ s: tensor([n], new Float32Array(n)), v: tensor([n, 2], ones(2 * n)) });

/** A kernel of open sizes: a class of sizes that it was not compiled for, memory of the user's, rows copied, plans measured. */
class Growing implements Session {
  #device: WebGpuDevice | undefined;
  #kernel: PreparedKernel | undefined;
  #tuned: PreparedKernel | undefined;
  #room: DeviceTensor | undefined;
  #more: DeviceTensor | undefined;
  #time = 0;

  readonly steps: Session["steps"] = [
    ["open", async () => void (this.#device = await opened()), undefined],
    ["prepare", async () => void (this.#kernel = await this.device.prepare(kernels["weighted"])), undefined],
    ["run", async () => (await this.kernel.run(equal(4)))["out"], tensor([2], ones(2))],
    ["run a larger class", async () => (await this.kernel.run(equal(1024)))["out"], tensor([2], ones(2))],
    ["allocate", async () => void (this.#room = await this.device.allocate({ kind: "f32" }, [4])), undefined],
    ["allocate more", async () => void (this.#more = await this.device.allocate({ kind: "f32" }, [4])), undefined],
    ["copy from the host", () => this.device.copy([{ from: tensor([2], floats(5, 6)), count: 2, to: this.room, at: 0 }]), undefined],
    ["run into", async () => { await this.kernel.run(equal(4), { into: { out: { tensor: this.room, at: 2 } } }); }, undefined],
    ["copy on the device", () => this.device.copy([{ from: this.room, first: 1, count: 3, to: this.more, at: 0 }]), undefined],
    ["read", async () => (await this.more.read()).data.slice(0, 3), floats(6, 1, 1)],
    ["prepare tuned", async () => void (this.#tuned = await this.device.prepare(kernels["weighted"], { set: { n: 64, m: 2 }, tune: { clock: () => this.#time++ } })), undefined],
    ["measure and run", async () => (await (this.#tuned ?? missing("tuned kernel")).run(equal(64)))["out"], tensor([2], ones(2))],
  ];

  get device(): WebGpuDevice {
    return this.#device ?? missing("device");
  }
  get kernel(): PreparedKernel {
    return this.#kernel ?? missing("kernel");
  }
  get room(): DeviceTensor {
    return this.#room ?? missing("allocated tensor");
  }
  get more(): DeviceTensor {
    return this.#more ?? missing("other tensor");
  }
  get held(): number {
    return Number(this.#room !== undefined) + Number(this.#more !== undefined);
  }

  async close(): Promise<void> {
    await this.#device?.close();
  }
}

function missing(what: string): never {
  throw new Error(`there is no ${what} yet`);
}

/** @throws when `action` takes longer than a fault may */
async function soon<Result>(what: string, action: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} hangs`)), 20_000)));
  return Promise.race([action, late]).finally(() => clearTimeout(timer));
}

/** Calls that losing the device just before them does not spoil: there is none yet, or the bytes have been copied out. */
const INDIFFERENT_TO_LOSS: ReadonlySet<string> = new Set(["GPU.requestAdapter", "GPUAdapter.requestDevice", "GPUBuffer.unmap"]);

/**
 * The calls of a session that are made to fail: all of a short one; of a long one the first and the last of each kind,
 * and one in 64, unless KVERN_FAULTS is `all`.
 */
function positions(calls: readonly string[]): readonly number[] {
  const all = [...calls.keys()];
  if (calls.length <= 100 || process.env["KVERN_FAULTS"] === "all") return all;
  return all.filter((at) => at % 64 === 7 || [calls.indexOf(calls[at] ?? ""), calls.lastIndexOf(calls[at] ?? "")].includes(at));
}

/** How many calls a session without faults makes. */
async function callsOfSession(begin: () => Session): Promise<readonly string[]> {
  return withFault("throws", Infinity, async (witness) => {
    const session = begin();
    for (const [, action, meant] of session.steps) expect(await action()).toEqual(meant);
    await session.close();
    expect(witness.buffers.size).toBe(0);
    return [...witness.calls];
  });
}

/** A session in which one call fails, and what it must then be like. */
async function faultySession(begin: () => Session, fault: Fault, at: number, { calls, buffers, unscoped }: Witness): Promise<void> {
  const session = begin();
  let failed = 0;
  for (const [name, action, meant] of session.steps) {
    const what = `${fault} at call ${at} (${calls[at] ?? "not yet made"}), step ${name}`;
    const before = session.held;
    try {
      expect(await soon(what, action()), what).toEqual(meant);
    } catch (thrown) {
      if (!(thrown instanceof KvernError || thrown instanceof InternalError)) throw new Error(`${what}: not an error of ours: ${String(thrown)}`, { cause: thrown });
      failed++;
      const text = thrown.message;
      expect(text, what).toMatch(fault === "lost" ? /KV4004|KV4001/ : fault === "memory" ? /KV4006|KV4001/ : /injected into call/);
      if (name !== "open") {
        expect(session.device.pool.count.leased, `${what}: buffers held`).toBe(before);
        expect(buffers.size, `${what}: buffers alive`).toBe(before + session.device.pool.count.idle);
      }
      const again = soon(`${what}, again`, action());
      if (fault === "lost" && name !== "open") {
        await expect(again, what).rejects.toThrow(/KV4004/);
        break;
      }
      expect(await again, `${what}, again`).toEqual(meant);
    }
  }
  expect(unscoped, `${fault} at call ${at}: calls that fail unheard`).toEqual([]);
  const spared = fault === "lost" && INDIFFERENT_TO_LOSS.has(calls[at] ?? "");
  if (!spared) expect(failed, `${fault} at call ${at} (${calls[at] ?? "never made"}): steps that failed`).toBe(1);
  await soon("closing", session.close());
  expect(buffers.size, `${fault} at call ${at}: buffers alive after closing`).toBe(0);
}

/** The text of the runtime's own files that speak to WebGPU. */
const RUNTIME = ["webgpu", "cache", "tuning", "codebook"].flatMap((folder) => {
  const path = fileURLToPath(new URL(`../../runtime/${folder}`, import.meta.url));
  return readdirSync(path).map((file) => readFileSync(join(path, file), "utf8"));
}).join("\n");

describeOnDevice("whichever WebGPU call fails, the runtime says so, leaks nothing and goes on", () => {
  test("every method of WebGPU that the runtime calls can be made to fail", () => {
    const methods = Object.entries(globals as Readonly<Record<string, { readonly prototype?: object }>>)
      .filter(([name]) => /^GPU/.test(name))
      .flatMap(([, { prototype = {} }]) => Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(([, { value }]) => typeof value === "function").map(([name]) => name));
    const called = [...new Set(methods)].filter((name) => name !== "constructor" && RUNTIME.includes(`.${name}(`));
    const known = [...Object.values(FALLIBLE).flat(), ...INFALLIBLE];
    // Maps, sets and sums of bytes have methods of these names too.
    expect(called.filter((name) => !known.some((each) => each === name) && !["has", "keys", "values", "entries", "forEach", "update"].includes(name))).toEqual([]);
    expect(called).toContain("mapAsync");
  });

  test.each(FAULTS.flatMap((fault) => [[fault, "sizes that are known", () => new Fixed()], [fault, "sizes that are open", () => new Growing()]] as const))("%s, %s", { timeout: 600_000 }, async (fault, _, begin) => {
    const calls = await callsOfSession(begin);
    const faults: string[] = [];
    for (const at of positions(calls)) {
      if (fault === "memory" && calls[at] !== "GPUDevice.createBuffer") continue;
      await withFault(fault, at, (witness) => faultySession(begin, fault, at, witness)).catch((thrown: unknown) => faults.push(String(thrown).split("\n")[0] ?? ""));
    }
    expect(faults).toEqual([]);
  });

  test("the sessions make every kind of call", async () => {
    const made = new Set([...(await callsOfSession(() => new Fixed())), ...(await callsOfSession(() => new Growing()))]);
    expect(Object.entries(FALLIBLE).flatMap(([name, methods]) => methods.map((method) => `${name}.${method}`)).filter((call) => !made.has(call))).toEqual([]);
  });
});
