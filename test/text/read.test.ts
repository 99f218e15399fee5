import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.js';
import { withDefaults } from '../../src/settings.js';
import { metaNames } from '../../src/text/fields.js';
import { readLdac } from '../../src/text/ldac.js';
import { readMatrixMarket } from '../../src/text/matrix-market.js';
import { countsReader, type Document, documents, type ReadOptions } from '../../src/text/read.js';
import { type ReadValues, readSettings } from '../../src/text/settings.js';

type Given = Partial<ReadValues>;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thema-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
/** Writes a file in a folder of its own and gives its path. */
async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, String(files++), name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function read(inputs: string[], given: Given = {}, stdin: Iterable<Uint8Array> = [], warnings: string[] = []) {
  const options: ReadOptions = { ...withDefaults(readSettings, given), onWarning: (message) => warnings.push(message) };
  const found: Document[] = [];
  for await (const document of documents(inputs, options, Readable.from(stdin))) found.push(document);
  return found;
}

/** The documents of bytes on stdin. */
function piped(bytes: string | Uint8Array, given: Given = {}, warnings: string[] = []): Promise<Document[]> {
  return read(['-'], given, [Buffer.from(bytes as Uint8Array)], warnings);
}

const texts = (found: readonly Document[]): string[] => found.map(({ text }) => text);
const ids = (found: readonly Document[]): string[] => found.map(({ id }) => id);

/** The error of reading, its message without the folder. */
async function refusal(
  reading: Promise<unknown>,
): Promise<{ status: number; message: string; hint: string | undefined }> {
  const error = await reading.then(
    () => expect.fail('was read'),
    (e: unknown) => e,
  );
  if (!(error instanceof UserError)) throw error;
  const { status, message, hint } = error;
  return { status, message: message.replaceAll(new RegExp(`${folder}/\\d+/`, 'g'), ''), hint };
}

describe('plain text', () => {
  test('a line is a document, a blank one too, whatever ends it', async () => {
    const found = await piped('one\r\n\ntwo\rthree\u2028four\n');
    expect(texts(found)).toEqual(['one', '', 'two', 'three\u2028four']);
    expect(found.map(({ id, place }) => [id, place])).toEqual([1, 2, 3, 4].map((n) => [`${n}`, `stdin:${n}`]));
  });

  test('the last line need not end', async () => {
    expect(texts(await piped('a\nb'))).toEqual(['a', 'b']);
  });

  test('paragraphs are parted by blank lines', async () => {
    const found = await piped('\n\none\none\n \t\n\ntwo\n', { per: 'paragraph' });
    expect(found.map(({ text, id, place }) => [text, id, place])).toEqual([
      ['one\none', '1', 'stdin:3'],
      ['two', '2', 'stdin:7'],
    ]);
  });

  test('a file can be one document, called by its name', async () => {
    const path = await file('a.txt', 'one\ntwo\n');
    expect(await read([path], { per: 'file' })).toEqual([
      { id: 'a.txt', text: 'one\ntwo\n', meta: [], place: `${path}:1` },
    ]);
  });

  test('several inputs keep their ids apart', async () => {
    const a = await file('a.txt', 'x\ny\n');
    const b = await file('a.txt', 'z\n');
    expect(ids(await read([a, b]))).toEqual([`${a}:1`, `${a}:2`, `${b}:1`]);
    expect(ids(await read([a, b], { per: 'file' }))).toEqual([a, b]);
  });

  test.each(['text', 'id', 'meta', 'delimiter'] as const)('--%s is refused', async (option) => {
    const path = await file('a.txt', 'x\n');
    const { status, message } = await refusal(read([path], { [option]: 'x' }));
    expect([status, message]).toEqual([2, `--${option}: a.txt is read as plain text, which has no columns or fields`]);
  });
});

