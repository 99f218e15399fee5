import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { UserError } from '../../src/errors.js';
import { readCorpus, writeCorpus, writeCorpusTo } from '../../src/files/corpus-file.js';
import { bitFlips, type Entry, memorySink, reforge, wrongLengths } from './forge.js';

const corpus: Corpus = {
  rowStart: Uint32Array.of(0, 2, 2, 3),
  term: Uint32Array.of(0, 2, 1),
  count: Uint32Array.of(3, 1, 7),
  vocabulary: ['cat', 'cas', '__proto__', 'naïve'],
  ids: ['a', 'b', 'a'],
  meta: new Map([
    ['year', ['1999', '', '2001']],
    ['__proto__', ['x', 'y', 'z']],
  ]),
};
const record = { text: { minDf: 2 }, dropped: [1, 2] };

async function bytesOf(one: Corpus): Promise<Uint8Array> {
  const sink = memorySink();
  await writeCorpusTo(sink, one, record);
  return sink.bytes();
}

test('a corpus and its record come back from a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thema-files-'));
  try {
    const path = join(folder, 'c.safetensors');
    const written = await writeCorpus(path, { force: false }, corpus, record);
    expect(await readCorpus(path)).toEqual({ corpus, record });
    expect(readFileSync(path).length).toBe(written);
    await expect(writeCorpus(path, { force: false }, corpus, record)).rejects.toThrow('exists');
    const first = readFileSync(path);
    await writeCorpus(path, { force: true }, corpus, record);
    expect(readFileSync(path).equals(first)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('any corpus comes back', async () => {
  const row = fc.uniqueArray(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 2 ** 32 - 1 })), { selector: ([w]) => w });
  const text = fc.string({ unit: 'binary' });
  const corpora = fc
    .tuple(fc.array(row, { maxLength: 6 }), fc.uniqueArray(text, { minLength: 5, maxLength: 5 }), text, text)
    .map(([rows, vocabulary, id, column]): Corpus => {
      const sorted = rows.map((entries) => entries.toSorted((a, b) => a[0] - b[0]));
      let end = 0;
      return {
        rowStart: Uint32Array.from([0, ...sorted.map((entries) => (end += entries.length))]),
        term: Uint32Array.from(sorted.flat(), ([w]) => w),
        count: Uint32Array.from(sorted.flat(), ([, n]) => n),
        vocabulary,
        ids: rows.map((_, d) => id + d),
        meta: new Map([[column, rows.map(() => id)]]),
      };
    });
  await fc.assert(
    fc.asyncProperty(corpora, async (one) => {
      expect((await readCorpus(await bytesOf(one))).corpus).toEqual(one);
    }),
  );
});

test('every flipped bit, every truncation and every appended byte is detected', async () => {
  const bytes = await bytesOf(corpus);
  for (const wrong of [bitFlips(bytes), wrongLengths(bytes)]) {
    for (const [changed, what] of wrong) {
      await expect(readCorpus(changed), what).rejects.toThrow(UserError);
    }
  }
});

type Change = Parameters<typeof reforge>[1];
const at = (header: Record<string, Entry>, name: string, i: number) => header[name].data_offsets[0] + 4 * i;
const put =
  (name: string, i: number, value: number): Change =>
  (header, data) =>
    data.setUint32(at(header, name, i), value, true);

const contradictions: [string, Change, string][] = [
  ['a first row that does not begin at 0', put('row_start', 0, 1), 'begins at entry 1, not 0'],
  ['rows that fall', put('row_start', 1, 3), 'document 2 ends before it begins'],
  ['a row that leaves the entries', put('row_start', 1, 2 ** 32 - 1), 'document 2 ends before it begins'],
  ['a last row that ends early', put('row_start', 3, 2), 'ends at entry 2 of 3'],
  ['a term outside the vocabulary', put('term', 2, 4), 'document 3 has term 4 of a vocabulary of 4'],
  ['terms that do not ascend', put('term', 0, 2), 'the terms of document 1 do not ascend'],
  ['a count of 0', put('count', 1, 0), 'document 1 has a term with count 0'],
  [
    'a vocabulary with a term twice',
    (header, data) => data.setUint8(header['vocabulary'].data_offsets[0] + 5, 't'.charCodeAt(0)),
    'its vocabulary has "cat" twice',
  ],
  ['a corpus with too many ids', (header) => swap(header, 'ids', 'vocabulary'), 'has 4 ids for 3 documents'],
  [
    'a column with too many values',
    (header) => swap(header, 'meta.0', 'vocabulary'),
    'its column "year" has 4 values for 3 documents',
  ],
  ['a corpus without ids', (header) => delete header['ids'], 'belong to no tensor'],
  ['ids of another name', (header) => swap(header, 'ids', 'names'), 'has no tensor "ids.offsets"'],
  ['columns that are not a list', (header) => columns(header, '{"a":1}'), 'thema.columns is not a list of names'],
  ['columns that are not JSON', (header) => columns(header, '['), 'is not JSON'],
  ['a column without its values', (header) => columns(header, '["a","b","c"]'), 'has no tensor "meta.2.offsets"'],
  ['a column twice', (header) => columns(header, '["a","a"]'), 'has the column "a" twice'],
  ['no record', (header) => delete header['__metadata__']['thema.record'], 'has no "thema.record"'],
  ['counts as reals', (header) => (header['count'].dtype = 'F32'), 'is F32 of 1 dimensions where U32'],
  ['counts in two dimensions', (header) => (header['count'].shape = [3, 1]), 'is U32 of 2 dimensions where U32'],
];

