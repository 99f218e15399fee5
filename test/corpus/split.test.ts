import { expect, test } from 'vitest';
import { documentCount, tokenCount } from '../../src/corpus/corpus.js';
import { splitTokens } from '../../src/corpus/split.js';
import { random } from '../../src/math/random.js';
import { corpusOf, segmentedCorpus } from '../_corpora.js';

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

test('with segments, each half has all of them, its documents their sums, and the same tokens as without', () => {
  const documents = [[[0, 0, 1], [], [0, 1, 2, 2]], [], [[]], [[1], [1], [1], [0, 2]]];
  const corpus = segmentedCorpus(documents, 3);
  const { segments: _, ...whole } = corpus;
  for (let seed = 1; seed <= 20; seed++) {
    const halves = splitTokens(corpus, random(seed));
    const plain = splitTokens(whole, random(seed));
    const sum = new Uint32Array(corpus.segments!.rowStart.length * 3);
    for (const half of ['observed', 'heldOut'] as const) {
      const { segments, ...rows } = halves[half];
      expect(rows).toEqual(plain[half]);
      expect(segments!.start).toEqual(corpus.segments!.start);
      expect(segments!.rowStart.length).toBe(corpus.segments!.rowStart.length);
      for (let d = 0; d < documents.length; d++) {
        const bag = new Uint32Array(3);
        for (let s = segments!.start[d]!; s < segments!.start[d + 1]!; s++) {
          for (let i = segments!.rowStart[s]!; i < segments!.rowStart[s + 1]!; i++) {
            bag[segments!.term[i]!]! += segments!.count[i]!;
            sum[s * 3 + segments!.term[i]!]! += segments!.count[i]!;
          }
        }
        for (let i = rows.rowStart[d]!; i < rows.rowStart[d + 1]!; i++) bag[rows.term[i]!]! -= rows.count[i]!;
        expect([...bag]).toEqual([0, 0, 0]);
      }
    }
    documents.flat().forEach((tokens, s) => {
      for (let w = 0; w < 3; w++) expect(sum[s * 3 + w]).toBe(tokens.filter((token) => token === w).length);
    });
  }
});
