import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { withDefaults } from '../../src/settings.js';
import { type Analysis, analysis, checkedRecord, recordAnalysis } from '../../src/text/analyse.js';
import { type TextValues, textSettings } from '../../src/text/settings.js';
import { analyse } from './_terms.js';

function values(given: Partial<TextValues> = {}): TextValues {
  return withDefaults(textSettings, given);
}

async function analysisOf(given: Partial<TextValues> = {}): Promise<Analysis> {
  return analysis(await recordAnalysis(values(given)));
}

const plain = await analysisOf({ 'stop-words': 'none', 'min-length': 1 });
const english = await analysisOf();

describe('built-in tokens', () => {
  test.each([
    ["Don't stop: the café's naïve co-operation cost $3.50", "don't stop the café naïve co-operation cost"],
    ['U.S.A.', 'u s a'],
    ['the dogs’ and the dog’s bone', 'the dogs and the dog bone'],
    ['rock‘n’roll ‘quoted’ “words”', "rock'n'roll quoted words"],
    ['Straße Über-Ich Äpfel', 'straße über-ich äpfel'],
    ['всё ещё Москва', 'всё ещё москва'],
    ['ΟΔΟΣ Σίσυφος', 'οδος σίσυφος'],
    ['हिन्दी भाषा', 'हिन्दी भाषा'],
    ['العربية لغة', 'العربية لغة'],
    ['می\u200cخواهم', 'می\u200cخواهم'],
    ['한국어 텍스트', '한국어 텍스트'],
    ['co\u00adoper\u2010ation\u2060s', 'cooper-ations'],
    ['cafe\u0301 CAFÉ', 'café café'],
    ['--x-- a--b \'tis "x"', 'x a b tis x'],
    ['mp3 covid-19 1984', 'mp covid'],
    ['😀👍🏽 x\ud800y', 'x y'],
    ['', ''],
  ])('%j gives %j', (text, expected) => {
    expect(analyse(text, plain).join(' ')).toBe(expected.normalize('NFC'));
  });

  test('digits are kept on request', async () => {
    const numbers = await analysisOf({ 'stop-words': 'none', 'min-length': 1, numbers: true });
    expect(analyse('MP3, covid-19; 3.50 or 1,000. In 1984.', numbers)).toEqual(
      'mp3 covid-19 3.50 or 1,000 in 1984'.split(' '),
    );
  });

  test('capitals are kept on request, and stop words still found', async () => {
    expect(analyse('The Turkey and THE turkey', await analysisOf({ 'keep-case': true }))).toEqual(['Turkey', 'turkey']);
  });

  test('Turkish has its own lower case', async () => {
    const turkish = await analysisOf({ 'stop-words': 'tr' });
    expect(analyse('ISPARTA İstanbul', turkish)).toEqual(['ısparta', 'istanbul']);
  });

  test('French and Italian elided words are dropped from the word they lean on', async () => {
    const french = await analysisOf({ 'stop-words': 'fr,it' });
    expect(analyse("L'homme d’État, aujourd'hui dell'arte qu'il", french)).toEqual([
      'homme',
      'état',
      "aujourd'hui",
      'arte',
    ]);
  });

  test('scripts without spaces are cut by dictionary', () => {
    expect(analyse('我爱自然语言处理。', plain)).toEqual(['我', '爱', '自然', '语言', '处理']);
    expect(analyse('ภาษาไทยสวยมาก', plain)).toEqual(['ภาษา', 'ไทย', 'สวย', 'มาก']);
    expect(analyse('東京へiPhoneを', plain)).toContain('東京');
  });

  test('one Han character is long enough by default, one letter is not', async () => {
    expect(analyse('水 x', await analysisOf({ 'stop-words': 'none' }))).toEqual(['水']);
    expect(analyse('水 语言', await analysisOf({ 'stop-words': 'none', 'min-length': 3 }))).toEqual(['语言']);
  });

  test('encoded data is no word', () => {
    expect(analyse('a'.repeat(101), plain)).toEqual([]);
    expect(analyse('a'.repeat(100), plain)).toHaveLength(1);
  });

  test('a letter that the segmenter does not hold for a word is a word all the same', () => {
    expect(analyse('〻', plain)).toEqual(['〻']);
    expect(analyse('\u{1AFF0}〻', plain).at(-1)).toMatch(/〻$/);
  });

  test('own output is analysed to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        // Where a dictionary cuts depends on the neighbours too.
        fc.pre(
          !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(
            text,
          ),
        );
        const terms = analyse(text, english);
        expect(analyse(terms.join(' '), english)).toEqual(terms);
      }),
      { numRuns: 2000, examples: [["x's's"], ["it's l'a-b"], ['İ'], ['ǅ\u0323']] },
    );
  });

  test('the form of the Unicode input does not matter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(analyse(text.normalize('NFD'), plain)).toEqual(analyse(text.normalize('NFC'), plain));
      }),
    );
  });

  test('texts parted by a line end are analysed as if alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(analyse(`${a}\n${b}`, english)).toEqual([...analyse(a, english), ...analyse(b, english)]);
      }),
    );
  });

  test.each([
    'a',
    "a'",
    'a-',
    "'",
    '-',
    ' ',
    '\u0301',
    'a\u0301',
    '\u200d',
    'a\u200d',
    '.',
    '1.',
    '1,',
    "'s",
    "a's ",
    '\n',
    '\u00ad',
    '’',
    '国',
    'ก',
    'ー',
    '한',
    '\ufffd',
    '😀',
    'İ',
    'ﬁ',
    "l'",
    'http://',
    '=',
    '<a>',
    '0',
  ])('time is linear in repeats of %j', async (unit) => {
    const numbers = await analysisOf({ 'stop-words': 'fr', numbers: true, ngrams: 2 });
    const time = (length: number): number => {
      const text = unit.repeat(Math.ceil(length / unit.length));
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 3; i++) {
        const from = performance.now();
        analyse(text, numbers);
        best = Math.min(best, performance.now() - from);
      }
      return best;
    };
    time(2_000);
    // Quadratic time would make this 64.
    expect(time(160_000) / Math.max(time(20_000), 0.5)).toBeLessThan(30);
  });
});

