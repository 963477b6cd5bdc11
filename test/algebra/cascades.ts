/** @file Smaller cascades: what one pass can hold, and what it cannot. */

import type { Value } from "../../spec/graph/node";
import { Program, SMALL } from "./programs";

type Make = () => Program;

/** `y = Σ_t f(s(t), max s, v(t))`. */
const overMaximum = (f: (p: Program, s: Value, m: Value, v: Value) => Value): Make => () => {
  const p = new Program(SMALL);
  const [s, v] = [p.tensor("s", ["token"]), p.tensor("v", ["token"])];
  const most = p.max("token", (t) => s(t));
  return p.store("y", [], p.sum("token", (t) => f(p, s(t), most, v(t))));
};

const row = (score: (p: Program, t: Value, dot: Value) => Value, guard?: (p: Program, t: Value) => Value): Make => () => {
  const p = new Program(SMALL);
  const { b } = p;
  const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.tensor("k", ["token", "channel"]), p.tensor("v", ["token", "channel"])];
  const h = p.at("head");
  const scored = (t: Value): Value => {
    const value = score(p, t, p.dot((x) => q(h, x), (x) => k(t, x)));
    return guard === undefined ? value : b.select(guard(p, t), value, b.constant(-Infinity));
  };
  return p.attention(scored, (t, x) => v(t, x));
};

/** Derived in one pass. */
export const ONE_PASS: Readonly<Record<string, Make>> = {
  "a penalty linear in distance": row((p, t, dot) => p.b.subtract(dot, p.b.multiply(p.tensor("slope", ["head"])(p.at("head")), t))),
  "squared scores": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const [q, k, v] = [p.tensor("q", ["head", "channel"]), p.tensor("k", ["token", "channel"]), p.tensor("v", ["token", "channel"])];
    const [h, x] = [p.at("head"), p.at("channel")];
    const square = (t: Value): Value => b.power(p.dot((y) => q(h, y), (y) => k(t, y)), b.constant(2));
    const total = p.sum("token", square);
    return p.store("out", ["head", "channel"], p.sum("token", (t) => b.multiply(b.divide(square(t), total), v(t, x))));
  },
  "a mask read from data": row((_p, _t, dot) => dot, (p, t) => p.b.equal(p.tensor("live", ["head", "token"], { kind: "uint", bits: 1 })(p.at("head"), t), p.b.one)),
  "a total that is not guarded": overMaximum((p, s, m, v) => p.b.multiply(p.b.divide(p.exp(p.b.subtract(s, m)), p.sum("token", (t) => p.exp(p.b.subtract(p.tensor("s", ["token"])(t), m)))), v)),
  "a scale that is an input": overMaximum((p, s, m, v) => p.b.multiply(p.exp(p.b.multiply(p.tensor("scale", [])(), p.b.subtract(s, m))), v)),
  "terms that share a ratio": overMaximum((p, s, m, v) => p.b.add(p.b.multiply(v, p.exp(p.b.subtract(s, m))), p.b.scale(2, p.exp(p.b.subtract(s, m))))),
  "terms with ratios of their own": overMaximum((p, s, m, v) => p.b.add(p.b.multiply(v, p.exp(p.b.subtract(s, m))), p.b.one)),
  "a cube around a maximum": overMaximum((p, s, m) => p.b.power(p.b.subtract(s, m), p.b.constant(3))),
  "branches that share a ratio": overMaximum((p, s, m, v) => p.b.select(p.b.less(v, p.b.zero), p.b.scale(2, p.exp(p.b.subtract(s, m))), p.exp(p.b.subtract(s, m)))),
  "a quotient by the maximum": overMaximum((p, s, m) => p.b.divide(s, m)),
  "cross entropy": () => {
    const p = new Program(SMALL);
    const { b } = p;
    p.axis("row", 3);
    const [logits, target] = [p.tensor("logits", ["row", "token"]), p.tensor("target", ["row"], { kind: "i32" })];
    const r = p.at("row");
    const most = p.max("token", (t) => logits(r, t));
    const total = p.sum("token", (t) => p.exp(b.subtract(logits(r, t), most)));
    const picked = p.sum("token", (t) => b.select(b.equal(t, target(r)), logits(r, t), b.zero));
    return p.store("loss", ["row"], b.subtract(b.add(most, p.log(total)), picked));
  },
  "the best position with its score": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const [q, k] = [p.tensor("q", ["head", "channel"]), p.tensor("k", ["token", "channel"])];
    const h = p.at("head");
    const score = (t: Value): Value => p.dot((x) => q(h, x), (x) => k(t, x));
    const most = p.max("token", score);
    return p.store("position", ["head"], p.argmax("token", score)).store("score", ["head"], most)
      .store("share", ["head"], b.divide(b.one, p.sum("token", (t) => p.exp(b.subtract(score(t), most)))));
  },
  "the nearest centroid": () => {
    const p = new Program(SMALL);
    const { b } = p;
    p.axis("centroid", 8);
    const [x, c] = [p.tensor("x", ["token", "channel"]), p.tensor("c", ["centroid", "channel"])];
    const t = p.at("token");
    const distance = (v: Value): Value => p.sum("channel", (i) => b.power(b.subtract(x(t, i), c(v, i)), b.constant(2)));
    return p.store("codes", ["token"], p.argmin("centroid", distance));
  },
  "integers with a scale and a zero": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const code = p.tensor("code", ["token", "channel"], { kind: "uint", bits: 4 });
    const [q, scale, zero, v] = [p.tensor("q", ["head", "channel"]), p.tensor("scale", ["token"]), p.tensor("zero", ["token"]), p.tensor("v", ["token", "channel"])];
    const h = p.at("head");
    return p.attention((t) => p.dot((x) => q(h, x), (x) => b.add(b.multiply(code(t, x), scale(t)), zero(t))), (t, x) => v(t, x));
  },
  "a mean of what a mask lets through": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const [x, live] = [p.tensor("x", ["token"]), p.tensor("live", ["token"], { kind: "uint", bits: 1 })];
    const seen = (t: Value): Value => b.equal(live(t), b.one);
    const count = p.sum("token", (t) => b.select(seen(t), b.one, b.zero));
    const mean = b.divide(p.sum("token", (t) => b.select(seen(t), x(t), b.zero)), count);
    return p.store("variance", [], p.sum("token", (t) => b.select(seen(t), b.power(b.subtract(x(t), mean), b.constant(2)), b.zero)));
  },
  "a guard narrower than the maximum's": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const [a, live] = [p.tensor("a", ["token"]), p.tensor("live", ["token"], { kind: "uint", bits: 1 })];
    const most = p.max("token", (t) => a(t));
    const shift = b.select(b.equal(most, b.constant(-Infinity)), b.zero, most);
    return p.store("y", [], p.sum("token", (t) => b.select(b.equal(live(t), b.one), p.exp(b.subtract(a(t), shift)), b.zero)));
  },
};

