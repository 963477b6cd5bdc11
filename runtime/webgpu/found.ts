/** @file What an adapter is: hardware or software, and why it was chosen. */

/** `any` prefers hardware. */
export type AdapterChoice = "any" | "hardware" | "software";

export interface Found {
  /** What the adapter comes from; must stay referenced while a device of the adapter lives. */
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly why: string;
}

/** How drivers that compute on a CPU call themselves. */
export const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/** Whether an adapter computes on a CPU. */
export function isSoftware({ info }: GPUAdapter): boolean {
  return info.isFallbackAdapter || SOFTWARE.test(`${info.architecture} ${info.device} ${info.description}`);
}

/** Its own description, or what else it says of itself; browsers tell little. */
export function describeAdapter({ info }: GPUAdapter): string {
  return info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(" ") || "an adapter that does not say what it is";
}
