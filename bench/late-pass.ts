/**
 * Late in a fit, when documents have few topics left, what does a pass with 1,000 topics cost against one with 100?
 *
 * Twenty iterations of collapsed passes, which are most of a default fit, and of VB; early is the second iteration, late the
 * median of the last five.
 */
import { interleaved, median, say } from './_measure.js';
import { corpusFolder } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly inference: (typeof INFERENCES)[number];
  readonly k: number;
  readonly early: number;
  readonly late: number;
}

const NAME = 'late-pass';
const ITERATIONS = 20;
const INFERENCES = ['collapsed', 'vb'] as const;

export const question: Question = {
  name: NAME,
  asks: 'Late in a fit, what does a pass with many topics cost against one with few?',
  async run({ corpora = ['20ng'], topics = [100, 1000], repetitions = 1 }, results) {
    for (const [corpus, inference] of corpora.flatMap((corpus) => INFERENCES.map((by) => [corpus, by] as const))) {
      const input = `${corpusFolder(corpus)}/train.ldac`;
      say(`${corpus}, ${inference}, K = ${topics.join(', ')}…`);
      const settings = ['--inference', inference, '--iterations', ITERATIONS, '-j', 2];
      const run = (k: number) => () => fit(input, ['-k', k, ...settings]);
      const runs = await interleaved(repetitions, Object.fromEntries(topics.map((k) => [`${k}`, run(k)])));
      const rows = topics.map((k) => ({
        corpus,
        inference,
        k,
        early: median(runs.get(`${k}`)!.map(({ passes }) => passes[1] ?? passes[0]!)),
        late: median(runs.get(`${k}`)!.map(({ passes }) => median(passes.slice(-5)))),
      }));
      results.save<Row>(NAME, ['corpus', 'inference', 'k'], rows);
    }
  },
  tables(results) {
    const of = ({ corpus, inference }: Row) => `${corpus} ${inference}`;
    const rows = results.rows<Row>(NAME).toSorted((a, b) => of(a).localeCompare(of(b)) || a.k - b.k);
    if (rows.length === 0) return [];
    const first = (row: Row) => rows.find((other) => of(other) === of(row))!;
    return [
      [
        ['corpus', 'inference', 'K', 'early pass, s', 'late pass, s', 'late, against the fewest topics', 'topics'],
        ...rows.map((row) => [
          ...[row.corpus, row.inference, `${row.k}`, short(row.early), short(row.late)],
          ...[ratio(first(row).late, row.late), ratio(first(row).k, row.k)],
        ]),
      ],
    ];
  },
};
