import { UserError } from '../errors.js';
import { parseSetting } from '../settings.js';
import { elisions, withoutElision } from './elision.js';
import { patternTokens } from './pattern.js';
import { SEGMENTS, type SegmentKind } from './segment.js';
import { type TextValues, textSettings } from './settings.js';
import { stemLanguage, stemmer } from './stem.js';
import { loadStopWords } from './stop-words.js';
import { type CaseLocale, isLongEnough, lowerCase, normal, tokens } from './tokens.js';

/** Longer "words" are encoded data or gene sequences; each would be a term of its own. */
const LONGEST_WORD = 100;

/**
 * All that the way from text to terms depends on, as plain JSON: a model keeps it and gives new text the same
 * treatment. The stop words are in it word by word, so neither a file nor this version's lists are needed again.
 */
export type AnalysisRecord = {
  readonly stopWords: readonly string[];
  /** ISO 639-3 codes of the stop word lists asked for; with the stemmer's they settle elisions and Turkish case. */
  readonly languages: readonly string[];
  /** ISO 639-3 code. */
  readonly stem: string | null;
  readonly minLength: number;
  readonly tokenPattern: string | null;
  readonly ngrams: number;
  readonly keepCase: boolean;
  readonly numbers: boolean;
  /** What a segment is. */
  readonly segment: SegmentKind;
};

/** An {@link AnalysisRecord} made ready to work. */
export type Analysis = {
  readonly record: AnalysisRecord;
  readonly stopWords: ReadonlySet<string>;
  readonly locale: CaseLocale;
  readonly elided: ReadonlySet<string>;
  readonly tokens: (text: string) => string[];
  readonly stem: ((word: string) => string) | undefined;
};

/** The record of the settings given, with the stop words read from their lists and files. */
export async function recordAnalysis(values: TextValues): Promise<AnalysisRecord> {
  const { languages, words } = await loadStopWords(values['stop-words']);
  const stem = stemLanguage(values.stem) ?? null;
  return {
    stopWords: words,
    languages,
    stem,
    minLength: values['min-length'],
    tokenPattern: values['token-pattern'] ?? null,
    ngrams: values.ngrams,
    keepCase: values['keep-case'],
    numbers: values.numbers,
    segment: values.segment ?? 'none',
  };
}

/**
 * The analysis that a record describes.
 *
 * @throws {UserError} if the record's expression or language is not one
 */
export async function analysis(record: AnalysisRecord): Promise<Analysis> {
  const languages = record.stem === null ? record.languages : [...record.languages, record.stem];
  const locales: Readonly<Record<string, CaseLocale>> = { tur: 'tr', aze: 'az', lit: 'lt' };
  const { tokenPattern, numbers } = record;
  return {
    record,
    stopWords: new Set(record.stopWords),
    locale: languages.map((language) => locales[language]).find((locale) => locale !== undefined),
    elided: elisions(languages),
    tokens: tokenPattern === null ? (text) => tokens(text, numbers) : patternTokens(tokenPattern),
    stem: record.stem === null ? undefined : await stemmer(record.stem),
  };
}

/** What became of the words of texts: how many were kept as terms, and how many were left out why. */
export type LeftOut = { kept: number; stopWords: number; short: number; long: number };

export function nothingLeftOut(): LeftOut {
  return { kept: 0, stopWords: 0, short: 0, long: 0 };
}

/** A word of a text: the term it is, unless it is left out. */
export type Word = { readonly word: string; readonly why: keyof LeftOut };

/**
 * The words of a text, in order: normal form, tokens, elided words off, stop words and short words marked as left out,
 * stems of the others. Nothing else in thema goes from text to terms.
 */
export function words(text: string, analysis: Analysis): Word[] {
  const { record, stopWords, elided, stem } = analysis;
  const { keepCase, minLength } = record;
  return analysis.tokens(normal(text, keepCase, analysis.locale)).map((token) => {
    const word = elided.size === 0 ? token : withoutElision(token, elided);
    const why = stopWords.has(keepCase ? lowerCase(word, analysis.locale) : word)
      ? 'stopWords'
      : !isLongEnough(word, minLength)
        ? 'short'
        : word.length > LONGEST_WORD
          ? 'long'
          : 'kept';
    return { word: why === 'kept' && stem !== undefined ? stem(word) : word, why };
  });
}

/**
 * A record read from a file.
 *
 * @throws {UserError} status 65, naming `place`, if it is not one
 */
export function checkedRecord(json: unknown, place: string): AnalysisRecord {
  const wrong = (name: string, expected: string): never => {
    throw new UserError(`${place}: ${name} of the text analysis is missing or wrong, expected ${expected}`);
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return wrong('the record', 'an object');
  const value = (name: keyof AnalysisRecord): unknown =>
    Object.hasOwn(json, name) ? (json as Record<string, unknown>)[name] : undefined;
  const words = (name: keyof AnalysisRecord): string[] => {
    const list = value(name);
    return Array.isArray(list) && list.every((word) => typeof word === 'string')
      ? list
      : wrong(name, 'a list of words');
  };
  const flag = (name: keyof AnalysisRecord): boolean => {
    const given = value(name);
    return typeof given === 'boolean' ? given : wrong(name, 'true or false');
  };
  const textOrNull = (name: keyof AnalysisRecord): string | null => {
    const given = value(name);
    return given === null || (typeof given === 'string' && given !== '') ? given : wrong(name, 'text or null');
  };
  const oneOf = <T extends string>(name: keyof AnalysisRecord, choices: readonly T[]): T => {
    const given = choices.find((choice) => choice === value(name));
    return given ?? wrong(name, `one of ${choices.join(', ')}`);
  };
  const integer = (name: 'minLength' | 'ngrams', setting: 'min-length' | 'ngrams'): number => {
    const given = value(name);
    if (typeof given !== 'number') return wrong(name, 'a number');
    return parseSetting(textSettings[setting], String(given), `${place}: ${name}`) as number;
  };
  const stem = textOrNull('stem');
  return {
    stopWords: words('stopWords'),
    languages: words('languages'),
    stem: stem === null || stemLanguage(stem) === stem ? stem : wrong('stem', 'a language with a stemmer'),
    minLength: integer('minLength', 'min-length'),
    tokenPattern: textOrNull('tokenPattern'),
    ngrams: integer('ngrams', 'ngrams'),
    keepCase: flag('keepCase'),
    numbers: flag('numbers'),
    // Files of before there were segments do not say
    segment: Object.hasOwn(json, 'segment') ? oneOf('segment', SEGMENTS) : 'none',
  };
}
