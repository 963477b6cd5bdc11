/** @file The report's plot, as SVG. */

import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

export interface Point {
  readonly format: string;
  readonly family: string;
  readonly bytes: number;
  readonly perplexity: number;
}

async function svg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  return `${await view.toSVG()}\n`;
}

/** Perplexity against bytes per token, both on logarithmic axes; a line at full precision. */
export function perplexityPlot(title: string, points: readonly Point[], fullPrecision: number): Promise<string> {
  const x = { field: "bytes", type: "quantitative" as const, scale: { type: "log" as const, base: 2 }, title: "bytes per token" };
  const y = { field: "perplexity", type: "quantitative" as const, scale: { type: "log" as const }, title: "perplexity" };
  return svg({
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title,
    background: "white",
    width: 560,
    height: 360,
    layer: [
      { data: { values: [{ perplexity: fullPrecision }] }, mark: { type: "rule", strokeDash: [4, 4], color: "gray" }, encoding: { y } },
      { data: { values: [...points] }, mark: { type: "point", filled: true, size: 60 }, encoding: { x, y, color: { field: "family", type: "nominal", title: "format" }, shape: { field: "family", type: "nominal" } } },
      { data: { values: [...points] }, mark: { type: "text", align: "left", dx: 6, dy: -4, fontSize: 9 }, encoding: { x, y, text: { field: "format" } } },
    ],
  });
}
