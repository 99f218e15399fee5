import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folder, output, run } from '../_program.js';

const TEXT = 'river bank water\nriver water fish\nmoney bank loan\n';
const cwd = folder(
  {
    'a.txt': TEXT,
    'empty.txt': '',
    'binary.txt': Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) % 256),
    'few.txt': Buffer.concat([Buffer.from(TEXT.repeat(40)), Buffer.of(0xff), Buffer.from(' end\n')]),
    'many.txt': Buffer.from('caf\xe9 th\xe9 no\xebl river\n'.repeat(20), 'latin1'),
    'bad.ndjson': '{"text":"river bank"}\n{"text":"money"\n',
    'nofield.ndjson': '{"title":"river bank","lead":"water"}\n',
    'quote.csv': 'id,text\n1,"river bank\n2,money\n',
    'ragged.csv': 'id,text\n1,river\n2,bank,extra\n',
    'columns.csv': 'id,body_text,year\n1,river,2000\n',
    'beyond.ldac': '2 0:1 9:2\n',
    'negative.ldac': '1 0:1\n1 0:-2\n',
    'fraction.ldac': '1 0:1.5\n',
    'vocab.txt': 'river\nbank\n',
  },
  afterAll,
);
output(['import', 'a.txt', '-o', 'c.safetensors'], { cwd });
output(['fit', 'a.txt', '-k', '2', '-o', 'm.safetensors'], { cwd });
output(['fit', 'a.txt', '-k', '2', '--model', 'hmm', '--inference', 'vb', '-o', 'hmm.safetensors'], { cwd });
const model = readFileSync(join(cwd, 'm.safetensors'));
writeFileSync(join(cwd, 'cut.safetensors'), model.subarray(0, model.length - 100));
const flipped = Buffer.from(model);
flipped[model.length - 10]! ^= 4;
writeFileSync(join(cwd, 'flipped.safetensors'), flipped);
const newer = Buffer.from(model.toString('latin1').replace('"thema.format":"1"', '"thema.format":"9"'), 'latin1');
writeFileSync(join(cwd, 'newer.safetensors'), newer);

