import { expect, test } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { selectDocuments } from '../../src/corpus/select.js';
import { UserError } from '../../src/errors.js';
import { writeCorpus, writeCorpusTo } from '../../src/files/corpus-file.js';
import { type Range, withCorpusRows } from '../../src/files/corpus-rows.js';
import { folder } from '../_program.js';
import { bitFlips, memorySink, reforge, wrongLengths } from './forge.js';

const corpus: Corpus = {
  rowStart: Uint32Array.of(0, 2, 2, 3, 6),
  term: Uint32Array.of(0, 2, 1, 0, 1, 3),
  count: Uint32Array.of(3, 1, 7, 1, 1, 2),
  vocabulary: ['cat', 'cas', 'naïve', 'dog'],
  ids: ['a', 'b', 'a', 'c'],
  meta: new Map([['year', ['1999', '', '2001', '3']]]),
};
const record = { text: null };

async function bytesOf(one: Corpus): Promise<Uint8Array> {
  const sink = memorySink();
  await writeCorpusTo(sink, one, record);
  return sink.bytes();
}

const rowsIn = (from: string | Uint8Array, ranges: readonly Range[]) =>
  withCorpusRows(from, async (rows) => rows!.read(ranges));

test.each<[string, Range[], number[]]>([
  ['all', [[0, 4]], [0, 1, 2, 3]],
  ['none', [], []],
  ['an empty one', [[1, 2]], [1]],
  [
    'ranges in another order',
    [
      [3, 4],
      [0, 2],
    ],
    [3, 0, 1],
  ],
])('the documents of ranges are read: %s', async (_, ranges, documents) => {
  const path = `${folder()}/c.safetensors`;
  await writeCorpus(path, { force: false }, corpus, record);
  const expected = selectDocuments(corpus, documents);
  for (const from of [path, await bytesOf(corpus)])
    expect(await rowsIn(from, ranges)).toEqual({
      ...expected,
      ids: documents.map((d) => String(d + 1)),
      meta: new Map(),
    });
});

test('what is told of the whole file', async () => {
  await withCorpusRows(await bytesOf(corpus), async (rows) => {
    expect(rows!.documents).toBe(4);
    expect(rows!.vocabulary).toEqual(corpus.vocabulary);
    expect(rows!.record).toEqual(record);
    expect(rows!.rowStart()).toEqual(corpus.rowStart);
    expect(rows!.ids()).toEqual(corpus.ids);
  });
  const vectors = { columns: ['x'], values: Float64Array.of(1, 2, 3, 4) };
  await withCorpusRows(await bytesOf({ ...corpus, vectors }), async (rows) => expect(rows).toBeNull());
});

test('every flipped bit, every truncation and every appended byte is detected before a row is read', async () => {
  const bytes = await bytesOf(corpus);
  for (const wrong of [bitFlips(bytes), wrongLengths(bytes)]) {
    for (const [changed, what] of wrong) {
      await expect(
        withCorpusRows(changed, () => Promise.reject(new Error('was handed out'))),
        what,
      ).rejects.toThrow(UserError);
    }
  }
});

type Change = Parameters<typeof reforge>[1];
const put =
  (name: string, i: number, value: number): Change =>
  (header, data) =>
    data.setUint32(header[name]!.data_offsets[0] + 4 * i, value, true);

test.each<[string, Change, string]>([
  ['rows that fall', put('row_start', 1, 3), 'from document 1 on, document 2 ends before it begins'],
  ['a row that leaves the entries', put('row_start', 4, 7), 'document 4 ends at entry 7 of 6'],
  ['a term outside the vocabulary', put('term', 2, 4), 'document 3 has term 4 of a vocabulary of 4'],
  ['terms that do not ascend', put('term', 0, 2), 'the terms of document 1 do not ascend'],
  ['a count of 0', put('count', 1, 0), 'document 1 has a term with count 0'],
  [
    'a vocabulary with a term twice',
    (header, data) => data.setUint8(header['vocabulary']!.data_offsets[0] + 5, 't'.charCodeAt(0)),
    'its vocabulary has "cat" twice',
  ],
])('%s is refused though the checksum is right', async (_, change, message) => {
  const promise = rowsIn(reforge(await bytesOf(corpus), change), [[0, 4]]);
  await expect(promise).rejects.toThrow(UserError);
  await expect(promise).rejects.toThrow(message);
});
