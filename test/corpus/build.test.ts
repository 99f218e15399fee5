import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CorpusBuilder,
  type Cuts,
  codePointOrder,
  corpusBuilder,
  fixedVocabularyBuilder,
  type Named,
  prune,
  rowCounter,
  sortRows,
  withVocabulary,
} from '../../src/corpus/build.js';
import { type Corpus, documentCount, tokenCount } from '../../src/corpus/corpus.js';
import { UserError } from '../../src/errors.js';

function built(texts: readonly string[], cuts: Cuts = {}) {
  const builder = corpusBuilder([]);
  texts.forEach((text, i) => {
    add(builder, String(i), words(text));
  });
  return builder.finish(cuts);
}

type Builder = Pick<CorpusBuilder, 'number' | 'add'>;

/** Adds a document as its terms. */
function add(builder: Builder, id: string, terms: readonly string[], meta: Named['meta'] = []): void {
  const counter = rowCounter();
  counter.add(terms.map(builder.number));
  builder.add([{ id, meta }], counter.take());
}

/** Adds a document as the terms of each of its segments. */
function addSegments(builder: Builder, id: string, parts: readonly (readonly string[])[]): void {
  const document = rowCounter();
  const segments = rowCounter();
  document.add(parts.flat().map(builder.number));
  for (const part of parts) segments.add(part.map(builder.number));
  const start = Uint32Array.of(0, parts.length);
  builder.add([{ id, meta: [] }], { ...document.take(), segments: { start, ...segments.take() } });
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

/** Each document as term → count. */
function bags(corpus: Corpus): Record<string, number>[] {
  return Array.from({ length: documentCount(corpus) }, (_, d) => {
    const bag: Record<string, number> = {};
    for (let i = corpus.rowStart[d]!; i < corpus.rowStart[d + 1]!; i++)
      bag[corpus.vocabulary[corpus.term[i]!]!] = corpus.count[i]!;
    return bag;
  });
}

const someDocuments = fc.array(
  fc.array(fc.constantFrom('a', 'b', 'c', 'dd', 'é', '𝕏', '\uFFFD', '__proto__'), { maxLength: 8 }),
  {
    minLength: 1,
    maxLength: 12,
  },
);

describe('corpusBuilder', () => {
  test('makes rows of counts over terms by frequency', () => {
    const { corpus, pruning } = built(['b a b', '', 'c b a']);
    expect(corpus.vocabulary).toEqual(['b', 'a', 'c']);
    expect([...corpus.rowStart]).toEqual([0, 2, 2, 5]);
    expect([...corpus.term]).toEqual([0, 1, 0, 1, 2]);
    expect([...corpus.count]).toEqual([2, 1, 1, 1, 1]);
    expect(corpus.ids).toEqual(['0', '1', '2']);
    expect(pruning).toMatchObject({ documents: 3, emptyDocuments: 1, tokensRead: 6, termsRead: 3 });
  });

  test('keeps metadata, one value a document', () => {
    const builder = corpusBuilder(['year', 'party']);
    add(builder, 'x', ['a'], ['1900', 'R']);
    add(builder, 'y', ['a'], ['1904']);
    expect(Object.fromEntries(builder.finish({}).corpus.meta)).toEqual({ year: ['1900', '1904'], party: ['R', ''] });
  });

  test('holds what was added, rows ascending, terms by frequency then code point', () => {
    fc.assert(
      fc.property(someDocuments, (documents) => {
        fc.pre(documents.some((d) => d.length > 0));
        const builder = corpusBuilder([]);
        for (const [i, terms] of documents.entries()) add(builder, String(i), terms);
        const { corpus } = builder.finish({});
        documents.forEach((terms, d) => {
          const expected = new Map<string, number>();
          for (const term of terms) expected.set(term, (expected.get(term) ?? 0) + 1);
          const row = [...corpus.term.subarray(corpus.rowStart[d], corpus.rowStart[d + 1])];
          expect(row).toEqual([...new Set(row)].sort((a, b) => a - b));
          const found = row.map((t, i) => [corpus.vocabulary[t], corpus.count[corpus.rowStart[d]! + i]] as const);
          expect(new Map(found)).toEqual(expected);
        });
        const totals = new Uint32Array(corpus.vocabulary.length);
        for (const [i, t] of corpus.term.entries()) totals[t]! += corpus.count[i]!;
        for (let t = 1; t < totals.length; t++) {
          expect(totals[t]).toBeLessThanOrEqual(totals[t - 1]!);
          if (totals[t] === totals[t - 1])
            expect(codePointOrder(corpus.vocabulary[t - 1]!, corpus.vocabulary[t]!)).toBeLessThan(0);
        }
      }),
    );
  });

  test('grows beyond its first allocation', () => {
    const terms = Array.from({ length: 5000 }, (_, i) => `t${i}`);
    const builder = corpusBuilder([]);
    for (let d = 0; d < 5; d++) add(builder, String(d), terms.slice(d));
    const { corpus } = builder.finish({});
    expect(corpus.vocabulary).toHaveLength(5000);
    expect(tokenCount(corpus)).toBe(25_000 - 10);
  });
});

describe('cuts', () => {
  const texts = ['a b c', 'a b', 'a', 'a d d d'];

  test('a term of too few or too many documents is dropped, and counted for its cut', () => {
    const { corpus, pruning } = built(texts, { minDf: { documents: 2 }, maxDf: { share: 0.9 } });
    expect(bags(corpus)).toEqual([{ b: 1 }, { b: 1 }, {}, {}]);
    expect(pruning.droppedBy).toEqual({
      'min-df': { terms: 2, tokens: 4 },
      'max-df': { terms: 1, tokens: 4 },
      'max-vocabulary': { terms: 0, tokens: 0 },
    });
    expect(pruning).toMatchObject({ emptyDocuments: 2, cuts: { minDf: 2, maxDf: 3 } });
  });

  test('the most frequent terms are kept', () => {
    const { corpus, pruning } = built(texts, { maxVocabulary: 2 });
    expect(corpus.vocabulary).toEqual(['a', 'd']);
    expect(pruning.droppedBy['max-vocabulary']).toEqual({ terms: 2, tokens: 3 });
  });

  test('one document is a number, the whole share is all', () => {
    expect(built(texts, { maxDf: { documents: 1 } }).corpus.vocabulary).toEqual(['d', 'c']);
    expect(built(texts, { maxDf: { share: 1 } }).corpus.vocabulary).toEqual(['a', 'd', 'b', 'c']);
  });

  test.each([
    [10, 1, 10],
    [99, 1, 99],
    [100, 2, 20],
    [999, 2, 199],
    [1000, 5, 200],
  ])('auto of %i documents is %i to %i', (documents, minDf, maxDf) => {
    const texts = Array.from({ length: documents }, (_, i) => `x${i % 10}`);
    expect(built(texts, { minDf: 'auto', maxDf: 'auto' }).pruning.cuts).toMatchObject({ minDf, maxDf });
  });

  test('no term left is refused, naming the cut that removed most', () => {
    expect(() => built(texts, { minDf: { documents: 5 } })).toThrow(
      'no terms left of 4: --min-df removed 4 in fewer than 5 of the 4 documents',
    );
    expect(() => built(['a', 'a'], { maxDf: { documents: 1 } })).toThrow('--max-df removed 1 in more than 1');
    expect(() => built(['', ''])).toThrow(UserError);
  });
});

describe('prune', () => {
  const corpus: Corpus = {
    rowStart: Uint32Array.of(0, 3, 5, 5),
    term: Uint32Array.of(0, 1, 2, 1, 3),
    count: Uint32Array.of(1, 2, 1, 1, 9),
    vocabulary: ['w', 'x', 'y', 'z', 'never'],
    ids: ['1', '2', '3'],
    meta: new Map(),
  };

  test('keeps the order of the vocabulary', () => {
    const { corpus: kept, pruning } = prune(corpus, { minDf: { documents: 1 }, maxVocabulary: 2 });
    expect(kept.vocabulary).toEqual(['x', 'z']);
    expect(bags(kept)).toEqual([{ x: 2 }, { x: 1, z: 9 }, {}]);
    expect(pruning.termsRead).toBe(5);
  });

  test('without cuts changes nothing', () => {
    const { corpus: same } = prune(corpus, {});
    expect(same).toEqual(corpus);
  });
});

describe('a given vocabulary', () => {
  test('unseen tokens are counted by document', () => {
    const builder = fixedVocabularyBuilder(['b', 'a'], []);
    add(builder, 'x', words('a z b a y z'));
    add(builder, 'y', words('q'));
    add(builder, 'z', []);
    const { corpus, unseen } = builder.take();
    expect(bags(corpus)).toEqual([{ b: 1, a: 2 }, {}, {}]);
    expect([...unseen]).toEqual([3, 1, 0]);
    expect([...corpus.term]).toEqual([0, 1]);
  });

  test('a corpus moves to it by name, as if it had been built over it', () => {
    fc.assert(
      fc.property(someDocuments, fc.uniqueArray(fc.constantFrom('a', 'b', 'é', 'new')), (documents, vocabulary) => {
        fc.pre(documents.some((d) => d.length > 0));
        const free = corpusBuilder([]);
        const fixed = fixedVocabularyBuilder(vocabulary, []);
        for (const [i, terms] of documents.entries()) {
          add(free, String(i), terms);
          add(fixed, String(i), terms);
        }
        expect(withVocabulary(free.finish({}).corpus, vocabulary)).toEqual(fixed.take());
      }),
    );
  });
});

test('code-point order is that of the UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(codePointOrder(a, b))).toBe(bytes);
    }),
    {
      examples: [
        ['\uE000', '𐀀'],
        ['a', 'ab'],
      ],
    },
  );
});

