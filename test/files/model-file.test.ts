import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { writeCorpus } from '../../src/files/corpus-file.js';
import { type ModelFile, readModel, writeModel, writeModelTo } from '../../src/files/model-file.js';
import { kindOf } from '../../src/files/safetensors.js';
import { bitFlips, memorySink, reforge, wrongLengths } from './forge.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thema-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const model: ModelFile = {
  model: 'lda',
  arrays: {
    lambda: { shape: [3, 2], data: Float64Array.of(0.1, 1.1, 2.1, 3.1, 4.1, 5.1) },
    tokens: { shape: [3], data: Uint32Array.of(1, 0, 9) },
    alpha: { shape: [2], data: Float64Array.of(0.5, 0.25) },
  },
  vocabulary: ['cat', '__proto__', 'constructor'],
  ids: ['one', ''],
  record: { seed: 42, trace: [-3.5, -3.25], stop: 'converged' },
};

async function bytesOf(file: ModelFile): Promise<Uint8Array> {
  const sink = memorySink();
  await writeModelTo(sink, file);
  return sink.bytes();
}

test('a model comes back from a file, with the same bytes each time', async () => {
  const path = join(folder, 'm.safetensors');
  await writeModel(path, { force: false }, model);
  expect(await readModel(path)).toEqual(model);
  const first = readFileSync(path);
  await writeModel(path, { force: true }, await readModel(path));
  expect(readFileSync(path).equals(first)).toBe(true);
  await expect(writeModel(path, { force: false }, model)).rejects.toMatchObject({ status: 73 });
});

test('a model without ids, arrays or terms comes back', async () => {
  const empty: ModelFile = { model: 'none', arrays: {}, vocabulary: [], ids: null, record: null };
  expect(await readModel(await bytesOf(empty))).toEqual(empty);
  expect((await readModel(await bytesOf({ ...empty, ids: [] }))).ids).toEqual([]);
});

test('every flipped bit, every truncation and every appended byte is detected', async () => {
  const bytes = await bytesOf(model);
  for (const wrong of [bitFlips(bytes), wrongLengths(bytes)]) {
    for (const [changed, what] of wrong) await expect(readModel(changed), what).rejects.toThrow(UserError);
  }
});

test('a file cut short or flipped on the disk is refused by its name', async () => {
  const path = join(folder, 'm.safetensors');
  const bytes = await bytesOf(model);
  writeFileSync(path, bytes.subarray(0, bytes.length - 1));
  await expect(readModel(path)).rejects.toThrow(`${path} is damaged: it ends after`);
  bytes[bytes.length - 1]! ^= 4;
  writeFileSync(path, bytes);
  await expect(readModel(path)).rejects.toThrow(`${path} is damaged: its checksum does not match`);
});

test('a number that is not finite is refused on writing and on reading', async () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const wrong = { ...model, arrays: { alpha: { shape: [2], data: Float64Array.of(1, value) } } };
    await expect(bytesOf(wrong)).rejects.toThrow(`element 1 of alpha is ${value}`);
    const forged = reforge(await bytesOf(model), (header, data) =>
      data.setFloat64(header['alpha'].data_offsets[0] + 8, value, true),
    );
    const promise = readModel(forged);
    await expect(promise).rejects.toThrow(UserError);
    await expect(promise).rejects.toThrow(`element 1 of "alpha" is ${value}`);
  }
});

test('a taken name and a term twice are the mistake of the caller', async () => {
  const array = { shape: [1], data: Float64Array.of(1) };
  for (const name of ['vocabulary', 'ids', 'ids.offsets']) {
    await expect(bytesOf({ ...model, arrays: { [name]: array } })).rejects.toThrow('taken');
  }
  await expect(bytesOf({ ...model, vocabulary: ['a', 'a'] })).rejects.toThrow('has "a" twice');
});

test('a term twice, an array of another type and a missing name are refused on reading', async () => {
  const bytes = await bytesOf({ ...model, vocabulary: ['aa', 'ab'] });
  const twice = reforge(bytes, (header, data) => data.setUint8(header['vocabulary'].data_offsets[0] + 3, 0x61));
  await expect(readModel(twice)).rejects.toThrow('its vocabulary has "aa" twice');
  const type = reforge(bytes, (header) => {
    header['tokens'].dtype = 'I32';
  });
  await expect(readModel(type)).rejects.toThrow('is I32 where F64, F32 or U32 is expected');
  const nameless = reforge(bytes, (header) => delete header['__metadata__']['thema.model']);
  await expect(readModel(nameless)).rejects.toThrow('has no "thema.model"');
  const halfIds = reforge(bytes, (header) => {
    header['x.offsets'] = header['ids.offsets'];
    delete header['ids.offsets'];
  });
  await expect(readModel(halfIds)).rejects.toThrow('has no tensor "ids.offsets"');
});

test('an array called __proto__ is an array', async () => {
  const arrays = JSON.parse('{"__proto__":0}');
  Object.defineProperty(arrays, '__proto__', { value: { shape: [1], data: Float64Array.of(1) }, enumerable: true });
  const back = await readModel(await bytesOf({ ...model, arrays }));
  expect(Object.keys(back.arrays)).toEqual(['__proto__']);
  expect('shape' in {}).toBe(false);
});

test('what cannot be opened as a file has status 66', async () => {
  await expect(readModel(join(folder, 'missing'))).rejects.toMatchObject({ status: 66 });
  await expect(readModel(folder)).rejects.toThrow('it is a folder, not a file');
  spawnSync('mkfifo', [join(folder, 'pipe')]);
  await expect(readModel(join(folder, 'pipe'))).rejects.toThrow('it is a pipe or device, not a file');
  await expect(readModel('/dev/null')).rejects.toMatchObject({ status: 66 });
});

test('the kind of a file is told by its first bytes', async () => {
  const at = (name: string) => join(folder, name);
  await writeModel(at('model'), { force: false }, model);
  const corpus = { rowStart: Uint32Array.of(0), term: new Uint32Array(), count: new Uint32Array() };
  await writeCorpus(at('corpus'), { force: false }, { ...corpus, vocabulary: [], ids: [], meta: new Map() }, null);
  writeFileSync(at('text'), '{"thema.kind":"model"} and {"x":{"thema.kind":"model"}}');
  writeFileSync(at('empty'), '');
  mkdirSync(at('folder'));
  spawnSync('mkfifo', [at('pipe')]);
  expect(await kindOf(at('model'))).toBe('model');
  expect(await kindOf(at('corpus'))).toBe('corpus');
  for (const name of ['text', 'empty', 'folder', 'pipe', 'missing']) expect(await kindOf(at(name))).toBeUndefined();
  await expect(readModel(at('corpus'))).rejects.toThrow('is a corpus file; a model file is expected');
});

test('the kind of a damaged file is still told', async () => {
  const bytes = await bytesOf(model);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(join(folder, 'm'), bytes);
  expect(await kindOf(join(folder, 'm'))).toBe('model');
});
