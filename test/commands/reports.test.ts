import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadModel, saveModel } from '../../src/commands/_model.js';
import { folder, output, rows, run } from '../_program.js';

const cwd = folder(
  { 'quoted.ndjson': '{"id":"a, \\"b\\"","text":"babama babula"}\n{"id":"c","text":"quantum physics"}\n' },
  afterAll,
);
output(['generate', '-d', '80', '-k', '3', '--terms', '80', '-o', 'c.ndjson', '--truth', 'truth'], { cwd });
output(['import', 'c.ndjson', '-q', '-o', 'c'], { cwd });
output(['fit', 'c', '-k', '3', '-q', '-o', 'm'], { cwd });

describe.each([
  ['topics m'],
  ['documents m'],
  ['infer m c.ndjson'],
  ['perplexity m'],
  ['perplexity m c.ndjson'],
  ['elbo m'],
  ['inspect m'],
  ['inspect c'],
])('%s', (line) => {
  const report = (format: string) => output([...line.split(' '), '--format', format], { cwd });
  const ndjson = rows(report('ndjson'));

  test('JSON is the rows of NDJSON', () => {
    expect(JSON.parse(report('json'))).toEqual(ndjson);
    expect(output([...line.split(' '), '--json'], { cwd })).toBe(report('json'));
  });

  test('CSV and TSV have as many cells in every line, and no number that is not finite', () => {
    const tsv = report('tsv')
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t').length);
    expect(new Set(tsv).size).toBe(1);
    expect(report('csv').trimEnd().split('\n').length).toBe(tsv.length);
    expect(report('csv')).not.toMatch(/NaN|Infinity|undefined/);
    expect(report('text')).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test('topics has a row for each topic, its CSV one for each term', () => {
  const topics = JSON.parse(output(['topics', 'm', '--json'], { cwd }));
  expect(topics.length).toBe(3);
  expect(topics.reduce((sum: number, { share }: { share: number }) => sum + share, 0)).toBeCloseTo(1, 12);
  const [header, ...lines] = output(['topics', 'm', '-n', '7', '--format', 'csv'], { cwd }).trimEnd().split('\n');
  expect(header).toBe('topic,share,rank,term,probability,read_out');
  expect(lines.length).toBe(21);
  expect(
    rows(output(['topics', 'm', '--topic', '2,0', '--order', 'number', '--format', 'ndjson'], { cwd })).length,
  ).toBe(2);
  expect(run(['topics', 'm', '--topic', '3'], { cwd }).stderr).toBe(
    'thema: --topic: got 3, expected a topic from 0 to 2\n',
  );
});

test('infer keeps the order, counts what is unseen, quotes ids, and streams', () => {
  const [first, second] = rows(output(['infer', 'm', 'quoted.ndjson', '--format', 'ndjson'], { cwd }));
  expect([first.id, first.tokens + first.unseen, second.tokens, second.unseen]).toEqual(['a, "b"', 2, 0, 2]);
  expect(output(['infer', 'm', 'quoted.ndjson', '--format', 'csv'], { cwd })).toContain('\n"a, ""b""",');
  const lines = Array.from({ length: 3000 }, (_, i) => `babama babula ${i}\n`).join('');
  const many = rows(output(['infer', 'm', '--format', 'ndjson'], { cwd, input: lines }));
  expect(many.map(({ id }) => id)).toEqual(Array.from({ length: 3000 }, (_, i) => String(i + 1)));
});

test('infer of a fitted document comes close to its row of documents', () => {
  const fitted = rows(output(['documents', 'm', '-n', 'all', '--format', 'ndjson'], { cwd }));
  const inferred = rows(output(['infer', 'm', 'c.ndjson', '-n', 'all', '--format', 'ndjson'], { cwd }));
  const close = fitted.filter(({ id, tokens, topics }, d) => {
    expect([inferred[d].id, inferred[d].tokens]).toEqual([id, tokens]);
    return topics.every(({ topic, proportion }: { topic: number; proportion: number }) => {
      const other = inferred[d].topics.find((found: { topic: number }) => found.topic === topic);
      return Math.abs(other.proportion - proportion) < 0.02;
    });
  });
  // a document between topics may settle in another optimum than the fit's
  expect(close.length).toBeGreaterThanOrEqual(0.9 * fitted.length);
});

test('perplexity tells its definition and seed; the same seed gives the same number', () => {
  const scores = (...args: string[]) => rows(output(['perplexity', 'm', ...args, '--format', 'ndjson'], { cwd }));
  const [training] = scores();
  expect(training).toMatchObject({ measure: 'elbo', scored_on: 'training documents', seed: null });
  expect(training.perplexity).toBeCloseTo(Math.exp(-training.nats_per_token), 9);
  expect(training.nats_per_token).toBe(rows(output(['elbo', 'm', '--format', 'ndjson'], { cwd })).at(-1).per_token);
  const given = scores('c.ndjson', '--seed', '5');
  expect(given.map(({ measure, seed }) => [measure, seed])).toEqual([
    ['bound', 5],
    ['completion', 5],
  ]);
  expect(given.every(({ definition }) => definition.startsWith('exp(−'))).toBe(true);
  expect(scores('c.ndjson', '--seed', '5')).toEqual(given);
  expect(scores('c.ndjson', '--seed', '6')[1].perplexity).not.toBe(given[1].perplexity);
  expect(scores('c.ndjson', '--observed', 'c.ndjson').map(({ measure }) => measure)).toEqual(['completion']);
  expect(run(['perplexity', 'truth'], { cwd }).stderr).toMatch(/truth: was generated, not fitted, and has no ELBO/);
});

test('generate gives the same bytes for a seed, as NDJSON or lda-c, and its truth', () => {
  const args = ['generate', '-d', '20', '--terms', '30', '-k', '2', '-q'];
  const text = output(args);
  expect(output(args)).toBe(text);
  expect(output([...args, '--seed', '2'])).not.toBe(text);
  const tokens = rows(text).reduce((sum, { text }) => sum + text.split(' ').length, 0);
  const where = folder();
  output([...args, '-o', 'g.ldac', '--truth', 't'], { cwd: where });
  output(['import', 'g.ldac', '-q', '-o', 'g'], { cwd: where });
  expect(rows(output(['inspect', 'g', '--format', 'ndjson'], { cwd: where }))[0]).toMatchObject({
    documents: 20,
    terms: 30,
    tokens,
  });
  expect(rows(output(['inspect', 't', '--format', 'ndjson'], { cwd: where }))[0]).toMatchObject({
    topics: 2,
    terms: 30,
    stop: 'generated',
  });
});

describe('the read-out of topics', () => {
  output(['fit', 'c', '-k', '3', '-q', '--inference', 'vb', '-o', 'vb'], { cwd });
  output(['fit', 'c', '-k', '3', '-q', '--read-out', 'exp-log', '-o', 'exp'], { cwd });
  const first = (...line: string[]) => rows(output([...line, '--format', 'ndjson'], { cwd }))[0];
  const text = (...line: string[]) => output(line, { cwd });

  test('is the posterior mean where no documents are held out, and the one that is given', () => {
    expect(first('inspect', 'm')).toMatchObject({ read_out: 'mean', read_out_scores: null });
    expect(first('inspect', 'exp')).toMatchObject({ read_out: 'exp-log', read_out_scores: null });
  });

  test('is named by every report that reads topics', () => {
    expect(run(['fit', 'c', '-k', '3', '--read-out', 'plug-in'], { cwd }).stderr).toContain('; read-out plug-in\n');
    expect(text('topics', 'exp')).toMatch(/^topic +share +terms \(read-out: exp-log\)\n/);
    expect(first('topics', 'exp').read_out).toBe('exp-log');
    expect(text('infer', 'exp', 'c.ndjson')).toMatch(/^document +tokens +topics \(read-out: exp-log\)\n/);
    expect(first('infer', 'exp', 'c.ndjson').read_out).toBe('exp-log');
    expect(text('inspect', 'exp')).toMatch(/^read-out +exp-log$/m);
    const [bound, completion] = rows(output(['perplexity', 'exp', 'c.ndjson', '--format', 'ndjson'], { cwd }));
    expect([bound.read_out, completion.read_out]).toEqual([null, 'exp-log']);
    expect(completion.definition).toContain('p = Σ_k E[θ_k | observed] β_kw, β by read-out exp-log');
  });

  test('is not named where it is not used: in answers of VB, and of points', () => {
    expect(first('infer', 'vb', 'c.ndjson').read_out).toBeUndefined();
    expect(first('topics', 'truth').read_out).toBeUndefined();
    expect(first('inspect', 'truth').read_out).toBeNull();
    expect(text('topics', 'vb', '--by', 'plug-in')).toMatch(/^topic +share +terms\n/);
  });

  test('is what probabilities are, and --by reads in the other ways', () => {
    const weights = (...by: string[]) => {
      const found = rows(output(['topics', 'exp', '-n', 'all', '--topic', '1', ...by, '--format', 'ndjson'], { cwd }));
      return found[0].terms.map((term: Record<string, number>) => term[by[1] ?? 'probability']);
    };
    expect(weights()).toEqual(weights('--by', 'exp-log'));
    expect(weights()).not.toEqual(weights('--by', 'mean'));
  });

  test.each([[[]], [['--precise']]])('has scores also where a term is in no document but one: %j', (precise) => {
    const lines = Array.from(
      { length: 200 },
      (_, d) => `{"text":"a${d % 3} b${d % 3} a${d % 3} b${d % 2} only${d}"}\n`,
    );
    const model = join(cwd, `rare${precise.length}`);
    const input = ['--min-df', '1', '--max-df', '1.0', '--numbers', '-k', '3', '--eta', '0.001', '-q', '-o', model];
    expect(run(['fit', '-', ...input, ...precise], { cwd, input: lines.join('') })).toMatchObject({ status: 0 });
    const { read_out_scores: scores } = first('inspect', model);
    for (const name of ['mean', 'plug-in', 'exp-log']) expect(scores[name]).toBeGreaterThan(-50);
  });

  test('goes on with --init', () => {
    output(['fit', 'c', '-k', '3', '-q', '--init', 'exp', '-o', 'more'], { cwd });
    expect(first('inspect', 'more').read_out).toBe('exp-log');
    output(['fit', 'c', '-k', '3', '-q', '--init', 'exp', '--read-out', 'mean', '-o', 'other'], { cwd });
    expect(first('inspect', 'other').read_out).toBe('mean');
  });

  test('is the posterior mean of files that do not say, and has to be known', async () => {
    const loaded = await loadModel(join(cwd, 'exp'));
    const { readOut, settings, ...older } = loaded.record;
    const { 'read-out': _, ...olderSettings } = settings;
    const save = (name: string, record: object) =>
      saveModel(
        join(cwd, name),
        { force: true },
        { ...loaded, record: { ...record, settings: olderSettings } as never },
      );
    await save('old', older);
    expect(first('inspect', 'old').read_out).toBe('mean');
    // and what is read by it has other values
    const proportions = (model: string) => first('infer', model, 'c.ndjson').topics;
    expect(proportions('old')).not.toEqual(proportions('exp'));
    const completion = (model: string) =>
      rows(output(['perplexity', model, 'c.ndjson', '--format', 'ndjson'], { cwd }))[1].nats_per_token;
    expect(completion('old')).not.toBe(completion('exp'));
    await save('new', { ...older, readOut: { by: 'mode', heldOut: null } });
    expect(run(['topics', 'new'], { cwd }).stderr).toContain('reads topics by "mode"');
  });
});
