/**
 * @file WebGPU in Node: Dawn, from npm `webgpu`. A hardware adapter where there is one, else SwiftShader, else whatever
 * software adapter the system has.
 */

import { describeAdapter, isSoftware, type AdapterChoice, type Found } from "./found";
import { unpackSwiftShader } from "./swiftshader.node";

const fs = process.getBuiltinModule("node:fs");
const os = process.getBuiltinModule("node:os");
const { isMainThread } = process.getBuiltinModule("node:worker_threads");

/** Names a Vulkan driver manifest to use as the software driver instead of the SwiftShader that comes through npm. */
const OTHER_DRIVER = "KVERN_SWIFTSHADER_ICD";

/** Dawn's zeroing of workgroup memory through a Vulkan extension is wrong on SwiftShader; Dawn then zeroes by itself. */
const SOFTWARE_OPTIONS = ["disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];

interface Dawn {
  /** Dawn stops working for an instance that is garbage collected, and keeps Node alive while there is one. */
  create(options: string[]): GPU;
}

/** Finds an adapter in Node, or says for each thing tried why it did not do. */
export async function findAdapter(choice: AdapterChoice): Promise<Found | readonly string[]> {
  const tried: string[] = [];
  const dawn = await loadDawn();
  if (typeof dawn === "string") return [dawn];

  let software: Found | undefined;
  if (!mayHaveAdapters()) {
    tried.push(`hardware: the system has no Vulkan loader (${LOADER})`);
  } else {
    const gpu = dawn.create([]);
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (adapter === null) tried.push("hardware: Dawn finds no adapter");
    else if (isSoftware(adapter)) {
      tried.push(`hardware: the only adapter is ${describeAdapter(adapter)}, which is software`);
      software = { gpu, adapter, why: "the system has no other adapter" };
    } else if (choice === "software") tried.push(`hardware: ${describeAdapter(adapter)}, not wanted`);
    else return { gpu, adapter, why: "it is the system's high-performance adapter" };
  }
  if (choice === "hardware") return tried;

  const found = await softwareAdapter(dawn);
  if (typeof found !== "string") return { ...found, why: `${found.why} (${tried.join("; ")})` };
  tried.push(`software: ${found}`);
  return software ?? tried;
}

async function loadDawn(): Promise<Dawn | string> {
  try {
    return (await importAsNamed("webgpu")) as Dawn;
  } catch (fault) {
    return `npm webgpu (Dawn), which brings WebGPU to Node, does not load: ${fault instanceof Error ? fault.message : String(fault)}`;
  }
}

/** A name that arrives as an argument is one that no bundler follows. */
async function importAsNamed(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name) as Promise<unknown>;
}

const LOADER = "libvulkan.so.1";

/** Whether the Vulkan loader of this process is the one that comes through npm; the system then has none. */
let broughtLoader = false;

/** Without a Vulkan loader of the system's Dawn on Linux has no adapters, and complains about it on the terminal. */
function mayHaveAdapters(): boolean {
  return process.platform !== "linux" || (!broughtLoader && isLoadable(LOADER));
}

function bringLoader(loader: string): boolean {
  return mayHaveAdapters() || (broughtLoader ||= isLoadable(loader));
}

/**
 * Loads a shared library that is no Node addon, and keeps it loaded: Node refuses it only after it has been loaded, and
 * RTLD_NODELETE makes the refusal leave it. Dawn then finds it by its name, wherever it lies.
 */
function isLoadable(library: string): boolean {
  const RTLD_NODELETE = 0x1000;
  try {
    process.dlopen({ exports: {} }, library, os.constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (fault) {
    return fault instanceof Error && fault.message.includes("did not self-register");
  }
}

async function softwareAdapter(dawn: Dawn): Promise<Found | string> {
  const named = process.env[OTHER_DRIVER];
  let manifest: string;
  let source: string;
  if (named !== undefined && named !== "") {
    if (!fs.existsSync(named)) return `${OTHER_DRIVER} names ${named}, which does not exist`;
    manifest = named;
    source = `the driver that ${OTHER_DRIVER} names`;
    if (!mayHaveAdapters()) {
      const unpacked = await unpackSwiftShader();
      if (typeof unpacked === "string") return `the system has no Vulkan loader (${LOADER}), and ${unpacked}`;
      if (!bringLoader(unpacked.loader)) return `the Vulkan loader ${unpacked.loader} does not load`;
    }
  } else {
    const unpacked = await unpackSwiftShader();
    if (typeof unpacked === "string") return unpacked;
    if (!bringLoader(unpacked.loader)) return `the Vulkan loader ${unpacked.loader} does not load`;
    manifest = unpacked.manifest;
    source = "the software driver that comes through npm";
  }
  return withDriver(manifest, async () => {
    const gpu = dawn.create(SOFTWARE_OPTIONS);
    const adapter = await gpu.requestAdapter();
    if (adapter !== null) return { gpu, adapter, why: `it is ${source}` };
    const worker = isMainThread ? "" : "; in a worker thread the driver can only be chosen by setting VK_ICD_FILENAMES before Node starts";
    return `Dawn finds no adapter with the driver ${manifest}${worker}`;
  });
}

let drivers: Promise<unknown> = Promise.resolve();

/** Both name the drivers that the Vulkan loader may use; newer loaders prefer the first. */
const DRIVER_VARIABLES = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] as const;

/** Runs `action` while the Vulkan loader sees only the driver of `manifest`; one at a time, since the environment is shared. */
async function withDriver<Result>(manifest: string, action: () => Promise<Result>): Promise<Result> {
  const run = drivers.then(async () => {
    const before = DRIVER_VARIABLES.map((name) => [name, process.env[name]] as const);
    for (const name of DRIVER_VARIABLES) process.env[name] = manifest;
    try {
      return await action();
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
  });
  drivers = run.catch(() => undefined);
  return run;
}
