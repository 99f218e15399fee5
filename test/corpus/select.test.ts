import { describe, expect, it } from 'vitest';
import { documentCount, tokenCount } from '../../src/corpus/corpus.js';
import { holdOut, selectDocuments } from '../../src/corpus/select.js';
import { random } from '../../src/math/random.js';
import { corpusOf } from '../_corpora.js';

const corpus = corpusOf(
  Array.from({ length: 50 }, (_, d) => (d % 5 === 4 ? [] : [[d % 3, d + 1] as const])),
  3,
);

describe('selectDocuments', () => {
  it('takes rows and names in the order asked for, more than once if asked', () => {
    const chosen = selectDocuments(corpus, [7, 4, 7]);
    expect(chosen.ids).toEqual(['7', '4', '7']);
    expect([...chosen.rowStart]).toEqual([0, 1, 1, 2]);
    expect([...chosen.count]).toEqual([8, 8]);
  });
});

describe('holdOut', () => {
  it('parts the corpus into two, in order, the smaller of the share of documents that have terms', () => {
    const { fitted, heldOut } = holdOut(corpus, 0.1, random(1));
    expect(documentCount(heldOut!)).toBe(4);
    for (let d = 0; d < 4; d++) expect(tokenCount(heldOut!, d, d + 1)).toBeGreaterThan(0);
    expect([...fitted.ids, ...heldOut!.ids].sort()).toEqual([...corpus.ids].sort());
    expect(fitted.ids).toEqual([...fitted.ids].sort((a, b) => Number(a) - Number(b)));
    expect(tokenCount(fitted) + tokenCount(heldOut!)).toBe(tokenCount(corpus));
    expect(holdOut(corpus, 0.1, random(1)).heldOut!.ids).toEqual(heldOut!.ids);
    expect(holdOut(corpus, 0.1, random(2)).heldOut!.ids).not.toEqual(heldOut!.ids);
  });

  it('keeps nothing apart, and draws nothing, where the share is less than one document', () => {
    const [a, b] = [random(3), random(3)];
    expect(holdOut(corpus, 0.02, a)).toEqual({ fitted: corpus, heldOut: null });
    expect(a.next()).toBe(b.next());
  });
});
