/**
 * @file A plan as data: what to do with each fold, by name. Printed, stored and replayed as JSON; it holds for every
 * length of an axis whose size is open.
 */

import type { Choice } from "../../algebra/derived";
import type { Cross, ReduceRole } from "../../kernel/kernel";
import type { Shares } from "./axes";

/** How a fold is run. `whole`: each component in a dispatch of its own, over the whole axis, with no state. */
export type FoldPlan = WholePlan | StreamedPlan | ChainPlan | PiecesPlan;

export interface WholePlan {
  readonly kind: "whole";
  /** Whether values that components share are stored for each position, and what one output alone reads is computed with it. */
  readonly staged?: boolean;
}

/** One dispatch with a loop over tiles, and a second that merges where the axis is cut into parts. */
export interface StreamedPlan {
  readonly kind: "stream";
  readonly lanes: number;
  readonly tile: number;
  readonly part?: number;
  /** By axis; an axis that is not named has a workgroup for each position. */
  readonly shares: Readonly<Record<string, Shares>>;
  readonly cross: Cross["method"];
  readonly roles: Readonly<Record<string, ReduceRole>>;
}

/** Dispatches without barriers: staged values, tiles, parts, and the merge. */
export interface ChainPlan {
  readonly kind: "chain";
  readonly lanes: number;
  readonly tile: number;
  readonly part: number;
  /** Positions of the axis that one invocation does at once where it computes a staged value. */
  readonly copies: number;
  /** By axis; an axis that is not named is shared out over what lanes are left. */
  readonly shares: Readonly<Record<string, Shares>>;
  readonly roles: Readonly<Record<string, ReduceRole>>;
}

/** A fold that is cut: partial states of each piece in dispatches of its own, and one merge of them all. */
export interface PiecesPlan {
  readonly kind: "pieces";
  /** By name of the piece. */
  readonly pieces: Readonly<Record<string, StreamedPlan | ChainPlan>>;
}

export interface FusedPlan {
  readonly choices: readonly Pick<Choice, "rule" | "site" | "parameters">[];
  /** By name of the fold. */
  readonly folds: Readonly<Record<string, FoldPlan>>;
}
