import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folder, output, rows, run } from '../_program.js';

const cwd = folder({}, afterAll);
const DRAW = ['generate', '-d', '2000', '-k', '4', '--terms', '200', '--length', '50', '-q'];
output([...DRAW, '-o', 'c.ndjson', '--truth', 'truth'], { cwd });
output([...DRAW, '-o', 'c.ldac'], { cwd });
output(['import', 'c.ndjson', '-o', 'corpus', '--max-df', '1.0', '--min-df', '1', '-q'], { cwd });
const ONLINE = ['--schedule', 'online', '--batch', '500', '-k', '4', '-q', '-f'];
const TEXT = ['c.ndjson', '--vocabulary', 'c.vocab.txt', ...ONLINE];
output(['fit', ...TEXT, '-o', 'm'], { cwd });

const sha256 = (path: string) =>
  createHash('sha256')
    .update(readFileSync(join(cwd, path)))
    .digest('hex');

/** The topics of a model as distributions by term. */
function topics(path: string): Map<string, number>[] {
  const found = rows(output(['topics', path, '-n', 'all', '--order', 'number', '--format', 'ndjson'], { cwd }));
  return found.map(({ terms }) => new Map(terms.map(({ term, probability }: never) => [term, probability])));
}

/** The largest distance (Hellinger's) of a true topic to the nearest found. */
function farthest(path: string): number {
  const found = topics(path);
  const distance = (a: Map<string, number>, b: Map<string, number>) => {
    let overlap = 0;
    for (const [term, p] of a) overlap += Math.sqrt(p * (b.get(term) ?? 0));
    return Math.sqrt(Math.max(0, 1 - overlap));
  };
  return Math.max(...topics('truth').map((topic) => Math.min(...found.map((other) => distance(topic, other)))));
}

test('the same documents give the same bytes: as a file, from stdin, on one thread or three', () => {
  const input = readFileSync(join(cwd, 'c.ndjson'));
  output(['fit', '-', ...TEXT.slice(1), '-o', 'piped', '-j', '1'], { cwd, input });
  output(['fit', ...TEXT, '-o', 'three', '-j', '3'], { cwd });
  expect(sha256('piped')).toBe(sha256('m'));
  expect(sha256('three')).toBe(sha256('m'));
  output(['fit', 'c.ldac', ...ONLINE, '-o', 'ldac'], { cwd });
  expect(topics('ldac')).toEqual(topics('m'));
});

// Two planted topics are 0.7 and more apart; see test/commands/fit.test.ts for what a sample of them is
test('planted topics are found in one pass of text, and in a pass over a corpus file', () => {
  expect(farthest('m')).toBeLessThan(0.15);
  output(['fit', 'corpus', ...ONLINE, '-o', 'of-rows'], { cwd });
  expect(farthest('of-rows')).toBeLessThan(0.15);
});

test('passes over a corpus file visit every document as often, in an order that the seed decides', () => {
  const fits = [[], [], ['--seed', '2']].map((seed, i) => {
    output(
      [
        'fit',
        'corpus',
        ...ONLINE,
        '--inference',
        'vb',
        '--start',
        'random',
        '--iterations',
        '3',
        ...seed,
        '-o',
        `p${i}`,
      ],
      { cwd },
    );
    return sha256(`p${i}`);
  });
  expect(fits[1]).toBe(fits[0]);
  expect(fits[2]).not.toBe(fits[0]);
  const trace = rows(output(['elbo', 'p0', '--format', 'ndjson'], { cwd }));
  expect(trace.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  expect(trace.at(-1)).toMatchObject({ visited: 6000, change: null });
  expect(trace[0].step_size).toBe(1);
  const [{ fitted_to }] = JSON.parse(output(['inspect', 'p0', '--json'], { cwd }));
  expect(fitted_to.documents).toBe(2000);
});

test('the terms of each step sum to its ELBO, which is per token of all documents', () => {
  const trace = rows(output(['elbo', 'm', '--format', 'ndjson'], { cwd }));
  expect(trace.length).toBe(4);
  for (const { iteration, elbo, change, per_token, visited, step_size, ...terms } of trace) {
    const sum = (Object.values(terms) as number[]).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum - elbo)).toBeLessThanOrEqual(1e-9 * Math.abs(elbo));
    expect([change, visited]).toEqual([null, 500 * iteration]);
    // without --documents those visited stand for all, of 50 tokens each
    expect(elbo / per_token / visited).toBeGreaterThan(45);
    expect(elbo / per_token / visited).toBeLessThan(55);
    expect(step_size).toBeCloseTo(iteration === 1 ? 1 : (63 + iteration) ** -0.5, 12);
  }
});

