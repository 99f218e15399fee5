import type { Report } from './render.js';
import { percent, printable, probability, table } from './table.js';

/** One topic: its share of the fitted tokens, and its most probable terms. */
export interface TopicRow {
  readonly topic: number;
  readonly share: number;
  readonly terms: readonly { readonly term: string; readonly probability: number }[];
}

export interface TopicsOptions {
  /** Terms of a topic at most. */
  readonly terms: number;
  readonly order: 'share' | 'number';
  /** Topics to show; all without it. */
  readonly only?: readonly number[] | undefined;
  /** Show the terms' probabilities in the text too. */
  readonly probabilities: boolean;
}

/**
 * The topics of a fit.
 *
 * @param topics V×K term probabilities
 * @param shares K, each topic's share of the fitted tokens
 */
export function topicsReport(
  topics: Float64Array,
  shares: Float64Array,
  vocabulary: readonly string[],
  { terms, order, only, probabilities }: TopicsOptions,
): Report<TopicRow> {
  const K = shares.length;
  const numbers = only === undefined ? Array.from(shares.keys()) : [...only];
  if (order === 'share') numbers.sort((a, b) => shares[b]! - shares[a]! || a - b);
  function* rows(): Generator<TopicRow> {
    for (const topic of numbers) {
      const top = topTerms(topics, topic, K, terms).map((w) => ({
        term: vocabulary[w]!,
        probability: topics[w * K + topic]!,
      }));
      yield { topic, share: shares[topic]!, terms: top };
    }
  }
  return {
    rows: rows(),
    columns: ['topic', 'share', 'rank', 'term', 'probability'],
    cells: ({ topic, share, terms }) =>
      terms.map(({ term, probability }, i) => [topic, share, i + 1, term, probability]),
    async *text(rows, style) {
      const lines: string[][] = [['topic', 'share', 'terms']];
      for await (const { topic, share, terms } of rows) {
        const words = terms.map(({ term, probability: p }) =>
          probabilities ? `${printable(term)} ${style('dim', probability(p))}` : printable(term),
        );
        lines.push([String(topic), percent(share), words.join(' ')]);
      }
      const [header, ...body] = table(lines);
      yield style('bold', header!);
      yield* body;
    },
  };
}

/** The `n` most probable terms of topic k, most probable first, ties by term number. */
function topTerms(topics: Float64Array, k: number, K: number, n: number): number[] {
  const V = topics.length / K;
  const order = Array.from({ length: V }, (_, w) => w).sort((a, b) => topics[b * K + k]! - topics[a * K + k]! || a - b);
  return order.slice(0, n);
}
