import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeMatrixMarket } from '../../src/files/corpus-export.js';
import { readMatrixMarket } from '../../src/text/matrix-market.js';
import { corpusOf } from '../_corpora.js';
import { folder } from '../_program.js';

const HEAD = '%%MatrixMarket matrix coordinate integer general';

function read(files: Record<string, string>) {
  const path = folder({ 'a.vocab.txt': 'x\ny\nz\n', ...files });
  return readMatrixMarket([join(path, 'a.mtx')], {}, process.stdin);
}

it('reads what import writes: counts, terms and names', async () => {
  const path = folder();
  const corpus = {
    ...corpusOf(
      [
        [
          [0, 2],
          [2, 1],
        ],
        [],
        [[1, 7]],
      ],
      3,
    ),
    ids: ['one', 'two', 'three'],
  };
  await writeMatrixMarket(join(path, 'a.mtx'), false, corpus);
  expect(await readMatrixMarket([join(path, 'a.mtx')], {}, process.stdin)).toEqual(corpus);
});

it('takes entries in any order, comments, and whole numbers written as reals', async () => {
  const corpus = await read({
    'a.mtx': `${HEAD.replace('integer', 'real')}\n% made by hand\n2 3 3\n2 1 4.0\n1 3 1\n1 1 2\n`,
  });
  expect([...corpus.rowStart]).toEqual([0, 2, 3]);
  expect([...corpus.term]).toEqual([0, 2, 0]);
  expect([...corpus.count]).toEqual([2, 1, 4]);
  expect(corpus.ids).toEqual(['1', '2']);
});

it.each([
  ['1 2 3', 1, 'MatrixMarket matrix'],
  [`${HEAD}\n1 2 1\n1 1 1`, 2, 'expected 3 terms'],
  [`${HEAD}\n1 3 1\n1 4 1`, 3, 'a term up to 3'],
  [`${HEAD}\n1 3 1\n2 1 1`, 3, 'a document up to 1'],
  [`${HEAD}\n1 3 1\n1 1 0`, 3, 'a count from 1'],
  [`${HEAD}\n1 3 1\n1 1 -2`, 3, 'three whole numbers'],
  [`${HEAD}\n1 3 1\n1 1 0.5`, 3, 'three whole numbers'],
  [`${HEAD}\n1 3 1\n1 1 1\n1 2 1`, 4, 'the end of the file'],
])('refuses %j at line %i', async (text, line, expected) => {
  await expect(read({ 'a.mtx': text })).rejects.toThrow(expected);
  await expect(read({ 'a.mtx': text })).rejects.toThrow(`a.mtx:${line}: `);
});

it('refuses too few entries, and an entry that is there twice', async () => {
  await expect(read({ 'a.mtx': `${HEAD}\n1 3 2\n1 1 1\n` })).rejects.toThrow('got 1 entries, expected 2');
  await expect(read({ 'a.mtx': `${HEAD}\n1 3 2\n1 1 1\n1 1 1\n` })).rejects.toThrow('term 1 of document 1 twice');
});
