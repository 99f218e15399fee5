import type { Cuts, DocumentFrequency } from '../corpus/build.js';
import { STATUS, UserError } from '../errors.js';
import type { Settings, Values } from '../settings.js';
import { SEGMENTS } from './segment.js';

/** How text becomes terms. What of it matters for new text is recorded in the model (see `analyse.ts`). */
export const textSettings = {
  // English is the likeliest language of a first corpus, and without stop words every topic reads "the of and".
  'stop-words': {
    kind: 'text',
    value: 'LIST',
    default: 'en',
    describe: 'words to leave out: language codes (en, de, fra, …) and files of words, separated by commas, or none',
  },
  // Stems merge forms but show cut-off words (`polici`) and rarely help topics (Schofield & Mimno 2016).
  stem: {
    kind: 'text',
    value: 'LANGUAGE',
    default: 'none',
    describe: 'cut words to their stems: a language code (en, de, es, fr, it, ja, nl, no, pt, ru, sv, uk) or none',
  },
  // 5 removes most misspellings of a real corpus; 20 lines of text would have nothing left.
  'min-df': {
    kind: 'text',
    value: 'N',
    default: 'auto',
    describe:
      'leave out terms of fewer documents: a number (5), or a share written with a point or percent sign (0.01, 1%); ' +
      'auto is 5, but 2 below 1,000 documents and 1 below 100; with --segment, segments are counted',
  },
  // A term of every fifth document tells topics apart hardly better than a stop word: in the bundled corpus, government,
  // people and congress would lead most topics.
  'max-df': {
    kind: 'text',
    value: 'N',
    default: 'auto',
    describe:
      'leave out terms of more documents: a number (1 is one document), or a share written with a point or percent ' +
      'sign (0.5, 50%; 1.0 is all documents); auto is 0.2, but 1.0 below 100 documents; with --segment, segments are counted, and auto is 0.05',
  },
  // Enough for tens of millions of tokens; a topic over it takes 400 kB. Anything beyond is rare words.
  'max-vocabulary': {
    kind: 'integer',
    value: 'N',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    describe: 'keep at most this many terms, the most frequent',
  },
  // 2 keeps us, uk, eu, tv, ai; the words of one letter are initials and debris of markup.
  'min-length': {
    kind: 'integer',
    value: 'N',
    default: 2,
    min: 1,
    max: 100,
    describe: 'leave out words of fewer characters; a Chinese character counts as two',
  },
  'token-pattern': {
    kind: 'text',
    value: 'REGEX',
    describe: 'what a word is, as a JavaScript regular expression over the lower-cased text, in place of the built-in',
  },
  // Phrases multiply the vocabulary; single words are enough for most topics.
  ngrams: {
    kind: 'integer',
    value: 'N',
    default: 1,
    min: 1,
    max: 3,
    describe: 'also take runs of up to N neighbouring words as terms (united_states); left-out words break a run',
  },
  'keep-case': { kind: 'flag', default: false, describe: 'keep capital letters: Turkey and turkey are two terms' },
  // Numbers are mostly dates, prices and page numbers: a topic of years says little.
  numbers: { kind: 'flag', default: false, describe: 'keep digits: 1984, covid-19 and mp3 are words' },
  segment: {
    kind: 'choice',
    choices: SEGMENTS,
    describe:
      'also keep each document as a sequence of segments, for models that read it so ' +
      '[default: none; sentence with a model that reads segments]',
  },
} as const satisfies Settings;

export type TextValues = Values<typeof textSettings>;

/** Where the documents of an input are, and what they are called. */
export const readSettings = {
  'input-format': {
    kind: 'choice',
    choices: ['folder', 'txt', 'csv', 'tsv', 'ndjson', 'ldac', 'mtx'],
    describe: 'format of the inputs [default: by name, else by content]',
  },
  per: {
    kind: 'choice',
    choices: ['line', 'paragraph', 'file'],
    describe: 'what one document is in plain text [default: a line of a .txt file or of stdin, a file of a folder]',
  },
  text: {
    kind: 'text',
    value: 'NAMES',
    describe:
      'columns or fields that hold the text, separated by commas; a.b is field b of field a ' +
      '[default: text, body or content, or the only column]',
  },
  id: {
    kind: 'text',
    value: 'NAME',
    describe: "column or field that names the document [default: id, else the document's number]",
  },
  meta: {
    kind: 'text',
    value: 'NAMES',
    describe: 'columns or fields to keep beside each document, separated by commas',
  },
  group: {
    kind: 'text',
    value: 'NAMES',
    describe:
      'columns or fields, separated by commas: consecutive records in which they are equal are one document, called by ' +
      'their values',
  },
  delimiter: {
    kind: 'text',
    value: 'CHARACTER',
    describe: 'what separates the columns of a CSV file, \\t for tab [default: seen from the header]',
  },
  // The one encoding of new text; the others are the user's knowledge, guesses go wrong silently.
  encoding: {
    kind: 'text',
    value: 'NAME',
    default: 'utf-8',
    describe: 'encoding of the text, such as windows-1252 or gb18030; a byte order mark in the file wins',
  },
  vocabulary: {
    kind: 'text',
    value: 'FILE',
    describe:
      'file of terms, one a line: of counts (.ldac, .mtx) [default: NAME.vocab.txt or vocab.txt beside them]; of text ' +
      'in a fit with --schedule online, which leaves other terms out',
  },
} as const satisfies Settings;

export type ReadValues = Values<typeof readSettings>;

/**
 * The vocabulary cuts as numbers. A name that is absent makes no cut, so the table of given flags alone makes the cuts
 * for a corpus that is no longer text.
 *
 * @throws {UserError} status 2 if a cut is neither a number of documents nor a share of them
 */
export function cuts(values: {
  readonly 'min-df'?: string | undefined;
  readonly 'max-df'?: string | undefined;
  readonly 'max-vocabulary'?: number | undefined;
}): Cuts {
  return {
    minDf: values['min-df'] === undefined ? undefined : documentFrequency(values['min-df'], '--min-df'),
    maxDf: values['max-df'] === undefined ? undefined : documentFrequency(values['max-df'], '--max-df'),
    maxVocabulary: values['max-vocabulary'],
  };
}

/** `5` is five documents; `0.5`, `.5`, `50%` are half of them; `1.0` and `100%` are all of them. */
function documentFrequency(text: string, flag: string): DocumentFrequency {
  if (text === 'auto') return 'auto';
  if (/^\d{1,15}$/.test(text) && Number(text) >= 1) return { documents: Number(text) };
  const share = /^\d*\.\d+$|^\d+\.$/.test(text)
    ? Number(text)
    : /^(\d+\.?\d*|\.\d+)%$/.test(text)
      ? Number(text.slice(0, -1)) / 100
      : Number.NaN;
  if (share >= 0 && share <= 1 && !(share === 0 && flag === '--max-df')) return { share };
  throw new UserError(
    `${flag}: got "${text}", expected a number of documents from 1 (5), a share of them (0.01, 1%), or auto`,
    { status: STATUS.usage },
  );
}
