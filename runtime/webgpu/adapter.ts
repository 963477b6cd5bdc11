/** @file Finding the adapter that a device is opened on. */

import { InternalError, refuse } from "../../spec/diagnostics/diagnostic";
import { describeAdapter, isSoftware, type AdapterChoice, type Found } from "./found";

/**
 * Finds an adapter: the browser's, or in Node Dawn's.
 * @throws KvernError KV4001 when there is none of the kind asked for, with all that was tried
 */
export async function findAdapter(choice: AdapterChoice): Promise<Found> {
  const found = await (inNode() ? (await import("./dawn.node")).findAdapter(choice) : browserAdapter(choice)).catch((fault: unknown) => {
    if (fault instanceof InternalError) throw fault;
    return [`asking for an adapter fails: ${fault instanceof Error ? fault.message : String(fault)}`];
  });
  if ("adapter" in found) return found;
  return refuse({
    code: "KV4001",
    message: `no ${choice === "any" ? "" : `${choice} `}WebGPU device could be opened`,
    expected: "one of the ways tried to work",
    got: found.join("; "),
    mend: 'Install a GPU driver or, for a software device, npm install --save-dev @sparticuz/chromium@147; or open { backend: "interpreter" }.',
  });
}

/** Node without WebGPU of its own; a Node that has it, like a browser, needs nothing brought up. */
function inNode(): boolean {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  return process?.versions?.node !== undefined && webgpuOfPage() === undefined;
}

function webgpuOfPage(): GPU | undefined {
  return typeof navigator === "object" ? (navigator as Partial<Navigator>).gpu : undefined;
}

async function browserAdapter(choice: AdapterChoice): Promise<Found | readonly string[]> {
  const gpu = webgpuOfPage();
  if (gpu === undefined) return ["this browser has no WebGPU (navigator.gpu), or the page is not served from a secure context"];
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance", forceFallbackAdapter: choice === "software" });
  if (adapter === null) return [choice === "software" ? "the browser offers no software adapter" : "the browser offers no adapter"];
  if (choice === "hardware" && isSoftware(adapter)) return [`the browser offers only ${describeAdapter(adapter)}, which is software`];
  return { gpu, adapter, why: "it is the adapter that the browser offers" };
}