describe('folders', () => {
  test('each file is a document, in code-point order of paths, without dot files and links', async () => {
    const root = join(folder, 'tree');
    await mkdir(join(root, 'b', 'deep'), { recursive: true });
    await mkdir(join(root, '.git'));
    await writeFile(join(root, '.git', 'x'), 'hidden');
    await writeFile(join(root, '.hidden'), 'hidden');
    await writeFile(join(root, 'b', 'deep', 'z.md'), 'deep');
    await writeFile(join(root, 'b.txt'), 'b');
    await writeFile(join(root, 'B.csv.gz'), gzipSync('zipped, not parsed'));
    await writeFile(join(root, '\uE000'), 'private');
    await writeFile(join(root, '𐀀'), 'astral');
    await symlink('..', join(root, 'b', 'loop'));
    await symlink('b.txt', join(root, 'link'));
    const warnings: string[] = [];
    const found = await read([root], {}, [], warnings);
    expect(ids(found)).toEqual(['B.csv.gz', 'b.txt', 'b/deep/z.md', '\uE000', '𐀀']);
    expect(texts(found)[0]).toBe('zipped, not parsed');
    expect(warnings).toEqual([`${root}: 2 symbolic links were not followed`]);
    expect(ids(await read([root], { per: 'line' }))[2]).toBe('b/deep/z.md:1');
  });

  test('the files can be of another format', async () => {
    const path = await file('in/a.json', '{"text":"x"}\n{"text":"y"}\n');
    expect(ids(await read([join(path, '..')], { 'input-format': 'ndjson' }))).toEqual(['a.json:1', 'a.json:2']);
  });

  test('one without files, and a file where a folder is expected, are refused', async () => {
    await mkdir(join(folder, 'empty'));
    expect(await refusal(read([join(folder, 'empty')]))).toMatchObject({ status: 65 });
    const path = await file('a.txt', 'x');
    expect(await refusal(read([path], { 'input-format': 'folder' }))).toMatchObject({ status: 2 });
  });
});

