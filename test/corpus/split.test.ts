import { expect, test } from 'vitest';
import { documentCount, tokenCount } from '../../src/corpus/corpus.js';
import { splitTokens } from '../../src/corpus/split.js';
import { random } from '../../src/math/random.js';
import { corpusOf } from '../_corpora.js';

const corpus = corpusOf(
  [
    [
      [0, 3],
      [2, 4],
    ],
    [],
    [[1, 1]],
    [
      [0, 1],
      [1, 1],
    ],
  ],
  3,
);

test('of n tokens ⌈n/2⌉ are observed, and the halves sum to the whole', () => {
  const { observed, heldOut } = splitTokens(corpus, random(1));
  const sizes = (of: typeof corpus) => Array.from({ length: documentCount(of) }, (_, d) => tokenCount(of, d, d + 1));
  expect(sizes(observed)).toEqual([4, 0, 1, 1]);
  expect(sizes(heldOut)).toEqual([3, 0, 0, 1]);
  expect([...observed.count, ...heldOut.count].every((count) => count > 0)).toBe(true);
});

test('every token is as likely to be observed as any other', () => {
  const draws = random(7);
  let first = 0;
  for (let i = 0; i < 4000; i++) {
    const { observed } = splitTokens(corpus, draws);
    if (observed.term[observed.rowStart[3]!] === 0) first++;
  }
  // Binomial(4000, ½): 5 standard deviations are 158
  expect(Math.abs(first - 2000)).toBeLessThan(158);
});
