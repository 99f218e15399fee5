import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withDefaults } from '../../src/settings.js';
import { type Analysis, analysis, nothingLeftOut, recordAnalysis, words } from '../../src/text/analyse.js';
import { type TextValues, textSettings } from '../../src/text/settings.js';
import { termNumbering } from '../../src/text/terms.js';

async function analysisOf(given: Partial<TextValues>): Promise<Analysis> {
  return analysis(await recordAnalysis(withDefaults(textSettings, given)));
}

/** The terms of a text by the definition: its words as a whole, then n-grams of those that follow one another. */
function defined(text: string, ready: Analysis, leftOut = nothingLeftOut()): string[] {
  const terms: string[] = [];
  let run: string[] = [];
  for (const { word, why } of words(text, ready)) {
    leftOut[why]++;
    run = why === 'kept' ? [...run, word].slice(-ready.record.ngrams) : [];
    for (let n = 1; n <= run.length; n++) terms.push(run.slice(-n).join('_'));
  }
  return terms;
}

/** Text, as readers hand it on, of pieces on which lower case, NFC, tokens and the cuts between forms depend. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['the', "don't", 'Running', 'x', 'ΟΔΟΣ', 'Σ', 'İI', 'é', 'e\u0301', '\u0338', '\u0307', '\u0345', 'ß', 'ﬁ'],
        ...[
          '3',
          '1,000',
          '.5',
          'ก',
          '国語',
          'ー',
          '한\u11a8',
          '𝔘',
          '😀',
          '\ud800',
          'می\u200cخ',
          "l'homme",
          'a'.repeat(70),
        ],
        ...[' ', '  ', '\n', '\t', '\u00a0', '\u00ad', '’', '\u2010', '\ufeff', '\0', '«'],
        ...Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)),
      ),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(parts.join('')).toString());

test.each<Partial<TextValues>>([
  { 'stop-words': 'none', 'min-length': 1 },
  { stem: 'en', ngrams: 3 },
  { 'stop-words': 'tr', numbers: true },
  { 'stop-words': 'lt,fr', 'keep-case': true, ngrams: 2, 'min-length': 1 },
  { 'stop-words': 'none', 'token-pattern': '[^ ]+', ngrams: 2 },
])('with %j the terms of a text are those of the whole, however it is cut', async (given) => {
  const ready = await analysisOf(given);
  const numbering = termNumbering(ready);
  fc.assert(
    fc.property(text, (text) => {
      const [found, expected] = [nothingLeftOut(), nothingLeftOut()];
      const terms = Array.from(numbering.numbers(text, found), (number) => numbering.terms[number]);
      expect(terms).toEqual(defined(text, ready, expected));
      expect(found).toEqual(expected);
    }),
    { numRuns: 3000, examples: [['ΑΣ.b'], ['a.Σ'], ["ΑΣ'"], ['Σ:α'], ['a=\u0338b'], ['Ι\u0307 I\u0307'], ['3.5,7.x']] },
  );
});

test('terms have the numbers of their first coming', async () => {
  const numbering = termNumbering(await analysisOf({ ngrams: 2 }));
  numbering.numbers('Gold banks. Gold standard', nothingLeftOut());
  expect([...numbering.numbers('standard, GOLD', nothingLeftOut())]).toEqual([4, 0, 6]);
  expect(numbering.terms).toEqual([
    'gold',
    'banks',
    'gold_banks',
    'banks_gold',
    'standard',
    'gold_standard',
    'standard_gold',
  ]);
});
