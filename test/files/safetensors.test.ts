import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { readSafetensors, type Tensor, tensor, writeSafetensors } from '../../src/files/safetensors.js';
import { bitFlips, dissect, forge, headerWith, memorySink, reforge, wrongLengths } from './forge.js';

async function fileOf(tensors: Tensor[], metadata: Record<string, string> = {}): Promise<Uint8Array> {
  const sink = memorySink();
  await writeSafetensors(sink, 'model', tensors, metadata);
  return sink.bytes();
}

async function refusal(bytes: Uint8Array, what = 'the file'): Promise<string> {
  const error = await readSafetensors(bytes).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error, what).toBeInstanceOf(UserError);
  expect(error.status, what).toBe(65);
  return error.message;
}

const small = [
  tensor('lambda', Float64Array.of(0.5, -0, Number.MIN_VALUE, 1e300, 3, 4), [2, 3]),
  tensor('count', Uint32Array.of(1, 2 ** 32 - 1, 0)),
  tensor('text', Uint8Array.of(104, 105, 0xc3)),
];

describe('writing', () => {
  test('tensors and metadata come back as they were', async () => {
    const file = await readSafetensors(await fileOf(small, { note: 'Größe "x" \ud83d\ude00 \n' }), 'model');
    expect([...file.tensors.values()]).toEqual(small);
    expect(Object.is(file.tensors.get('lambda')!.data[1], -0)).toBe(true);
    expect(file.metadata.get('note')).toBe('Größe "x" 😀 \n');
    expect(file.kind).toBe('model');
  });

  test('any tensors and metadata come back', async () => {
    const data = fc.oneof(
      fc.float64Array({ maxLength: 9 }),
      fc.float32Array({ maxLength: 9 }),
      fc.uint32Array({ maxLength: 9 }),
      fc.int32Array({ maxLength: 9 }),
      fc.uint8Array({ maxLength: 9 }),
    );
    const name = fc.string({ unit: 'binary' }).filter((text) => text !== '__metadata__');
    const metadata = fc.dictionary(
      name.map((text) => `x${text}`),
      fc.string({ unit: 'binary' }),
    );
    const tensors = fc.uniqueArray(fc.tuple(name, data), { selector: ([text]) => text, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(tensors, metadata, async (pairs, fields) => {
        const list = pairs.map(([text, array]) => tensor(text, array));
        const file = await readSafetensors(await fileOf(list, fields));
        expect(file.tensors).toEqual(new Map(list.map((one) => [one.name, one])));
        for (const [key, value] of Object.entries(fields)) expect(file.metadata.get(key)).toBe(value);
      }),
    );
  });

  test('the same input makes the same bytes', async () => {
    expect(await fileOf(small, { a: 'b' })).toEqual(await fileOf(small, { a: 'b' }));
  });

  test('the header is a multiple of 8 long and every array starts at a multiple of its element', async () => {
    const mixed = [tensor('a', Uint8Array.of(1)), tensor('b', Uint32Array.of(1)), tensor('c', Float64Array.of(1))];
    for (let extra = 0; extra < 8; extra++) {
      const bytes = await fileOf(mixed, { pad: 'x'.repeat(extra) });
      const { header } = dissect(bytes);
      expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
      expect(header['c'].data_offsets).toEqual([0, 8]);
      expect(header['b'].data_offsets).toEqual([8, 12]);
      expect(header['a'].data_offsets).toEqual([12, 13]);
    }
  });

  test('arrays in shared memory and arrays that start inside their buffer are written', async () => {
    const shared = new Float64Array(new SharedArrayBuffer(32), 8, 2);
    shared.set([1.5, 2.5]);
    const file = await readSafetensors(await fileOf([tensor('shared', shared)]));
    expect(file.tensors.get('shared')!.data).toEqual(Float64Array.of(1.5, 2.5));
  });

  test.each([
    [1, 1],
    [3, 5],
    [8, 2],
    [19, 4],
  ])('a matrix of %i × %i that lies column by column is written row by row', async (rows, columns) => {
    const data = new Float64Array(rows * columns).map((_, i) => i);
    const file = await readSafetensors(await fileOf([{ ...tensor('a', data, [rows, columns]), byColumn: true }]));
    const expected = data.map((_, i) => (i % columns) * rows + Math.floor(i / columns));
    expect(file.tensors.get('a')!.data).toEqual(expected);
  });

  test('arrays larger than a piece come back', async () => {
    const large = new Float64Array(5_000_000).map((_, i) => i / 3);
    const file = await readSafetensors(await fileOf([tensor('large', large)]));
    expect(Buffer.from(file.tensors.get('large')!.data.buffer).equals(Buffer.from(large.buffer))).toBe(true);
  });

  test('tensors that do not fit their description are the mistake of the caller', async () => {
    const data = Float64Array.of(1, 2, 3);
    await expect(fileOf([tensor('a', data, [2, 2])])).rejects.toThrow('3 elements');
    await expect(fileOf([tensor('a', data), tensor('a', data)])).rejects.toThrow('taken');
    await expect(fileOf([tensor('__metadata__', data)])).rejects.toThrow('taken');
    await expect(fileOf([{ ...tensor('a', data), dtype: 'U32' }])).rejects.toThrow('not of type');
    await expect(fileOf([], { sha256: 'x' })).rejects.toThrow('taken');
    await expect(fileOf([], { 'thema.kind': 'corpus' })).rejects.toThrow('taken');
  });
});

describe('damage', () => {
  test('every flipped bit is detected', async () => {
    const bytes = await fileOf(small, { note: 'x' });
    let flips = 0;
    for (const [flipped, what] of bitFlips(bytes)) {
      await refusal(flipped, what);
      flips++;
    }
    expect(flips).toBe(8 * bytes.length);
  });

  test('every truncation and every appended byte is detected', async () => {
    for (const [wrong, what] of wrongLengths(await fileOf(small))) await refusal(wrong, what);
  });

  test('a flipped bit of the data is named a wrong checksum', async () => {
    const bytes = await fileOf(small);
    bytes[bytes.length - 1]! ^= 1;
    expect(await refusal(bytes)).toBe('the file is damaged: its checksum does not match');
  });

  test('a digest in capitals is refused', async () => {
    const bytes = Buffer.from(await fileOf(small));
    const at = bytes.indexOf('"sha256":"') + 10;
    bytes.write(bytes.toString('latin1', at, at + 64).toUpperCase(), at);
    expect(await refusal(bytes)).toContain('lower-case');
  });
});

describe('files of others', () => {
  test('other files are not thema files', async () => {
    for (const text of [
      '',
      'x',
      'doc one\ndoc two\n',
      '{"text":"a"}\n',
      '\x1f\x8b\x08\0\0\0\0\0\0\x03abc',
      'PK\x03\x04aaaaaaaaaa',
    ]) {
      expect(await refusal(Buffer.from(text, 'latin1'))).toBe('the file is not a thema file');
    }
  });

  test('a safetensors file without our metadata is told so', async () => {
    const info = '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}';
    for (const header of [`{${info}}`, `{"__metadata__":{"format":"pt"},${info}}`]) {
      expect(await refusal(forge(header, Uint8Array.of(1)))).toContain(
        'is a safetensors file, but thema did not write it',
      );
    }
  });

  test('a newer format is named', async () => {
    const newer = reforge(await fileOf(small), (header) => {
      header['__metadata__']['thema.format'] = '2';
    });
    expect(await refusal(newer)).toBe('the file was written by a newer thema (format 2; this one reads 1)');
  });

  test('the other kind of file is named', async () => {
    const bytes = await fileOf(small);
    await expect(readSafetensors(bytes, 'corpus')).rejects.toThrow('is a model file; a corpus file is expected');
  });

  test('a file without kind, version or checksum, or with a wrong one, is refused', async () => {
    const bytes = await fileOf(small);
    const change = (key: string, value: string | undefined) =>
      reforge(bytes, (header) => {
        header['__metadata__'][key] = value;
      });
    expect(await refusal(change('thema.kind', undefined))).toContain('its thema.kind is missing');
    expect(await refusal(change('thema.kind', '__proto__'))).toContain('its thema.kind is "__proto__"');
    expect(await refusal(change('thema.format', undefined))).toContain('its thema.format is missing');
    for (const version of ['0', '01', '-1', '1.0', '1e0', ' 1', '', '99999999999999999999']) {
      expect(await refusal(change('thema.format', version))).toContain('its thema.format is');
    }
    const without = headerWith('').replace(/"sha256":"0+",/, '');
    expect(await refusal(forge(without))).toContain('it has no checksum');
  });

  test('the reader takes a right file of another writer, with keys in another order and spaces', async () => {
    const header =
      ' { "a" : {"data_offsets":[0 , 8],"dtype":"F64","shape":[]} ,\n"__metadata__":{"é":"\\u00e9","thema.format":"1","sha256":"' +
      `${'0'.repeat(64)}","thema.kind":"corpus"}}`;
    const file = await readSafetensors(forge(header.trimStart(), new Uint8Array(Float64Array.of(7).buffer)));
    expect(file.tensors.get('a')).toEqual({ name: 'a', dtype: 'F64', shape: [], data: Float64Array.of(7) });
    expect(file.metadata.get('é')).toBe('é');
  });
});

describe('hostile headers with the right checksum', () => {
  const u8 = (name: string, shape: string, offsets: string, dtype = 'U8') =>
    `"${name}":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
  const eight = new Uint8Array(8);

  const cases: [name: string, tensors: string, message: string][] = [
    ['an overlap', `${u8('a', '[5]', '[0,5]')},${u8('b', '[4]', '[4,8]')}`, 'tensor "b" overlaps tensor "a"'],
    ['the same bytes twice', `${u8('a', '[8]', '[0,8]')},${u8('b', '[8]', '[0,8]')}`, 'overlaps'],
    [
      'a hole',
      `${u8('a', '[3]', '[0,3]')},${u8('b', '[4]', '[4,8]')}`,
      '1 bytes before tensor "b" belong to no tensor',
    ],
    ['a hole at the start', u8('a', '[7]', '[1,8]'), '1 bytes before tensor "a" belong to no tensor'],
    ['bytes after the last tensor', u8('a', '[7]', '[0,7]'), '1 bytes follow its last tensor'],
    ['too little data', u8('a', '[9]', '[0,9]'), 'it ends after 8 of 9 bytes'],
    ['an end before the beginning', `${u8('a', '[8]', '[0,8]')},${u8('b', '[1]', '[8,7]')}`, 'ends before it begins'],
    ['a shape that needs more', u8('a', '[9]', '[0,8]'), 'has 8 bytes where its shape needs 9'],
    ['a shape that needs less', u8('a', '[2,3]', '[0,8]'), 'has 8 bytes where its shape needs 6'],
    ['a type that needs more', u8('a', '[8]', '[0,8]', 'F64'), 'has 8 bytes where its shape needs 64'],
    ['2^53 elements', u8('a', '[9007199254740992]', '[0,8]'), 'the number 9007199254740992 is too large'],
    ['a number of 400 digits', u8('a', `[${'9'.repeat(400)}]`, '[0,8]'), 'is too large'],
    ['a product of 2^64', u8('a', '[4294967296,4294967296]', '[0,8]'), 'the shape of tensor "a" is too large'],
    ['a size of 2^54', u8('a', '[4503599627370496]', '[0,8]', 'F32'), 'the shape of tensor "a" is too large'],
    ['a negative length', u8('a', '[-8]', '[0,8]'), 'where a whole number is expected'],
    ['a negative offset', u8('a', '[8]', '[-8,0]'), 'where a whole number is expected'],
    ['a fraction', u8('a', '[8.0]', '[0,8]'), 'has "."'],
    ['an exponent', u8('a', '[8e0]', '[0,8]'), 'has "e"'],
    ['a leading zero', u8('a', '[08]', '[0,8]'), 'where a whole number is expected'],
    ['an unknown type', u8('a', '[8]', '[0,8]', 'F16'), 'has the type "F16", unknown to thema'],
    ['a type of the prototype', u8('a', '[8]', '[0,8]', 'constructor'), 'has the type "constructor", unknown to thema'],
    ['three offsets', u8('a', '[8]', '[0,4,8]'), 'has 3 data_offsets where 2 are expected'],
    ['a tensor twice', `${u8('a', '[4]', '[0,4]')},${u8('a', '[4]', '[4,8]')}`, 'the header has the key "a" twice'],
    ['a tensor twice by escapes', `${u8('a', '[4]', '[0,4]')},${u8('\\u0061', '[4]', '[4,8]')}`, 'the key "a" twice'],
    ['metadata twice', `${u8('a', '[8]', '[0,8]')},"__metadata__":{}`, 'the key "__metadata__" twice'],
    ['a field twice', '"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}', 'the key "dtype" twice'],
    ['an unknown field', '"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1}', 'has the unknown key "x"'],
    ['a missing field', '"a":{"dtype":"U8","shape":[8]}', 'lacks dtype, shape or data_offsets'],
    ['a shape that is text', '"a":{"dtype":"U8","shape":"8","data_offsets":[0,8]}', 'where [ is expected'],
    ['a tensor that is a list', `"a":${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'where { is expected'],
    ['deep nesting in a shape', u8('a', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, '[0,8]'), 'a whole number'],
    ['a tensor that is null', '"a":null', 'where { is expected'],
    ['a comma too many', `${u8('a', '[8]', '[0,8]')},`, 'where " is expected'],
    ['text after the object', `${u8('a', '[8]', '[0,8]')}}{`, 'where nothing more is expected'],
    ['a line break in a string', u8('a\n', '[8]', '[0,8]'), 'a string that is not JSON'],
    ['an unknown escape', u8('a\\x', '[8]', '[0,8]'), 'a string that is not JSON'],
    ['a string without end', '"a', 'its end'],
  ];
  test.each(cases)('%s is refused', async (_name, tensors, message) => {
    const complaint = await refusal(forge(headerWith(tensors), eight));
    expect(complaint).toContain('the file is damaged: ');
    expect(complaint).toContain(message);
    expect(complaint.length).toBeLessThan(200);
  });

  test('the file the cases change is itself right', async () => {
    const file = await readSafetensors(forge(headerWith(u8('a', '[2,4]', '[0,8]')), eight));
    expect(file.tensors.get('a')!.shape).toEqual([2, 4]);
  });

  test('metadata that is not text, or twice, is refused', async () => {
    for (const metadata of [',"x":1', ',"x":null', ',"x":{}', ',"x":["y"]', ',"x":"1","x":"2"']) {
      await refusal(forge(headerWith('', 'model', metadata)));
    }
    await readSafetensors(forge(headerWith('', 'model', ',"x":"1"')));
  });

  test('a header that claims too much is refused before memory is taken for it', async () => {
    const claim = (length: bigint) => {
      const bytes = Buffer.from(forge(headerWith('')));
      bytes.writeBigUInt64LE(length);
      return bytes;
    };
    expect(await refusal(claim(100_000_001n))).toContain('at most 100000000 are allowed');
    expect(await refusal(claim(2n ** 64n - 1n))).toContain('at most 100000000 are allowed');
    expect(await refusal(claim(100_000_000n))).toContain('but only');
    expect(await refusal(claim(0n))).toContain('its end');
  });

  test('a header that is not UTF-8 or begins with a byte order mark is refused', async () => {
    const bytes = Buffer.from(forge(headerWith(u8('a?', '[8]', '[0,8]')), eight));
    bytes[bytes.indexOf('a?') + 1] = 0xff;
    expect(await refusal(bytes)).toContain('its header is not UTF-8');
    expect(await refusal(forge(`\ufeff${headerWith('')}`))).toContain('not a thema file');
  });

  test('names of the prototype are names like any other', async () => {
    const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
    const before = Object.getOwnPropertyNames(Object.prototype);
    const metadata = JSON.parse(`{${names.map((name) => `"${name}":"value"`).join(',')}}`);
    const file = await readSafetensors(
      await fileOf(
        names.map((name, i) => tensor(name, Float64Array.of(i))),
        metadata,
      ),
    );
    expect([...file.tensors.keys()]).toEqual(names);
    for (const name of names) expect(file.metadata.get(name)).toBe('value');
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('any change to a header with the checksum made right again is read or refused, never a crash', async () => {
    const bytes = await fileOf(small);
    const { header, data } = dissect(bytes);
    header['__metadata__']['sha256'] = '0'.repeat(64);
    const text = JSON.stringify(header);
    const scraps = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '0',
      '9',
      '-',
      '\\',
      ' ',
      '1e9',
      '"a":',
      '99999999999',
    );
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.nat(6), fc.oneof(scraps, fc.string()), async (at, drop, insert) => {
        const changed = forge(text.slice(0, at) + insert + text.slice(at + drop), data);
        try {
          await readSafetensors(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
          refused++;
        }
      }),
      { numRuns: 3000, seed: 1 },
    );
    expect(refused).toBeGreaterThan(1000);
  });
});
