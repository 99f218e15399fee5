/**
 * How long is one E+M pass at matched settings, against scikit-learn?
 *
 * The same work on both sides: batch LDA, 10 rounds of every document (`--e-step-tolerance 0` here, `mean_change_tol=0`
 * there), the same priors, not learned, two threads (`-j 2`, `n_jobs=2`), warmed up. Priors are 0.1, and scikit-learn's
 * own default 1/K: small ones make subnormal numbers, on which some processors are many times slower. thema's pass
 * computes its ELBO too.
 *
 * thema ends a document's rounds where f32 is at rest, whatever the tolerance. So passes of 5 and 20 rounds are
 * measured as well, and where the time does not grow with the rounds (or the machine is too busy to tell) there is no
 * ratio. Titles (m10) are such a case.
 */
import { medians, say } from './_measure.js';
import { available, corpusFolder, pythonNumber, SHARED } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { isWhole, plainPass } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  /** Of proportions and of topics. */
  readonly prior: number;
  readonly thema: number;
  readonly sklearn: number | null;
  /** 1 if thema did all rounds. */
  readonly whole: 0 | 1;
}

const NAME = 'pass';
const ROUNDS = 10;
const CHECKED = [5, ROUNDS, 20] as const;

export const question: Question = {
  name: NAME,
  asks: `How long is one E+M pass of ${ROUNDS} rounds a document, against scikit-learn with the same settings?`,
  async run({ corpora = ['20ng', 'ap'], topics = [20, 100, 500], repetitions = 5 }, results) {
    const hasPeer = (await available(['sklearn'])).length > 0;
    for (const corpus of corpora) {
      const folder = corpusFolder(corpus);
      for (const [k, prior] of topics.flatMap((k) => [[k, 0.1] as const, [k, 1 / k] as const])) {
        say(`${corpus}, K = ${k}, priors ${prior}…`);
        const pass = (rounds: number) => () => plainPass(`${folder}/train.ldac`, { k, rounds, prior, threads: 2 });
        const found = await medians(repetitions, {
          ...Object.fromEntries(CHECKED.map((rounds) => [`${rounds}`, pass(rounds)])),
          ...(hasPeer ? { sklearn: () => pythonNumber('pass.py', SHARED, folder, k, ROUNDS, 2, prior) } : {}),
        });
        const whole = isWhole(CHECKED.map((rounds) => [rounds, found.get(`${rounds}`)!] as const)) ? 1 : 0;
        const times = { thema: found.get(`${ROUNDS}`)!, sklearn: found.get('sklearn') ?? null };
        results.save<Row>(NAME, ['corpus', 'k', 'prior'], [{ corpus, k, prior, ...times, whole }]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'priors', 'thema, s a pass', 'scikit-learn, s a pass', 'ratio'],
        ...rows.map(({ corpus, k, prior, thema, sklearn, whole }) => [
          ...[corpus, `${k}`, short(prior), short(thema), sklearn === null ? '' : short(sklearn)],
          sklearn === null ? '' : whole === 1 ? ratio(thema, sklearn) : 'none: time did not grow with rounds',
        ]),
      ],
    ];
  },
};