describe('stop words', () => {
  test('English function words and contractions leave only what a text is about', () => {
    const text =
      "It's true that we'll have to upon us one of the firsts; they shouldn't've, I'm sure, don't you? " +
      'Nevertheless many more would also say so, even if nobody else might. The reactor overheated.';
    expect(analyse(text, english)).toEqual(['true', 'firsts', 'reactor', 'overheated']);
  });

  test('a language can be written with two or three letters, and several be joined', async () => {
    const { languages } = await recordAnalysis(values({ 'stop-words': 'DE, fra,no,pt-BR' }));
    expect(languages).toEqual(['deu', 'fra', 'nob', 'por-br']);
    expect(analyse('Der Hund et le chien', await analysisOf({ 'stop-words': 'de,fr' }))).toEqual(['hund', 'chien']);
  });

  test('lists are written as tokens are: no duplicates, NFC, no phrases', async () => {
    for (const language of ['ko', 'my', 'tr', 'lgg', 'pa', 'en']) {
      const { stopWords } = await recordAnalysis(values({ 'stop-words': language }));
      expect(stopWords.length).toBeGreaterThan(20);
      expect(new Set(stopWords).size).toBe(stopWords.length);
      expect(stopWords.filter((word) => word !== word.normalize('NFC').toLowerCase() || /\s/.test(word))).toEqual([]);
    }
  });

  test('a file of words is recorded word by word', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thema-'));
    const file = join(folder, 'own.txt');
    await writeFile(file, '\uFEFF# mine\r\nReactor  # a comment\r\nDon’t cafe\u0301\n\n');
    const record = await recordAnalysis(values({ 'stop-words': file }));
    expect(record.stopWords).toEqual(['café', "don't", 'reactor']);
    expect(analyse('The reactor café', await analysis(JSON.parse(JSON.stringify(record))))).toEqual(['the']);
  });

  test('what is neither language nor file is refused with the languages and a suggestion', async () => {
    await expect(recordAnalysis(values({ 'stop-words': 'eng,xq' }))).rejects.toMatchObject({
      status: 2,
      message: expect.stringMatching(/^--stop-words: got "xq", which is no file and no language; .* de .* zh/),
    });
    await expect(recordAnalysis(values({ 'stop-words': 'nonee' }))).rejects.toMatchObject({
      hint: 'did you mean none?',
    });
  });
});

