import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadModel } from '../../src/commands/_model.js';
import { cutBlocks } from '../../src/em/blocks.js';
import { SCHEDULES } from '../../src/em/schedules.js';
import { allocateSums } from '../../src/em/state.js';
import { readCorpus } from '../../src/files/corpus-file.js';
import { MODELS } from '../../src/models/index.js';
import { folder, output, rows, run } from '../_program.js';

const cwd = folder({}, afterAll);
output(['generate', '-d', '400', '-k', '4', '--terms', '200', '--eta', '0.1', '-o', 'c.ndjson', '--truth', 'truth'], {
  cwd,
});
const FIT = ['c.ndjson', '-k', '4', '--max-df', '1.0', '--min-df', '1', '-q'];
output(['fit', ...FIT, '-o', 'm'], { cwd });

function sha256(path: string): string {
  return createHash('sha256')
    .update(readFileSync(join(cwd, path)))
    .digest('hex');
}

function trace(path: string) {
  return rows(output(['elbo', path, '--format', 'ndjson'], { cwd }));
}

/** The topics of a model as distributions by term. */
function topics(path: string): Map<string, number>[] {
  const found = rows(output(['topics', path, '-n', 'all', '--order', 'number', '--format', 'ndjson'], { cwd }));
  return found.map(({ terms }) => new Map(terms.map(({ term, probability }: never) => [term, probability])));
}

test('the same input, settings and seed give the same bytes, another seed others', () => {
  output(['fit', ...FIT, '-o', 'again'], { cwd });
  output(['fit', ...FIT, '-o', 'seed2', '--seed', '2'], { cwd });
  expect(sha256('again')).toBe(sha256('m'));
  expect(sha256('seed2')).not.toBe(sha256('m'));
});

test('the terms of each iteration sum to its ELBO, which never falls in VB', () => {
  output(['fit', ...FIT, '--inference', 'vb', '-o', 'vb'], { cwd });
  const found = trace('vb');
  expect(new Set(found.map(({ stage }) => stage))).toEqual(new Set(['collapsed', 'vb']));
  found.forEach(({ iteration, stage, elbo, change, per_token, ...terms }, i) => {
    const sum = (Object.values(terms) as number[]).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum - elbo)).toBeLessThanOrEqual(1e-10 * Math.abs(elbo));
    if (i > 0) expect(iteration).toBeGreaterThan(found[i - 1].iteration);
    expect(change === null).toBe(stage !== found[i - 1]?.stage);
    if (stage === 'vb' && change !== null)
      expect(elbo).toBeGreaterThanOrEqual(found[i - 1].elbo - 1e-10 * Math.abs(elbo));
    expect(per_token).toBeLessThan(0);
  });
});

test('a fit keeps documents out to stop on, and ends with all of them', () => {
  output(['fit', ...FIT, '--inference', 'collapsed', '-o', 'collapsed'], { cwd });
  for (const model of ['m', 'collapsed']) {
    const found = trace(model);
    const stages = found.map(({ stage }) => stage);
    expect(stages[0]).toBe('collapsed');
    if (model === 'collapsed') expect(new Set(stages).size).toBe(1);
    const scores = found
      .slice(0, -1)
      .map(({ held_out }) => held_out)
      .filter((score) => typeof score === 'number');
    // scores that are the same but for rounding are no better
    expect(found.at(-1).held_out).toBeCloseTo(Math.max(...scores), 6);
    const tokensOf = ({ elbo, per_token }: { elbo: number; per_token: number }) => Math.round(elbo / per_token);
    const [{ fitted_to }] = JSON.parse(output(['inspect', model, '--json'], { cwd }));
    expect(tokensOf(found.at(-1))).toBe(fitted_to.tokens);
    expect(tokensOf(found[0]) / fitted_to.tokens).toBeCloseTo(0.95, 1);
    expect(tokensOf(found[0])).toBeLessThan(fitted_to.tokens);
    expect(rows(output(['documents', model, '--format', 'ndjson'], { cwd })).length).toBe(400);
  }
});

