import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readSafetensors } from "kvern/runtime";
import type { CalibrationReport } from "../../bin/calibrate/calibrate";
import type { EntropyReport } from "../../bin/calibrate/entropy";
import { codebooksFrom } from "../../examples/llama/codebooks";
import { tales, TALES } from "../llama/tales";
import { Folder, ROOT, type Ended } from "./kvern";

const folder = new Folder();
const bytes = (name: string): Buffer => readFileSync(join(folder.path, name));
const file = (name: string) => readSafetensors(new Uint8Array(bytes(name)), name);

/** Twelve contexts of some 25 tokens each. */
const STORIES = 12;
const names = ["Tom", "Lily", "Ben", "Anna", "Max", "Sue"];
const story = (at: number): string => `${names[at % 6] ?? ""} had a ${at % 2 === 0 ? "red ball" : "little dog"}. One day ${names[(at + 1) % 6] ?? ""} came to play in the garden, and they were happy.`;
folder.write("text.txt", Array.from({ length: STORIES }, (_, at) => story(at)).join("\n<|endoftext|>\n"));

const SETTINGS = ["--text", "text.txt", "--couple", "8", "--bits", "5", "--weights", "fisher", "--iterations", "9", "--json"] as const;
const command = (out: string, ...more: readonly string[]): string[] => ["calibrate", TALES, ...SETTINGS, "--out", out, ...more];
const calibrate = (out: string, ...more: readonly string[]): Ended => folder.kvern(...command(out, ...more));
const reportOf = ({ stdout, stderr }: Ended): CalibrationReport => {
  expect(stderr).toBe("");
  return JSON.parse(stdout) as CalibrationReport;
};

let whole: CalibrationReport;
beforeAll(() => {
  whole = reportOf(calibrate("whole.safetensors"));
});

describe("a calibration", () => {
  test("writes codebooks that fit the model, and says what they were learned from", async () => {
    const { tensors, metadata } = file("whole.safetensors");
    const { model } = await tales();
    expect(codebooksFrom(tensors, model.config, "whole.safetensors").format).toEqual({ couple: 8, bits: 5 });
    const { tokens, model: hash, text } = whole;
    expect(tokens).toBeGreaterThan(200);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(metadata).toEqual({ format: "CQ-8c5b", weights: "fisher", seed: "1", iterations: "9", tokens: String(tokens), model: hash, text, keys: "before rotation", layers: "0..3 of 4" });
    expect(existsSync(join(folder.path, "whole.safetensors.journal"))).toBe(false);
  });

  test("reports how every group went", () => {
    expect(whole.contexts).toBe(STORIES);
    expect(whole.groups.length).toBe(4 * 2 * 2 * 8);
    expect(new Set(whole.groups.map(({ layer, side, head, group }) => `${layer} ${side} ${head} ${group}`)).size).toBe(128);
    for (const { inertia, stored, energy } of whole.groups) {
      expect(inertia.length).toBeGreaterThan(0);
      expect(stored).toBeLessThan(inertia[0] ?? NaN);
      expect(inertia[0]).toBeLessThan(energy);
    }
  });

  test.each(["1", "3"])("comes to the same file in %s threads", (workers) => {
    expect(reportOf(calibrate("threads.safetensors", "--workers", workers)).groups).toEqual(whole.groups);
    expect(bytes("threads.safetensors").equals(bytes("whole.safetensors"))).toBe(true);
  });

  test("comes to the same file where a device finds the nearest centroids", { timeout: 180_000 }, () => {
    const { device, groups } = reportOf(calibrate("device.safetensors", "--backend", "auto"));
    expect(device).toMatch(/^(wgsl|gpujs|interpreter): /);
    expect(groups).toEqual(whole.groups);
    expect(bytes("device.safetensors").equals(bytes("whole.safetensors"))).toBe(true);
  });

  test("comes to another file by another seed, other weights, other tokens", () => {
    for (const more of [["--seed", "2"], ["--weights", "uniform"], ["--tokens", "150"]]) {
      reportOf(calibrate("other.safetensors", ...more));
      expect(file("other.safetensors").tensors).not.toEqual(file("whole.safetensors").tensors);
    }
  });

  test("is told as a table", () => {
    const { code, stdout } = folder.kvern(...command("table.safetensors").filter((word) => word !== "--json"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/layer 3 values +\d+\.\d\d % +\d+\.\d\d % +\d+–\d+ +\d+ of 16\n/);
    expect(stdout).toMatch(/written to table\.safetensors\n$/);
  });
});

/** Records of a journal: a length, a sum of 32 bytes, and as many bytes as the length says. */
function records(name: string): number {
  const journal = existsSync(join(folder.path, name)) ? bytes(name) : Buffer.alloc(0);
  let count = 0;
  for (let at = 0; at + 36 <= journal.length; count++) at += 36 + journal.readUInt32LE(at);
  return count;
}

/** Runs the calibration and kills it when its journal holds this many records. */
async function killed(out: string, least: number): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, "dist/bin/kvern.js"), ...command(out)], { cwd: folder.path, stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
  const watch = setInterval(() => {
    if (records(`${out}.journal`) >= least) child.kill("SIGKILL");
  }, 2);
  expect(await ended).toBe("SIGKILL");
  clearInterval(watch);
}

