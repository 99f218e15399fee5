/**
 * How many seconds until a held-out perplexity, against other tools?
 *
 * Every tool is fitted for longer and longer: other tools by the shared peers.py, thema with 1, 2, 3, 4, … iterations, or
 * until it stops by itself, each point a fit of its own. Seconds are those of fitting alone, reading the corpus and scoring
 * apart; thema's whole command, from reading the corpus to the saved model, is told beside it. All are scored by the shared
 * score.py from their topics and alpha; 2 threads, priors and optimisers as each tool has them by default.
 *
 * The target is the best perplexity of any other tool + 5 %, or that best itself. A tool is there at its first measured
 * point at or below. A ladder ends when its next point would take longer than `--seconds`.
 */
import { chart } from './_chart.js';
import { interleaved, median, say } from './_measure.js';
import { available, corpusFolder, python, SHARED } from './_places.js';
import type { Question, Table } from './_question.js';
import type { Results } from './_results.js';
import { nameOf, ratio, short } from './_table.js';
import { fit, perplexities } from './_thema.js';

interface Point {
  readonly corpus: string;
  readonly k: number;
  readonly tool: string;
  /** Iterations, sweeps, passes: what the tool counts. */
  readonly passes: number;
  readonly seconds: number;
  /** Of thema: the whole command. */
  readonly wall: number | null;
  readonly perplexity: number;
  readonly session: number;
}

const NAME = 'time-to-perplexity';
const TOOLS = ['mallet', 'tomotopy', 'topica-sparse', 'sklearn-batch', 'gensim-multicore'];
const ITERATIONS = [1, 2, 3, 4, 5, 6, 8, 12, 20, 30, 50, 100];

type Measured = Pick<Point, 'passes' | 'seconds' | 'wall' | 'perplexity'>;

/** Thema's ladder: up to the iteration it stops at by itself. */
async function themaLadder(folder: string, k: number, seconds: number): Promise<Measured[]> {
  const points: { passes: number; seconds: number; wall: number; model: string }[] = [];
  for (const iterations of ITERATIONS) {
    const found = await fit(
      `${folder}/train.ldac`,
      ['-k', k, '-j', 2, '--iterations', iterations],
      `point-${iterations}`,
    );
    points.push({ passes: found.passes.length, seconds: found.seconds, wall: found.wall, model: found.model });
    if (found.passes.length < iterations || found.seconds > seconds / 2) break;
  }
  const scores = await perplexities(
    points.map(({ model }) => model),
    folder,
  );
  return points.map(({ model: _, ...point }, i) => ({ ...point, perplexity: scores[i]! }));
}

async function peerLadder(tool: string, folder: string, k: number, seconds: number): Promise<Measured[]> {
  const { stdout } = await python(
    `${SHARED}/bench/peers.py`,
    tool,
    folder,
    '-k',
    k,
    '--threads',
    2,
    '--seconds',
    seconds,
  );
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => ({ wall: null, ...(JSON.parse(line) as Omit<Measured, 'wall'>) }));
}

/** Points of several runs of a ladder: medians of those with the same passes. */
function together(runs: readonly Measured[][]): Measured[] {
  const all = runs.flat();
  return [...new Set(all.map(({ passes }) => passes))].map((passes) => {
    const same = all.filter((point) => point.passes === passes);
    return {
      passes,
      seconds: median(same.map(({ seconds }) => seconds)),
      wall: same[0]!.wall === null ? null : median(same.map(({ wall }) => wall!)),
      perplexity: median(same.map(({ perplexity }) => perplexity)),
    };
  });
}

