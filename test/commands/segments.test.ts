import { afterAll, expect, test } from 'vitest';
import { folder, output, rows, run } from '../_program.js';

const SENTENCES = [
  ['Gold and silver fill the banks.', 'The banks pay gold for silver.', 'Silver leaves the banks.'],
  ['Ships carry the navy.', 'The navy builds ships and guns.', 'Guns arm ships.'],
] as const;
/** Addresses in two records each: money first, then war, between them a sentence of stop words. */
const records = Array.from({ length: 12 }, (_, i) => {
  const [money, war] = SENTENCES;
  const text = (part: 0 | 1) =>
    part === 0 ? `${money[i % 3]} ${money[(i + 1) % 3]} It was not so.` : `${war[i % 3]} ${war[(i + 1) % 3]}`;
  return [0, 1].map((part) => JSON.stringify({ year: 1900 + i, text: text(part as 0 | 1) }));
}).flat();
const cwd = folder({ 'c.ndjson': `${records.join('\n')}\n` }, afterAll);
output('fit c.ndjson --group year --model hmm -k 2 --max-df 1.0 -q -o m'.split(' '), { cwd });

const segmentsOf = (...args: string[]) => rows(output([...args, '--segments', '--format', 'ndjson'], { cwd }));

test('documents --segments tells the topic of each sentence of the fitted documents, from the model file', () => {
  const found = segmentsOf('documents', 'm');
  expect(found.length).toBe(60);
  expect(found.slice(0, 5).map(({ id, segment, tokens }) => [id, segment, tokens > 0])).toEqual([
    ['1900', 1, true],
    ['1900', 2, true],
    ['1900', 3, false],
    ['1900', 4, true],
    ['1900', 5, true],
  ]);
  const [money, , , , war] = found.map(({ path_topic }) => path_topic);
  expect(money).not.toBe(war);
  found.forEach(({ segment, path_topic, path_probability, topics, text }) => {
    if (segment !== 3) expect(path_topic).toBe(segment < 3 ? money : war);
    expect(topics.reduce((sum: number, { probability }: { probability: number }) => sum + probability, 0)).toBeCloseTo(
      1,
      9,
    );
    expect(topics.find(({ topic }: { topic: number }) => topic === path_topic).probability).toBe(path_probability);
    expect(text).toBeNull();
  });
  expect(output(['documents', 'm', '--segments'], { cwd })).toMatch(/^1900\ntopic \d: [a-z ]+\n {4}1 {2}/);
});

test('infer --segments does the same to new text and shows it', () => {
  const fitted = segmentsOf('documents', 'm');
  const inferred = segmentsOf('infer', 'm', 'c.ndjson', '--group', 'year');
  expect(inferred.map(({ text, ...row }) => ({ ...row, text: null }))).toEqual(fitted);
  expect(inferred[2].text).toBe('It was not so.');
});

test('an imported corpus keeps its segments, and is fitted as the text is', () => {
  output('import c.ndjson --group year --segment sentence --max-df 1.0 -q -o kept'.split(' '), { cwd });
  output('fit kept --model hmm -k 2 -q -o m2'.split(' '), { cwd });
  expect(segmentsOf('documents', 'm2')).toEqual(segmentsOf('documents', 'm'));
  expect(segmentsOf('infer', 'm', 'kept')).toEqual(segmentsOf('documents', 'm'));
  expect(run('fit kept -k 2 --iterations 2 -q -o lda'.split(' '), { cwd }).status).toBe(0);
});

test('where there are no segments, it is said in one sentence and status 2', () => {
  output('import c.ndjson -q -o plain'.split(' '), { cwd });
  output('import c.ndjson -q -o c.ldac'.split(' '), { cwd });
  output('fit plain -k 2 --iterations 2 -q -o whole'.split(' '), { cwd });
  output('fit c.ndjson --model hmm -k 2 --iterations 2 --no-proportions -q -o none'.split(' '), { cwd });
  for (const [line, message] of [
    ['documents whole --segments', 'whole documents, which have no segments'],
    ['infer whole c.ndjson --segments', 'whole documents, which have no segments'],
    ['documents none --segments', 'keeps no documents'],
    ['fit plain --model hmm', 'holds documents as counts'],
    ['fit c.ldac --model hmm', 'holds documents as counts'],
    ['infer m plain', 'holds documents as counts'],
    ['fit c.ndjson --segment line', 'the model reads no segments'],
    ['fit c.ndjson --model hmm --segment none', 'as sequences of segments'],
  ] as const) {
    const { status, stderr, stdout } = run(line.split(' '), { cwd });
    expect({ line, status, stdout }).toEqual({ line, status: 2, stdout: '' });
    expect(stderr).toContain(message);
  }
});