describe("an interrupted calibration", () => {
  test("killed while reading and again while learning, comes to the identical file", async () => {
    await killed("killed.safetensors", 3);
    const reading = records("killed.safetensors.journal");
    await killed("killed.safetensors", 1 + STORIES + 20);
    expect(records("killed.safetensors.journal")).toBeGreaterThan(reading);
    expect(existsSync(join(folder.path, "killed.safetensors"))).toBe(false);
    const { resumed, groups } = reportOf(calibrate("killed.safetensors"));
    expect(resumed.contexts).toBe(STORIES);
    expect(resumed.groups).toBeGreaterThanOrEqual(19);
    expect(resumed.groups).toBeLessThan(128);
    expect(groups).toEqual(whole.groups);
    expect(bytes("killed.safetensors").equals(bytes("whole.safetensors"))).toBe(true);
    expect(existsSync(join(folder.path, "killed.safetensors.journal"))).toBe(false);
  });

  test("forgets a record that was cut off or damaged, and comes to the identical file", async () => {
    await killed("torn.safetensors", 1 + STORIES + 5);
    const journal = join(folder.path, "torn.safetensors.journal");
    const written = readFileSync(journal);
    for (const damage of [written.subarray(0, written.length - 7), flipped(written, written.length - 7), written.subarray(0, 50), Buffer.alloc(0)]) {
      writeFileSync(journal, damage);
      reportOf(calibrate("torn.safetensors"));
      expect(bytes("torn.safetensors").equals(bytes("whole.safetensors"))).toBe(true);
    }
  });

  test("is not mixed with one of other settings", async () => {
    await killed("mixed.safetensors", 3);
    const { code, stderr } = calibrate("mixed.safetensors", "--seed", "5");
    expect(code).toBe(1);
    expect(stderr).toMatch(/mixed\.safetensors\.journal - error KV6021: .* another seed\n\n  expected: 1\n  got: +5/);
  });
});