/** The first point at or below a perplexity. */
export function reached<P extends { readonly seconds: number; readonly perplexity: number }>(
  points: readonly P[],
  target: number,
): P | undefined {
  return points.toSorted((a, b) => a.seconds - b.seconds).find(({ perplexity }) => perplexity <= target);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** Points of each corpus and K, by tool. */
export function groups(results: Results): { corpus: string; k: number; curves: Map<string, Point[]> }[] {
  const all = groupBy(results.rows<Point>(NAME), ({ corpus, k }) => `${corpus} ${k}`);
  return [...all.values()]
    .map((points) => ({
      corpus: points[0]!.corpus,
      k: points[0]!.k,
      curves: groupBy(points, ({ tool }) => tool),
    }))
    .sort((a, b) => a.corpus.localeCompare(b.corpus) || a.k - b.k);
}

/** The best perplexity of the other tools, and so much more. */
export function targetOf(curves: ReadonlyMap<string, readonly Point[]>, excess: number): number {
  const others = [...curves].filter(([tool]) => tool !== 'thema').flatMap(([, points]) => points);
  return (1 + excess) * Math.min(...others.map(({ perplexity }) => perplexity));
}

/** Of a tool that did not get there: how long it was tried. */
function notIn(points: readonly Point[]): string {
  return points.length === 0 ? '' : `not in ${short(Math.max(...points.map(({ seconds }) => seconds)))}`;
}

function table(results: Results, excess: number): Table {
  const found = groups(results);
  const others = [...new Set(found.flatMap(({ curves }) => [...curves.keys()]))].filter((tool) => tool !== 'thema');
  const rows = found.map(({ corpus, k, curves }) => {
    const target = targetOf(curves, excess);
    const thema = reached(curves.get('thema') ?? [], target);
    const cells = others.map((tool) => {
      const points = curves.get(tool);
      if (points === undefined) return '';
      const there = reached(points, target);
      if (there === undefined) return notIn(points);
      const other = thema !== undefined && there.session !== thema.session ? '†' : '';
      return `${short(there.seconds)}${thema === undefined ? '' : ` (${ratio(thema.seconds, there.seconds)})`}${other}`;
    });
    const own =
      thema === undefined ? [notIn(curves.get('thema') ?? []), ''] : [short(thema.seconds), short(thema.wall!)];
    return [corpus, `${k}`, short(target), ...own, ...cells];
  });
  const goal = excess === 0 ? 'best of others' : `best of others + ${100 * excess} %`;
  return [['corpus', 'K', goal, 'thema, s', 'its command, s', ...others.map((tool) => `${nameOf(tool)}, s`)], ...rows];
}

/** The best score of each tool, and what thema has where it stops by itself. */
function scores(results: Results): Table {
  const found = groups(results);
  const tools = [...new Set(found.flatMap(({ curves }) => [...curves.keys()]))].sort(
    (a, b) => Number(b === 'thema') - Number(a === 'thema'),
  );
  return [
    ['corpus', 'K', ...tools.map((tool) => `${nameOf(tool)}: best at s, last at s`)],
    ...found.map(({ corpus, k, curves }) => [
      corpus,
      `${k}`,
      ...tools.map((tool) => {
        const points = curves.get(tool)?.toSorted((a, b) => a.seconds - b.seconds) ?? [];
        if (points.length === 0) return '';
        const best = points.reduce((a, b) => (b.perplexity < a.perplexity ? b : a));
        const at = (point: Point) => `${short(point.perplexity)} at ${short(point.seconds)}`;
        return best === points.at(-1) ? at(best) : `${at(best)}, ${at(points.at(-1)!)}`;
      }),
    ]),
  ];
}

export const question: Question = {
  name: NAME,
  asks: 'How many seconds until a held-out perplexity, against other tools?',
  async run({ corpora = ['20ng', 'ap', 'm10'], topics = [20, 100, 500], tools = TOOLS, ...options }, results) {
    const { seconds = 40, repetitions = 1 } = options;
    const others = await available(tools);
    for (const corpus of corpora) {
      const folder = corpusFolder(corpus);
      for (const k of topics) {
        const ladder = (tool: string) => async () => {
          say(`${corpus}, K = ${k}: ${tool}…`);
          return tool === 'thema' ? themaLadder(folder, k, seconds) : peerLadder(tool, folder, k, seconds);
        };
        const subjects = Object.fromEntries(['thema', ...others].map((tool) => [tool, ladder(tool)]));
        for (const [tool, runs] of await interleaved(repetitions, subjects)) {
          results.save(
            NAME,
            ['corpus', 'k', 'tool'],
            together(runs).map((point) => ({ corpus, k, tool, ...point })),
          );
        }
      }
    }
  },
  tables: (results) =>
    results.rows(NAME).length === 0 ? [] : [table(results, 0.05), table(results, 0), scores(results)],
  charts: (results) =>
    Object.fromEntries(
      groups(results).map(({ corpus, k, curves }) => [
        `${corpus}-${k}.svg`,
        chart({
          title: `${corpus}, K = ${k}: perplexity of held-out words against seconds of fitting`,
          x: 'seconds (2 threads, logarithmic)',
          y: 'perplexity',
          // by name, so that a tool has one colour in all charts of the same tools
          curves: [...curves]
            .sort(([a], [b]) => a.localeCompare(b))
            .map(([tool, points]) => ({
              name: nameOf(tool),
              points: points.map(({ seconds, perplexity }) => ({ x: seconds, y: perplexity })),
              isMain: tool === 'thema',
            })),
        }),
      ]),
    ),
};
