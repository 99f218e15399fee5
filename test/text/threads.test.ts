import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { random } from '../../src/math/random.js';
import { withDefaults } from '../../src/settings.js';
import { recordAnalysis } from '../../src/text/analyse.js';
import type { Document } from '../../src/text/read.js';
import { textSettings } from '../../src/text/settings.js';
import { countDocuments } from '../../src/text/threads.js';
import { folder, output, run } from '../_program.js';

/** So many texts of made-up words, some of them empty, in other scripts or of stop words; threads start at 2 MB. */
function texts(count: number, length: number): string[] {
  const draws = random(1);
  const odd = [
    '',
    ' ',
    'Ünï çödé — “quotes” l’homme',
    '我爱自然语言处理。',
    'ΟΔΟΣ Σίσυφος',
    'all of the and',
    "x's 1,000 mp3",
  ];
  const syllables = ['ba', 'ne', 'ti', 'go', 'ru', 'sta', 'lin', 'é', 'ng', 's'];
  const word = () =>
    Array.from({ length: 1 + Math.floor(3 * draws.uniform()) }, () => syllables[Math.floor(10 * draws.uniform())]).join(
      '',
    );
  return Array.from({ length: count }, () => {
    if (draws.uniform() < 0.05) return odd[Math.floor(odd.length * draws.uniform())]!;
    return Array.from({ length }, () => word() + (draws.uniform() < 0.1 ? '. The' : '')).join(' ');
  });
}

const documents = texts(4000, 150);
const json = (text: string, i: number) => JSON.stringify({ id: `d${i}`, text, year: i % 7 });
const files = {
  'c.ndjson': documents.map(json).join('\n'),
  'c.csv': `id,text\n${documents.map((text, i) => `${i},"${text}"`).join('\n')}`,
  'c.txt.gz': gzipSync(documents.join('\r\n')),
};

describe('the corpus file has the same bytes on any number of threads', () => {
  const cwd = folder(files, afterAll);
  test.each([
    ['c.ndjson', '--meta', 'year', '--stem', 'en', '--ngrams', '2', '--min-df', '3'],
    ['c.csv', '--segment', 'sentence'],
    ['c.txt.gz', '--stop-words', 'none', '--numbers', '--min-df', '1'],
    ['c.ndjson', 'c.txt.gz', '--token-pattern', '\\p{L}+'],
  ])('%s %s %s', (...args) => {
    const digests = (args.includes('--meta') ? ['1', '2', '3', '7'] : ['1', '3']).map((threads) => {
      const bytes = output(['import', ...args, '-q', '-j', threads, '-o', 'out.safetensors', '--force'], { cwd });
      expect(bytes).toBe('');
      return createHash('sha256')
        .update(readFileSync(join(cwd, 'out.safetensors')))
        .digest('hex');
    });
    expect(new Set(digests).size).toBe(1);
  });
});

test('mistakes have their lines on any number of threads, the first wins, and nothing is written', () => {
  const slow = JSON.stringify({ text: `${'a'.repeat(60)}!` });
  const lines = documents.map(json);
  const cwd = folder({
    'late.ndjson': [...lines, '{"text": 1 2}', ...lines, 'worse'].join('\n'),
    'slow.ndjson': [...lines, slow, ...lines.slice(0, 1500), '{"text": 1 2}'].join('\n'),
  });
  for (const threads of ['1', '3']) {
    const args = ['-q', '-j', threads, '-o', 'out.safetensors'];
    const late = run(['import', 'late.ndjson', ...args], { cwd });
    expect(late.status).toBe(65);
    expect(late.stderr).toMatch(/^thema: late\.ndjson:4001:12: got "2}", which is not JSON there/);
    const pattern = run(['import', 'slow.ndjson', '--token-pattern', '(a+)+b', ...args], { cwd });
    expect(pattern.status).toBe(2);
    expect(pattern.stderr).toMatch(
      /^thema: --token-pattern: .* on a text of 61 characters\nhint: repeats inside repeats/,
    );
  }
  expect(readdirSync(cwd).sort()).toEqual(['late.ndjson', 'slow.ndjson']);
}, 120_000);

test('terms are numbered as they come, and documents before a mistake are counted before it is thrown', async () => {
  async function* found(): AsyncGenerator<Document> {
    for (const [i, text] of ['gold banks', '', 'banks GOLD silver'].entries())
      yield { id: `d${i}`, text, meta: [String(i)], place: '' };
    throw new Error('the disk is gone');
  }
  const terms: string[] = [];
  const number = (term: string) => terms.push(term) - 1;
  const record = await recordAnalysis(withDefaults(textSettings, {}));
  await expect(countDocuments(found(), record, 1, number).next()).rejects.toThrow('the disk is gone');

  async function* good(): AsyncGenerator<Document> {
    try {
      yield* found();
    } catch {}
  }
  const parts = [];
  for await (const part of countDocuments(good(), record, 1, number)) parts.push(part);
  expect(parts).toEqual([
    {
      documents: ['0', '1', '2'].map((i) => ({ id: `d${i}`, meta: [i] })),
      counts: {
        rowStart: Uint32Array.of(0, 2, 2, 5),
        term: Uint32Array.of(0, 1, 1, 0, 2),
        count: Uint32Array.of(1, 1, 1, 1, 1),
        segments: undefined,
      },
      leftOut: { kept: 5, stopWords: 0, short: 0, long: 0 },
    },
  ]);
  expect(terms).toEqual(['gold', 'banks', 'silver']);
});