test('--documents is what a batch stands for, and a wrong one is told', () => {
  output(['fit', ...TEXT, '--documents', '2000', '-o', 'known'], { cwd });
  const sizes = rows(output(['elbo', 'known', '--format', 'ndjson'], { cwd })).map((row) => row.elbo / row.per_token);
  for (const tokens of sizes) expect(Math.abs(tokens / 100_000 - 1)).toBeLessThan(0.1);
  const { status, stderr } = run(['fit', ...TEXT.filter((flag) => flag !== '-q'), '--documents', '3000'], { cwd });
  expect(status).toBe(0);
  expect(stderr).toContain('warning: --documents said 3,000, 2,000 came\n');
});

test('the model serves the other commands; of documents it keeps none, and says why', () => {
  const [row] = rows(output(['infer', 'm', 'c.ndjson', '--format', 'ndjson'], { cwd }));
  expect(row.unseen).toBe(0);
  expect(output(['perplexity', 'm', 'c.ndjson', '-q'], { cwd })).toMatch(/completion +given documents/);
  expect(output(['perplexity', 'm', '-q'], { cwd })).toContain('estimated from the last batch of an online fit');
  const inspected = output(['inspect', 'm'], { cwd });
  expect(inspected).toMatch(/fit +online, 4 steps/);
  expect(inspected).toMatch(/documents +not kept/);
  const { status, stderr } = run(['documents', 'm'], { cwd });
  expect([status, stderr]).toEqual([
    2,
    'thema: m: keeps no documents, for it was fitted with --schedule online\nhint: thema infer m DOCUMENTS gives the proportions of any documents\n',
  ]);
});

test('--init goes on from the topics of a model', () => {
  output(['fit', ...TEXT, '--init', 'm', '--delay', '10000', '-o', 'on'], { cwd });
  const [before, after] = [topics('m'), topics('on')];
  before.forEach((topic, k) => {
    let moved = 0;
    for (const [term, p] of topic) moved += Math.abs(p - (after[k]!.get(term) ?? 0)) / 2;
    expect(moved).toBeLessThan(0.1);
  });
  // of which its shares are
  writeFileSync(join(cwd, 'one.ndjson'), readFileSync(join(cwd, 'c.ndjson'), 'utf8').split('\n', 1)[0]!);
  output(['fit', 'one.ndjson', ...TEXT.slice(1), '--init', 'm', '--delay', '10000', '-o', 'on'], { cwd });
  const shares = (model: string) =>
    rows(output(['topics', model, '-n', '1', '--order', 'number', '--format', 'ndjson'], { cwd })).map(
      (row) => row.share,
    );
  shares('on').forEach((share, k) => {
    expect(share).toBeCloseTo(shares('m')[k], 1);
  });
});

test.each(['mixture', 'plsa'])('%s can be fitted online too', (model) => {
  const settings = ['--model', model, '--iterations', '3', ...(model === 'plsa' ? ['--start', 'documents'] : [])];
  output(['fit', 'corpus', ...settings, ...ONLINE, '-o', model], { cwd });
  expect(output(['topics', model, '--format', 'csv'], { cwd })).not.toMatch(/NaN|Infinity/);
  expect(rows(output(['elbo', model, '--format', 'ndjson'], { cwd })).length).toBe(12);
});

// without a start that looks at a part of the documents, where the documents are makes no difference
test('a corpus file larger than --max-memory is fitted in blocks, to the same bits', () => {
  const settings = ['-k', '4', '--inference', 'vb', '--start', 'random', '--iterations', '5', '-q', '-f'];
  output(['fit', 'corpus', ...settings, '--schedule', 'batch', '-o', 'whole'], { cwd });
  output(['fit', 'corpus', ...settings, '--max-memory', '100K', '-o', 'blocks'], { cwd });
  for (const report of ['topics', 'documents', 'elbo'])
    expect(output([report, 'blocks', '--format', 'csv'], { cwd })).toBe(
      output([report, 'whole', '--format', 'csv'], { cwd }),
    );
  output(['fit', 'corpus', '-k', '4', '--max-memory', '100K', '-q', '-f', '-o', 'started'], { cwd });
  expect(farthest('started')).toBeLessThan(0.15);
});

