/** @file A campaign: random programs in pages, one after the other, whatever becomes of a page. */

import { ENOUGH, type Found, type Report } from "../../bin/fuzz/fuzz";
import { programText, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import type { Answer } from "./searching";

/** A page in which programs are tried, until it is lost. */
export interface SearchPage {
  /** Tries the program of a seed. Never rejects. */
  try(seed: number): Promise<Exclude<Answer, { readonly kind: "opened" }>>;
  close(): Promise<void>;
  /** Lets go of a page that was lost, and of what lost it. */
  abandon(): Promise<void>;
}

/** What came of a program, as it is kept. */
export interface Result {
  readonly seed: number;
  readonly compared: number;
  readonly unbounded: number;
  readonly largest: number;
  /** Why no sizes were found that the program takes. */
  readonly refusal?: string;
  /** Sizes and inputs that were drawn and refused, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly failure?: { readonly title: string; readonly text: string };
  /** Why pages were lost that tried it. */
  readonly lost: readonly string[];
  readonly milliseconds: number;
}

export interface Campaign {
  readonly seeds: readonly number[];
  readonly open: () => Promise<SearchPage>;
  /** Keeps a result; `failures` with their inputs. */
  readonly keep: (result: Result, failures: readonly Found[]) => Promise<void>;
  readonly stopped?: () => boolean;
}

/** Programs after which a page makes room for a new one: what a page was given is let go of with it. */
const EACH_PAGE = 100;
/** Pages that a program may lose before it counts as a failure. */
const LOSSES = 2;
/** Attempts to open a page. */
const OPENINGS = 3;

/**
 * Tries the program of every seed, and ends before its time after as many failures as a search does.
 * @throws what `open` throws where no page can be opened
 */
export async function campaign({ seeds, open, keep, stopped = () => false }: Campaign): Promise<void> {
  let page: SearchPage | undefined;
  let [room, failed] = [0, 0];
  try {
    for (const seed of seeds) {
      if (failed >= ENOUGH || stopped()) break;
      const begun = Date.now();
      const lost: string[] = [];
      let report: Report | undefined;
      let refusals: Result["refusals"] = {};
      while (report === undefined && lost.length < LOSSES) {
        if (room === 0) {
          await page?.close();
          page = undefined;
        }
        if (page === undefined) {
          page = await opened(open);
          room = EACH_PAGE;
        }
        room--;
        const answer = await page.try(seed);
        if (answer.kind === "tried") ({ report, refusals } = answer);
        else {
          lost.push(answer.why);
          await page.abandon();
          page = undefined;
        }
      }
      const result = { seed, refusals, lost, milliseconds: Date.now() - begun, ...(report === undefined ? losing(seed, lost) : resultOf(report)) };
      if (result.failure !== undefined) failed++;
      await keep(result, report?.failures ?? []);
    }
  } finally {
    await page?.close();
  }
}

async function opened(open: () => Promise<SearchPage>): Promise<SearchPage> {
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (fault) {
      if (tries === OPENINGS) throw fault;
    }
  }
}

type Outcome = Omit<Result, "seed" | "refusals" | "lost" | "milliseconds">;

function resultOf({ compared, unbounded, largest, refusal, failures: [found] }: Report): Outcome {
  return { compared, unbounded, largest, ...(refusal === undefined ? {} : { refusal }), ...(found === undefined ? {} : { failure: { title: found.repro.title, text: found.repro.text } }) };
}

/** A program that loses every page; nothing is left that could make it smaller. */
function losing(seed: number, lost: readonly string[]): Outcome {
  const title = `the page was lost ${lost.length} times: ${lost.join("; ")}`.replaceAll("\n", " ");
  return { compared: 0, unbounded: 0, largest: 0, failure: { title, text: `// ${title}\n\n${programText(randomProgram(new Random(seed)))}` } };
}

/** What a campaign has found so far, as a search counts it, and what a search does not count. */
export interface Totals extends Omit<Report, "failures" | "refusal"> {
  readonly failures: readonly (NonNullable<Result["failure"]> & { readonly seed: number })[];
  /** Programs for which no sizes were found, by code: how many, and what was said of one of them. */
  readonly refusedBy: ReadonlyMap<string, { readonly count: number; readonly seed: number; readonly text: string }>;
  /** Sizes and inputs that were drawn and refused, by code. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly lost: number;
  readonly milliseconds: number;
}

export function totalsOf(results: readonly Result[]): Totals {
  const sum = (of: (result: Result) => number): number => results.reduce((total, result) => total + of(result), 0);
  const refusedBy = new Map<string, { count: number; seed: number; text: string }>();
  const refusals = new Map<string, number>();
  for (const { seed, refusal, refusals: drawn } of results) {
    for (const [code, count] of Object.entries(drawn)) refusals.set(code, (refusals.get(code) ?? 0) + count);
    if (refusal === undefined) continue;
    const code = /KV\d{4}/.exec(refusal)?.[0] ?? "other";
    const before = refusedBy.get(code) ?? { count: 0, seed, text: refusal };
    refusedBy.set(code, { ...before, count: before.count + 1 });
  }
  return {
    runs: results.length, compared: sum(({ compared }) => compared), unbounded: sum(({ unbounded }) => unbounded), refused: results.filter(({ refusal }) => refusal !== undefined).length,
    largest: results.reduce((most, { largest }) => Math.max(most, largest), 0),
    failures: results.flatMap(({ seed, failure }) => (failure === undefined ? [] : [{ seed, ...failure }])),
    refusedBy, refusals, lost: sum(({ lost }) => lost.length), milliseconds: sum(({ milliseconds }) => milliseconds),
  };
}
