/**
 * @file Finds the sources of the language, its library and its formats. A bundle carries them (the build defines
 * `KVERN_SOURCES`); otherwise they are read from the package on disk.
 */

import type { PackageSources } from "./files";

/** Paths relative to the package (`spec/index.ts`) to their text; defined by the build. */
declare const KVERN_SOURCES: Readonly<Record<string, string>> | undefined;

/** Where the sources of a bundle seem to lie. */
const BUNDLE_ROOT = "/@kvern";

let found: Promise<PackageSources> | undefined;

export function packageSources(): Promise<PackageSources> {
  found ??= typeof KVERN_SOURCES === "undefined" ? fromDisk() : Promise.resolve(fromBundle(KVERN_SOURCES));
  return found;
}

function fromBundle(texts: Readonly<Record<string, string>>): PackageSources {
  return { root: BUNDLE_ROOT, read: (path) => (path.startsWith(`${BUNDLE_ROOT}/`) ? texts[path.slice(BUNDLE_ROOT.length + 1)] : undefined) };
}

async function fromDisk(): Promise<PackageSources> {
  const { packageOnDisk } = await import("./disk.node");
  return packageOnDisk();
}