test.each([
  [''],
  ['--inference vb'],
  ['--inference vb --schedule batch'],
  ['--inference map'],
  ['--inference vb --max-memory 1k'],
  ['--inference vb --restarts 3 --iterations 5 --seed 2'],
])('the last ELBO is that of the file, in double precision, and no lower than the one before: %s', async (options) => {
  output(['import', 'c.ndjson', '--max-df', '1.0', '--min-df', '1', '-q', '--force', '-o', 'corpus'], { cwd });
  output(['fit', 'corpus', '-k', '4', '-q', '--force', ...options.split(' ').filter(Boolean), '-o', 'last'], { cwd });
  const { corpus } = await readCorpus(join(cwd, 'corpus'));
  const { dims, record, state } = await loadModel(join(cwd, 'last'));
  const model = MODELS['lda']!.create({ ...record.settings, precise: true }, { ...dims, columns: 0 });
  model.derive(state);
  const sums = allocateSums(model, dims);
  const blocks = cutBlocks(corpus.rowStart);
  await SCHEDULES.batch({ model, data: model.prepare(corpus, state), blocks, state, sums })('fixed', true);
  const [before, last] = trace('last').slice(-2);
  const value = (row: Record<string, number>) => row['log_posterior'] ?? row['elbo']!;
  const expected = sums.terms.reduce((a, b) => a + b);
  expect(Math.abs(value(last) - expected)).toBeLessThanOrEqual(1e-12 * Math.abs(expected));
  if (options === '') return; // the row before is not of all documents
  expect(value(last)).toBeGreaterThanOrEqual(value(before) * (1 + 1e-7));
  expect(last.change).toBeCloseTo((value(last) - value(before)) / Math.abs(value(last)), 12);
});

test('documents of one token, of which none can be completed, are fitted all the same', () => {
  const files = {
    'ones.ldac': Array.from({ length: 150 }, (_, d) => `1 ${d % 7}:1\n`).join(''),
    'vocab.txt': 'a\nb\nc\nd\ne\nf\ng\n',
  };
  const ones = folder(files);
  output(['fit', 'ones.ldac', '-k', '2', '-q', '-o', 'm'], { cwd: ones });
  expect(output(['elbo', 'm', '--format', 'csv'], { cwd: ones })).not.toMatch(/NaN|Infinity|held_out/);
});

test('VB alone keeps no document out, and neither does MAP, whose log posterior never falls', () => {
  output(['fit', ...FIT, '--inference', 'map', '-o', 'map'], { cwd });
  const found = trace('map').filter(({ stage }) => stage === 'map');
  const [{ fitted_to }] = JSON.parse(output(['inspect', 'map', '--json'], { cwd }));
  expect(found.length).toBeGreaterThan(1);
  found.forEach(({ elbo, per_token, log_posterior, log_prior, held_out }, i) => {
    expect(held_out).toBeUndefined();
    expect(elbo / per_token).toBeCloseTo(fitted_to.tokens, 5);
    expect(elbo + log_prior).toBeCloseTo(log_posterior, 4);
    if (i > 0)
      expect(log_posterior).toBeGreaterThanOrEqual(found[i - 1].log_posterior - 1e-7 * Math.abs(log_posterior));
  });
});

test.each([
  ['collapsed', ['--init', 'm'], '--init'],
  ['collapsed', ['--schedule', 'online', '--vocabulary', 'v.txt'], '--schedule online'],
  ['map', ['--schedule', 'online', '--vocabulary', 'v.txt'], '--schedule online'],
])('--inference %s is refused with %j', (inference, args, how) => {
  const { status, stderr } = run(['fit', 'c.ndjson', '--inference', inference, ...args, '-q'], { cwd });
  expect([status, stderr]).toEqual([2, `thema: --inference ${inference}: is not there with ${how}\n`]);
});

test('--schedule is refused with --inference collapsed, which has no M-steps', () => {
  const { status, stderr } = run(['fit', 'c.ndjson', '--inference', 'collapsed', '--schedule', 'incremental', '-q'], {
    cwd,
  });
  expect([status, stderr]).toEqual([2, 'thema: --schedule: has no effect with --inference collapsed\n']);
});

// A fitted topic is a sample of its ~10,000 tokens over 200 terms: the squared Hellinger distance of an empirical
// distribution to its source is about (V − 1) / 8n = 0.0025, a distance of 0.05; tokens of uncertain topic (documents of
// 100 tokens mix) and smoothing add to it. Two different planted topics, Dir(0.1) over 200 terms, are 0.8 or more apart.
test('planted topics are found again', () => {
  const truth = topics('truth');
  const left = topics('m');
  const distance = (a: Map<string, number>, b: Map<string, number>) => {
    let overlap = 0;
    for (const [term, p] of a) overlap += Math.sqrt(p * (b.get(term) ?? 0));
    return Math.sqrt(Math.max(0, 1 - overlap));
  };
  expect(distance(truth[0]!, truth[1]!)).toBeGreaterThan(0.7);
  for (const topic of truth) {
    const distances = left.map((other) => distance(topic, other));
    const best = Math.min(...distances);
    expect(best).toBeLessThan(0.15);
    left.splice(distances.indexOf(best), 1);
  }
});

