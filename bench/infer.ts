/**
 * How many new documents a second, against tomotopy, scikit-learn and MALLET?
 *
 * Each tool first fits a model of its own, K topics, then gets the training documents as new ones, with its own defaults
 * and two threads where it has them (MALLET has one). Of thema and MALLET it is (D − 1) / (seconds of the command with D
 * documents − with one), of the others the seconds of the call alone; each the median of repetitions in turns.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure, medians, say } from './_measure.js';
import { asText, available, corpusFolder, mallet, python, pythonNumber, SHARED, THEMA, WORK } from './_places.js';
import type { Question } from './_question.js';
import { nameOf, ratio, short } from './_table.js';
import { fit } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly tool: string;
  readonly documentsPerSecond: number;
  /** Thema's in the same session. */
  readonly thema: number;
}

const NAME = 'infer';
const TOOLS = ['tomotopy', 'sklearn', 'mallet'];

/** Fits a model of each tool; returns what infers with it and says documents a second. */
async function prepare(tool: string, folder: string, k: number): Promise<() => Promise<number>> {
  const train = `${folder}/train.ldac`;
  const lines = readFileSync(train, 'utf8').trimEnd().split('\n');
  const D = lines.length;
  const path = (name: string) => join(WORK, `infer-${name}`);
  const rate = async (command: (documents: 'all' | 'one') => Promise<{ wall: number }>) => {
    const [all, one] = [await command('all'), await command('one')];
    return (D - 1) / (all.wall - one.wall);
  };
  if (tool === 'thema') {
    const { model } = await fit(train, ['-k', k, '--iterations', 10, '-j', 2, '--no-proportions'], 'infer');
    const vocabulary = ['--vocabulary', `${folder}/vocab.txt`];
    writeFileSync(path('all.ldac'), readFileSync(train));
    writeFileSync(path('one.ldac'), `${lines[0]}\n`);
    const args = [...vocabulary, '-j', '2', '--format', 'ndjson', '--quiet'];
    return () =>
      rate((documents) => measure([...THEMA, 'infer', model, path(`${documents}.ldac`), ...args], { discard: true }));
  }
  if (tool === 'mallet') {
    const text = asText(train, 'd x ');
    writeFileSync(path('one.txt'), `${readFileSync(text, 'utf8').split('\n')[0]}\n`);
    const words = ['--keep-sequence', '--token-regex', '\\S+'];
    const [read, train1, infer] = ['classify.tui.Csv2Vectors', 'topics.tui.TopicTrainer', 'topics.tui.InferTopics'].map(
      (name) => `cc.mallet.${name}`,
    ) as [string, string, string];
    await mallet(read, '--input', text, '--output', path('all.mallet'), ...words);
    await mallet(
      read,
      '--input',
      path('one.txt'),
      '--output',
      path('one.mallet'),
      '--use-pipe-from',
      path('all.mallet'),
    );
    const model = ['--num-topics', k, '--num-iterations', 50, '--num-threads', 2, '--random-seed', 1];
    await mallet(train1, '--input', path('all.mallet'), ...model, '--inferencer-filename', path('mallet'));
    const out = ['--output-doc-topics', path('mallet.txt')];
    return () =>
      rate((documents) =>
        mallet(infer, '--inferencer', path('mallet'), '--input', path(`${documents}.mallet`), ...out),
      );
  }
  await python('infer.py', 'fit', tool, SHARED, folder, path(tool), k);
  return async () => D / (await pythonNumber('infer.py', 'infer', tool, SHARED, folder, path(tool)));
}

export const question: Question = {
  name: NAME,
  asks: 'How many new documents a second, against other tools?',
  async run({ corpora = ['20ng'], topics = [100], tools = TOOLS, repetitions = 3 }, results) {
    const others = await available(tools);
    for (const corpus of corpora) {
      for (const k of topics) {
        say(`${corpus}, K = ${k}…`);
        const subjects: Record<string, () => Promise<number>> = {};
        for (const tool of ['thema', ...others]) subjects[tool] = await prepare(tool, corpusFolder(corpus), k);
        const found = await medians(repetitions, subjects);
        const thema = found.get('thema')!;
        const rows = [...found].map(([tool, documentsPerSecond]) => ({ corpus, k, tool, documentsPerSecond, thema }));
        results.save<Row>(NAME, ['corpus', 'k', 'tool'], rows);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'tool', 'documents a second', 'thema in the same session'],
        ...rows.map(({ corpus, k, tool, documentsPerSecond, thema }) => [
          ...[corpus, `${k}`, nameOf(tool), short(documentsPerSecond)],
          tool === 'thema' ? '' : ratio(documentsPerSecond, thema),
        ]),
      ],
    ];
  },
};
