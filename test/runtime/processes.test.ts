import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { bundleForBrowsers, type Bundle } from "./bundle";

const root = new URL("../../", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "kvern-processes-"));
let bundle: Bundle;

beforeAll(async () => {
  bundle = await bundleForBrowsers("runtime/index.ts");
});
afterAll(() => {
  bundle.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program in a Node of its own; fails when it does not end by itself. */
async function node(program: string, env: Record<string, string> = {}): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const file = join(bundle.folder, `${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(file, `import * as kvern from "./bundle.mjs";\n${program}`);
  return promisify(execFile)(process.execPath, [file], { cwd: root, env: { ...process.env, ...env }, timeout: 30_000 });
}

test("the bundle for browsers imports nothing", () => {
  expect(bundle.imports).toEqual([]);
  expect(readFileSync(bundle.file, "utf8")).not.toMatch(/(?:from|import|require)\s*\(?\s*["']node:/);
});

test("Node ends by itself, with a device that is closed and with one that is not", async () => {
  const closed = await node('const device = await kvern.openDevice(); await device.close(); console.log("end");');
  expect(closed.stdout).toBe("end\n");
  const open = await node('const device = await kvern.openDevice(); console.log(device.backend.length > 0);');
  expect(open.stdout).toBe("true\n");
});

test("many devices can be opened one after the other, and side by side", async () => {
  const { stdout } = await node(`
    for (let i = 0; i < 3; i++) await (await kvern.openDevice()).close();
    const devices = await Promise.all([kvern.openDevice(), kvern.openDevice(), kvern.openDevice()]);
    console.log(new Set(devices.map((device) => device.info.name)).size, process.env.VK_ICD_FILENAMES);
    for (const device of devices) await device.close();
  `, { VK_ICD_FILENAMES: "" });
  expect(stdout).toBe("1 \n");
});

test("where no WebGPU can be had, `wgsl` says all that was tried, and `auto` takes gpu.js", async () => {
  const { stdout } = await node(
    `
      const fault = await kvern.openDevice({ backend: "wgsl", adapter: "software" }).catch((thrown) => thrown);
      console.log(fault instanceof kvern.KvernError, fault.diagnostics[0].code, fault.message);
      const device = await kvern.openDevice({ adapter: "software" });
      console.log(device.describe());
      await device.close();
    `,
    { KVERN_SWIFTSHADER_ICD: "/nowhere/icd.json" },
  );
  expect(stdout).toContain("true KV4001");
  expect(stdout).toContain("software: KVERN_SWIFTSHADER_ICD names /nowhere/icd.json, which does not exist");
  expect(stdout).toMatch(/^gpujs: gpu\.js, mode webasm \(software\); there is no WebGPU device: no software WebGPU device could be opened \(.*\)$/m);
});

describe.skipIf(process.platform !== "linux" || process.arch !== "x64")("the software driver", () => {
  const open = `
    const device = await kvern.openDevice({ backend: "wgsl", adapter: "software" });
    console.log(device.info.kind, device.info.name);
    await device.close();
  `;

  test("is unpacked once, by however many processes begin at the same time", async () => {
    const cache = join(folder, "together");
    const runs = await Promise.all(Array.from({ length: 4 }, () => node(open, { XDG_CACHE_HOME: cache })));
    for (const { stdout } of runs) expect(stdout).toMatch(/^software SwiftShader/);
    const [only, ...rest] = readdirSync(join(cache, "kvern"));
    expect(rest).toEqual([]);
    expect(only).toMatch(/^swiftshader-[0-9a-f]{16}$/);
  });

  test("is unpacked again where it has been damaged", async () => {
    const cache = join(folder, "damaged");
    await node(open, { XDG_CACHE_HOME: cache });
    const unpacked = join(cache, "kvern", readdirSync(join(cache, "kvern"))[0] ?? "");
    truncateSync(join(unpacked, "libvk_swiftshader.so"), 1000);
    expect((await node(open, { XDG_CACHE_HOME: cache })).stdout).toMatch(/^software SwiftShader/);
    expect(readdirSync(join(cache, "kvern"))).toHaveLength(1);
  });

  test("finds another place where the cache cannot be written", async () => {
    const file = join(folder, "no-folder");
    writeFileSync(file, "");
    expect((await node(open, { XDG_CACHE_HOME: file, TMPDIR: folder })).stdout).toMatch(/^software SwiftShader/);
  });

  test("another driver can be named", async () => {
    const cache = join(folder, "together");
    const manifest = join(cache, "kvern", readdirSync(join(cache, "kvern"))[0] ?? "", "vk_swiftshader_icd.json");
    const { stdout } = await node(`${open} console.log(device.info.why);`, { XDG_CACHE_HOME: cache, KVERN_SWIFTSHADER_ICD: manifest });
    expect(stdout).toContain("it is the driver that KVERN_SWIFTSHADER_ICD names");
  });
});
