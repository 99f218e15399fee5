import { readFile } from 'node:fs/promises';
import { STATUS, UserError } from '../errors.js';
import { suggestion } from '../settings.js';
import { ENGLISH_CONTRACTIONS, ENGLISH_FUNCTION_WORDS } from './english.js';
import { fileError } from './input.js';
import { languageCode, shortCode } from './languages.js';
import { normal } from './tokens.js';

/** The words to leave out, and the languages (ISO 639-3) they were asked for by. */
export type StopWords = { readonly languages: readonly string[]; readonly words: readonly string[] };

/** The package's name of a list, where it is not the ISO 639-3 code. */
const LIST_NAMES: Readonly<Record<string, string>> = { pan: 'panGu', 'por-br': 'porBr', 'lgg-nd': 'lggNd' };

/** The package's lists by language (ISO 639-3), in its order. It is loaded (1.5 MB) only here. */
async function loadLists(): Promise<ReadonlyMap<string, readonly string[]>> {
  const lists = Object.entries(await import('stopword')).filter(
    ([name, list]) => Array.isArray(list) && name !== '_123',
  );
  const language = (name: string) => Object.keys(LIST_NAMES).find((code) => LIST_NAMES[code] === name) ?? name;
  return new Map(lists.map(([name, list]) => [language(name), list as readonly string[]]));
}

/**
 * The stop words that `spec` asks for: language codes and files separated by commas, or `none`. A code wins over a file
 * of that name (write `./en` for the file).
 *
 * @throws {UserError} if an item is neither, or a file cannot be read
 */
export async function loadStopWords(spec: string): Promise<StopWords> {
  const items = spec.split(',').map((item) => item.trim());
  if (items.length === 1 && items[0]!.toLowerCase() === 'none') return { languages: [], words: [] };
  const lists = await loadLists();
  const languages: string[] = [];
  const words = new Set<string>();
  for (const item of items) {
    const code = languageCode(item);
    const list = lists.get(code);
    if (list !== undefined) languages.push(code);
    for (const word of list === undefined ? await ofFile(item, [...lists.keys()]) : ofLanguage(code, list))
      words.add(word);
  }
  return { languages: [...new Set(languages)], words: [...words].sort() };
}

/**
 * The list of one language, written as tokens are. The lists of the package hold duplicates, other normal forms and
 * phrases; a phrase can never equal a token, and its words alone may well be content, so phrases are left out.
 */
function ofLanguage(code: string, list: readonly string[]): string[] {
  const all = code === 'eng' ? [...list, ...ENGLISH_FUNCTION_WORDS, ...ENGLISH_CONTRACTIONS] : list;
  return all.map((entry) => bare(normal(entry))).filter((word) => word !== '' && !/\s/.test(word));
}

/** A file of words: separated by line ends or spaces; what follows a `#` at the start of a line or after a space is a comment. */
async function ofFile(path: string, languages: readonly string[]): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError(error, path);
    throw new UserError(
      `--stop-words: got "${path}", which is no file and no language; the languages are ${languages.map(shortCode).join(' ')}`,
      { status: STATUS.usage, hint: suggestion(path, [...languages.map(shortCode), 'none']) },
    );
  }
  if (text.includes('\0')) throw new UserError(`${path}: looks like a binary file, expected one stop word a line`);
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .flatMap((line) => normal(line.replace(/(^|\s)#.*$/, '')).split(/\s+/))
    .map(bare)
    .filter((word) => word !== '');
}

/** `ei,` is `ei`: entries without what stands round a word. */
function bare(word: string): string {
  return word.replace(/^[^\p{L}\p{M}\p{N}']+|[^\p{L}\p{M}\p{N}']+$/gu, '');
}
