import { fileURLToPath } from "node:url";
import { axis, evaluate } from "kvern";
import { compileFile } from "kvern/compiler";
import { encodePerChannel, encodePerToken, scalesPerChannel, scalesPerToken } from "kvern/formats";
import { describe, expect, it } from "vitest";
import { formatName } from "../../examples/llama/codebooks";
import { compiledModel } from "../../examples/llama/compiled/model";
import { loadCodebooks } from "../../examples/llama/load.node";
import { plainModel } from "../../examples/llama/language-model";
import { exactAttention } from "../../examples/llama/plain/exact";
import { LossyAttention } from "../../examples/llama/plain/lossy";
import { evaluateCache, referenceLogits, summary } from "../../examples/report/evaluate";
import { bytesPerToken, coupledCode, perChannelCode, perTokenCode } from "../../examples/report/formats";
import { keyOf, ROWS } from "../../examples/report/rows";
import { uniform } from "../../runtime/codebook/random";
import { fromHalves, toHalves } from "../../spec/tensor/half";
import { tensor, type TensorData } from "../../spec/tensor/tensor";
import { describeOnDevice, device } from "../device/harness";
import { contextsOf, LOGIT_ACCURACY, tales, TALES } from "../llama/tales";

const FORMAT = { couple: 8, bits: 8 };
const entry = (name: string): string => fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));

const random = uniform(3);
const x = tensor([5, 2, 4], Float32Array.from({ length: 40 }, () => 4 * random() - 1));
const stored = ({ shape, data }: TensorData): TensorData<Float32Array> => tensor(shape, fromHalves(toHalves(Float32Array.from(data))));

describe("the report's formats", () => {
  const axes = [axis("token"), axis("head"), axis("channel")] as const;

  it("give the numbers that the library's kernels encode", () => {
    for (const bits of [4, 2, 1]) {
      const token = evaluate(scalesPerToken(axes, { bits }), { x });
      const tokenScales = { scale: stored(token.scale), zero: stored(token.zero) };
      const tokenCodes = evaluate(encodePerToken(axes, { bits }), { x, ...tokenScales }).out.data;
      const perToken = Float32Array.from(tokenCodes, (code, at) => (tokenScales.zero.data[Math.floor(at / 4)] ?? 0) + (tokenScales.scale.data[Math.floor(at / 4)] ?? 0) * code);
      expect(perTokenCode(4, bits)(x.data)).toEqual(perToken);

      const channel = evaluate(scalesPerChannel(axes, { bits }), { x });
      const channelScales = { scale: stored(channel.scale), zero: stored(channel.zero) };
      const channelCodes = evaluate(encodePerChannel(axes, { bits }), { x, ...channelScales }).out.data;
      const perChannel = Float32Array.from(channelCodes, (code, at) => (channelScales.zero.data[at % 8] ?? 0) + (channelScales.scale.data[at % 8] ?? 0) * code);
      expect(perChannelCode(x, bits)(x.data)).toEqual(perChannel);
    }
  });

  it("take the bytes that storage takes, padding included", () => {
    const shape = { layers: 4, heads: 4, kvHeads: 2, headDim: 64, positions: 512, ropeTheta: 10_000, ropeLayout: "half-split" as const };
    expect(bytesPerToken({ kind: "exact" }, shape)).toBe(2 * 4 * 2 * 64 * 4);
    expect(bytesPerToken({ kind: "coupled", ...FORMAT }, shape)).toBe((2 * 4 * 2 * 64) / 8);
    // 8 codes of 10 bits are 80 bits: three words of a row.
    expect(bytesPerToken({ kind: "coupled", couple: 8, bits: 10 }, shape)).toBe(2 * 4 * 2 * 12);
    expect(bytesPerToken({ kind: "perToken", bits: 2 }, shape)).toBe(2 * 4 * 2 * (16 + 4));
  });
});

describe("the report's rows", () => {
  it("are each named once", () => {
    expect(new Set(ROWS.map(keyOf)).size).toBe(ROWS.length);
  });

  it("at full precision, or with a window as long as the context, cost nothing", async () => {
    const { model } = await tales();
    const contexts = [(await contextsOf("heldout.txt"))[0]?.slice(0, 20) ?? []];
    const reference = await referenceLogits(model, exactAttention(model.config), contexts, () => undefined);
    const nothing = model.layers.map(() => ({ keys: (v: Float32Array) => v.map(() => 0), values: (v: Float32Array) => v.map(() => 0) }));
    for (const keys of ["before", "after"] as const) {
      const whole = new LossyAttention("all in the window", model.config, { layers: nothing, keys, window: 20 });
      expect(summary(await evaluateCache(model, whole, contexts, reference)).divergence).toBe(0);
    }
    const half = new LossyAttention("half in the window", model.config, { layers: nothing, keys: "before", window: 10 });
    expect(summary(await evaluateCache(model, half, contexts, reference)).divergence).toBeGreaterThan(0.01);
  });
});

describeOnDevice("a row of the report", () => {
  it("is what compiled kernels over packed codes make of it", async () => {
    const loaded = await tales();
    const { model } = loaded;
    const codebooks = await loadCodebooks(loaded, `${TALES}codebooks/${formatName(FORMAT).toLowerCase()}.safetensors`);
    const ids = (await contextsOf("heldout.txt"))[0]?.slice(0, 48) ?? [];
    const lossy = new LossyAttention("as the report has it", model.config, { layers: codebooks.layers.map(({ keys, values }) => ({ keys: coupledCode(keys), values: coupledCode(values) })), keys: "before", window: 0 });
    const wanted = await plainModel(model, lossy).each(ids);
    const graphs = { attention: (await compileFile(entry("attention"))).kernels, operators: (await compileFile(entry("llama/kernels/f32"))).kernels };
    const compiled = await compiledModel(device(), model, graphs, { stored: "f32", codebooks });
    const logits = await compiled.each(ids);
    await compiled.close();
    expect(logits.length).toBe(wanted.length);
    expect(logits.reduce((most, value, at) => Math.max(most, Math.abs(value - (wanted[at] ?? NaN))), 0)).toBeLessThan(LOGIT_ACCURACY);
  });
});
