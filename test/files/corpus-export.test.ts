import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { writeLdac, writeMatrixMarket } from '../../src/files/corpus-export.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thema-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const corpus: Corpus = {
  rowStart: Uint32Array.of(0, 2, 2, 3),
  term: Uint32Array.of(0, 2, 1),
  count: Uint32Array.of(3, 1, 7),
  vocabulary: ['cat', 'dog', 'naïve'],
  ids: ['one', 'two', 'three'],
  meta: new Map(),
};

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

test('ldac has a line a document, 0 for an empty one, and the terms beside it', async () => {
  const paths = await writeLdac(join(folder, 'news.2024.ldac'), false, corpus);
  expect(paths).toEqual([join(folder, 'news.2024.ldac'), join(folder, 'news.2024.vocab.txt')]);
  expect(read('news.2024.ldac')).toBe('2 0:3 2:1\n0\n1 1:7\n');
  expect(read('news.2024.vocab.txt')).toBe('cat\ndog\nnaïve\n');
  expect(readdirSync(folder)).toHaveLength(2);
});

test('Matrix Market counts documents and terms from 1, with terms and ids beside it', async () => {
  await writeMatrixMarket(join(folder, 'news.mtx'), false, corpus);
  expect(read('news.mtx')).toBe('%%MatrixMarket matrix coordinate integer general\n3 3 3\n1 1 3\n1 3 1\n3 2 7\n');
  expect(read('news.vocab.txt')).toBe('cat\ndog\nnaïve\n');
  expect(read('news.ids.txt')).toBe('one\ntwo\nthree\n');
});

test('an existing companion is kept, and then nothing is written at all', async () => {
  writeFileSync(join(folder, 'news.ids.txt'), 'precious');
  await expect(writeMatrixMarket(join(folder, 'news.mtx'), false, corpus)).rejects.toMatchObject({ status: 73 });
  expect(readdirSync(folder)).toEqual(['news.ids.txt']);
  expect(read('news.ids.txt')).toBe('precious');
  await writeMatrixMarket(join(folder, 'news.mtx'), true, corpus);
  expect(read('news.ids.txt')).toBe('one\ntwo\nthree\n');
});

test('a name without extension, in a folder with a dot, keeps its folder', async () => {
  const paths = await writeLdac(join(folder, 'news'), false, corpus);
  expect(paths[1]).toBe(join(folder, 'news.vocab.txt'));
  expect((await writeLdac(join(folder, '.hidden'), false, corpus))[1]).toBe(join(folder, '.hidden.vocab.txt'));
});

test('a line break in a term or an id is refused before anything is written', async () => {
  const broken = { ...corpus, vocabulary: ['cat', 'd\nog', 'x'] };
  await expect(writeLdac(join(folder, 'a.ldac'), false, broken)).rejects.toMatchObject({ status: 65 });
  const brokenIds = { ...corpus, ids: ['a', 'b\r', 'c'] };
  await expect(writeMatrixMarket(join(folder, 'a.mtx'), false, brokenIds)).rejects.toMatchObject({ status: 65 });
  expect(readdirSync(folder)).toEqual([]);
});

test('several files do not go to standard output', async () => {
  await expect(writeLdac('-', false, corpus)).rejects.toMatchObject({ status: 2 });
});

test('a matrix of many lines is written whole', async () => {
  const documents = 50_000;
  const one: Corpus = {
    rowStart: Uint32Array.from({ length: documents + 1 }, (_, d) => d),
    term: new Uint32Array(documents),
    count: Uint32Array.from({ length: documents }, (_, d) => d + 1),
    vocabulary: ['w'],
    ids: Array.from({ length: documents }, (_, d) => `d${d}`),
    meta: new Map(),
  };
  await writeLdac(join(folder, 'many.ldac'), false, one);
  const expected = Array.from({ length: documents }, (_, d) => `1 0:${d + 1}\n`).join('');
  expect(read('many.ldac') === expected).toBe(true);
});
