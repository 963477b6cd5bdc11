import { describe, expect, test } from "vitest";
import { tensor, writeSafetensors } from "kvern/runtime";
import { Folder } from "./kvern";

const folder = new Folder();
folder.write("weighed.ts", `import { axis, f32, kernel, softmax, sum } from "kvern";
const token = axis("token"), channel = axis("channel");
export const weighed = kernel({ s: f32(token), v: f32(token, channel) }, f32(channel), ({ s, v }) => (c) => {
  const w = softmax(token, (t) => s(t));
  return sum(token, (t) => w(t) * v(t, c));
});
`);
folder.write("in.safetensors", writeSafetensors({
  s: tensor([50], Float32Array.from({ length: 50 }, (_, at) => Math.sin(at))),
  v: tensor([50, 4], Float32Array.from({ length: 200 }, (_, at) => Math.cos(at))),
}));
const run = (...more: readonly string[]) => folder.kvern("run", "weighed.ts", "--kernel", "weighed", "--in", "in.safetensors", "--out", "out.safetensors", "--backend", "wgsl", ...more);
const explain = (...more: readonly string[]) => folder.kvern("explain", "weighed.ts", "--kernel", "weighed", ...more);

describe("run --tune", () => {
  test("keeps what it measured, replays it, and explain shows it", () => {
    expect(run("--plan", "plans.json")).toMatchObject({ code: 1, stderr: expect.stringContaining("plans.json - error KV5403") as unknown });
    expect(folder.list()).not.toContain("plans.json");
    const { code, stderr } = run("--tune", "--plan", "plans.json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(folder.list()).toContain("plans.json");
    expect(run("--plan", "plans.json")).toMatchObject({ code: 0, stderr: "" });
    expect(explain("--set", "token=64,channel=4", "--plan", "plans.json")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^weighed: \d+ dispatch/) as unknown });
    expect(explain("--set", "token=513,channel=4", "--plan", "plans.json")).toMatchObject({ code: 1, stderr: expect.stringContaining("KV5403") as unknown });
  });

  test("refuses a file that is no file of plans", () => {
    folder.write("damaged.json", '{ "format": "kvern-plans", "version": 1');
    expect(run("--tune", "--plan", "damaged.json")).toMatchObject({ code: 1, stderr: expect.stringMatching(/^damaged\.json - error KV5401/) as unknown });
    expect(explain("--plan", "damaged.json")).toMatchObject({ code: 1, stderr: expect.stringContaining("KV5401") as unknown });
  });
});
