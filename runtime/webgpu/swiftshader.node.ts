/**
 * @file A Vulkan driver in software for machines without a GPU: SwiftShader, as it comes in the npm package
 * `@sparticuz/chromium`. It is unpacked once into a cache folder that all processes share.
 *
 * Node's built-in modules come from `process.getBuiltinModule` instead of `import`, here and in the other `*.node.ts`
 * files of the runtime: no trace of `node:` is in the module graph, so that any bundler can build the runtime for a
 * browser without being told what to leave out. These files are loaded only when running in Node.
 */

import { tarFiles } from "./tar";

const crypto = process.getBuiltinModule("node:crypto");
const fs = process.getBuiltinModule("node:fs");
const os = process.getBuiltinModule("node:os");
const path = process.getBuiltinModule("node:path");
const zlib = process.getBuiltinModule("node:zlib");
const { createRequire } = process.getBuiltinModule("node:module");
const { promisify } = process.getBuiltinModule("node:util");

const PACKAGE = "@sparticuz/chromium";
const LOADER = "libvulkan.so.1";
const DRIVER = "libvk_swiftshader.so";
const MANIFEST = "vk_swiftshader_icd.json";
const PARTS = [LOADER, DRIVER, MANIFEST] as const;
const STAMP = "sha256.json";

/** A folder with a Vulkan loader and a software driver. */
export interface SoftwareVulkan {
  /** The driver's manifest, for `VK_ICD_FILENAMES`. */
  readonly manifest: string;
  readonly loader: string;
}

/** Unpacks SwiftShader, or says in a sentence why that is not possible. */
export async function unpackSwiftShader(): Promise<SoftwareVulkan | string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `the SwiftShader in npm ${PACKAGE} is for Linux on x64, this is ${process.platform} on ${process.arch}`;
  }
  const archive = findArchive();
  if (archive === undefined) return `npm ${PACKAGE}, which carries SwiftShader, is not installed`;
  const faults: string[] = [];
  for (const root of cacheRoots()) {
    try {
      return await unpackInto(root, archive);
    } catch (fault) {
      faults.push(`${root}: ${fault instanceof Error ? fault.message : String(fault)}`);
    }
  }
  return `SwiftShader could not be unpacked (${faults.join("; ")})`;
}

/** The archive inside the package, looked for from this module and from the folder the process runs in. */
function findArchive(): string | undefined {
  for (const from of [import.meta.url, path.join(process.cwd(), "package.json")]) {
    try {
      const file = path.join(path.dirname(createRequire(from).resolve(PACKAGE)), "..", "..", "bin", "swiftshader.tar.br");
      if (fs.existsSync(file)) return file;
    } catch {
      // Not installed as seen from here.
    }
  }
  return undefined;
}

/** Cache folders, best first. The last resort lies where all users write, so it carries the user's number. */
function cacheRoots(): readonly string[] {
  const named = process.env["XDG_CACHE_HOME"];
  const home = named !== undefined && path.isAbsolute(named) ? named : path.join(os.homedir(), ".cache");
  return [path.join(home, "kvern"), path.join(os.tmpdir(), `kvern-${process.getuid?.() ?? 0}`)];
}

async function unpackInto(root: string, archive: string): Promise<SoftwareVulkan> {
  await fs.promises.mkdir(root, { recursive: true, mode: 0o700 });
  // What lies here gets loaded as code: a folder that somebody else made is not trusted.
  const { uid } = await fs.promises.lstat(root);
  if (process.getuid !== undefined && uid !== process.getuid()) throw new Error("belongs to another user");

  const packed = await fs.promises.readFile(archive);
  const folder = path.join(root, `swiftshader-${sha256(packed).slice(0, 16)}`);
  if (!(await isWhole(folder))) {
    const files = tarFiles(await promisify(zlib.brotliDecompress)(packed));
    const fresh = await fs.promises.mkdtemp(path.join(root, "unpacking-"));
    try {
      await writeParts(fresh, files);
      await moveInto(folder, fresh);
    } finally {
      await fs.promises.rm(fresh, { recursive: true, force: true });
    }
    if (!(await isWhole(folder))) throw new Error("the unpacked files do not keep their contents");
  }
  return { manifest: path.join(folder, MANIFEST), loader: path.join(folder, LOADER) };
}

async function writeParts(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const stamp: Record<string, string> = {};
  for (const part of PARTS) {
    const content = files.get(part);
    if (content === undefined) throw new Error(`the archive holds no ${part}`);
    stamp[part] = sha256(content);
    await fs.promises.writeFile(path.join(folder, part), content, { mode: 0o700 });
  }
  await fs.promises.writeFile(path.join(folder, STAMP), JSON.stringify(stamp));
}

/** Puts `fresh` in the place of `folder`, unless another process was first; replaces a damaged one. */
async function moveInto(folder: string, fresh: string): Promise<void> {
  try {
    await fs.promises.rename(fresh, folder);
  } catch {
    // A folder that is not empty is not replaced by a move.
    if (await isWhole(folder)) return;
    const damaged = `${fresh}-damaged`;
    await fs.promises.rename(folder, damaged).catch(() => undefined);
    await fs.promises.rename(fresh, folder).catch(() => undefined);
    await fs.promises.rm(damaged, { recursive: true, force: true });
  }
}

/** Whether a folder holds every part with the contents that its stamp records. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const stamp = JSON.parse(await fs.promises.readFile(path.join(folder, STAMP), "utf8")) as Partial<Record<string, unknown>>;
    for (const part of PARTS) if (stamp[part] !== sha256(await fs.promises.readFile(path.join(folder, part)))) return false;
    return true;
  } catch {
    return false;
  }
}

function sha256(content: Uint8Array): string {
  return crypto.createHash("sha256").update(content).digest("hex");
}