describe('stems and n-grams', () => {
  test('stems are those of the language', async () => {
    expect(analyse('Running runners nationalities', await analysisOf({ stem: 'en' }))).toEqual([
      'run',
      'runner',
      'nation',
    ]);
    expect(analyse('Häuser', await analysisOf({ stem: 'de', 'stop-words': 'de' }))).toEqual(['haus']);
  });

  test('an unknown language is refused', async () => {
    await expect(analysisOf({ stem: 'fa' })).rejects.toMatchObject({ status: 2 });
    await expect(analysisOf({ stem: 'es-' })).rejects.toThrow('--stem: got "es-", expected one of en, de, es, fr');
  });

  test('n-grams do not reach over a word that was left out', async () => {
    const trigrams = await analysisOf({ ngrams: 3 });
    expect(analyse('United States Department of State', trigrams)).toEqual([
      'united',
      'states',
      'united_states',
      'department',
      'states_department',
      'united_states_department',
      'state',
    ]);
  });
});

describe('--token-pattern', () => {
  test('replaces the built-in tokens', async () => {
    const hashtags = await analysisOf({ 'token-pattern': '#\\p{L}+', 'stop-words': 'none' });
    expect(analyse('So #Happy and #sad', hashtags)).toEqual(['#happy', '#sad']);
  });

  test.each([
    ['ab)c', 3],
    ['a(b', 2],
    ['a**', 3],
    ['x[z-a]', 2],
  ])('%s is refused with position %i', async (pattern, position) => {
    await expect(analysisOf({ 'token-pattern': pattern })).rejects.toMatchObject({
      status: 2,
      message: expect.stringMatching(`at character ${position}$`),
    });
  });

  test('an expression that matches nothing at all is refused', async () => {
    await expect(analysisOf({ 'token-pattern': '[a-z]*' })).rejects.toMatchObject({ status: 2, hint: 'write + for *' });
  });

  test('catastrophic backtracking is stopped', async () => {
    const slow = await analysisOf({ 'token-pattern': '(a+)+b' });
    expect(() => analyse(`${'a'.repeat(60)}!`, slow)).toThrow(UserError);
    expect(analyse('aaab', slow)).toEqual(['aaab']);
  }, 20_000);
});

describe('the record', () => {
  test('is JSON that makes the same analysis', async () => {
    const record = await recordAnalysis(
      values({ stem: 'fr', 'stop-words': 'fr', ngrams: 2, 'token-pattern': '\\p{L}+' }),
    );
    const read = checkedRecord(JSON.parse(JSON.stringify(record)), 'm.safetensors');
    expect(read).toEqual(record);
    const [a, b] = [await analysis(record), await analysis(read)];
    expect(analyse("L'État c'est moi, nationales", b)).toEqual(analyse("L'État c'est moi, nationales", a));
  });

  test.each([
    [null, 'the record'],
    [[], 'the record'],
    [{}, 'stem'],
    [{ stem: 'fas' }, undefined],
    [{ stem: null, stopWords: [1] }, 'stopWords'],
    [{ stem: null, stopWords: [], languages: [], minLength: 2.5 }, 'minLength'],
    [{ stem: null, stopWords: [], languages: [], minLength: 2, tokenPattern: null, ngrams: 4 }, 'ngrams'],
    [
      { stem: null, stopWords: [], languages: [], minLength: 2, tokenPattern: null, ngrams: 1, keepCase: 0 },
      'keepCase',
    ],
  ])('%j is refused', (json, name) => {
    expect(() => checkedRecord(json, 'm.safetensors')).toThrow(name ?? UserError);
  });
});
