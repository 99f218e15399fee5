/**
 * How long is an iteration of a Gaussian mixture, against scikit-learn?
 *
 * 100,000 points of 50 columns around 20 centres, K = 20, random starts. thema: the median iteration after the first;
 * scikit-learn: the seconds of 8 iterations less those of 2, over 6. In turns; scikit-learn with the threads of its BLAS,
 * thema with one.
 */
import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { measure, medians, say } from './_measure.js';
import { available, pythonNumber, THEMA, WORK } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit, settled } from './_thema.js';

interface Row {
  readonly covariance: string;
  readonly thema: number;
  readonly sklearn: number | null;
}

const NAME = 'gmm';
const K = 20;

/** Points of `columns` numbers around K centres, as CSV; made once. */
async function points(documents: number, columns: number): Promise<string> {
  const path = join(WORK, `points-${documents}-${columns}.csv`);
  if (existsSync(path)) return path;
  let state = 1;
  // the minimal standard generator (Park & Miller 1988): seeded, and good enough for noise
  const uniform = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const centres = Array.from({ length: K }, () => Array.from({ length: columns }, () => 3 * normal()));
  const file = createWriteStream(path);
  file.write(`${columnNames(columns)}\n`);
  for (let d = 0; d < documents; d++)
    file.write(`${centres[d % K]!.map((x) => (x + normal()).toFixed(4)).join(',')}\n`);
  file.end();
  await finished(file);
  return path;
}

function columnNames(columns: number): string {
  return Array.from({ length: columns }, (_, column) => `x${column}`).join(',');
}

export const question: Question = {
  name: NAME,
  asks: 'How long is an iteration of a Gaussian mixture of 100,000 points, against scikit-learn?',
  async run({ quick, repetitions = 3 }, results) {
    const [documents, columns] = quick ? [2000, 5] : [100_000, 50];
    const csv = await points(documents, columns);
    const corpus = join(WORK, 'points.safetensors');
    await measure([...THEMA, 'import', csv, '--columns', columnNames(columns), '-o', corpus, '-qf']);
    const hasPeer = (await available(['sklearn'])).length > 0;
    for (const covariance of ['diag', 'full']) {
      say(`${covariance}…`);
      const options = ['--start', 'random', '--covariance', covariance, '--iterations', 6, '--tolerance', 0];
      const found = await medians(repetitions, {
        thema: async () => settled(await fit(corpus, ['--model', 'gmm', '-k', K, ...options, '--no-proportions'])),
        ...(hasPeer ? { sklearn: () => pythonNumber('gmm.py', csv, K, covariance) } : {}),
      });
      const row = { covariance, thema: found.get('thema')!, sklearn: found.get('sklearn') ?? null };
      results.save<Row>(NAME, ['covariance'], [row]);
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['covariance', 'thema, s an iteration', 'scikit-learn', 'ratio'],
        ...rows.map(({ covariance, thema, sklearn }) => [
          ...[covariance, short(thema), sklearn === null ? '' : short(sklearn)],
          sklearn === null ? '' : ratio(thema, sklearn),
        ]),
      ],
    ];
  },
};
