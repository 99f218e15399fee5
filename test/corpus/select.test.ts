import { describe, expect, it } from 'vitest';
import { documentCount, tokenCount } from '../../src/corpus/corpus.js';
import { holdOut, selectDocuments } from '../../src/corpus/select.js';
import { random } from '../../src/math/random.js';
import { corpusOf } from '../_corpora.js';

const documents = (D: number) =>
  corpusOf(
    Array.from({ length: D }, (_, d) => (d % 5 === 4 ? [] : [[d % 3, d + 1] as const])),
    3,
  );
const corpus = documents(50);

describe('selectDocuments', () => {
  it('takes rows and names in the order asked for, more than once if asked', () => {
    const chosen = selectDocuments(corpus, [7, 4, 7]);
    expect(chosen.ids).toEqual(['7', '4', '7']);
    expect([...chosen.rowStart]).toEqual([0, 1, 1, 2]);
    expect([...chosen.count]).toEqual([8, 8]);
  });
});

describe('holdOut', () => {
  it.each([
    [0.1, 39],
    [0.01, 20],
  ])(
    'parts the corpus into two, in order: of documents of two tokens or more a share of %d, at least 20',
    (share, count) => {
      const corpus = documents(500);
      const { fitted, heldOut } = holdOut(corpus, share, random(1));
      expect(documentCount(heldOut!)).toBe(count);
      for (let d = 0; d < count; d++) expect(tokenCount(heldOut!, d, d + 1)).toBeGreaterThan(1);
      expect([...fitted.ids, ...heldOut!.ids].sort()).toEqual([...corpus.ids].sort());
      expect(fitted.ids).toEqual([...fitted.ids].sort((a, b) => Number(a) - Number(b)));
      expect(tokenCount(fitted) + tokenCount(heldOut!)).toBe(tokenCount(corpus));
      expect(holdOut(corpus, share, random(1)).heldOut!.ids).toEqual(heldOut!.ids);
      expect(holdOut(corpus, share, random(2)).heldOut!.ids).not.toEqual(heldOut!.ids);
    },
  );

  it('has the documents that are fitted first, then the others, both in the order of the corpus', () => {
    const given = documents(500);
    const corpus = { ...given, meta: new Map([['name', given.ids.map((id) => `document ${id}`)]]) };
    const { ordered, fitted, heldOut, isFitted } = holdOut(corpus, 0.1, random(4));
    expect(fitted.ids).toEqual(corpus.ids.filter((_, d) => isFitted[d] === 1));
    expect(heldOut!.ids).toEqual(corpus.ids.filter((_, d) => isFitted[d] === 0));
    expect(ordered.ids).toEqual([...fitted.ids, ...heldOut!.ids]);
    for (const part of [ordered, fitted, heldOut!]) {
      expect(part.meta.get('name')).toEqual(part.ids.map((id) => `document ${id}`));
      for (const [d, id] of part.ids.entries()) {
        const was = corpus.ids.indexOf(id);
        for (const name of ['term', 'count'] as const) {
          const row = part[name].subarray(part.rowStart[d], part.rowStart[d + 1]);
          expect(row).toEqual(corpus[name].subarray(corpus.rowStart[was], corpus.rowStart[was + 1]));
        }
      }
    }
  });

  it('keeps nothing apart, and draws nothing, where nobody asks or 20 documents are more than a fifth', () => {
    const [a, b] = [random(3), random(3)];
    const large = documents(500);
    expect(holdOut(large, 0, a)).toMatchObject({ fitted: large, heldOut: null });
    expect(holdOut(corpus, 0.5, a)).toMatchObject({ fitted: corpus, heldOut: null });
    expect(a.next()).toBe(b.next());
  });
});
