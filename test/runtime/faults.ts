import { KvernError } from "../../spec/diagnostics/diagnostic";

/** The codes that something is refused with; throws where nothing is, or for another reason. */
export async function codesOf(action: Promise<unknown>): Promise<readonly string[]> {
  const fault: unknown = await action.then(() => undefined, (thrown: unknown) => thrown);
  if (!(fault instanceof KvernError)) throw fault instanceof Error ? fault : new Error("nothing was refused");
  return fault.diagnostics.map(({ code }) => code);
}
