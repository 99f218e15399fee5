/**
 * How do time and memory grow with documents, topics and terms?
 *
 * Synthetic corpora of 100 tokens a document, fitted with 3 iterations after the start, two threads. Along each axis the
 * other two stay: 1 M tokens, 100 topics, 20,000 terms. Nanoseconds are of fitting alone, over (pairs × topics × passes),
 * passes of the start among them: where they stay as they are, time grows as the work does.
 *
 * `--axes documents --tokens 100` is the large run: it draws a corpus of 700 MB first.
 */
import { interleaved, median, say } from './_measure.js';
import { pairsOf, synthetic } from './_places.js';
import type { Question } from './_question.js';
import { short } from './_table.js';
import { fit, settled } from './_thema.js';

interface Row {
  readonly axis: string;
  readonly tokens: number;
  readonly pairs: number;
  readonly k: number;
  readonly terms: number;
  /** Of the start and of the iterations after it. */
  readonly passes: number;
  readonly seconds: number;
  /** Of an iteration. */
  readonly pass: number;
  readonly wall: number;
  /** MB. */
  readonly peak: number;
}

const NAME = 'scaling';
const USUAL = { tokens: 1e6, k: 100, terms: 20_000 };
const AXES = ['documents', 'topics', 'vocabulary'];

export const question: Question = {
  name: NAME,
  asks: 'How do time and memory of a fit grow with documents, topics and terms?',
  async run({ quick, axes = AXES, tokens = [0.1, 1, 10], topics = [20, 100, 500, 1000], repetitions = 1 }, results) {
    const usual = quick ? { tokens: 20_000, k: 10, terms: 1000 } : USUAL;
    const points = {
      documents: tokens.map((millions) => ({ ...usual, tokens: 1e6 * millions })),
      topics: topics.map((k) => ({ ...usual, k })),
      vocabulary: (quick ? [500, 1000] : [2000, 20_000, 100_000]).map((terms) => ({ ...usual, terms })),
    };
    for (const axis of axes) {
      for (const { tokens, k, terms } of points[axis as keyof typeof points]) {
        const input = await synthetic(tokens, terms, usual.k);
        say(`${axis}: ${tokens / 1e6} M tokens, ${k} topics, ${terms} terms…`);
        const run = () => fit(input, ['-k', k, '--iterations', 3, '-j', 2, '--no-proportions'], 'scaling');
        const runs = (await interleaved(repetitions, { run })).get('run')!;
        const of = (what: 'seconds' | 'wall' | 'peak') => median(runs.map((fit) => fit[what]));
        const passes = runs[0]!.start.length + runs[0]!.passes.length;
        const shape = { axis, tokens, pairs: pairsOf(input), k, terms, passes };
        const times = { seconds: of('seconds'), pass: median(runs.map(settled)), wall: of('wall'), peak: of('peak') };
        results.save<Row>(NAME, ['axis', 'tokens', 'k', 'terms'], [{ ...shape, ...times }]);
      }
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    return AXES.filter((axis) => rows.some((row) => row.axis === axis)).map((axis) => [
      [axis, 'M tokens', 'K', 'terms', 'passes', 'fit, s', 'iteration, s', 'command, s', 'ns', 'peak, MB'],
      ...rows
        .filter((row) => row.axis === axis)
        .sort((a, b) => a.tokens - b.tokens || a.k - b.k || a.terms - b.terms)
        .map(({ tokens, pairs, k, terms, passes, seconds, pass, wall, peak }) => [
          ...['', short(tokens / 1e6), `${k}`, terms.toLocaleString('en'), `${passes}`, short(seconds), short(pass)],
          ...[short(wall), short((1e9 * seconds) / (pairs * k * passes)), short(peak)],
        ]),
    ]);
  },
};
