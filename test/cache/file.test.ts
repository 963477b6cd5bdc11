/** @file Caches in files: the bytes that `spec/formats.md` says, and nothing of a file that is damaged. */

import { afterAll, describe, expect, test } from "vitest";

import { createCache } from "../../runtime/cache/cache";
import { checksum } from "../../runtime/cache/checksum";
import { loadCache } from "../../runtime/cache/load";
import { openDevice, readSafetensors, writeSafetensors } from "../../runtime";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { codesOf } from "../runtime/faults";
import { onGrid, specOf } from "./samples";

const device = await openDevice({ backend: "interpreter" });
afterAll(() => device.close());

async function file(): Promise<Uint8Array<ArrayBuffer>> {
  const cache = await createCache(specOf({ heads: 1, channels: 4, window: 1, sinks: 1, kinds: [[[2, 1], "f16"]] }), device);
  await cache.append(0, onGrid([4, 1, 4], 1), onGrid([4, 1, 4], 2));
  const { tensors, metadata } = await cache.save();
  await cache.close();
  return writeSafetensors(tensors, { metadata });
}

test("what was saved can be loaded without a file between", async () => {
  const cache = await createCache(specOf({ heads: 1, channels: 4, window: 1, sinks: 1, kinds: [[[2, 1], "f16"]] }), device);
  await cache.append(0, onGrid([4, 1, 4], 1), onGrid([4, 1, 4], 2));
  const saved = await cache.save();
  const again = await loadCache(saved, device);
  expect(await again.save()).toEqual(saved);
  await Promise.all([cache.close(), again.close()]);
});

test("the checksum is CRC-32", () => {
  // The check value of the catalogue of parametrised CRC algorithms.
  expect(checksum([new TextEncoder().encode("1234"), new TextEncoder().encode("56789")])).toBe("cbf43926");
});

describe("a damaged file", () => {
  test("is refused whole, whichever byte has changed", async () => {
    const whole = await file();
    const meaning = (bytes: Uint8Array<ArrayBuffer>): unknown => JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)))));
    const passed: number[] = [];
    for (let at = 0; at < whole.length; at++) {
      for (const flip of [1, 0x80]) {
        const bytes = whole.slice();
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        try {
          await (await loadCache(bytes, device)).close();
          passed.push(at);
          // What passes means the same.
          expect(meaning(bytes)).toEqual(meaning(whole));
        } catch (fault) {
          if (!(fault instanceof KvernError)) throw fault;
        }
      }
    }
    expect(passed).toEqual([]);
  });

  test("is refused wherever it ends", async () => {
    const whole = await file();
    for (let length = 0; length < whole.length; length += 7) expect(await codesOf(loadCache(whole.slice(0, length), device))).toHaveLength(1);
  });

  test("of another version, or of something else, is refused", async () => {
    const { tensors, metadata } = readSafetensors(await file());
    const refused = (with_: Readonly<Record<string, string>>): Promise<readonly string[]> => codesOf(loadCache({ tensors, metadata: { ...metadata, ...with_ } }, device));
    expect(await refused({ version: "2" })).toEqual(["KV6104"]);
    expect(await refused({ format: "pt" })).toEqual(["KV6104"]);
    expect(await refused({ cache: metadata["cache"]?.replace('"window":1', '"window":2') ?? "" })).toEqual(["KV6104"]);
    const { "layer.0.keys.book": _, ...rest } = tensors;
    expect(await codesOf(loadCache({ tensors: rest, metadata }, device))).toEqual(["KV6104"]);
  });
});
