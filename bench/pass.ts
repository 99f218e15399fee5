/**
 * How long is one E+M pass at matched settings, against scikit-learn?
 *
 * The same work on both sides: batch LDA, the same number of rounds of every document (`--e-step-tolerance 0` here,
 * `mean_change_tol=0` there), priors 1/K that are not learned, two threads (`-j 2`, `n_jobs=2`), warmed up. thema's pass
 * computes its ELBO too. The number is the median pass of one fit, and of that the median over repetitions in turns.
 */
import { medians, say } from './_measure.js';
import { available, corpusFolder, pythonNumber, SHARED } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit, plainFit, settled } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly rounds: number;
  readonly thema: number;
  readonly sklearn: number | null;
}

const NAME = 'pass';
const ROUNDS = 10;

export const question: Question = {
  name: NAME,
  asks: `How long is one E+M pass of ${ROUNDS} rounds a document, against scikit-learn with the same settings?`,
  async run({ corpora = ['20ng', 'ap', 'm10'], topics = [20, 100, 500], repetitions = 3 }, results) {
    const hasPeer = (await available(['sklearn'])).length > 0;
    for (const corpus of corpora) {
      const folder = corpusFolder(corpus);
      for (const k of topics) {
        say(`${corpus}, K = ${k}…`);
        const found = await medians(repetitions, {
          thema: async () => settled(await fit(`${folder}/train.ldac`, [...plainFit(k, ROUNDS, 4), '-j', 2])),
          ...(hasPeer ? { sklearn: () => pythonNumber('pass.py', SHARED, folder, k, ROUNDS, 2) } : {}),
        });
        const row = { corpus, k, rounds: ROUNDS, thema: found.get('thema')!, sklearn: found.get('sklearn') ?? null };
        results.save<Row>(NAME, ['corpus', 'k'], [row]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'thema, s a pass', 'scikit-learn, s a pass', 'ratio'],
        ...rows.map(({ corpus, k, thema, sklearn }) => [
          corpus,
          `${k}`,
          short(thema),
          sklearn === null ? '' : short(sklearn),
          sklearn === null ? '' : ratio(thema, sklearn),
        ]),
      ],
    ];
  },
};