test.each<[what: string, args: string, status: number, stderr: RegExp]>([
  ['a missing file', 'fit nope.csv', 66, /thema: nope\.csv: no such file or folder/],
  ['a missing model', 'topics nope', 66, /thema: there is no file nope/],
  ['a missing file to inspect', 'inspect nope', 66, /thema: nope: no such file or folder/],
  ['an empty file', 'fit empty.txt', 65, /thema: empty\.txt: no documents, expected at least one/],
  ['a binary file', 'fit binary.txt', 65, /thema: binary\.txt:?.*(NUL|binary|UTF-8)/],
  ['much that is not UTF-8', 'fit many.txt', 65, /many\.txt: not utf-8(.|\n)*hint: .*--encoding/],
  ['a broken NDJSON line', 'fit bad.ndjson', 65, /thema: bad\.ndjson:2:\d+: /],
  [
    'no field of text',
    'fit nofield.ndjson',
    2,
    /nofield\.ndjson:1: which of the fields holds the text\? There are title, lead/,
  ],
  ['unbalanced quotes', 'fit quote.csv', 65, /thema: quote\.csv:2/],
  ['a ragged row', 'fit ragged.csv', 65, /thema: ragged\.csv:3: /],
  ['a missing column', 'fit columns.csv --text body', 65, /columns\.csv.*"body".*id, body_text, year/s],
  ['no terms left', 'fit a.txt --min-df 4', 65, /no terms left of 6: --min-df removed 6 in fewer than 4 of the 3 doc/],
  ['K of 0', 'fit a.txt -k 0', 2, /--topics: got "0", expected a whole number of at least 1/],
  ['an absurd K', 'fit a.txt -k 1e9', 2, /--topics: got "1e9", expected .* at most 1000000/],
  ['more topics than tokens', 'fit a.txt -k 10', 2, /--topics: got 10, expected at most one for each of the 9 tokens/],
  ['a term beyond the vocabulary', 'fit beyond.ldac', 65, /beyond\.ldac:1.*9/],
  ['a negative count', 'fit negative.ldac', 65, /negative\.ldac:2.*-2/],
  ['a fractional count', 'fit fraction.ldac', 65, /fraction\.ldac:1.*1\.5/],
  ['a truncated file', 'topics cut.safetensors', 65, /cut\.safetensors is damaged: it ends after/],
  ['a flipped bit', 'topics flipped.safetensors', 65, /flipped\.safetensors is damaged: its checksum does not match/],
  [
    'a newer version',
    'topics newer.safetensors',
    65,
    /newer\.safetensors was written by a newer thema.*\nhint: update/,
  ],
  ['terms of a corpus file', 'fit c.safetensors --stem en', 2, /--stem: has no effect on a corpus file, which c\.saf/],
  ['terms of counts', 'import beyond.ldac --keep-case -o x', 2, /--keep-case: has no effect on counts of terms/],
  ['terms of numbers', 'import a.csv --columns x --numbers -o x', 2, /--numbers: has no effect on --columns/],
  ['terms of text', 'import a.txt --vocabulary vocab.txt -o x', 2, /--vocabulary: has no effect on text, whose terms/],
  [
    'a start twice',
    'fit a.txt --inference vb --init m.safetensors --start random',
    2,
    /--start has an .* without --init/,
  ],
  ['alpha twice', 'fit a.txt --init m.safetensors --alpha 1', 2, /--alpha has an effect only without --init/],
  [
    'eta twice',
    'fit a.txt --init hmm.safetensors --model hmm --inference vb --eta 1',
    2,
    /--eta: has no effect with --init/,
  ],
  [
    'alpha of MAP',
    'fit a.txt --inference map --learn-alpha symmetric',
    2,
    /--learn-alpha has .* auto or collapsed or vb/,
  ],
  ['eta of points', 'fit a.txt --inference vb --beta point --no-learn-eta', 2, /--learn-eta .* with --beta dirichlet/],
  [
    'text options of a corpus',
    'infer m.safetensors c.safetensors --text t',
    2,
    /--text: has no effect on a corpus file/,
  ],
  [
    'a vocabulary for a model',
    'infer m.safetensors a.txt --vocabulary vocab.txt',
    2,
    /--vocabulary: has no effect on text/,
  ],
  ['a seed of nothing', 'perplexity m.safetensors --seed 3', 2, /--seed: has no effect on the training documents/],
  ['no other half', 'perplexity m.safetensors --observed a.txt', 2, /--observed: has no effect on the training doc/],
  ['no split', 'perplexity m.safetensors a.txt --observed a.txt --seed 3', 2, /--seed: has no effect on --observed/],
  ['a model for documents', 'fit m.safetensors', 65, /m\.safetensors: is a model file, expected documents/],
  ['a corpus for a model', 'topics c.safetensors', 65, /c\.safetensors is a corpus file; a model file is expected/],
  ['a text for a model', 'topics a.txt', 65, /a\.txt is not a thema file/],
  ['a text to inspect', 'inspect a.txt', 65, /a\.txt: is not a file of thema's/],
  ['an output in no folder', 'fit a.txt -k 2 -o no/m.safetensors', 73, /there is no folder no\nhint: mkdir -p no/],
  ['an output that exists', 'fit a.txt -k 2 -o m.safetensors', 73, /m\.safetensors exists\nhint: --force replaces it/],
  ['a full disk', 'fit a.txt -k 2 -o /dev/full', 74, /cannot write \/dev\/full: no space is left on the disk/],
])('%s is told with place, expectation and status', (_, args, status, stderr) => {
  const ran = run([...args.split(' '), '-q'], { cwd });
  expect(ran.stderr).toMatch(stderr);
  expect(ran.stderr).not.toMatch(/internal error|\n\s+at /);
  expect(ran.stdout).toBe('');
  expect(ran.status).toBe(status);
});

test('a folder without documents is bad data', () => {
  const { status, stderr } = run(['fit', '.'], { cwd: folder() });
  expect([status, stderr]).toEqual([65, expect.stringMatching(/\.: no documents, expected at least one/)]);
});

test('a little that is not UTF-8 is replaced, with a warning of the first place', () => {
  const { status, stderr } = run(['fit', 'few.txt', '-k', '2', '--iterations', '2', '--max-df', '1.0'], { cwd });
  expect(status).toBe(0);
  expect(stderr).toMatch(/warning: few\.txt: 1 of 2006 characters \(first at few\.txt:121:1\)/);
});
