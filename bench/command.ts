/**
 * How long is the whole command from an lda-c file to a saved model of a perplexity, against MALLET's?
 *
 * The perplexity and how long each has to be fitted for it are what time-to-perplexity has found: the best of other tools
 * + 5 %, and the first of its points at or below. Both commands are then run anew, in turns, start of Node and of the JVM
 * included; 2 threads. MALLET's is the shared MalletLadder, which reads the file in place of MALLET's import.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { medians, say } from './_measure.js';
import { available, corpusFolder, mallet, WORK } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit } from './_thema.js';
import { groups, reached, targetOf } from './time-to-perplexity.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly target: number;
  readonly iterations: number;
  readonly thema: number;
  readonly malletIterations: number;
  readonly mallet: number;
}

const NAME = 'command';

export const question: Question = {
  name: NAME,
  asks: 'How long is the whole command to a saved model of a perplexity, against MALLET?',
  async run({ corpora = ['20ng', 'ap', 'm10'], topics = [20, 100], repetitions = 3 }, results) {
    if ((await available(['mallet'])).length === 0) return;
    const found = groups(results);
    if (found.length === 0) say('there are no results of time-to-perplexity, which comes first');
    for (const { corpus, k, curves } of found) {
      if (!corpora.includes(corpus) || !topics.includes(k)) continue;
      const target = targetOf(curves, 0.05);
      const [own, other] = ['thema', 'mallet'].map((tool) => reached(curves.get(tool) ?? [], target)?.passes);
      if (own === undefined || other === undefined) continue;
      say(`${corpus}, K = ${k}…`);
      const folder = corpusFolder(corpus);
      const terms = readFileSync(`${folder}/vocab.txt`, 'utf8').trimEnd().split('\n').length;
      const input = `${folder}/train.ldac`;
      const walls = await medians(repetitions, {
        thema: () => fit(input, ['-k', k, '-j', 2, '--iterations', own]).then(({ wall }) => wall),
        mallet: () =>
          mallet('MalletLadder', input, terms, k, 2, other, 1, join(WORK, 'mallet.bin')).then(({ wall }) => wall),
      });
      const row = { corpus, k, target, iterations: own, thema: walls.get('thema')! };
      results.save<Row>(NAME, ['corpus', 'k'], [{ ...row, malletIterations: other, mallet: walls.get('mallet')! }]);
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'best of others + 5 %', 'thema, s', 'MALLET, s', 'ratio'],
        ...rows.map(({ corpus, k, target, iterations, thema, malletIterations, mallet: other }) => [
          ...[corpus, `${k}`, short(target), `${short(thema)} (${iterations} iterations)`],
          ...[`${short(other)} (${malletIterations})`, ratio(thema, other)],
        ]),
      ],
    ];
  },
};
