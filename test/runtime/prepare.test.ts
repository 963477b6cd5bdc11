import { expect, test } from "vitest";

import { openDevice, tensor } from "../../runtime/index";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { describeOnDevice, device } from "../device/harness";
import { masked } from "./graphs";

const inputs = { x: tensor([3], Float32Array.of(1.5, -Infinity, 0.25)), codes: tensor([3], Uint8Array.of(15, 4, 3)) };

describeOnDevice("a graph on a device", () => {
  test.each([["sizes known when it runs", {}], ["sizes fixed", { n: 3 }]])("gives what the interpreter gives, with %s", async (_, set) => {
    const interpreter = await openDevice({ backend: "interpreter" });
    const meant = await (await interpreter.prepare(masked(), { set })).run(inputs);
    const kernel = await device().prepare(masked(), { set });
    const got = await kernel.run(inputs);
    // All values here are exact in f32.
    expect(Array.from(got["out"]?.data ?? [])).toEqual(Array.from(meant["out"]?.data ?? []));
    expect(got["nearest"]).toEqual(meant["nearest"]);
    expect(got["out"]?.data).toBeInstanceOf(Float32Array);
  });

  test("runs at every size, none included", async () => {
    const kernel = await device().prepare(masked());
    for (const n of [0, 1, 15, 16, 17, 500]) {
      const x = Float32Array.from({ length: n }, (_, at) => at);
      const codes = Uint8Array.from({ length: n }, (_, at) => at % 16);
      const { out, nearest } = await kernel.run({ x: tensor([n], x), codes: tensor([n], codes) });
      expect(out?.data).toEqual(x.map((value, at) => 2 * value + (at % 16)));
      expect(nearest?.data).toEqual(codes.map((code) => code >> 2));
    }
  });

  test("explains itself, with numbers where the sizes are known", async () => {
    const dynamic = (await device().prepare(masked())).explain();
    expect(dynamic.kernel).toBe("masked");
    expect(dynamic.bytesMoved).toBeNull();
    const fixed = (await device().prepare(masked(), { set: { n: 32 } })).explain();
    // 32 f32 and 32 codes of 4 bits in; 32 f32 and 32 codes of 2 bits out.
    expect(fixed.compulsoryBytes).toBe(128 + 16 + 128 + 8);
    expect(fixed.dispatches.length).toBeGreaterThan(0);
    expect((await device().prepare(masked())).explain({ n: 32 }).compulsoryBytes).toBe(fixed.compulsoryBytes);
  });

  test("refuses what is no graph, and sizes that do not fit it", async () => {
    await expect(device().prepare("graph")).rejects.toThrow("KV5101");
    await expect(device().prepare(masked(), { set: { m: 3 } })).rejects.toThrow("KV2106");
    await expect(device().prepare(masked(), { set: { n: 2.5 } })).rejects.toThrow(KvernError);
  });
});
