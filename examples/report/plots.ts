/** @file The report's plots, as SVG. */

import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { EntropyReport } from "../../bin/calibrate/entropy";

export interface Point {
  readonly format: string;
  readonly family: string;
  /** For each channel. */
  readonly bits: number;
  readonly perplexity: number;
  readonly divergence: number;
}

async function svg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  return `${await view.toSVG()}\n`;
}

/** Perplexities further above that at full precision are beyond the plot, and nearer ones have no room for names. */
const [NEAR, FAR] = [1.04, 2];

/** Perplexity, and divergence from full precision, against bits per channel; a line at full precision. All axes are logarithmic. */
export function costPlot(title: string, points: readonly Point[], fullPrecision: number): Promise<string> {
  const bits = points.map((point) => point.bits);
  const x = { field: "bits", type: "quantitative" as const, scale: { type: "log" as const, base: 2, domain: [Math.min(...bits) / 1.15, Math.max(...bits) * 1.9], nice: false }, axis: { values: [...new Set(bits)] }, title: "bits per channel, with scales" };
  const color = { color: { field: "family", type: "nominal" as const, title: "format" }, shape: { field: "family", type: "nominal" as const } };
  const marks = (shown: readonly Point[], named: readonly Point[], y: object) => [
    { data: { values: [...shown] }, mark: { type: "point" as const, filled: true, size: 60, opacity: 1 }, encoding: { x, y, ...color } },
    { data: { values: [...named] }, mark: { type: "text" as const, align: "left" as const, dx: 7, dy: -4, fontSize: 9 }, encoding: { x, y, text: { field: "format" } } },
  ];
  const panel = { width: 380, height: 380 };
  const perplexity = { field: "perplexity", type: "quantitative" as const, scale: { type: "log" as const, domain: [fullPrecision * 0.98, fullPrecision * FAR], nice: false }, title: `perplexity, up to ${FAR} × that at full precision (dashed)` };
  const divergence = { field: "divergence", type: "quantitative" as const, scale: { type: "log" as const }, title: "KL from full precision, nats a token" };
  const inside = points.filter((point) => point.perplexity <= fullPrecision * FAR);
  const line = { data: { values: [{ perplexity: fullPrecision }] }, mark: { type: "rule" as const, strokeDash: [4, 4], color: "gray" }, encoding: { y: perplexity } };
  return svg({
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: title, anchor: "middle" },
    background: "white",
    hconcat: [
      { ...panel, layer: [line, ...marks(inside, inside.filter((point) => point.perplexity > fullPrecision * NEAR), perplexity)] },
      { ...panel, layer: marks(points, points, divergence) },
    ],
  });
}

const SERIES = { marginals: "sum of the channels", shuffled: "together, if independent", joint: "together" } as const;

/**
 * For each layer, keys and values, against the number of channels in a group: the sum of the channels' entropies, their
 * entropy together, and the latter for channels made independent, which is what the estimate loses by having so few tokens.
 */
export function entropyPlot({ rows, ceiling, tokens, bins }: EntropyReport): Promise<string> {
  const values = rows.flatMap((row) =>
    (["marginals", "shuffled", "joint"] as const).map((key) => ({
      panel: `layer ${row.layer}`, side: row.side, size: row.size, series: SERIES[key], bits: row[key].mean, low: row[key].mean - row[key].deviation, high: row[key].mean + row[key].deviation,
    })),
  );
  const x = { field: "size", type: "ordinal" as const, title: "channels in a group", axis: { labelAngle: 0 } };
  const color = { field: "series", type: "nominal" as const, title: null, scale: { domain: Object.values(SERIES), range: ["#888888", "#e08214", "#2166ac"] }, legend: { orient: "bottom" as const, labelLimit: 0 } };
  return svg({
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: "Entropy of neighbouring channels", subtitle: `${bins} bins a channel, ${tokens.toLocaleString("en")} tokens; mean and standard deviation over groups; dotted: log2 of the tokens`, anchor: "middle" },
    data: { values },
    facet: { column: { field: "panel", type: "nominal", title: null }, row: { field: "side", type: "nominal", title: null } },
    spec: {
      width: 150,
      height: 130,
      layer: [
        { mark: { type: "rule", strokeDash: [2, 2], color: "#444444" }, encoding: { y: { datum: ceiling, type: "quantitative" } } },
        { mark: "rule", encoding: { x, color, y: { field: "low", type: "quantitative" }, y2: { field: "high" } } },
        { mark: { type: "line", point: true }, encoding: { x, color, y: { field: "bits", type: "quantitative", title: "bits" } } },
      ],
    },
    config: { background: "white", font: "sans-serif" },
  });
}
