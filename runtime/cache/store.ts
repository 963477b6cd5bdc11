/**
 * @file How the tokens of one side of a layer are stored: the kernel that takes them from f32 to their format, and its
 * codebook.
 */

import type { TensorData } from "../../spec/tensor/tensor";
import type { Device, DeviceTensor } from "../device";
import type { RowPlace } from "../rows";
import type { Kernels } from "./encoders";
import { Memory } from "./memory";
import { isCoupled, storedElement, storedSizes, type CacheFormat, type CheckedSpec } from "./spec";
import { doubling, sliding, type StripLayout } from "./strip";

export interface Store {
  readonly format: CacheFormat;
  /** The codebook on the device, of a coupled format. */
  readonly book: Memory | undefined;
  readonly layouts: { readonly sinks: StripLayout; readonly coded: StripLayout; readonly tail: StripLayout };
  /** Writes tokens of f32 into rows of this format. */
  readonly write: (x: TensorData | DeviceTensor, to: RowPlace) => Promise<void>;
}

export async function openStore(device: Device, kernels: Kernels, spec: CheckedSpec, format: CacheFormat): Promise<Store> {
  const { heads, channels, sinks, window } = spec;
  const sizes = [heads, channels];
  const stored = { element: storedElement(format), sizes: storedSizes(spec, format) };
  const layouts = {
    sinks: { element: { kind: "f32" }, sizes, room: () => sinks },
    coded: { ...stored, room: doubling(device, stored) },
    tail: sliding(device, sizes, window),
  } as const;
  if (isCoupled(format)) {
    const { couple, bits } = format;
    const encode = await kernels.prepare(`encode${bits}`, { head: heads, channel: channels, group: channels / couple, code: 2 ** bits, lane: couple });
    const book = await device.upload({ kind: "f16" }, format.book);
    return {
      format,
      layouts,
      book: new Memory(book),
      write: async (x, to) => {
        await encode.run({ x, book }, { into: { out: to } });
      },
    };
  }
  if (format.element === "f16") {
    const halve = await kernels.prepare("halve", { head: heads, channel: channels });
    return {
      format,
      layouts,
      book: undefined,
      write: async (x, to) => {
        await halve.run({ x }, { into: { out: to } });
      },
    };
  }
  return { format, layouts, book: undefined, write: (x, { tensor, at }) => device.copy([{ from: x, count: x.shape[0] ?? 0, to: tensor, at }]) };
}