describe('CSV', () => {
  test('columns are chosen by name', async () => {
    const path = await file('a.csv', 'key,title,body,year\n007,"T, ""1""","line\nline",1900\n008,T2,b2,\n');
    const given = { text: 'title,body', id: 'key', meta: 'year, title' };
    expect(metaNames(given)).toEqual(['year', 'title']);
    expect(await read([path], given)).toEqual([
      { id: '007', text: 'T, "1"\nline\nline', meta: ['1900', 'T, "1"'], place: `${path}:2` },
      { id: '008', text: 'T2\nb2', meta: ['', 'T2'], place: `${path}:4` },
    ]);
  });

  test('text and id are found by their usual names, or as the only column', async () => {
    const found = await read([await file('a.csv', 'id,Body,x\n5,b,\n')]);
    expect([ids(found), texts(found)]).toEqual([['5'], ['b']]);
    expect(texts(await read([await file('a.csv', 'words\nb\n\nc\n')]))).toEqual(['b', 'c']);
  });

  test('the delimiter is seen from the header, or given', async () => {
    for (const delimiter of [',', ';', '\t', '|']) {
      const path = await file('a.csv', `"a,;|b"${delimiter}text\n1${delimiter}t\n`);
      expect(texts(await read([path]))).toEqual(['t']);
    }
    expect(texts(await read([await file('a.csv', 'a:text\n1,2:t\n')], { delimiter: ':' }))).toEqual(['t']);
    expect(texts(await read([await file('a.csv', 'a\ttext\n1\tt\n')], { delimiter: '\\t' }))).toEqual(['t']);
  });

  test('a byte order mark and mixed line ends do no harm', async () => {
    const path = await file('a.csv', '\uFEFFtext,n\r\na,1\nb,2\rc,3\r\n');
    expect((await read([path])).map(({ text, place }) => [text, place])).toEqual([
      ['a', `${path}:2`],
      ['b', `${path}:3`],
      ['c', `${path}:4`],
    ]);
  });

  test('a header without an end is no stack overflow', async () => {
    const path = await file('a.csv', `text${','.repeat(3_000_000)}`);
    expect(await refusal(read([path]))).toMatchObject({ status: 65 });
  });

  test('an error is the first one of the file, and what is before it is read, however it is chunked', async () => {
    const bytes = Buffer.from('text,b\nx,1\ny,2\nz\n"q"w,3\n');
    for (let size = 1; size <= bytes.length; size++) {
      const chunks: Buffer[] = [];
      for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size));
      expect(await refusal(read(['-'], { 'input-format': 'csv' }, chunks))).toMatchObject({
        message: 'stdin:4: got 1 column, expected 2 as in the header',
      });
    }
  });

  test('TSV may hold quotes as they are', async () => {
    const path = await file('a.tsv', 'text\tn\nsay "x"\t1\n"Hi" she said\t2\n"two\nlines"\t3\n');
    expect(texts(await read([path]))).toEqual(['say "x"', '"Hi" she said', 'two\nlines']);
  });

  test('reads what was written, however it is chunked', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', '\n', 'é', '😀', ';', '#'), maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(field, field), { minLength: 1 }), fc.nat(7), async (rows, size) => {
        const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
        const bytes = Buffer.from(`text,"b"\r\n${rows.map((row) => row.map(quoted).join(',')).join('\r\n')}`);
        const chunks: Buffer[] = [];
        for (let i = 0; i < bytes.length; i += size + 1) chunks.push(bytes.subarray(i, i + size + 1));
        const found = await read(['-'], { 'input-format': 'csv', meta: 'b' }, chunks);
        expect(found.map(({ text, meta }) => [text, ...meta])).toEqual(rows);
      }),
      { numRuns: 300 },
    );
  });

  test.each<[string, string, Given, number, string, string?]>([
    ['ragged row', 'text,b\n1,2\n1\n', {}, 65, 'a.csv:3: got 1 column, expected 2 as in the header'],
    [
      'ragged after lines in quotes',
      'text,b\n"1\n\n",2\n\n1,2,3\n',
      {},
      65,
      'a.csv:6: got 3 columns, expected 2 as in the header',
    ],
    [
      'ragged after CRLF in quotes',
      'text,b\r\n"1\r\n\r\n",2\r\n1,2,3\r\n',
      {},
      65,
      'a.csv:5: got 3 columns, expected 2 as in the header',
    ],
    [
      'missing column',
      'id,text\n1,x\n',
      { text: 'txt' },
      65,
      'a.csv:1: no column "txt"; there are id, text',
      'did you mean text?',
    ],
    ['missing id column', 'text\nx\n', { id: 'key' }, 65, 'a.csv:1: no column "key"; there is only text'],
    ['missing metadata column', 'text\nx\n', { meta: 'key' }, 65, 'a.csv:1: no column "key"; there is only text'],
    [
      'no usual text column',
      'a,b\n1,x\n',
      {},
      2,
      'a.csv:1: which of the columns holds the text? There are a, b',
      'name it, such as --text b',
    ],
    ['column twice', 'text,text\n1,x\n', {}, 65, 'a.csv:1: two columns are called "text"'],
    [
      'quote never closed',
      'text,b\nx,1\ny,"2\nz,3\n',
      {},
      65,
      'a.csv:3: the quote that opens in column 2 of this record is never closed',
    ],
    [
      'text after a quote',
      'text,b\n"x"y,1\n',
      {},
      65,
      'a.csv:2: a quote in column 1 is followed by other text, expected a delimiter or line end',
    ],
    [
      'text after a quote of lines',
      'text,b\n"x\n"y,1\n',
      {},
      65,
      'a.csv:3: a quote in column 1 is followed by other text, expected a delimiter or line end (the record begins at line 2)',
    ],
    [
      'quote inside a value',
      'text,b\nx"y",1\n',
      {},
      65,
      'a.csv:2: a quote inside column 1, which does not begin with one',
    ],
    ['header alone', 'text,b\n', {}, 65, 'a.csv: no documents, expected at least one'],
    ['nothing', '', {}, 65, 'a.csv: no documents, expected at least one'],
    ['--per', 'text\nx\n', { per: 'line' }, 2, '--per: a.csv is read as csv: each record is a document'],
    [
      '--delimiter of two characters',
      'text\nx\n',
      { delimiter: '||' },
      2,
      '--delimiter: got "||", expected one character other than a quote, or \\t',
    ],
    [
      'empty name',
      'text\nx\n',
      { text: 'a,,b' },
      2,
      '--text: got "a,,b", which has an empty name, expected names separated by commas',
    ],
  ])('%s is refused', async (_, content, given, status, message, hint) => {
    const error = await refusal(read([await file('a.csv', content)], given));
    expect({ status: error.status, message: error.message }).toEqual({
      status,
      message,
    });
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });
});

