import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topTerms } from '../../src/report/topics.js';

/** Weights with many ties, and terms without any. */
const weights = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 60 });

test('the heaviest terms are the first of all terms sorted by weight, ties by number', () => {
  fc.assert(
    fc.property(weights, weights, fc.oneof(fc.integer({ min: 0, max: 70 }), fc.constant(Infinity)), (a, b, n) => {
      const V = Math.min(a.length, b.length);
      const topics = Float64Array.from({ length: 2 * V }, (_, i) => (i % 2 === 0 ? a : b)[i >> 1]!);
      for (const [k, column] of [a, b].entries()) {
        const sorted = Array.from({ length: V }, (_, w) => w)
          .filter((w) => column[w]! > 0)
          .sort((x, y) => column[y]! - column[x]! || x - y);
        expect(topTerms(topics, k, 2, n)).toEqual(sorted.slice(0, n));
      }
    }),
  );
});
