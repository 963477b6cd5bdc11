/** @file Pages of a headless Chromium for a campaign: a page that falls silent or breaks is given up, with its browser. */

import { launchChromium, type LaunchedChromium } from "../../test/device/chromium";
import { gpuJsScript, openPageOf, pageScript } from "../../test/gpujs/open-page";
import type { GpuJsMode } from "../../runtime/gpujs/library";
import type { SearchPage } from "./campaign";
import type { Answer, Asked } from "./searching";

/** Milliseconds in which a page makes a kernel ready, or runs it: many, as others may be using the machine. */
const PATIENCE = 600_000;
/** Milliseconds in which a page or a browser closes. */
const FAREWELL = 10_000;

/** Modes that need of a page's policy no more than that it loads its own scripts. */
export const PAGE_MODES = ["webgl2", "webgpu"] as const satisfies readonly GpuJsMode[];
export type PageMode = (typeof PAGE_MODES)[number];

/** Said where there is no browser. */
export const NO_CHROMIUM = "Chromium does not start here";

export class ChromiumPages {
  /** The scripts of every page, as they were when the campaign began. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly #mode: PageMode;
  readonly #again: (seed: number) => string;
  readonly #patience: number;
  #chromium: LaunchedChromium | undefined;
  /** What the last page opened. */
  how = "";

  private constructor(scripts: Readonly<Record<string, string>>, mode: PageMode, again: (seed: number) => string, patience: number) {
    this.scripts = scripts;
    this.#mode = mode;
    this.#again = again;
    this.#patience = patience;
  }

  /**
   * @param again the command that tries a seed again
   * @param entry the script of a page, from the root of the repository
   */
  static async of(mode: PageMode, again: (seed: number) => string, entry = "scripts/campaign/page.ts", patience = PATIENCE): Promise<ChromiumPages> {
    return new ChromiumPages({ "/page.mjs": await pageScript(entry), "/gpu.js": gpuJsScript() }, mode, again, patience);
  }

  /** @throws Error where there is no browser, or the mode does not work in it */
  async open(): Promise<SearchPage> {
    this.#chromium ??= await launchChromium("goes on");
    if (this.#chromium === undefined) throw new Error(NO_CHROMIUM);
    try {
      const { page, close } = await openPageOf(this.#chromium.browser, this.scripts, "'self'");
      let heard = Date.now();
      await page.exposeFunction("beat", () => void (heard = Date.now()));
      const ask = async (asked: Asked): Promise<Answer> => {
        heard = Date.now();
        let timer: NodeJS.Timeout | undefined;
        const silence = new Promise<Answer>((resolve) => {
          timer = setInterval(() => {
            if (Date.now() - heard > this.#patience) resolve({ kind: "lost", why: `it was silent for ${this.#patience / 1000} s` });
          }, 500);
        });
        try {
          return await Promise.race([page.evaluate<Answer>(`globalThis.report(${JSON.stringify(asked)})`), silence]);
        } finally {
          clearInterval(timer);
        }
      };
      const answer = await ask({ kind: "open", mode: this.#mode });
      if (answer.kind !== "opened") throw new Error(answer.kind === "lost" ? answer.why : "the page answered what it was not asked");
      this.how = answer.how;
      return {
        try: async (seed) => {
          try {
            const found = await ask({ kind: "try", seed, again: this.#again(seed) });
            return found.kind === "opened" ? { kind: "lost", why: "the page answered what it was not asked" } : found;
          } catch (fault) {
            return { kind: "lost", why: fault instanceof Error ? fault.message : String(fault) };
          }
        },
        close: () => within(close()),
        abandon: async () => {
          await within(close());
          await this.close();
        },
      };
    } catch (fault) {
      await this.close();
      throw fault;
    }
  }

  async close(): Promise<void> {
    const chromium = this.#chromium;
    this.#chromium = undefined;
    if (chromium !== undefined) await within(chromium.close());
  }
}

/** Waits for what closes, but not forever; that it was closed already is no fault. */
async function within(closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([closing.catch(() => undefined), new Promise<void>((resolve) => (timer = setTimeout(resolve, FAREWELL)))]);
  clearTimeout(timer);
}