test.each(['auto', 'vb'])(
  'a smaller one is fitted with what is stored of blocks in a quarter of it: %s',
  (inference) => {
    const topics = (...settings: string[]) => {
      output(
        [
          'fit',
          'corpus',
          '-k',
          '20',
          '--inference',
          inference,
          '--iterations',
          '2',
          ...settings,
          '-q',
          '-f',
          '-o',
          'q',
        ],
        {
          cwd,
        },
      );
      return output(['topics', 'q', '--format', 'csv'], { cwd });
    };
    const free = topics();
    expect(topics('--max-memory', '2G')).toBe(free);
    const fewer = topics('--max-memory', '400K');
    expect(fewer).not.toBe(free);
    expect(topics('--max-memory', '380K')).toBe(fewer);
  },
);

test.each<[string, RegExp]>([
  ['fit c.ndjson --schedule online', /--vocabulary: is missing.*\nhint: .*sample\.vocab\.txt/],
  ['fit c.ndjson --documents 5', /--documents has an effect only with --schedule online/],
  ['fit c.ndjson --schedule online --documents 0', /--documents: got "0", expected a whole number of at least 1/],
  ['fit c.ndjson --schedule online --documents many', /--documents: got "many"/],
  ['fit c.ndjson --schedule online --kappa 2', /--kappa: got "2", expected a number of at least 0 and at most 1/],
  ['fit c.ndjson --schedule online --delay 0.5', /--delay: got "0.5", expected a number of at least 1/],
  ['fit corpus --schedule online --documents 7', /--documents: has no effect on a corpus file; corpus has 2,000/],
  ['fit corpus --schedule online --min-df 3', /--min-df: has no effect.*\nhint: thema import/],
  ['fit corpus --schedule online --proportions', /--proportions: nothing of a document is kept/],
  ['fit corpus --schedule online --restarts 3', /--restarts: has no effect with --schedule online/],
  ['fit corpus --schedule online --max-memory 1M', /--max-memory: has no effect with --schedule online/],
  ['fit corpus --schedule online --stem en', /--stem: has no effect on a corpus file, which corpus is/],
  ['fit c.ldac --schedule online --stem en', /--stem: has no effect on counts of terms/],
  ['fit corpus --schedule online --model gmm', /--schedule belongs to --model lda, mixture, plsa, got --model gmm/],
  ['fit corpus --schedule online --segment line', /--segment: got line, but the model reads no segments/],
  ['fit c.ldac --schedule online --iterations 2', /--iterations: got 2, .*reads this input once\nhint: thema import/],
  ['fit c.ndjson --schedule online --vocabulary c.vocab.txt --max-df 5', /--max-df: has no effect/],
  ['fit - --schedule online --vocabulary -', /--vocabulary: got -, but stdin is read as documents/],
  ['fit x.mtx --schedule online', /x\.mtx: is a matrix/],
  ['fit corpus --max-memory lots', /--max-memory: got "lots", expected a size such as 500M or 2G/],
  ['fit corpus --max-memory 1K --schedule incremental', /--schedule incremental: is not there with .* --max-memory/],
  ['fit corpus --max-memory 1K --model gmm', /larger than --max-memory 1K, but --model gmm has all documents in/],
])('%s is refused', (line, message) => {
  const { status, stderr } = run(line.split(' '), { cwd });
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});

test('documents without a term of the vocabulary, and none at all, are bad data', () => {
  const fit = ['fit', '-', '--schedule', 'online', '--vocabulary', 'c.vocab.txt', '-q'];
  for (const [input, message] of [
    ['unheard of\nwords\n', /stdin: no token of 2 documents is in the vocabulary/],
    ['', /stdin: no documents/],
  ] as const) {
    const { status, stderr } = run(fit, { cwd, input });
    expect(stderr).toMatch(message);
    expect(status).toBe(65);
  }
});
