/**
 * Plots what `kvern calibrate … --entropy FILE` wrote: `node scripts/report/entropy.mjs FILE.json FILE.svg`. For each layer,
 * keys and values, against the number of channels in a group: the sum of the channels' entropies, their entropy together,
 * and the latter for channels made independent, which is what the estimate loses by having so few tokens.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, View } from "vega";
import { compile } from "vega-lite";

const SERIES = { marginals: "sum of the channels", shuffled: "together, if independent", joint: "together" };

/** The entropies of an `EntropyReport` as SVG. */
export async function entropyPlot({ rows, ceiling, tokens, bins }) {
  const values = rows.flatMap((row) =>
    Object.entries(SERIES).map(([key, series]) => ({ panel: `layer ${row.layer}`, side: row.side, size: row.size, series, bits: row[key].mean, low: row[key].mean - row[key].deviation, high: row[key].mean + row[key].deviation })),
  );
  const x = { field: "size", type: "ordinal", title: "channels in a group", axis: { labelAngle: 0 } };
  const color = { field: "series", type: "nominal", title: null, scale: { domain: Object.values(SERIES), range: ["#888888", "#e08214", "#2166ac"] }, legend: { orient: "bottom" } };
  const { spec } = compile({
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
  return new View(parse(spec), { renderer: "none" }).toSVG();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from, to] = process.argv.slice(2);
  if (from === undefined || to === undefined) {
    console.error("node scripts/report/entropy.mjs FILE.json FILE.svg");
    process.exit(2);
  }
  writeFileSync(to, await entropyPlot(JSON.parse(readFileSync(from, "utf8"))));
}
