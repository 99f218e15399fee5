/**
 * Tokens of a text: runs of letters and marks of any script, joined by inner apostrophes or hyphens. Every pattern here
 * matches in linear time: at each character at most one of its alternatives can go on.
 */

/** A letter, then letters and marks; pieces joined by one apostrophe or hyphen, or by invisible joiners (Persian, Indic). */
const WORDS = /\p{L}[\p{L}\p{M}]*(?:(?:['-]|[\u200C\u200D]+)[\p{L}\p{M}]+)*/gu;

/** The same with digits; a point or comma joins two digits. */
const WORDS_AND_NUMBERS =
  /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:(?:['-]|[\u200C\u200D]+|(?<=\p{N})[.,](?=\p{N}))[\p{L}\p{M}\p{N}]+)*/gu;

/** Scripts written without spaces, where a run of letters is a phrase. */
const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

const LETTER = /\p{L}/u;

/** Intl.Segmenter of Node 20 takes quadratic time: 2 µs a token at 2,000 characters, 427 at 256,000. */
const SEGMENT_AT_ONCE = 2000;

// The splitting of these scripts is by dictionary and does not depend on the locale; the host's own must not get in.
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** A locale whose lower case differs from everybody's: Turkish and Azeri ı/I, Lithuanian dots. */
export type CaseLocale = 'tr' | 'az' | 'lt' | undefined;

/**
 * Text as tokens are written: lower case (unless `keepCase`), NFC, the many apostrophes as `'` and hyphens as `-`,
 * without invisible characters inside words (soft hyphen, word joiner, direction marks).
 */
export function normal(text: string, keepCase = false, locale?: CaseLocale): string {
  return (keepCase ? text : lowerCase(text, locale))
    .normalize('NFC')
    .replace(/[\u2018\u2019\u02BC\uFF07\u2032`\u00B4]/g, "'")
    .replace(/[\u2010\u2011]/g, '-')
    .replace(/[\u00AD\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g, '');
}

export function lowerCase(text: string, locale: CaseLocale): string {
  return locale === undefined ? text.toLowerCase() : text.toLocaleLowerCase(locale);
}

/** The tokens of normal text, in order; phrases of scripts without spaces are cut into words by dictionary. */
export function tokens(text: string, numbers: boolean): string[] {
  const found: string[] = text.match(numbers ? WORDS_AND_NUMBERS : WORDS) ?? [];
  const split = SPACELESS.test(text) ? found.flatMap(segments) : found;
  for (let i = 0; i < split.length; i++) if (isPossessive(split[i]!)) split[i] = withoutPossessive(split[i]!);
  return split;
}

function segments(token: string): string | string[] {
  if (!SPACELESS.test(token)) return token;
  const words: string[] = [];
  for (let from = 0; from < token.length; ) {
    let to = Math.min(from + SEGMENT_AT_ONCE, token.length);
    if (to < token.length && isLowSurrogate(token.charCodeAt(to))) to--;
    // A token is made of letters: its pieces are words whatever the segmenter holds of a rare letter alone.
    for (const { segment } of segmenter.segment(token.slice(from, to))) if (LETTER.test(segment)) words.push(segment);
    from = to;
  }
  return words;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Whether a token ends in `'s`: the English possessive or a short `is`, and a plural or genitive where other languages have it. */
function isPossessive(token: string): boolean {
  const last = token.charCodeAt(token.length - 1);
  return (last === 0x73 || last === 0x53) && token.charCodeAt(token.length - 2) === 0x27;
}

function withoutPossessive(token: string): string {
  let word = token;
  while (isPossessive(word)) word = word.slice(0, -2);
  return word;
}

/**
 * Whether a word has at least `least` characters: code points, a Han character as two, since one of them is often a
 * word where one letter hardly ever is.
 */
export function isLongEnough(word: string, least: number): boolean {
  if (word.length >= 2 * least) return true;
  let length = 0;
  for (const character of word) length += character > '\u2E7F' && HAN.test(character) ? 2 : 1;
  return length >= least;
}

const HAN = /\p{Script=Han}/u;
