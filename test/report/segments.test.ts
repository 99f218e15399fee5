import { expect, test } from 'vitest';
import { render } from '../../src/report/render.js';
import { lifts, type SegmentRow, segmentRows, segmentsReport } from '../../src/report/segments.js';
import { segmentedCorpus } from '../_corpora.js';

const { segments } = segmentedCorpus([[[0, 1, 1], []], [[2, 0]]], 3);
/** Two topics over three terms. */
const topics = Float64Array.of(0.6, 0.1, 0.3, 0.1, 0.1, 0.8);
const weights = lifts(topics, Float64Array.of(0.5, 0.5));
const documents = {
  ids: ['a', 'b\u0007'],
  segments: segments!,
  texts: null,
  vocabulary: ['x', 'y', 'z'],
  weights,
  top: 1,
};
const found = [
  { path: Uint32Array.of(0, 0), posterior: Float64Array.of(0.9, 0.1, 0.3, 0.7) },
  { path: Uint32Array.of(1), posterior: Float64Array.of(0.001, 0.999) },
];
const rows = (): SegmentRow[] => [...segmentRows(documents, (d) => found[d]!)];

test('lifts are p(w | k) / p(w)', () => {
  expect(weights[0]).toBeCloseTo(0.6 / 0.35, 14);
  expect(weights[5]).toBeCloseTo(0.8 / 0.45, 14);
});

test('a row has the topic of the path with its probability, the likeliest topics, and the words that speak for the path', () => {
  expect(rows()).toEqual([
    {
      id: 'a',
      segment: 1,
      path_topic: 0,
      path_probability: 0.9,
      topics: [{ topic: 0, probability: 0.9 }],
      tokens: 3,
      words: ['x', 'y'],
      text: null,
    },
    {
      id: 'a',
      segment: 2,
      path_topic: 0,
      path_probability: 0.3,
      topics: [{ topic: 1, probability: 0.7 }],
      tokens: 0,
      words: [],
      text: null,
    },
    {
      id: 'b\u0007',
      segment: 1,
      path_topic: 1,
      path_probability: 0.999,
      topics: [{ topic: 1, probability: 0.999 }],
      tokens: 2,
      words: ['z', 'x'],
      text: null,
    },
  ]);
  const texts = [['X y, y!', 'So.'], ['Z x.']];
  expect([...segmentRows({ ...documents, texts }, (d) => found[d]!)].map(({ text }) => text)).toEqual(texts.flat());
});

test('the text has a line for each segment, under its document and, once for each run, its topic', async () => {
  let text = '';
  const named = [['x', 'y'], ['z']];
  for await (const piece of render(
    segmentsReport(rows(), (k) => named[k]!),
    'text',
    (_, line) => line,
  ))
    text += piece;
  expect(text).toBe(
    [
      'a',
      'topic 0: x y',
      '    1   .90  x y',
      '    2   .30  (no known term)',
      '',
      'b\ufffd',
      'topic 1: z',
      '    1  1.00  z x',
      '',
    ].join('\n'),
  );
});

test('no line of the text is wider than the terminal', async () => {
  const wide = rows().map((row) => ({ ...row, text: '字 word '.repeat(30) }));
  for await (const piece of render(
    segmentsReport(wide, () => Array(20).fill('term'), 40),
    'text',
    (_, line) => line,
  ))
    expect([...piece.trimEnd()].reduce((width, c) => width + (c === '字' ? 2 : 1), 0)).toBeLessThanOrEqual(40);
});

test('CSV has a line for each segment', async () => {
  let csv = '';
  for await (const piece of render(
    segmentsReport(rows(), () => []),
    'csv',
    (_, line) => line,
  ))
    csv += piece;
  expect(csv.split('\n')[2]).toBe('a,2,0,0.3,1,0.7,0,,');
});