describe('NDJSON', () => {
  test('fields are chosen by name, also inside objects', async () => {
    const path = await file('a.jsonl', '{"a":{"b":"x","n":7},"k":"id1"}\n\n{"a":{"b":"y"},"k":2,"a.b":"dotted"}');
    expect(await read([path], { text: 'a.b', id: 'k', meta: 'a.n' })).toEqual([
      { id: 'id1', text: 'x', meta: ['7'], place: `${path}:1` },
      { id: '2', text: 'dotted', meta: [''], place: `${path}:3` },
    ]);
  });

  test('is seen on stdin by its first character', async () => {
    expect(texts(await piped('\uFEFF{"text":"x"}\n'))).toEqual(['x']);
    expect(texts(await piped('{"text":"x"}\n', { 'input-format': 'txt' }))).toEqual(['{"text":"x"}']);
    expect(texts(await piped(gzipSync('{"text":"x"}\n')))).toEqual(['x']);
  });

  test('numbers, lists of text and half surrogates become text', async () => {
    expect(texts(await piped('{"text":1.5}\n{"text":["a","b"]}\n{"text":"\\ud800x"}\n'))).toEqual([
      '1.5',
      'a\nb',
      '\uFFFDx',
    ]);
  });

  test('ids of 18 digits stay exact', async () => {
    expect(ids(await piped('{"id":123456789012345678,"text":""}'))).toEqual(['123456789012345678']);
  });

  test('ids that repeat are reported', async () => {
    const warnings: string[] = [];
    await piped('{"id":1,"text":""}\n{"id":1,"text":""}\n{"id":"1","text":""}\n{"text":""}', {}, warnings);
    expect(warnings).toEqual(['2 ids name a document that is not their first (first "1" at stdin:2)']);
  });

  test('fields of Object.prototype are not there', async () => {
    for (const text of ['constructor', 'a.__proto__', 'toString.name'])
      expect(await refusal(piped('{"a":{}}', { text }))).toMatchObject({
        status: 65,
        message: `stdin:1: no field "${text}"; there is only a`,
      });
    expect(texts(await piped('{"__proto__":{"b":"x"}}', { text: '__proto__.b' }))).toEqual(['x']);
  });

  test('reads what was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), async (written) => {
        const bytes = written.map((text) => `${JSON.stringify({ text })}\n`).join('');
        expect(texts(await piped(bytes))).toEqual(written);
      }),
    );
  });

  test.each<[string, Given, number, string, string?]>([
    [
      '{"text":"x"}\n{"text":x}',
      {},
      65,
      'stdin:2:9: got "x}", which is not JSON there; expected one JSON object a line',
      'jq',
    ],
    [
      '{"text":"x"',
      {},
      65,
      'stdin:1:12: got the end of the line, which is not JSON there; expected one JSON object a line',
    ],
    ['{"text":"x"} {}', {}, 65, 'stdin:1:14: got "{}", which is not JSON there; expected one JSON object a line'],
    ['{"text":"x"}\n["x"]', {}, 65, 'stdin:2: got an array, expected one JSON object a line', 'jq'],
    ['{"text":"x"}\n3', {}, 65, 'stdin:2: got a number, expected one JSON object a line'],
    ['{"text":"x"}\n{"txt":"x"}', {}, 65, 'stdin:2: no field "text"; there is only txt', 'did you mean txt?'],
    ['{"text":null}', {}, 65, 'stdin:1: field "text" is null, expected text or a number', 'select(.text != null)'],
    ['{"text":{}}', {}, 65, 'stdin:1: field "text" is an object, expected text or a number'],
    ['{"a":1,"b":{"c":2}}', {}, 2, 'stdin:1: which of the fields holds the text? There are a, b', '--text b'],
    ['{"text":"x","k":[]}', { id: 'k' }, 65, 'stdin:1: field "k" is an array, expected a name or number for --id'],
    ['{"text":"x"}', { per: 'line' }, 2, '--per: stdin is read as ndjson: each record is a document'],
  ])('%j is refused', async (content, given, status, message, hint) => {
    const error = await refusal(piped(content, given));
    expect({ status: error.status, message: error.message }).toEqual({ status, message });
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });
});

