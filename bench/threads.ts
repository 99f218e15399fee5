/**
 * How much faster are two threads than one?
 *
 * The same default fit, to where it stops, with `-j 1` and `-j 2`, in turns; seconds of fitting alone, and of the whole
 * command.
 */
import { interleaved, median, say } from './_measure.js';
import { corpusFolder } from './_places.js';
import type { Question } from './_question.js';
import { ratio, short } from './_table.js';
import { fit } from './_thema.js';

interface Row {
  readonly corpus: string;
  readonly k: number;
  readonly one: number;
  readonly two: number;
  readonly commandOne: number;
  readonly commandTwo: number;
}

const NAME = 'threads';

export const question: Question = {
  name: NAME,
  asks: 'How much faster are two threads than one?',
  async run({ corpora = ['20ng', 'ap', 'm10'], topics = [20, 100, 500], repetitions = 3 }, results) {
    for (const corpus of corpora) {
      const input = `${corpusFolder(corpus)}/train.ldac`;
      for (const k of topics) {
        say(`${corpus}, K = ${k}…`);
        const found = await interleaved(repetitions, {
          one: () => fit(input, ['-k', k, '-j', 1]),
          two: () => fit(input, ['-k', k, '-j', 2]),
        });
        const of = (name: string, what: 'seconds' | 'wall') => median(found.get(name)!.map((run) => run[what]));
        const commands = { commandOne: of('one', 'wall'), commandTwo: of('two', 'wall') };
        const row = { corpus, k, one: of('one', 'seconds'), two: of('two', 'seconds'), ...commands };
        results.save<Row>(NAME, ['corpus', 'k'], [row]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    if (rows.length === 0) return [];
    return [
      [
        ['corpus', 'K', 'fit -j 1, s', 'fit -j 2, s', 'faster', 'whole command'],
        ...rows.map(({ corpus, k, one, two, commandOne, commandTwo }) => [
          ...[corpus, `${k}`, short(one), short(two), ratio(two, one), ratio(commandTwo, commandOne)],
        ]),
      ],
    ];
  },
};
