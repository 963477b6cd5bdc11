/**
 * @file The shape of a Llama-architecture model, read from Hugging Face's `config.json`. What the runner does not
 * compute (scaled rotary positions, biases, sliding windows, …) is refused by name rather than left out.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";

/** Which channels of a head turn together: i with i + headDim / 2 (Hugging Face's Llama), or 2i with 2i + 1 (llama2.c). */
export type RopeLayout = "half-split" | "interleaved";

export interface LlamaConfig {
  readonly hidden: number;
  /** Width of the gated feed-forward layer. */
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  /** Key/value heads; `heads` is a multiple of it. */
  readonly kvHeads: number;
  /** Channels of a head; even, since rotation turns them in pairs. */
  readonly headDim: number;
  readonly vocabulary: number;
  /** The longest context. */
  readonly positions: number;
  readonly ropeTheta: number;
  readonly ropeLayout: RopeLayout;
  readonly normEpsilon: number;
  /** The output projection is the embedding's transpose. */
  readonly tied: boolean;
  readonly beginOfText: number | undefined;
  readonly endOfText: readonly number[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that must have one of these values, absent included, for the forward pass of this folder to be the model's. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  rope_scaling: [undefined, null],
  sliding_window: [undefined, null],
  attention_bias: [undefined, false],
  mlp_bias: [undefined, false],
  hidden_act: [undefined, "silu"],
  partial_rotary_factor: [undefined, null, 1],
  quantization_config: [undefined, null],
};

/**
 * Reads the parsed `config.json`. Absent fields that Hugging Face's `LlamaConfig` has a default for get that default.
 * @throws KvernError KV6002 for a missing or malformed field, KV6003 for a feature that is not supported
 */
export function parseConfig(json: unknown, file: string): LlamaConfig {
  if (!isFields(json)) return refuse({ code: "KV6002", file, message: "the configuration is not an object", expected: "a JSON object", got: shown(json) });
  requireLlama(json, file);
  for (const [field, allowed] of Object.entries(NEUTRAL)) {
    if (allowed.includes(json[field])) continue;
    refuse({ code: "KV6003", file, message: `the field ${field} is not supported`, expected: allowed.slice(1).map((value) => shown(value)).join(" or "), got: shown(json[field]) });
  }
  const count = (field: string, fallback?: number): number => positiveInteger(json, field, file, fallback);
  const heads = count("num_attention_heads");
  const hidden = count("hidden_size");
  const kvHeads = count("num_key_value_heads", heads);
  const headDim = headDimension(json, hidden, heads, file);
  if (heads % kvHeads !== 0) {
    refuse({ code: "KV6002", file, message: "the query heads do not divide among the key/value heads", expected: `num_attention_heads a multiple of ${kvHeads}`, got: `${heads}` });
  }
  return {
    hidden,
    intermediate: count("intermediate_size"),
    layers: count("num_hidden_layers"),
    heads,
    kvHeads,
    headDim,
    vocabulary: count("vocab_size"),
    positions: count("max_position_embeddings", 2048),
    ropeTheta: ropeTheta(json, file),
    ropeLayout: "half-split",
    normEpsilon: positive(json, "rms_norm_eps", file, 1e-6),
    tied: json["tie_word_embeddings"] === true,
    beginOfText: tokenIds(json, "bos_token_id", file)[0],
    endOfText: tokenIds(json, "eos_token_id", file),
  };
}

/** `head_dim`, or an equal share of the hidden size. Rotation pairs the channels of a head, so it is even. */
function headDimension(json: Fields, hidden: number, heads: number, file: string): number {
  if ((json["head_dim"] ?? undefined) === undefined && hidden % heads !== 0) {
    refuse({ code: "KV6002", file, message: "there is no head_dim, and the heads do not divide the hidden size", expected: `hidden_size a multiple of num_attention_heads, ${heads}`, got: `${hidden}` });
  }
  const headDim = positiveInteger(json, "head_dim", file, hidden / heads);
  if (headDim % 2 === 0) return headDim;
  return refuse({ code: "KV6002", file, message: "rotary positions pair the channels of a head", expected: "an even head_dim", got: `${headDim}` });
}

function requireLlama(json: Fields, file: string): void {
  const architectures = json["architectures"];
  const named = Array.isArray(architectures) && architectures.includes("LlamaForCausalLM");
  if (named || json["model_type"] === "llama") return;
  refuse({
    code: "KV6003",
    file,
    message: "the model is not of the Llama architecture",
    expected: '"model_type": "llama"',
    got: shown(json["model_type"] ?? architectures),
  });
}

/** `rope_theta`, which newer files keep in `rope_parameters`; only the unscaled kind of rotation is computed. */
function ropeTheta(json: Fields, file: string): number {
  const parameters = json["rope_parameters"];
  if (parameters === undefined || parameters === null) return positive(json, "rope_theta", file, 10_000);
  if (!isFields(parameters) || (parameters["rope_type"] ?? "default") !== "default") {
    return refuse({ code: "KV6003", file, message: "the field rope_parameters asks for scaled positions, which are not supported", expected: '"rope_type": "default"', got: shown(parameters) });
  }
  return positive(parameters, "rope_theta", file, 10_000);
}

function positiveInteger(json: Fields, field: string, file: string, fallback: number | undefined): number {
  const value = json[field] ?? fallback;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  return refuse({ code: "KV6002", file, message: `the field ${field} is ${value === undefined ? "missing" : "malformed"}`, expected: "a positive whole number", got: shown(value) });
}

function positive(json: Fields, field: string, file: string, fallback: number): number {
  const value = json[field] ?? fallback;
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  return refuse({ code: "KV6002", file, message: `the field ${field} is malformed`, expected: "a positive number", got: shown(value) });
}

function tokenIds(json: Fields, field: string, file: string): readonly number[] {
  const value = json[field] ?? [];
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  return ids.map((id) => {
    if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0) return id;
    return refuse({ code: "KV6002", file, message: `the field ${field} is malformed`, expected: "a token id or a list of them", got: shown(value) });
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
