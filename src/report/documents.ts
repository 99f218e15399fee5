import type { Report } from './render.js';
import { grouped, inHeader, padded, percent, printable } from './table.js';

/** Topic proportions of one document. */
export interface DocumentRow {
  readonly id: string;
  /** Tokens that the model knows. */
  readonly tokens: number;
  /** Tokens that are not in the model's vocabulary; null where that was not counted. */
  readonly unseen: number | null;
  /** Most probable first. */
  readonly topics: readonly { readonly topic: number; readonly proportion: number }[];
  /** By which read-out of the topics it was answered, where there are several. */
  readonly read_out?: string;
}

/** The `n` largest of K proportions, largest first, ties by topic number. */
export function topProportions(proportions: Float64Array, n: number): DocumentRow['topics'] {
  if (n < proportions.length / 8) return fewLargest(proportions, n);
  return Array.from(proportions, (proportion, topic) => ({ topic, proportion }))
    .sort((a, b) => b.proportion - a.proportion || a.topic - b.topic)
    .slice(0, n);
}

/** The same by insertion, for few of many. */
function fewLargest(proportions: Float64Array, n: number): { topic: number; proportion: number }[] {
  const largest: { topic: number; proportion: number }[] = [];
  for (let topic = 0; topic < proportions.length; topic++) {
    const proportion = proportions[topic]!;
    if (largest.length === n && !(proportion > largest[n - 1]!.proportion)) continue;
    let at = Math.min(largest.length, n - 1);
    for (; at > 0 && largest[at - 1]!.proportion < proportion; at--) largest[at] = largest[at - 1]!;
    largest[at] = { topic, proportion };
  }
  return largest;
}

/** Proportions of documents, one row each, in their order; rows may stream, and have the read-out too. */
export function documentsReport(
  rows: Iterable<DocumentRow> | AsyncIterable<DocumentRow>,
  readOut?: string,
): Report<DocumentRow> {
  const named = readOut === undefined ? [] : [readOut];
  return {
    rows,
    columns: ['id', 'tokens', 'unseen', 'topic', 'proportion', ...named.map(() => 'read_out')],
    cells: ({ id, tokens, unseen, topics }) =>
      topics.map(({ topic, proportion }) => [id, tokens, unseen, topic, proportion, ...named]),
    async *text(rows, style) {
      yield style('bold', `${'document'.padEnd(32)} ${'tokens'.padStart(7)}  topics${inHeader(readOut)}`);
      for await (const { id, tokens, unseen, topics } of rows) {
        const shown = topics.map(({ topic, proportion }) => `${topic} ${style('dim', percent(proportion))}`).join('  ');
        const note = unseen ? style('dim', `  (${grouped(unseen)} unseen)`) : '';
        yield `${padded(printable(id), 32)} ${grouped(tokens).padStart(7)}  ${shown}${note}`;
      }
    },
  };
}
