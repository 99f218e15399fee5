import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { readLdac } from '../../src/text/ldac.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thema-'));
  await writeFile(join(folder, 'vocab.txt'), 'w\r\nx\ny\nz\n');
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

const none = (): Readable => Readable.from([]);
const rows = ({ rowStart, term, count }: { rowStart: Uint32Array; term: Uint32Array; count: Uint32Array }) =>
  Array.from({ length: rowStart.length - 1 }, (_, d) =>
    Array.from(term.subarray(rowStart[d], rowStart[d + 1]), (t, i) => [t, count[rowStart[d]! + i]]),
  );

describe('readLdac', () => {
  test('reads rows, sorted by term, with the vocabulary beside the file', async () => {
    const corpus = await readLdac([await file('a.ldac', '2 3:1 0:2\r\n0\n\n 1\t2:7 \n')], {}, none());
    expect(rows(corpus)).toEqual([
      [
        [0, 2],
        [3, 1],
      ],
      [],
      [],
      [[2, 7]],
    ]);
    expect(corpus.vocabulary).toEqual(['w', 'x', 'y', 'z']);
    expect(corpus.ids).toEqual(['1', '2', '3', '4']);
  });

  test('joins several inputs, also compressed, and stdin', async () => {
    const [a, b] = [await file('b.ldac', '1 0:1'), await file('c.ldac.gz', gzipSync('1 1:1\n'))];
    const corpus = await readLdac([a, b], {}, none());
    expect([rows(corpus), corpus.ids]).toEqual([
      [[[0, 1]], [[1, 1]]],
      [`${a}:1`, `${b}:1`],
    ]);
    const piped = await readLdac(
      ['-'],
      { vocabulary: ['one'] },
      Readable.from([Buffer.from('1 0'), Buffer.from(':12')]),
    );
    expect(rows(piped)).toEqual([[[0, 12]]]);
  });

  test('reads what was written, however it is chunked', async () => {
    const row = fc.dictionary(fc.nat(99).map(String), fc.integer({ min: 1, max: 2 ** 32 - 1 }), { maxKeys: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), async (written, size) => {
        const pairs = written.map((bag) => Object.entries(bag).map(([t, n]) => [Number(t), n] as const));
        const text = pairs.map((bag) => `${[bag.length, ...bag.map(([t, n]) => `${t}:${n}`)].join(' ')}\n`).join('');
        const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g'))!.map((chunk) => Buffer.from(chunk));
        const corpus = await readLdac(
          ['-'],
          { vocabulary: Array.from({ length: 100 }, String) },
          Readable.from(chunks),
        );
        expect(rows(corpus)).toEqual(pairs.map((bag) => [...bag].sort(([a], [b]) => a - b)));
      }),
    );
  });

  test.each([
    ['x', '1:1: got "x", expected the number of term:count pairs in the line'],
    ['-1', '1:1: got "-1", expected the number of term:count pairs in the line'],
    ['0\n1.5 0:1', '2:1: got "1.5", expected the number of term:count pairs in the line'],
    ['1 -5:1', '1:3: got "-5:1", expected term:count, two whole numbers'],
    ['1 0', '1:3: got "0", expected term:count, two whole numbers'],
    ['1 0:', '1:3: got "0:", expected term:count, two whole numbers'],
    ['1 0:1.5', '1:3: got "0:1.5", expected term:count, two whole numbers'],
    ['1 0:1:1', '1:3: got "0:1:1", expected term:count, two whole numbers'],
    ['1 0:-1', '1:3: got "0:-1", expected term:count, two whole numbers'],
    ['1 0:0', '1:3: got "0:0", expected a count from 1 to 4294967295'],
    ['1 0:99999999999', '1:3: got "0:99999999999", expected a count from 1 to 4294967295'],
    ['1 0:4294967296', '1:3: got "0:4294967296", expected a count from 1 to 4294967295'],
    ['1 4:1', '1:3: got "4:1", expected a term below 4, the size of the vocabulary'],
    [`1 ${'9'.repeat(400)}:1`, `1:3: got "${'9'.repeat(40)}", expected a term below 4, the size of the vocabulary`],
    ['2 0:1', '1:1: got 1 term:count pair in the line, expected 2 as its first number says'],
    ['0\n0 0:1 1:1', '2:1: got 2 term:count pairs in the line, expected 0 as its first number says'],
    ['2 1:1 1:2', '1:7: got "1:2", expected each term once in a line: term 1 was there before'],
    ['1 é:1', '1:3: got "é:1", expected term:count, two whole numbers'],
  ])('%j is refused', async (content, message) => {
    const path = await file('bad.ldac', content);
    await expect(readLdac([path], {}, none())).rejects.toMatchObject({ status: 65, message: `${path}:${message}` });
  });

  test('an empty file is refused', async () => {
    await expect(readLdac([await file('empty.ldac', '')], {}, none())).rejects.toMatchObject({ status: 65 });
  });

  test('a vocabulary must be there, hold terms, and each once', async () => {
    await expect(readLdac(['-'], {}, none())).rejects.toMatchObject({
      status: 2,
      hint: expect.stringContaining('--vocabulary'),
    });
    const lonely = join(folder, 'lonely');
    await mkdir(lonely);
    await writeFile(join(lonely, 'a.ldac'), '0\n');
    await expect(readLdac([join(lonely, 'a.ldac')], {}, none())).rejects.toMatchObject({ status: 2 });
    const a = await file('d.ldac', '0\n');
    await expect(readLdac([a], { vocabulary: '/no/such' }, none())).rejects.toMatchObject({ status: 66 });
    for (const [content, message] of [
      ['a\nb\na\n', ':3: got "a", which line 1 has already'],
      ['a\n\nb\n', ':2: got an empty line, expected one term a line'],
      ['', ': no terms, expected one a line'],
    ]) {
      const vocabulary = await file('v.txt', content!);
      await expect(readLdac([a], { vocabulary }, none())).rejects.toThrow(new UserError(`${vocabulary}${message}`));
    }
  });
});
