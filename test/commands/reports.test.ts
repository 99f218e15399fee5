import { afterAll, describe, expect, test } from 'vitest';
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
  expect(header).toBe('topic,share,rank,term,probability');
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