describe('bytes', () => {
  const cases: [string, Given, Uint8Array][] = [
    ['lines', {}, Buffer.from('één\r\n\r\n日本語 😀\rx\ufffd\nlast')],
    ['CSV', { 'input-format': 'csv' }, Buffer.from('\uFEFFid,text\r\n"é","a ""q""\r\nb"\r\n2,😀\r\n')],
    ['TSV', { 'input-format': 'tsv' }, Buffer.from('id\ttext\n1\tsay "é"\n2\t"q"x\n')],
    ['NDJSON', { 'input-format': 'ndjson' }, Buffer.from('{"text":"é😀"}\r\n\r\n{"text":"\\u00e9"}')],
    ['gzip', {}, gzipSync('{"text":"é"}\n{"text":"b"}\n')],
    ['UTF-16', {}, Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('é\r\n😀\n', 'utf16le')])],
    ['GB 18030', { encoding: 'gb18030' }, Buffer.of(0xc4, 0xe3, 0xba, 0xc3, 0x0a, 0x81, 0x30, 0x81, 0x30, 0x0d, 0x0a)],
  ];
  test.each(cases)('%s is the same split at any offset', async (_, given, bytes) => {
    const whole = await piped(bytes, given);
    expect(whole.length).toBeGreaterThan(1);
    for (let at = 1; at < bytes.length; at++)
      expect(await read(['-'], given, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    expect(
      await read(
        ['-'],
        given,
        [...bytes].map((byte) => Buffer.of(byte)),
      ),
    ).toEqual(whole);
  });

  test('any bytes decode as by TextDecoder, or are refused', async () => {
    const awkward = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc0,
      0xc3,
      0xe0,
      0xed,
      0xa0,
      0xef,
      0xbb,
      0xbd,
      0xf0,
      0x90,
      0xf4,
      0xff,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(awkward, { maxLength: 12 }), fc.nat(12), async (raw, at) => {
        // Valid text in front keeps the invalid bytes below the limit.
        const bytes = Buffer.concat([Buffer.from(`${'x'.repeat(1500)}\n`), Buffer.from(raw), Buffer.from('\n')]);
        const found = await read(['-'], {}, [bytes.subarray(0, 1501 + at), bytes.subarray(1501 + at)]);
        expect(found[1]!.text).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(raw)));
      }),
      { numRuns: 1000 },
    );
  });

  test('few invalid bytes are replaced and reported with the first place', async () => {
    const warnings: string[] = [];
    const bytes = Buffer.concat([
      Buffer.from(`${'x\n'.repeat(300)}é`),
      Buffer.of(0xe9, 0x20, 0xff),
      Buffer.from(' \ufffd'),
    ]);
    expect((await piped(bytes, {}, warnings)).at(-1)!.text).toBe('é\ufffd \ufffd \ufffd');
    expect(warnings[0]).toMatch(
      /^stdin: 2 of 606 characters \(first at stdin:301:2\) come from bytes that are not utf-8/,
    );
  });

  test('many are refused', async () => {
    const error = await refusal(piped(Buffer.from('déjà vu à la carte', 'latin1')));
    expect(error).toMatchObject({
      status: 65,
      message: expect.stringContaining('stdin: not utf-8 text: 3 of 18 characters'),
    });
    expect(error.hint).toContain('--encoding windows-1252');
    expect(texts(await piped(Buffer.from('déjà', 'latin1'), { encoding: 'latin1' }))).toEqual(['déjà']);
  });

  test('an unknown encoding is a usage error', async () => {
    expect(await refusal(piped('x', { encoding: 'utf-80' }))).toMatchObject({ status: 2, hint: 'did you mean utf-8?' });
  });

  test('binary data is refused wherever it shows', async () => {
    expect(await refusal(piped(Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0)))).toMatchObject({
      status: 65,
      message: 'stdin: looks like a binary file (a NUL character at stdin:3:1), expected text',
    });
    const late = Buffer.concat([Buffer.alloc(200_000, 'x\n'), Buffer.of(0)]);
    expect(await refusal(piped(late))).toMatchObject({ message: expect.stringContaining('stdin:100001:1') });
    expect(await refusal(piped(Buffer.from('no mark', 'utf16le')))).toMatchObject({
      hint: expect.stringContaining('utf-16le'),
    });
    const inFolder = await file('docs/a.pdf', Buffer.of(0x25, 0));
    expect(await refusal(read([join(inFolder, '..')]))).toMatchObject({
      status: 65,
      message: expect.stringContaining('docs/a.pdf: looks like a binary file'),
      hint: expect.stringContaining('plain text'),
    });
  });

  test('compressed files are read, also several joined', async () => {
    expect(texts(await read([await file('a.txt.gz', Buffer.concat([gzipSync('a\n'), gzipSync('b\n')]))]))).toEqual([
      'a',
      'b',
    ]);
    expect(texts(await read([await file('a.csv.br', brotliCompressSync('text,b\nx,y\n'))]))).toEqual(['x']);
    expect(texts(await read([await file('a.txt', gzipSync('a\n'))]))).toEqual(['a']);
  });

  test('damaged compression is refused with the name of the file', async () => {
    const random = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 2654435761) >>> 24)).toString('hex');
    const gz = gzipSync(random);
    expect(await refusal(read([await file('a.gz', gz.subarray(0, -20))]))).toMatchObject({
      status: 65,
      message: 'a.gz: the gzip data ends too early',
    });
    const flipped = Buffer.from(gz);
    flipped[1000]! ^= 0x55;
    expect(await refusal(read([await file('a.gz', flipped)]))).toMatchObject({
      status: 65,
      message: expect.stringContaining('a.gz: broken gzip data'),
    });
    expect(await refusal(read([await file('a.gz', 'plain')]))).toMatchObject({
      status: 65,
      message: 'a.gz: named .gz, but does not begin as gzip data does',
    });
    const br = brotliCompressSync(random);
    expect(await refusal(read([await file('a.br', br.subarray(0, -20))]))).toMatchObject({
      status: 65,
      message: 'a.br: the Brotli data ends too early',
    });
    expect(await refusal(read([await file('a.br', Buffer.from('not brotli at all'))]))).toMatchObject({ status: 65 });
  });

  test('a line of 64 million characters is refused, and a bomb of them holds no memory', async () => {
    const chunk = Buffer.alloc(1 << 20, 'x');
    function* endless() {
      for (;;) yield chunk;
    }
    expect(await refusal(read(['-'], {}, endless()))).toMatchObject({
      status: 65,
      message: 'stdin:1: a line of more than 64 million characters',
    });
    expect(await refusal(read(['-'], { per: 'file' }, endless()))).toMatchObject({ status: 65 });
    expect(
      await refusal(
        read(
          ['-'],
          { 'input-format': 'csv' },
          (function* () {
            yield Buffer.from('text\n"');
            yield* endless();
          })(),
        ),
      ),
    ).toMatchObject({ status: 65, message: 'stdin:2: a record of more than 64 million characters begins here' });
  }, 60_000);
});

