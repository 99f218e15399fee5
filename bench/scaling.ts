/**
 * How do time and memory grow with documents, topics and terms?
 *
 * Synthetic corpora of 100 tokens a document, fitted in 3 passes by two threads (the first, which visits some documents
 * more often, counted as one). Along each axis the other two stay: 1 M tokens, 100 topics, 20,000 terms. Nanoseconds are of
 * fitting alone, over (pairs × topics × passes): where they stay as they are, time grows as the work does. The exponent is
 * that of seconds as a power of what grows, from the row above.
 *
 * `--axes documents --tokens 100` is the large run: it draws a corpus of 700 MB first, into a folder that is gone after it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    const folder = mkdtempSync(join(tmpdir(), 'bench-scaling-'));
    try {
      for (const axis of axes) {
        for (const { tokens, k, terms } of points[axis as keyof typeof points]) {
          const input = await synthetic(folder, tokens, terms, usual.k);
          say(`${axis}: ${tokens / 1e6} M tokens, ${k} topics, ${terms} terms…`);
          const run = () => fit(input, ['-k', k, '--iterations', 3, '-j', 2, '--no-proportions'], 'scaling');
          const runs = (await interleaved(repetitions, { run })).get('run')!;
          const of = (what: 'seconds' | 'wall' | 'peak') => median(runs.map((fit) => fit[what]));
          const shape = { axis, tokens, pairs: pairsOf(input), k, terms, passes: runs[0]!.passes.length };
          const times = { seconds: of('seconds'), pass: median(runs.map(settled)), wall: of('wall'), peak: of('peak') };
          results.save<Row>(NAME, ['axis', 'tokens', 'k', 'terms'], [{ ...shape, ...times }]);
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  tables(results) {
    const rows = results.rows<Row>(NAME);
    return AXES.filter((axis) => rows.some((row) => row.axis === axis)).map((axis) => {
      const of = rows
        .filter((row) => row.axis === axis)
        .sort((a, b) => a.tokens - b.tokens || a.k - b.k || a.terms - b.terms);
      const size = ({ tokens, k, terms }: Row) => tokens * k * terms;
      return [
        [axis, 'M tokens', 'K', 'terms', 'passes', 'fit, s', 'exponent', 'pass, s', 'command, s', 'ns', 'peak, MB'],
        ...of.map((row, i) => {
          const { tokens, pairs, k, terms, passes, seconds, pass, wall, peak } = row;
          const before = of[i - 1];
          const exponent = before && Math.log(seconds / before.seconds) / Math.log(size(row) / size(before));
          return [
            ...['', short(tokens / 1e6), `${k}`, terms.toLocaleString('en'), `${passes}`, short(seconds)],
            ...[exponent?.toFixed(2) ?? '', short(pass), short(wall)],
            ...[short((1e9 * seconds) / (pairs * k * passes)), short(peak)],
          ];
        }),
      ];
    });
  },
};
