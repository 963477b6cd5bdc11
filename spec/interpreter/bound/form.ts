/**
 * @file Errors to first order, as linear forms in the errors of their sources. Errors that come from one source may
 * cancel: numerator and denominator of a weighted mean err alike, and so does whatever is subtracted from a maximum.
 */

import type { Approximate } from "./approximate";

/** `scale · Σ coefficient · (error of the source)`. Sources are atoms, or numbers that have a long form themselves. */
export interface Form {
  readonly sources: readonly Approximate[];
  readonly coefficients: readonly number[];
  readonly scale: number;
}

export const NO_FORM: Form = { sources: [], coefficients: [], scale: 0 };

/** Numbers with longer forms than this are sources to others, instead of passing their own sources on. */
const PASSED_ON = 4;
/** The most sources that are looked up when a form is expanded. */
const EXPANDED = 2 ** 18;

export const scaled = (form: Form, by: number): Form => (form === NO_FORM ? form : { ...form, scale: form.scale * by });

/** Σ |coefficient| · error: a bound on the error that a form stands for. */
export function reach({ sources, coefficients, scale }: Form): number {
  let total = 0;
  sources.forEach((source, at) => (total += Math.abs(coefficients[at] ?? 0) * source.error));
  return Math.abs(scale) * total;
}

/** A form under construction, and the part of the error that is in no form. */
export class FormSum {
  #coefficients: Map<Approximate, number> | undefined;
  /** Σ |coefficient| · rest of what was added. */
  rest = 0;

  /** Adds `coefficient` times the error of `of`. */
  add(coefficient: number, of: Approximate): void {
    const { form } = of;
    if (of.atomic || form.sources.length > PASSED_ON) {
      this.#put(of, coefficient);
      return;
    }
    this.rest += Math.abs(coefficient) * of.rest;
    for (let at = 0; at < form.sources.length; at++) {
      const source = form.sources[at];
      if (source !== undefined) this.#put(source, coefficient * form.scale * (form.coefficients[at] ?? 0));
    }
  }

  #put(source: Approximate, coefficient: number): void {
    this.#coefficients ??= new Map<Approximate, number>();
    this.#coefficients.set(source, (this.#coefficients.get(source) ?? 0) + coefficient);
  }

  get form(): Form {
    return this.#coefficients === undefined ? NO_FORM : { sources: [...this.#coefficients.keys()], coefficients: [...this.#coefficients.values()], scale: 1 };
  }
}

/**
 * The same error with every source that has a form replaced by it, so that what cancels does. Sources are older than what
 * has them: the youngest is replaced first, when all that it contributes to the sum is known.
 */
export function expanded(form: Form, rest: number): { readonly form: Form; readonly rest: number } {
  const composite = (source: Approximate): boolean => !source.atomic && source.form.sources.length > 0;
  if (!form.sources.some(composite)) return { form, rest };
  const coefficients = new Map(form.sources.map((source, at) => [source, form.scale * (form.coefficients[at] ?? 0)]));
  const waiting = new Set(form.sources.filter(composite));
  let looked = coefficients.size;
  let total = rest;
  while (waiting.size > 0) {
    let youngest: Approximate | undefined;
    for (const source of waiting) if (youngest === undefined || source.age > youngest.age) youngest = source;
    if (youngest === undefined) break;
    looked += youngest.form.sources.length + waiting.size;
    if (looked > EXPANDED) return { form, rest };
    const coefficient = coefficients.get(youngest) ?? 0;
    coefficients.delete(youngest);
    waiting.delete(youngest);
    total += Math.abs(coefficient) * youngest.rest;
    for (const [at, source] of youngest.form.sources.entries()) {
      coefficients.set(source, (coefficients.get(source) ?? 0) + coefficient * youngest.form.scale * (youngest.form.coefficients[at] ?? 0));
      if (composite(source)) waiting.add(source);
    }
  }
  return { form: { sources: [...coefficients.keys()], coefficients: [...coefficients.values()], scale: 1 }, rest: total };
}
