/**
 * How long is one E+M pass at matched settings, against scikit-learn?
 *
 * The same work on both sides: batch LDA, 10 rounds of every document (`--e-step-tolerance 0` here, `mean_change_tol=0`
 * there), the same priors, not learned, two threads (`-j 2`, `n_jobs=2`), warmed up. Priors are 0.1, and scikit-learn's
 * own default 1/K: small ones make subnormal numbers, on which some processors are many times slower. thema's pass
 * computes its ELBO too.
 *
 * thema does not do what makes no difference: topics that have no share of a document are left out of its later rounds, and
 * rounds end where f32 is at rest. So its ELBO is given against that of --precise, which does every round of every topic in
 * double precision.
 */
import { medians, say } from './_measure.js';
import { available, corpusFolder, pythonNumber, SHARED } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { PLAIN_VB, plainPass } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  /** Of proportions and of topics. */
  readonly prior: number;
  readonly thema: number;
  readonly sklearn: number | null;
  /** How far the ELBO is from that of --precise, as a fraction of it. */
  readonly difference: number;
}

const NAME = 'pass';
const ROUNDS = 10;
const PASSES = 12;

export const question: Question = {
  name: NAME,
  asks: `How long is one E+M pass of ${ROUNDS} rounds a document, against scikit-learn with the same settings?`,
  async run({ corpora = ['20ng', 'ap'], topics = [20, 100, 500], repetitions = 5 }, results) {
    const hasPeer = (await available(['sklearn'])).length > 0;
    for (const corpus of corpora) {
      const folder = corpusFolder(corpus);
      for (const [k, prior] of topics.flatMap((k) => [[k, 0.1] as const, [k, 1 / k] as const])) {
        say(`${corpus}, K = ${k}, priors ${prior}…`);
        const input = `${folder}/train.ldac`;
        const pass = (...settings: string[]) =>
          plainPass(input, { k, rounds: ROUNDS, prior, threads: 2, passes: PASSES }, [...PLAIN_VB, ...settings]);
        let single = NaN;
        const found = await medians(repetitions, {
          thema: async () => {
            const { seconds, elbo } = await pass();
            // the same each time
            single = elbo;
            return seconds;
          },
          ...(hasPeer ? { sklearn: () => pythonNumber('pass.py', SHARED, folder, k, ROUNDS, 2, prior) } : {}),
        });
        const times = { thema: found.get('thema')!, sklearn: found.get('sklearn') ?? null };
        const { elbo: double } = await pass('--precise');
        const row = { corpus, k, prior, ...times, difference: Math.abs(single / double - 1) };
        results.save<Row>(NAME, ['corpus', 'k', 'prior'], [row]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        [
          'corpus',
          'K',
          'priors',
          'thema, s a pass',
          'scikit-learn, s a pass',
          'ratio',
          'its ELBO off --precise, relative',
        ],
        ...rows.map(({ corpus, k, prior, thema, sklearn, difference }) => [
          ...[corpus, `${k}`, short(prior), short(thema), sklearn === null ? '' : short(sklearn)],
          ...[sklearn === null ? '' : ratio(thema, sklearn), difference.toExponential(0)],
        ]),
      ],
    ];
  },
};
