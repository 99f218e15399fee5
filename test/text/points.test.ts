import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Corpus } from '../../src/corpus/corpus.js';
import { columnNames, pointBatches } from '../../src/text/points.js';

const folder = mkdtempSync(join(tmpdir(), 'thema-points-'));

async function read(name: string, text: string, columns: string, size = Number.POSITIVE_INFINITY): Promise<Corpus[]> {
  const path = join(folder, name);
  writeFileSync(path, text);
  const options = { encoding: 'utf-8', meta: undefined } as Parameters<typeof pointBatches>[2];
  const corpora: Corpus[] = [];
  for await (const corpus of pointBatches([path], columnNames(columns), options, Readable.from([]), size))
    corpora.push(corpus);
  return corpora;
}

describe('points', () => {
  it('are the columns asked for, in the order asked for, with ids and without terms', async () => {
    const [corpus] = await read('a.csv', 'id,x,note,y\np,1,a,-2.5\nq, 3e2 ,b,.5\n', 'y,x');
    expect(corpus!.vectors).toEqual({ columns: ['y', 'x'], values: Float64Array.of(-2.5, 1, 0.5, 300) });
    expect(corpus!.ids).toEqual(['p', 'q']);
    expect(corpus!.rowStart).toEqual(new Uint32Array(3));
    expect(corpus!.vocabulary).toEqual([]);
  });

  it('may be numbers of NDJSON, and come in batches', async () => {
    const corpora = await read('a.ndjson', '{"x":1,"y":2}\n{"x":3,"y":"4"}\n{"x":5,"y":6}\n', 'x,y', 2);
    expect(corpora.map(({ vectors }) => [...vectors!.values])).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });

  it.each([
    ['abc', 'got "abc", expected a number'],
    ['NaN', 'got "NaN", expected a number'],
    ['Infinity', 'got "Infinity", expected a number'],
    ['1e400', 'got "1e400", expected a number within ±1e100'],
    ['0x10', 'got "0x10", expected a number'],
    ['', 'is empty, expected a number'],
  ])('refuse the cell %j with its line and column', async (cell, message) => {
    await expect(read('b.csv', `x,y\n1,2\n3,${cell}\n`, 'x,y')).rejects.toThrow(`b.csv:3: column y: ${message}`);
  });

  it('refuse a field that is null', async () => {
    const reading = read('n.ndjson', '{"x":1,"y":2}\n{"x":null,"y":3}\n', 'x,y');
    await expect(reading).rejects.toThrow('n.ndjson:2: field "x" is null, expected text or a number');
  });

  it('refuse a cell that holds a line break', async () => {
    await expect(read('d.csv', 'x,y\n1,"2\n3"\n', 'x,y')).rejects.toThrow('d.csv:2: a cell of x, y holds a line break');
  });

  it('need columns that are there, each once', async () => {
    await expect(read('c.csv', 'x,y\n1,2\n', 'x,z')).rejects.toThrow('no column "z"');
    expect(() => columnNames('x,x')).toThrow('--columns: got "x,x", which has a name twice');
  });
});
