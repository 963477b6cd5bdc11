import { fileURLToPath } from "node:url";
import { compileFile } from "kvern/compiler";
import { openDevice, type Device } from "kvern/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FORMATS } from "../../examples/llama/calibrate";
import { formatName, type Codebooks } from "../../examples/llama/codebooks";
import { compiledAttention, type Graphs } from "../../examples/llama/compiled/attention";
import { compiledBody, type CompiledBody } from "../../examples/llama/compiled/model";
import { agrees, demonstrate, type DemoRow } from "../../examples/llama/demo";
import { generate } from "../../examples/llama/generate";
import { loadCodebooks, type LoadedModel } from "../../examples/llama/load.node";
import { plainModel } from "../../examples/llama/language-model";
import { perplexity } from "../../examples/llama/perplexity";
import { coupledAttention } from "../../examples/llama/plain/coupled";
import { exactAttention } from "../../examples/llama/plain/exact";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { openInspected } from "../device/harness";
import { contextsOf, expected, tales, TALES } from "./tales";

const source = fileURLToPath(new URL("../../examples/attention.ts", import.meta.url));
const operators = fileURLToPath(new URL("../../examples/llama/kernels/f32.ts", import.meta.url));
const COUNT = 4;
/** Long enough for the room of a cache on a GPU to grow once. */
const SCORED = 72;

const wgsl = await openInspected();

describe.each([
  { name: "the interpreter", open: () => openDevice({ backend: "interpreter" }), scored: 12, missing: false },
  { name: "WebGPU", open: () => Promise.resolve(wgsl), scored: SCORED, missing: wgsl === undefined },
])("the demo on $name", ({ open, scored, missing }) => {
  let loaded: LoadedModel;
  let graphs: Graphs;
  let device: Device;
  let body: CompiledBody | undefined;
  let codebooks: readonly Codebooks[];
  const rows: DemoRow[] = [];
  const progress: string[] = [];
  const prompt = expected.greedy[0]?.promptIds ?? [];
  let heldout: readonly (readonly number[])[];

  describe.skipIf(missing)("over every format", () => {
    beforeAll(async () => {
      loaded = await tales();
      graphs = (await compileFile(source)).kernels;
      const opened = await open();
      if (opened === undefined) throw new Error("a device that is missing is skipped");
      device = opened;
      codebooks = await Promise.all(FORMATS.map((format) => loadCodebooks(loaded, `${TALES}codebooks/${formatName(format).toLowerCase()}.safetensors`)));
      heldout = [(await contextsOf("heldout.txt"))[0]?.slice(0, scored) ?? []];
      if (device.backend !== "interpreter") body = await compiledBody(device, loaded.model, (await compileFile(operators)).kernels, "f32");
      for await (const row of demonstrate({ loaded, graphs, ...(body === undefined ? {} : { body }), device, codebooks, prompt, count: COUNT, heldout, onProgress: (what, done, total) => progress.push(`${what} ${done}/${total}`) })) rows.push(row);
    });
    afterAll(async () => {
      body?.close();
      await device.close();
    });

    it("runs every format and stays within its bound of the interpreter", () => {
      expect(rows.map(({ cache, bitsPerChannel }) => [cache, bitsPerChannel])).toEqual([["full precision", 32], ["CQ-2c8b", 4], ["CQ-4c8b", 2], ["CQ-8c8b", 1]]);
      for (const row of rows) {
        expect(row.agreement.elements).toBe(4 * (prompt.length + 1) * 256);
        expect(row.agreement.bound).toBeGreaterThan(0);
        expect(agrees(row)).toBe(true);
      }
    });

    it("continues and scores as plain loops do", async () => {
      const { model } = loaded;
      expect(rows[0]?.ids).toEqual(expected.greedy[0]?.first40.slice(0, COUNT));
      for (const [at, row] of rows.entries()) {
        const books = codebooks[at - 1];
        const plain = books === undefined ? exactAttention(model.config) : coupledAttention(model.config, books);
        expect(row.ids).toEqual(await generate(plainModel(model, plain), prompt, { count: COUNT }));
        expect(row.bytes).toEqual({ ...plain.bytes() });
        // Scores in f32 move log likelihoods by far less than this, unless a code or a position is another one.
        expect(Math.abs(row.perplexity / (await perplexity(plainModel(model, plain), heldout)).perplexity - 1)).toBeLessThan(1e-4);
      }
    });

    it("says how far it is", () => {
      expect(progress).toContain(`CQ-8c8b: continuing the prompt ${COUNT}/${COUNT}`);
      expect(progress).toContain("full precision: scoring stories 1/1");
    });

    it("holds nothing but codes and centroids for the model, and forgets them when asked to", async () => {
      const backend = await compiledAttention(device, loaded.model.config, graphs, codebooks[2]);
      await generate(plainModel(loaded.model, backend), prompt, { count: 1 });
      const { kernel, inputs } = await backend.inputsOf(0, new Float32Array(256));
      expect(kernel).toBe("decode8c8b");
      expect(Object.keys(inputs).sort()).toEqual(["cos", "keys.book", "keys.codes", "q", "sin", "values.book", "values.codes"]);
      expect(inputs["keys.codes"]?.shape).toEqual([prompt.length, 2, 8]);
      await backend.reset();
      expect(backend.bytes().codes).toBe(0);
      await backend.close();
    });

    it("refuses formats that no kernel is for", async () => {
      const [first] = codebooks;
      const { decode2c8b: _, ...others } = graphs;
      const fault: unknown = await compiledAttention(device, loaded.model.config, others, first).catch((error: unknown) => error);
      expect(fault instanceof KvernError && fault.diagnostics[0]?.code).toBe("KV6003");
    });
  });
});
