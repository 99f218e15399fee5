import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withDefaults } from '../../src/settings.js';
import { analysis, checkedRecord, recordAnalysis } from '../../src/text/analyse.js';
import { segmentTexts } from '../../src/text/segment.js';
import { textSettings } from '../../src/text/settings.js';
import { analyse, analyseSegments } from './_terms.js';

const sentences = (text: string) => segmentTexts(text, 'sentence');

describe('sentences', () => {
  test.each([
    ['One came. Two went! Did three? "Yes." Four.', ['One came.', 'Two went!', 'Did three?', '"Yes."', 'Four.']],
    ['Mr. Speaker, Mrs. Day and Dr. No met Gen. Grant in St. Louis.', undefined],
    ['J. F. Kennedy and the U.S. Senate met in Washington, D.C. Court.', undefined],
    ['See Art. IV, No. 5, on p. 12 of Jan. 20.', undefined],
    ['No. That is wrong.', ['No.', 'That is wrong.']],
    ['It cost $3.5 million. Nobody paid.', ['It cost $3.5 million.', 'Nobody paid.']],
    ['"Is it?" he asked.', undefined],
    [
      'a line of fixed\nlength goes on. A heading\nThe text',
      ['a line of fixed length goes on.', 'A heading', 'The text'],
    ],
    ['これは一文です。次の文です。', ['これは一文です。', '次の文です。']],
    [' \n \n', []],
    ['', []],
  ])('%j', (text, expected) => {
    expect(sentences(text)).toEqual(expected ?? [text]);
  });

  test('nothing of the text is lost but white space', () => {
    const words = fc.constantFrom(
      'A',
      'b.',
      'Mr.',
      'c!',
      '\n',
      '\r\n',
      '"',
      '12',
      '😀',
      'No.',
      'xy'.repeat(1500),
      '🎉'.repeat(1001),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(words, fc.constantFrom(' ', '', '  '))), (parts) => {
        const text = parts.flat().join('');
        const found = sentences(text);
        expect(found.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
        for (const sentence of found) expect(Buffer.from(sentence).toString()).toBe(sentence);
      }),
    );
  });

  test('are the same wherever the windows of a long text fall', () => {
    const text = Array.from({ length: 400 }, (_, i) => `Sentence ${'word '.repeat(i % 37)}is number ${i}.`).join(' ');
    expect(sentences(text).length).toBe(400);
  });

  test('take time that grows with the text, not with its square', () => {
    const time = (n: number) => {
      const text = 'The clerk read the message of the president to both houses. '.repeat(n);
      const start = performance.now();
      expect(sentences(text).length).toBe(n);
      return performance.now() - start;
    };
    time(500);
    // Quadratic time would make this 256
    expect(time(16_000) / Math.max(time(1000), 1)).toBeLessThan(100);
  });
});

test('lines and paragraphs, blank ones left out', () => {
  const text = 'one. two\n\n three \r\nfour\n \nfive';
  expect(segmentTexts(text, 'line')).toEqual(['one. two', 'three', 'four', 'five']);
  expect(segmentTexts(text, 'paragraph')).toEqual(['one. two', 'three \r\nfour', 'five']);
  expect(segmentTexts('a\r\n\r\nb', 'paragraph')).toEqual(['a', 'b']);
});

describe('terms of segments', () => {
  const ready = async (segment: (typeof textSettings.segment.choices)[number], ngrams = 1) =>
    analysis(await recordAnalysis(withDefaults(textSettings, { segment, ngrams })));
  const text = 'The banks closed early. It was them! Gold left the banks.';

  test('are those of the text, segment by segment; one of stop words stays', async () => {
    const found = analyseSegments(text, await ready('sentence'));
    expect(found.map(({ terms }) => terms)).toEqual([['banks', 'closed', 'early'], [], ['gold', 'left', 'banks']]);
    expect(found.map((segment) => segment.text)[1]).toBe('It was them!');
    expect(found.flatMap(({ terms }) => terms)).toEqual(analyse(text, await ready('none')));
  });

  test('are single with token, and all in one with none', async () => {
    expect(analyseSegments(text, await ready('token')).map(({ terms }) => terms.join())).toEqual(
      analyse(text, await ready('none')),
    );
    expect(analyseSegments(text, await ready('none')).length).toBe(1);
  });

  test('n-grams end at a segment', async () => {
    const terms = analyseSegments('Gold rose. Banks closed.', await ready('sentence', 2)).flatMap((s) => s.terms);
    expect(terms).toEqual(['gold', 'rose', 'gold_rose', 'banks', 'closed', 'banks_closed']);
  });

  test('the record keeps what a segment is; one of before there were any means none', async () => {
    const record = await recordAnalysis(withDefaults(textSettings, { segment: 'line' }));
    expect(checkedRecord(JSON.parse(JSON.stringify(record)), 'm').segment).toBe('line');
    const { segment: _, ...old } = record;
    expect(checkedRecord(old, 'm').segment).toBe('none');
    expect(() => checkedRecord({ ...old, segment: 'word' }, 'm')).toThrow(
      /segment of the text analysis.*one of none, sentence/,
    );
  });
});