test('--restarts keeps the best start', () => {
  const short = ['--iterations', '5', '--inference', 'vb'];
  output(['fit', ...FIT, ...short, '--restarts', '3', '-o', 'best'], { cwd });
  output(['fit', ...FIT, ...short, '-o', 'first'], { cwd });
  const { stderr } = run(['fit', ...FIT.slice(0, -1), ...short, '--restarts', '3', '--progress', 'json'], { cwd });
  const ends = rows(stderr).filter(({ iteration, elbo }) => iteration === 10 && elbo !== undefined);
  expect(ends.length).toBe(3);
  expect(trace('best').at(-1).elbo).toBe(Math.max(...ends.map(({ elbo }) => elbo)));
  expect(trace('best').at(-1).elbo).toBeGreaterThanOrEqual(trace('first').at(-1).elbo);
});

test('--init goes on where a model stopped', () => {
  output(['fit', ...FIT, '--init', 'm', '--iterations', '1', '--soft-iterations', '0', '-o', 'on'], { cwd });
  const [start, end] = [trace('on')[0].elbo, trace('m').at(-1).elbo];
  expect(Math.abs(start - end)).toBeLessThan(0.02 * Math.abs(end));
  const { status, stderr } = run(['fit', 'c.ndjson', '--init', 'm', '-k', '9'], { cwd });
  expect([status, stderr]).toEqual([2, 'thema: --topics: got 9, but m has 4 topics\n']);
});

test('without documents the file is smaller, and documents says why it has none', () => {
  output(['fit', ...FIT, '--no-proportions', '-o', 'bare'], { cwd });
  const { status, stderr } = run(['documents', 'bare'], { cwd });
  expect(status).toBe(2);
  expect(stderr).toMatch(/bare: keeps no documents, for it was fitted with --no-proportions\nhint: thema infer bare/);
  expect(topics('bare')).toEqual(topics('m'));
});

test('the least corpora fit or are refused in words, and every number is finite', () => {
  const files = {
    'v1.ldac': '1 0:3\n1 0:2\n',
    'one.ldac': '2 0:3 1:2\n',
    'empty.ldac': '0\n0\n',
    'vocab.txt': 'a\nb\n',
  };
  const small = folder(files);
  for (const beta of ['dirichlet', 'point']) {
    for (const [file, k] of [
      ['v1', 1],
      ['v1', 3],
      ['one', 1],
      ['one', 5],
    ]) {
      output(['fit', `${file}.ldac`, '-k', `${k}`, '--beta', beta, '--inference', 'vb', '-q', '-f', '-o', 'm'], {
        cwd: small,
      });
      for (const report of [
        ['topics', 'm'],
        ['documents', 'm'],
        ['elbo', 'm'],
        ['perplexity', 'm', `${file}.ldac`],
      ])
        expect(output([...report, '--format', 'csv'], { cwd: small })).not.toMatch(/NaN|Infinity/);
    }
  }
  const { status, stderr } = run(['fit', 'empty.ldac', '-k', '2'], { cwd: small });
  expect([status, stderr]).toEqual([65, 'thema: empty.ldac: 2 documents without a token, expected some\n']);
});

test.each([
  ['--inference', 'vb'],
  ['--inference', 'map'],
  ['--inference', 'vb', '--beta', 'point'],
])('a million tokens of one term are fitted, by kernels too, without a fall: %s %s', (...options) => {
  const cwd = folder();
  const documents = Array.from({ length: 40 }, (_, d) =>
    d === 7 ? '2 3:1000000 5:2' : `3 ${d % 17}:1 ${17 + (d % 2)}:${1 + (d % 5)} 19:2`,
  );
  writeFileSync(join(cwd, 'c.ldac'), `${documents.join('\n')}\n`);
  writeFileSync(join(cwd, 'vocab.txt'), Array.from({ length: 20 }, (_, w) => `w${w}\n`).join(''));
  for (const seed of ['1', '2', '3', '4']) {
    const fit = ['fit', 'c.ldac', '-k', '5', '--seed', seed, '--tolerance', '0', ...options];
    output([...fit, '--iterations', '60', '-q', '--force', '-o', 'm.safetensors'], { cwd });
  }
});
