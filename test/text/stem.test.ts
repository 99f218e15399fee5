import { expect, test } from 'vitest';
import { stemmers } from '../../src/text/natural-stemmers.js';
import { STEM_LANGUAGES, stemLanguage, stemmer } from '../../src/text/stem.js';

test('every language listed has a stemmer, and the other way round', () => {
  expect([...STEM_LANGUAGES].sort()).toEqual(Object.keys(stemmers).sort());
});

test.each([
  ['en', 'Nationalities', 'nation'],
  ['de', 'HÄUSER', 'haus'],
  ['es', 'nacionales', 'nacional'],
  ['fr', 'continuellement', 'continuel'],
  ['it', 'abbandonata', 'abbandon'],
  ['ja', 'コンピューター', 'コンピュータ'],
  ['nl', 'lichamelijke', 'licham'],
  ['no', 'havnedistriktene', 'havnedistrikt'],
  ['pt', 'nacionalidade', 'nacional'],
  ['ru', 'красивая', 'красив'],
  ['sv', 'jaktkarlarne', 'jaktkarl'],
  ['uk', 'красива', 'красив'],
])('%s: %s is stemmed to %s', async (language, word, stem) => {
  expect((await stemmer(stemLanguage(language)!))(word)).toBe(stem);
});

test('none is no language', () => {
  expect(stemLanguage('none')).toBeUndefined();
});
