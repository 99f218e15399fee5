import { expect, test } from 'vitest';
import { parseSetting, withDefaults } from '../../src/settings.js';
import { cuts, readSettings, textSettings } from '../../src/text/settings.js';

test('every default is a value of its setting', () => {
  for (const [name, setting] of Object.entries({ ...textSettings, ...readSettings }))
    if ('default' in setting) expect(parseSetting(setting, String(setting.default), name)).toBe(setting.default);
});

test.each([
  ['5', { documents: 5 }],
  ['1', { documents: 1 }],
  ['1.0', { share: 1 }],
  ['.5', { share: 0.5 }],
  ['50%', { share: 0.5 }],
  ['0.25', { share: 0.25 }],
  ['auto', 'auto'],
])('--max-df %s', (text, expected) => {
  expect(cuts({ 'max-df': text }).maxDf).toEqual(expected);
});

test.each(['0', '-1', '1.5', '101%', '5e1', 'x', '0.0'])('--max-df %s is refused', (text) => {
  expect(() => cuts({ 'max-df': text })).toThrow(`--max-df: got "${text}", expected a number of documents`);
});

test('what is not given cuts nothing', () => {
  expect(cuts({})).toEqual({ minDf: undefined, maxDf: undefined, maxVocabulary: undefined });
  expect(cuts(withDefaults(textSettings))).toEqual({ minDf: 'auto', maxDf: 'auto', maxVocabulary: 100_000 });
});