function flipped(data: Buffer, at: number): Buffer {
  const copy = Buffer.from(data);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe("parts", () => {
  const parts = ["0..0", "1..2", "3..3"].map((layers) => ({ layers, name: `part-${layers}.safetensors` }));
  beforeAll(() => {
    for (const { layers, name } of parts) reportOf(calibrate(name, "--layers", layers));
  });
  const merge = (...names: readonly string[]): Ended => folder.kvern("calibrate", "--merge", ...names, "--out", "merged.safetensors");

  test("of layers, in any order, join to the file of them all", () => {
    const { code, stderr } = merge("part-3..3.safetensors", "part-0..0.safetensors", "part-1..2.safetensors");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(bytes("merged.safetensors").equals(bytes("whole.safetensors"))).toBe(true);
  });

  test("are refused where a layer is missing, or there twice, or learned otherwise, or no codebook", () => {
    const refused = (...names: readonly string[]): string => {
      const { code, stderr } = merge(...names);
      expect(code).toBe(1);
      return stderr;
    };
    expect(refused("part-0..0.safetensors", "part-3..3.safetensors")).toMatch(/KV6022: no part holds layer 1/);
    expect(refused("part-0..0.safetensors", "part-1..2.safetensors")).toMatch(/KV6022: no part holds layer 3/);
    copyFileSync(join(folder.path, "part-1..2.safetensors"), join(folder.path, "twice.safetensors"));
    expect(refused(...parts.map(({ name }) => name), "twice.safetensors")).toMatch(/KV6022: layer 1 is in two parts/);
    reportOf(calibrate("seed.safetensors", "--layers", "3..3", "--seed", "7"));
    expect(refused("part-0..0.safetensors", "part-1..2.safetensors", "seed.safetensors")).toMatch(/seed\.safetensors - error KV6022: .* another seed [^]*expected: 1\n  got: +7/);
    expect(refused(join(TALES, "model.safetensors"))).toMatch(/KV6022: .* which layers it holds/);
    expect(refused("nowhere.safetensors")).toMatch(/KV5001/);
  });
});

test("entropies are written beside the codebooks, and plotted", () => {
  reportOf(calibrate("entropies.safetensors", "--entropy", "entropies.json", "--layers", "1..2"));
  const { tokens, bins, ceiling, rows } = JSON.parse(bytes("entropies.json").toString()) as EntropyReport;
  expect({ tokens, bins, ceiling }).toEqual({ tokens: whole.tokens, bins: 16, ceiling: Math.log2(whole.tokens) });
  expect(rows.map(({ layer, side, size }) => `${layer} ${side} ${size}`)).toEqual([1, 2].flatMap((layer) => ["keys", "values"].flatMap((side) => [1, 2, 4, 8].map((size) => `${layer} ${side} ${size}`))));
  for (const { size, groups, joint, shuffled, marginals } of rows) {
    expect(groups).toBe(128 / size);
    // Of single channels they are one and the same, but for the order of summation.
    if (size === 1) expect(joint).toEqual(marginals);
    else {
      expect(joint.mean).toBeLessThan(shuffled.mean);
      expect(shuffled.mean).toBeLessThan(marginals.mean);
    }
  }
  const { code, stderr } = folder.node(join(ROOT, "scripts/report/entropy.mjs"), "entropies.json", "entropies.svg");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const svg = bytes("entropies.svg").toString();
  for (const text of ["<svg", "layer 1", "layer 2", "keys", "values", "sum of the channels", "together"]) expect(svg).toContain(text);
});

describe("what a calibration cannot do is refused", () => {
  test.each([
    [["calibrate"], 2, /missing required argument 'model'|required option/],
    [["calibrate", TALES, "--out", "o.safetensors"], 2, /required option '--text <file...>'/],
    [["calibrate", TALES, "--text", "text.txt"], 2, /required option '--out <file>'/],
    [["calibrate", TALES, "--out", "o.safetensors", "--merge", "a.safetensors"], 2, /not a model/],
    [command("o.safetensors", "--weights", "heavy"), 2, /Expected uniform or fisher/],
    [command("o.safetensors", "--bits", "17"), 2, /from 1 to 16/],
    [command("o.safetensors", "--layers", "3..1"), 2, /Expected a\.\.b/],
    [command("o.safetensors", "--layers", "2..4"), 1, /KV6020: .*\n\n  expected: layers from 0 to 3\n  got: +2\.\.4/],
    [command("o.safetensors", "--couple", "7"), 1, /KV2102: 64 channels do not divide into groups of 7/],
    [command("o.safetensors", "--bits", "12"), 1, /KV6007: .*\n\n  expected: at least 4096/],
    [command("no/such/folder.safetensors"), 1, /KV5004/],
    [["calibrate", ".", "--text", "text.txt", "--out", "o.safetensors"], 1, /KV6001/],
    [["calibrate", TALES, "--text", "nowhere.txt", "--out", "o.safetensors"], 1, /KV6001: [^]*A text is a file of stories/],
  ] as const)("%s", (args, expected, message) => {
    const { code, stderr } = folder.kvern(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
    expect(existsSync(join(folder.path, "o.safetensors"))).toBe(false);
  });
});