test('rows are sorted by term, each count with its own', () => {
  const terms = 3000;
  const row = fc.uniqueArray(fc.oneof(fc.nat(terms - 1), fc.constantFrom(0, 31, 32, 1023, 1024, terms - 1)));
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const rowStart = Uint32Array.from([0, ...rows.map((_, d) => rows.slice(0, d + 1).flat().length)]);
      const term = Uint32Array.from(rows.flat());
      const count = term.map((w) => w + 1);
      sortRows({ rowStart, term, count }, terms);
      const sorted = rows.flatMap((row) => row.toSorted((a, b) => a - b));
      expect([...term]).toEqual(sorted);
      expect([...count]).toEqual(sorted.map((w) => w + 1));
    }),
  );
});

describe('segments', () => {
  const documents = [[['b', 'a', 'b'], [], ['c', 'b']], [], [['rare'], ['a', 'a']]];
  /** Each segment of each document as its terms, sorted. */
  const segmentsOf = ({ segments, vocabulary }: Corpus): string[][][] =>
    documents.map((_, d) =>
      Array.from({ length: segments!.start[d + 1]! - segments!.start[d]! }, (_, t) => {
        const s = segments!.start[d]! + t;
        const terms: string[] = [];
        for (let i = segments!.rowStart[s]!; i < segments!.rowStart[s + 1]!; i++)
          for (let n = segments!.count[i]!; n > 0; n--) terms.push(vocabulary[segments!.term[i]!]!);
        return terms.sort();
      }),
    );
  const without = (...gone: string[]) =>
    documents.map((segments) => segments.map((terms) => terms.filter((term) => !gone.includes(term)).sort()));
  const filled = (add: (id: string, segments: string[][]) => void) => {
    for (const [d, segments] of documents.entries()) add(String(d), segments);
  };

  test('stay in order, those without terms too, and the documents are their sums', () => {
    const builder = corpusBuilder([]);
    filled((id, segments) => addSegments(builder, id, segments));
    const { corpus } = builder.finish({});
    expect(segmentsOf(corpus)).toEqual(without());
    const { segments: _, ...whole } = corpus;
    expect(whole).toEqual(built(documents.map((segments) => segments.flat().join(' '))).corpus);
  });

  test('survive pruning, another vocabulary, and a builder over a fixed one', () => {
    const builder = corpusBuilder([]);
    filled((id, segments) => addSegments(builder, id, segments));
    const { corpus } = builder.finish({ maxVocabulary: 3 });
    expect(segmentsOf(corpus)).toEqual(without('rare'));
    // b is in two segments of one document: the cuts count segments
    expect(segmentsOf(prune(corpus, { minDf: { documents: 2 } }).corpus)).toEqual(without('rare', 'c'));
    expect(segmentsOf(withVocabulary(corpus, ['c', 'z', 'a']).corpus)).toEqual(without('rare', 'b'));
    const fixed = fixedVocabularyBuilder(['c', 'a'], []);
    filled((id, segments) => addSegments(fixed, id, segments));
    const made = fixed.take();
    expect(segmentsOf(made.corpus)).toEqual(without('rare', 'b'));
    expect([...made.unseen]).toEqual([3, 0, 1]);
  });

  test('are not there unless they are added', () => {
    expect(built(['a b']).corpus.segments).toBeUndefined();
  });
});
