import { STATUS, UserError } from '../errors.js';
import { suggestion } from '../settings.js';
import { languageCode, shortCode } from './languages.js';

/** Languages with a stemmer (ISO 639-3): the keys of the table in `natural-stemmers.ts`, known without loading it. */
export const STEM_LANGUAGES: readonly string[] = 'eng deu spa fra ita jpn nld nob por rus swe ukr'.split(' ');

const CACHED_TYPES = 500_000;

/** The ISO 639-3 code of the language of `--stem`, or undefined for `none`. */
export function stemLanguage(written: string): string | undefined {
  if (written.toLowerCase() === 'none') return undefined;
  const code = languageCode(written);
  if (STEM_LANGUAGES.includes(code)) return code;
  const known = [...STEM_LANGUAGES.map(shortCode), 'none'];
  throw new UserError(`--stem: got "${written}", expected one of ${known.join(', ')}`, {
    status: STATUS.usage,
    hint: suggestion(written, known),
  });
}

/** The stemmer of a language. Each type is stemmed once; the stemmers are loaded (700 kB) only here. */
export async function stemmer(language: string): Promise<(word: string) => string> {
  const { stemmers } = await import('./natural-stemmers.js');
  const stem = stemmers[language]!;
  const stems = new Map<string, string>();
  return (word) => {
    let known = stems.get(word);
    if (known === undefined) {
      if (stems.size >= CACHED_TYPES) stems.clear();
      // Lower case, since not all stemmers see to it; a word whose stem is empty stays what it is.
      known = stem(word.toLowerCase()) || word;
      stems.set(word, known);
    }
    return known;
  };
}
