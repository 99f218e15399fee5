import type { Report } from './render.js';
import { counted, filled, inHeader, percent, printable, probability, table } from './table.js';

/** One topic: its share of the fitted tokens, what its model knows of it, and its heaviest terms. */
export interface TopicRow {
  readonly topic: number;
  readonly share: number;
  /** Each with its weight under the name of the reading, such as `probability`. */
  readonly terms: readonly Readonly<Record<string, string | number>>[];
  /** Which read-out the probabilities are, where there are several. */
  readonly read_out?: string;
  /** Facts of the model, such as `alpha`. */
  readonly [fact: string]: unknown;
}

export interface TopicsOptions {
  /** What the weights of terms are, such as `probability`. */
  readonly reading: string;
  /** Which read-out the reading is, where there are several. */
  readonly readOut?: string | undefined;
  /** Terms of a topic at most. */
  readonly terms: number;
  readonly order: 'share' | 'number';
  /** Topics to show; all without it. */
  readonly only?: readonly number[] | undefined;
  /** Show the terms' weights in the text too. */
  readonly weights: boolean;
  /** Columns of the terminal that the text is for; lines are broken between terms there. */
  readonly width?: number | undefined;
  /** Names of the columns, where documents are points: then a topic is read by its facts `mean` and `variance` of each. */
  readonly columns?: readonly string[] | undefined;
  /** What the model knows of topic k beside its terms. */
  readonly facts: (k: number) => Readonly<Record<string, unknown>>;
}

/**
 * The topics of a fit.
 *
 * @param weights V×K weights of terms
 * @param shares K, each topic's share of the fitted tokens
 */
export function topicsReport(
  weights: Float64Array,
  shares: Float64Array,
  vocabulary: readonly string[],
  options: TopicsOptions,
): Report<TopicRow> {
  const { reading, readOut, order, only } = options;
  const named = readOut === undefined ? {} : { read_out: readOut };
  const K = shares.length;
  const numbers = only === undefined ? Array.from(shares.keys()) : [...only];
  if (order === 'share') numbers.sort((a, b) => shares[b]! - shares[a]! || a - b);
  function* rows(): Generator<TopicRow> {
    for (const topic of numbers) {
      const terms = topTerms(weights, topic, K, options.terms).map((w) => ({
        term: vocabulary[w]!,
        [reading]: weights[w * K + topic]!,
      }));
      yield { topic, share: shares[topic]!, ...options.facts(topic), ...named, terms };
    }
  }
  if (options.columns !== undefined) return pointsReport(rows(), options.columns);
  return {
    rows: rows(),
    columns: ['topic', 'share', 'rank', 'term', reading, ...Object.keys(named)],
    cells: ({ topic, share, terms }) =>
      terms.map((term, i) => [
        ...[topic, share, i + 1, term['term'] as string, term[reading] as number],
        ...Object.values(named),
      ]),
    async *text(rows, style) {
      const lines: string[][] = [['topic', 'share', `terms${inHeader(readOut)}`]];
      let off = 0;
      for await (const { topic, share, terms, on } of rows) {
        if (on === false && only === undefined) {
          off++;
          continue;
        }
        const words = terms.map((term) => {
          const word = printable(term['term'] as string);
          return options.weights ? `${word} ${style('dim', probability(term[reading] as number))}` : word;
        });
        const [first = '', ...more] =
          options.width === undefined ? [words.join(' ')] : filled(words, options.width - 16);
        lines.push([String(topic), percent(share), first], ...more.map((line) => ['', '', line]));
      }
      const [header, ...body] = table(lines);
      yield style('bold', header!);
      yield* body;
      if (off > 0)
        yield style('dim', `${counted(off, 'topic')} switched off: no document needs ${off === 1 ? 'it' : 'them'}`);
    },
  };
}

/** Topics that are regions of points: mean and standard deviation of each column. */
function pointsReport(all: Iterable<TopicRow>, columns: readonly string[]): Report<TopicRow> {
  const cells = (row: TopicRow) => {
    const [mean, variance] = [row['mean'], row['variance']] as number[][];
    return columns.map((column, p) => [row.topic, row.share, column, mean![p]!, Math.sqrt(variance![p]!)] as const);
  };
  return {
    rows: all,
    columns: ['topic', 'share', 'column', 'mean', 'sd'],
    cells,
    async *text(rows, style) {
      const lines = [['topic', 'share', ...columns.map(printable)]];
      for await (const row of rows) {
        const values = cells(row).map(([, , , mean, sd]) =>
          row['on'] === false ? 'off' : `${shortNumber(mean)} ± ${shortNumber(sd)}`,
        );
        lines.push([String(row.topic), percent(row.share), ...values]);
      }
      const [header, ...body] = table(lines);
      yield style('bold', header!);
      yield* body;
    },
  };
}

/** Four significant digits. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** The `n` heaviest terms of topic k with any weight, heaviest first, ties by term number. */
export function topTerms(topics: Float64Array, k: number, K: number, n: number): number[] {
  const heaviestFirst = (a: number, b: number) => topics[b * K + k]! - topics[a * K + k]! || a - b;
  const top: number[] = [];
  let least = 0;
  for (let w = 0; w * K < topics.length; w++) {
    if (!(topics[w * K + k]! > least)) continue;
    // Every n that come in push n out: sorting all terms would take ten times as long
    if (top.push(w) < 2 * n) continue;
    top.sort(heaviestFirst).length = n;
    least = topics[top[n - 1]! * K + k]!;
  }
  return top.sort(heaviestFirst).slice(0, n);
}