/** Refused as one pass, each for its reason; right in several. */
export const SEVERAL_PASSES: Readonly<Record<string, Make>> = {
  "a threshold on the share of the best": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const [s, v] = [p.tensor("s", ["token"]), p.tensor("v", ["token"])];
    const most = p.max("token", (t) => s(t));
    const kept = (t: Value): Value => b.less(b.subtract(most, b.one), s(t));
    const total = p.sum("token", (t) => b.select(kept(t), p.exp(b.subtract(s(t), most)), b.zero));
    return p.store("y", [], b.divide(p.sum("token", (t) => b.select(kept(t), b.multiply(p.exp(b.subtract(s(t), most)), v(t)), b.zero)), total));
  },
  "a bell around the maximum": overMaximum((p, s, m, v) => p.b.multiply(p.exp(p.b.negate(p.b.power(p.b.subtract(s, m), p.b.constant(2)))), v)),
  "a rational bell": overMaximum((p, s, m, v) => p.b.divide(v, p.b.add(p.b.one, p.b.power(p.b.subtract(s, m), p.b.constant(2))))),
  "the smaller of score and maximum": overMaximum((p, s, m) => p.b.smaller(p.b.scale(2, s), m)),
  "a hyperbolic tangent of the difference": overMaximum((p, s, m) => p.b.apply("tanh", [p.b.subtract(s, m)])),
  "a guard wider than the maximum's": () => {
    const p = new Program(SMALL);
    const { b } = p;
    const [a, first, second] = [p.tensor("a", ["token"]), p.tensor("first", ["token"], { kind: "uint", bits: 1 }), p.tensor("second", ["token"], { kind: "uint", bits: 1 })];
    const most = p.max("token", (t) => b.select(b.equal(first(t), b.one), a(t), b.constant(-Infinity)));
    const shift = b.select(b.equal(most, b.constant(-Infinity)), b.zero, most);
    return p.store("y", [], p.sum("token", (t) => b.select(b.equal(second(t), b.one), p.exp(b.subtract(a(t), shift)), b.zero)));
  },
  "a maximum divided by a sum of either sign": () => {
    const p = new Program(SMALL);
    const [s, v] = [p.tensor("s", ["token"]), p.tensor("v", ["token"])];
    const total = p.sum("token", (t) => s(t));
    return p.store("y", [], p.max("token", (t) => p.b.divide(v(t), total)));
  },
};