describe('inputs', () => {
  test('a missing one is refused with status 66', async () => {
    expect(await refusal(read(['/no/such']))).toMatchObject({
      status: 66,
      message: '/no/such: no such file or folder',
    });
  });

  test('the same one twice, and none, are usage errors', async () => {
    expect(await refusal(read(['-', '-']))).toMatchObject({ status: 2 });
    expect(await refusal(read([]))).toMatchObject({ status: 2 });
  });

  test('an empty one among others is only reported', async () => {
    const [a, b] = [await file('a.txt', ''), await file('b.txt', 'x')];
    const warnings: string[] = [];
    expect(await read([a, b], {}, [], warnings)).toHaveLength(1);
    expect(warnings).toEqual([`${a}: is empty`]);
  });

  test('bags of words are told by format or name', async () => {
    expect(countsReader(['a.ldac', 'b.LDAC.gz'], {} as ReadValues)).toBe(readLdac);
    expect(countsReader(['a.mtx'], {} as ReadValues)).toBe(readMatrixMarket);
    expect(countsReader(['a.dat'], { 'input-format': 'ldac' })).toBe(readLdac);
    expect(countsReader(['a.txt'], {} as ReadValues)).toBeUndefined();
    expect(() => countsReader(['a.txt', 'b.ldac'], {} as ReadValues)).toThrow(UserError);
    expect(await refusal(read([await file('a.ldac', '0\n')]))).toMatchObject({ status: 2 });
  });

  test('reading can stop at any document', async () => {
    for (const name of ['a.txt', 'a.csv', 'a.ndjson', 'a.txt.gz']) {
      const line = name.includes('ndjson') ? '{"text":"x"}\n' : 'text\n';
      const content = line.repeat(200_000);
      const path = await file(name, name.endsWith('gz') ? gzipSync(content) : content);
      const options = withDefaults(readSettings);
      for await (const document of documents([path], options, Readable.from([]))) {
        expect(document.id).toBe('1');
        break;
      }
    }
  });
});

