/** @file What things may be called: names travel as keys of records, on the command line and through dotted paths. */

/** The name of a kernel, of an input, of a storage or of an output; a dot separates an input from its storage. */
export const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** What an axis cannot be called: the graph and the command line give these characters a meaning. */
const RESERVED = /[\s#@=,]/;

/** What is not seen, ends lines of some languages, or turns text around. */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Bidi_Control}]/u;

/** Whether an axis may be called `name`. Sizes are records by axis, in which the names every object has mean something else. */
export const isAxisName = (name: string): boolean => name !== "" && !RESERVED.test(name) && !UNSEEN.test(name) && !(name in Object.prototype);
