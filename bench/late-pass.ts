/**
 * Late in a fit, when documents have few topics left, what does a pass with 1,000 topics cost against one with 100?
 *
 * A default fit of 20 iterations; early is the second iteration, late the median of the last five.
 */
import { interleaved, median, say } from './_measure.js';
import { corpusFolder } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly early: number;
  readonly late: number;
}

const NAME = 'late-pass';
const ITERATIONS = 20;

export const question: Question = {
  name: NAME,
  asks: 'Late in a fit, what does a pass with many topics cost against one with few?',
  async run({ corpora = ['20ng'], topics = [100, 1000], repetitions = 1 }, results) {
    for (const corpus of corpora) {
      const input = `${corpusFolder(corpus)}/train.ldac`;
      say(`${corpus}, K = ${topics.join(', ')}…`);
      const run = (k: number) => () => fit(input, ['-k', k, '--iterations', ITERATIONS, '-j', 2]);
      const runs = await interleaved(repetitions, Object.fromEntries(topics.map((k) => [`${k}`, run(k)])));
      const rows = topics.map((k) => ({
        corpus,
        k,
        early: median(runs.get(`${k}`)!.map(({ passes }) => passes[1] ?? passes[0]!)),
        late: median(runs.get(`${k}`)!.map(({ passes }) => median(passes.slice(-5)))),
      }));
      results.save<Row>(NAME, ['corpus', 'k'], rows);
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME).toSorted((a, b) => a.corpus.localeCompare(b.corpus) || a.k - b.k);
    if (rows.length === 0) return [];
    const first = (row: Row) => rows.find(({ corpus }) => corpus === row.corpus)!;
    return [
      [
        ['corpus', 'K', 'early pass, s', 'late pass, s', 'late, against the fewest topics', 'topics'],
        ...rows.map((row) => [
          ...[row.corpus, `${row.k}`, short(row.early), short(row.late)],
          ...[ratio(first(row).late, row.late), ratio(first(row).k, row.k)],
        ]),
      ],
    ];
  },
};
