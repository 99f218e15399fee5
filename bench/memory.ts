/**
 * How much memory does a fit take, against other tools?
 *
 * The most resident memory of the whole process, from reading the same corpus file to topics: of thema in a whole fit to the
 * saved model, of others after a few passes. Two threads, of Python tools as threads of one process (gensim and
 * scikit-learn with one, as their workers are processes of their own). MALLET has the JVM's own default heap.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleaved, median, say } from './_measure.js';
import { available, corpusFolder, mallet, python, WORK } from './_places.js';
import type { Question } from './_question.js';
import { nameOf, ratio, short } from './_table.js';
import { fit } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly tool: string;
  readonly megabytes: number;
  readonly thema: number;
}

const NAME = 'memory';
const TOOLS = ['mallet', 'tomotopy', 'topica', 'sklearn', 'gensim'];

export const question: Question = {
  name: NAME,
  asks: 'How much memory does a fit take, against other tools?',
  async run({ corpora = ['20ng', 'ap'], topics = [100], tools = TOOLS, repetitions = 1 }, results) {
    const others = await available(tools);
    for (const corpus of corpora) {
      const folder = corpusFolder(corpus);
      const train = `${folder}/train.ldac`;
      const terms = readFileSync(`${folder}/vocab.txt`, 'utf8').trimEnd().split('\n').length;
      for (const k of topics) {
        say(`${corpus}, K = ${k}…`);
        const peak = (tool: string) => async () => {
          if (tool === 'thema') return (await fit(train, ['-k', k, '-j', 2])).peak;
          if (tool !== 'mallet') return (await python('memory.py', tool, train, terms, k)).peak;
          return (await mallet('MalletLadder', train, terms, k, 2, 20, 1, join(WORK, 'mallet.bin'))).peak;
        };
        const found = await interleaved(
          repetitions,
          Object.fromEntries(['thema', ...others].map((tool) => [tool, peak(tool)])),
        );
        const thema = median(found.get('thema')!);
        const rows = [...found].map(([tool, peaks]) => ({ corpus, k, tool, megabytes: median(peaks), thema }));
        results.save<Row>(NAME, ['corpus', 'k', 'tool'], rows);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'tool', 'MB', 'against thema'],
        ...rows.map(({ corpus, k, tool, megabytes, thema }) => [
          ...[corpus, `${k}`, nameOf(tool), short(megabytes), tool === 'thema' ? '' : ratio(thema, megabytes)],
        ]),
      ],
    ];
  },
};
