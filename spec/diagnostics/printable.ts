/** @file Text of a user's files as it may be shown: without characters that move a terminal's cursor, or turn the order of others. */

/** C0, DEL and C1 but tab and line feed, and the marks that turn text around. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The same text, in which each such character is one that is seen: columns stay what they are. */
export const printable = (text: string): string =>
  text.replace(/\r\n/g, "\n").replace(UNSEEN, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