/** Exchanges the names of two text lists; the second need not be there. */
function swap(header: Record<string, Entry>, a: string, b: string): void {
  for (const part of ['', '.offsets']) {
    const { [a + part]: first, [b + part]: second } = header;
    delete header[a + part];
    header[b + part] = first;
    if (second) header[a + part] = second;
  }
}

function columns(header: Record<string, Entry>, json: string): void {
  header['__metadata__']['thema.columns'] = json;
}

test.each(contradictions)('%s is refused though the checksum is right', async (_name, change, message) => {
  const promise = readCorpus(reforge(await bytesOf(corpus), change));
  await expect(promise).rejects.toThrow(UserError);
  await expect(promise).rejects.toThrow(message);
});

test('a corpus that contradicts itself is not written', async () => {
  const wrong: [Partial<Corpus>, string][] = [
    [{ ids: ['a', 'b'] }, '2 ids for 3 documents'],
    [{ vocabulary: ['cat', 'dog', 'cat'] }, 'its vocabulary has "cat" twice'],
    [{ count: Uint32Array.of(1, 1) }, '3 terms but 2 counts'],
    [{ meta: new Map([['year', ['1999']]]) }, '1 values for 3 documents'],
    [{ rowStart: new Uint32Array() }, 'row_start is empty'],
  ];
  for (const [part, message] of wrong) {
    await expect(bytesOf({ ...corpus, ...part })).rejects.toThrow(message);
  }
});

test('a corpus without documents, terms or columns comes back', async () => {
  const empty: Corpus = {
    rowStart: Uint32Array.of(0),
    term: new Uint32Array(),
    count: new Uint32Array(),
    vocabulary: [],
    ids: [],
    meta: new Map(),
  };
  expect((await readCorpus(await bytesOf(empty))).corpus).toEqual(empty);
});

test('the file is no larger than its arrays and a short header', async () => {
  const documents = 10_000;
  const one: Corpus = {
    rowStart: Uint32Array.from({ length: documents + 1 }, (_, d) => d),
    term: new Uint32Array(documents),
    count: new Uint32Array(documents).fill(1),
    vocabulary: ['w'],
    ids: Array.from({ length: documents }, () => 'x'),
    meta: new Map(),
  };
  expect((await bytesOf(one)).length).toBeLessThan(documents * (4 + 4 + 4 + 4 + 1) + 1200);
});

const segmented: Corpus = {
  ...corpus,
  segments: {
    start: Uint32Array.of(0, 3, 3, 4),
    rowStart: Uint32Array.of(0, 1, 1, 3, 4),
    term: Uint32Array.of(0, 0, 2, 1),
    count: Uint32Array.of(2, 1, 1, 7),
  },
};

test('segments come back from a file, and a file without them has none', async () => {
  expect((await readCorpus(await bytesOf(segmented))).corpus).toEqual(segmented);
  expect((await readCorpus(await bytesOf(corpus))).corpus.segments).toBeUndefined();
});

test.each([
  ['segment_start', Uint32Array.of(0, 3, 4), 'its segment_start has 3 numbers for 3 documents'],
  ['segment_start', Uint32Array.of(0, 3, 3, 5), 'its last document ends at segment 5 of 4'],
  ['segment_start', Uint32Array.of(0, 3, 2, 4), 'document 3 ends before it begins'.replace('3', '2')],
  ['segment_row_start', Uint32Array.of(0, 1, 1, 3, 3), 'its last segment ends at entry 3 of 4'],
  ['segment_term', Uint32Array.of(0, 0, 4, 1), 'segment 3 has term 4 of a vocabulary of 4'],
  ['segment_count', Uint32Array.of(2, 1, 1, 0), 'segment 4 has a term with count 0'],
  ['segment_count', Uint32Array.of(3, 1, 1, 7), 'document 1 is not the sum of its segments'],
  ['segment_term', Uint32Array.of(0, 0, 3, 1), 'document 1 is not the sum of its segments'],
])('a file whose %s contradicts the rest is refused: %#', async (name, array, message) => {
  const key = { segment_start: 'start', segment_row_start: 'rowStart', segment_term: 'term', segment_count: 'count' }[
    name
  ]!;
  await expect(bytesOf({ ...segmented, segments: { ...segmented.segments!, [key]: array } })).rejects.toThrow(message);
});

test('points come back with the names of their columns, and contradictions are noticed', async () => {
  const points: Corpus = {
    ...corpus,
    rowStart: new Uint32Array(4),
    term: new Uint32Array(0),
    count: new Uint32Array(0),
    vocabulary: [],
    vectors: { columns: ['x', 'y'], values: Float64Array.of(1, 2, 3, 4, -5.5, 1e-300) },
  };
  expect(await readCorpus(await bytesOf(points))).toEqual({ corpus: points, record });
  const short = { ...points, vectors: { columns: ['x', 'y'], values: Float64Array.of(1, 2) } };
  await expect(bytesOf(short)).rejects.toThrow('it has 1 vectors for 3 documents');
  const infinite = { ...points, vectors: { columns: ['x', 'y'], values: Float64Array.of(1, 2, 3, 4, 5, 1 / 0) } };
  await expect(bytesOf(infinite).then(readCorpus)).rejects.toThrow('element 5 of its vectors is Infinity');
});