describe('--group', () => {
  const lines = [
    { year: 1900, who: 'A', text: 'one', id: 'x' },
    { year: 1900, who: 'A', text: 'two', id: 'y' },
    { year: 1900, who: 'B', text: 'three', id: 'z' },
    { year: 1900, who: 'A', text: 'four', id: 'w' },
  ];
  const ndjson = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const csv = `id,year,who,text\n${lines.map(({ id, year, who, text }) => `${id},${year},${who},${text}`).join('\n')}\n`;

  test.each([
    ['ndjson', ndjson],
    ['csv', csv],
  ] as const)('joins consecutive records of equal values: %s', async (format, content) => {
    const found = await piped(content, { 'input-format': format, group: 'year,who', meta: 'who', text: 'text' });
    expect(texts(found)).toEqual(['one\ntwo', 'three', 'four']);
    expect(ids(found)).toEqual(['1900-A', '1900-B', '1900-A']);
    expect(found.map(({ meta }) => meta)).toEqual([['A'], ['B'], ['A']]);
  });

  test('does not join records of two files', async () => {
    const found = await read([await file('a.ndjson', ndjson), await file('b.ndjson', ndjson)], { group: 'year' });
    expect(texts(found)).toEqual(['one\ntwo\nthree\nfour', 'one\ntwo\nthree\nfour']);
  });

  test('refuses a record without a value, and text that has no fields', async () => {
    expect((await refusal(piped(ndjson, { group: 'yaer' }))).message).toBe(
      'stdin:1: no value of "yaer", expected one to group by',
    );
    expect((await refusal(piped('plain\n', { group: 'year' }))).status).toBe(2);
  });
});
